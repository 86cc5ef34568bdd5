"""What the conversations about care do: name the centre of a quartier and its days, judge the measure of an arm."""

from __future__ import annotations

from functools import cache

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.domain.muac import CannotBe
from service.domain.places import built_in_places
from service.store import place_tables
from service.stories.care import screenings
from service.stories.care.screenings import Measured
from service.stories.homes import consents
from service.stories.recall import centre_calendar
from service.stories.talk.situation import Deed, Situation, Values, caller, own_child, own_children, row_id, words_shown
from service.stories.talk.wording import place_label, weekdays


def _my_centre(tx: Connection, situation: Situation, args: Values) -> Outcome:
    """The centre that all children of this phone go to; without words when there is none, or several."""
    centres = {child.centre_id for child in own_children(tx, situation)}
    return Outcome(True, _centre(tx, situation, centres.pop() if len(centres) == 1 else None))


def _centre_of_quartier(tx: Connection, situation: Situation, args: Values) -> Outcome:
    zone_id = row_id(args["zone"])
    place = place_tables.place_of_zone(tx, zone_id) if zone_id is not None else None
    return Outcome(True, _centre(tx, situation, place.centre_id)) if place else Outcome(False)


def _centre(tx: Connection, situation: Situation, centre_id: int | None) -> dict[str, str]:
    name = place_tables.centre_name(tx, centre_id) if centre_id else ""
    return {
        "centre": f"CSCom {name}" if name else "",
        "days": weekdays(_days(tx, situation, centre_id), situation.language) if centre_id else "",
        "reference": _reference_centre(),
    }


def _days(tx: Connection, situation: Situation, centre_id: int) -> tuple[str, ...]:
    return centre_calendar.weekdays_of(tx, centre_id, situation.runtime.today(situation.now))


@cache
def _reference_centre() -> str:
    """Where the other centres send to."""
    return next((centre.name for centre in built_in_places().centres if centre.kind == "reference"), "")


def _can_be_measured(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = own_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    fits = screenings.can_be_measured(situation.runtime, child, situation.now)
    return Outcome(True, {"age": "fits" if fits else "other"})


def _screen_arm(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child, found = own_child(tx, situation, args["child"]), caller(tx, situation)
    if child is None or found is None or args["consent"] != "oui":
        return Outcome(False)
    told = Measured(args["colour"], args["mm"], args["oedema"] == "oui", args["danger"] == "oui")
    try:
        finding = screenings.record(tx, situation.runtime, child, told, found.phone_id, situation.now)
    except CannotBe:
        return Outcome(False)
    if found.person_id is not None:
        programme_id, words = child.programme_id, words_shown(situation)
        consents.keep(tx, found.person_id, "screening", words, situation.now, programme_id=programme_id)
    name = place_tables.centre_name(tx, child.centre_id) if child.centre_id else None
    return Outcome(True, {"meaning": finding.meaning, "centre": place_label(name, situation.language)})


_CENTRE = {"centre": "text", "days": "text", "reference": "text"}
_ARM = {
    "child": "id",
    "colour": "choice",
    "mm": "number?",
    "oedema": "choice",
    "danger": "choice",
    "consent": "choice",
}
DEEDS = {
    "my_centre": Deed(_my_centre, Signature({}, _CENTRE, writes=False)),
    "centre_of_quartier": Deed(_centre_of_quartier, Signature({"zone": "id"}, _CENTRE, writes=False)),
    "can_be_measured": Deed(_can_be_measured, Signature({"child": "id"}, {"age": "choice"}, writes=False)),
    "screen_arm": Deed(_screen_arm, Signature(_ARM, {"meaning": "choice", "centre": "text"})),
}
