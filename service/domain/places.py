"""Where people live and which health centre serves them: dated data, read strictly from `places/*.yaml`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse

FOLDER = Path(__file__).parent / "places"
CENTRE_NAME_LONGEST = 24  # what screens and messages leave room for
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PlacesMistake(DataMistake):
    """A file of places cannot be used; the text names the place and the remedy."""


class Zone(NamedTuple):
    """A quartier. `code` never changes; `centre_code` is None where no health centre is known."""

    code: str
    name: str
    spellings: tuple[str, ...]
    centre_code: str | None


class Centre(NamedTuple):
    """A health centre; `kind` is "cscom" or "reference". `vaccination_days` is empty where nobody told us."""

    code: str
    name: str
    kind: str
    confidence: str
    vaccination_days: tuple[str, ...] = ()


class Places(NamedTuple):
    """The zones, in alphabetical order as shown, and the centres of one district."""

    name: str
    district: str
    zones: tuple[Zone, ...]
    centres: tuple[Centre, ...]
    zones_by_code: Mapping[str, Zone]
    centres_by_code: Mapping[str, Centre]
    zones_by_spelling: Mapping[str, Zone]

    def zone(self, code: str) -> Zone | None:
        return self.zones_by_code.get(code)

    def centre(self, code: str | None) -> Centre | None:
        return self.centres_by_code.get(code) if code else None

    def centre_of(self, zone_code: str) -> Centre | None:
        """The centre that serves a zone; None for an unknown zone or one without a centre."""
        zone = self.zone(zone_code)
        return self.centre(zone.centre_code) if zone else None

    def zone_spelt(self, typed: str) -> Zone | None:
        """The zone a person wrote, however accents, capitals, dashes and known spellings fall."""
        return self.zones_by_spelling.get(plain_name(typed))


def load_places(text: str) -> Places:
    """The places written in this YAML text; raises PlacesMistake naming the place and the remedy."""
    file = Table(parse(text, PlacesMistake), "places", PlacesMistake)
    file.where = name = file.text("places")
    district = file.text("district")
    file.text("name_fr")
    file.text("why")
    file.maybe("spellings_why", file.text)
    file.plain("confidence")
    file.plain("sources")
    centres = tuple(_centre(part) for part in file.tables("centres"))
    centres_by_code = {centre.code: centre for centre in centres}
    zones = tuple(_zone(part, centres_by_code) for part in file.tables("zones"))
    file.done()
    zones_by_code = {zone.code: zone for zone in zones}
    if len(zones_by_code) != len(zones) or len(centres_by_code) != len(centres):
        raise PlacesMistake(f"{name}: a code is there twice; codes are written into records and must be unique")
    return Places(name, district, zones, centres, zones_by_code, centres_by_code, _by_spelling(zones, name))


def built_in_places(name: str = "commune3") -> Places:
    """The places that come with the product."""
    return load_places((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _centre(part: Table) -> Centre:
    centre = Centre(
        part.text("code"),
        part.text("name"),
        part.one_of("kind", ("cscom", "reference")),
        part.one_of("confidence", CONFIDENCES),
        part.maybe_texts("vaccination_days"),
    )
    part.maybe("why", part.text)
    part.done()
    if len(centre.name) > CENTRE_NAME_LONGEST:
        raise PlacesMistake(f"{part.where}: '{centre.name}' is longer than {CENTRE_NAME_LONGEST} characters")
    strange = [day for day in centre.vaccination_days if day not in WEEKDAYS]
    if strange or len(set(centre.vaccination_days)) < len(centre.vaccination_days):
        found = strange[0] if strange else "a day twice"
        raise PlacesMistake(f"{part.where}: 'vaccination_days' takes {', '.join(WEEKDAYS)}, each once, not {found}")
    return centre


def _zone(part: Table, centres: Mapping[str, Centre]) -> Zone:
    zone = Zone(part.text("code"), part.text("name"), part.maybe_texts("spellings"), part.maybe("centre", part.text))
    part.done()
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", zone.code):
        raise PlacesMistake(f"{part.where}: code '{zone.code}' must be small letters, digits and dashes")
    if zone.centre_code is not None and zone.centre_code not in centres:
        raise PlacesMistake(f"{part.where}: centre '{zone.centre_code}' is not in 'centres'")
    return zone


def _by_spelling(zones: tuple[Zone, ...], name: str) -> Mapping[str, Zone]:
    found: dict[str, Zone] = {}
    for zone in zones:
        for spelling in {plain_name(spelling) for spelling in (zone.code, zone.name, *zone.spellings)}:
            if spelling in found:
                raise PlacesMistake(f"{name}: {zone.name} and {found[spelling].name} are spelt alike")
            found[spelling] = zone
    return found


def plain_name(typed: str) -> str:
    """'Sélingué', 'selingue' and 'SELINGUE ' are one place."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", typed).casefold())
