"""A FLOIP flow on its way to ours: its texts in our languages, our id for each block, our name for each path.

Nothing here trusts the file: what is not of the expected shape counts as absent.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from copy import copy
from typing import Any, Final

from flows.interchange.carried_over import CarriedOver
from flows.interchange.floip_names import FROM_ISO, Paths, ours
from flows.interchange.floip_texts import template_back, written_back
from flows.step_reading import ID, RESERVED

Json = Mapping[str, Any]
# Which spelling is taken where a text has several: the true one.
_SPELLINGS: Final = ("RICH_MESSAGING", "TEXT", "SMS", "USSD", "OFFLINE", "IVR")
_LONGEST_ID: Final = 40
_USUAL_WIDTH: Final = "40"


def mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def words(value: object) -> str:
    return value if isinstance(value, str) else ""


def slug(written: str, usual: str = "etape") -> str:
    """An id of ours for any name: small letters without accents, digits and _."""
    plain = unicodedata.normalize("NFKD", written[:200]).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST_ID].rstrip("_")
    if found and not found[0].isalpha():
        found = f"{usual}_{found}"
    return f"{found or usual}_" if found in RESERVED else found or usual


def free(wanted: str, taken: Collection[str]) -> str:
    """The id, with a number behind it if it is taken."""
    place, found = 2, wanted
    while found in taken:
        found, place = f"{wanted}_{place}", place + 1
    return found


class Reading:
    """One flow of a container, with what its blocks need to know of it."""

    def __init__(self, flow: Json, flow_ids: Mapping[str, str], report: CarriedOver) -> None:
        self.flow = flow
        self.flow_id = flow_ids[words(flow.get("uuid"))]
        self.flow_ids = flow_ids
        self.report = report
        self.languages = self._languages()
        self._values = {words(each.get("uuid")): each for each in map(mapping, listed(flow.get("resources")))}
        self.blocks = [each for each in map(mapping, listed(flow.get("blocks"))) if words(each.get("uuid"))]
        self.steps: list[Json] = []
        self.parts: dict[tuple[str, str], Json] = {}
        # By block: the step a caller who is led there comes to.
        self.ids: dict[str, str] = {}
        self._name_blocks()
        # Properties of the contact, under our names: all that are met, those that are set, those that are numbers.
        self.kept: dict[str, str] = {}
        self.sets: set[str] = set()
        self.numbers: set[str] = set()
        # By question, our key for each choice of others.
        self.choices: dict[str, dict[str, str]] = {}
        self._paths = self._known_paths()

    def at(self, place: str) -> "Reading":
        """The same flow, its next lines in the report told of this place."""
        here = copy(self)
        here.report = self.report.at(place)
        return here

    # --- languages and texts --------------------------------------------------------------------------------------

    def _languages(self) -> dict[str, str]:
        """Our code by FLOIP's, in the order of the flow."""
        found: dict[str, str] = {}
        for language in map(mapping, listed(self.flow.get("languages"))):
            code, own = words(language.get("id")), FROM_ISO.get(words(language.get("iso_639_3")))
            if own is None or own in found.values():
                why = "is none of ours (fr, bm, en)" if own is None else "is a second variant; the first is kept"
                self.report.leave(f"the language '{code}' {why}: its texts are left out")
            else:
                found[code] = own
        return found

    def spoken(self) -> list[str]:
        return list(self.languages.values())

    def text(self, uuid: object, hints: object = None, without: Mapping[str, str] | None = None) -> dict[str, str]:
        """A text as the file says it, less what stands under it in each language."""
        values: dict[str, str] = {}
        for language, value in self._spellings(words(uuid)).items():
            below = (without or {}).get(language, "")
            if below and not value.endswith(below):
                self.report.leave("the lines under a question were changed; they are left in its words")
                below = ""
            values[language] = self._said(value[: len(value) - len(below)])
        if not values and not hints:
            self.report.leave("a text has no words in our languages; dots stand for it")
            return {"all": "…"}
        return self._complete(written_back(values, mapping(hints), self.spoken()))

    def _complete(self, text: dict[str, str]) -> dict[str, str]:
        """The first language of a flow is always written."""
        first = self.spoken()[0]
        if "all" in text or first in text:
            return text
        self.report.leave(f"a text has no words in '{first}': those of another language stand for them")
        return {first: next(iter(text.values()), "…"), **text}

    def _spellings(self, uuid: str) -> dict[str, str]:
        """By language, the one value that is taken: words, in their true spelling if there are several."""
        found: dict[str, tuple[int, str]] = {}
        for value in map(mapping, listed(mapping(self._values.get(uuid)).get("values"))):
            language = self.languages.get(words(value.get("language_id")))
            if value.get("content_type", "TEXT") != "TEXT":
                self.report.leave(f"what is no text is left out ({words(value.get('content_type')).lower()[:20]})")
            elif language is not None:
                modes = [words(mode) for mode in listed(value.get("modes"))]
                rank = min((_SPELLINGS.index(mode) for mode in modes if mode in _SPELLINGS), default=len(_SPELLINGS))
                if language not in found or rank < found[language][0]:
                    found[language] = (rank, words(value.get("value")))
        return {language: value for language, (_, value) in found.items()}

    def _said(self, value: str) -> str:
        """A value with our names in it; a brace of its own would look like one."""
        if "{" in value or "}" in value:
            self.report.leave("braces in a text became round brackets: ours stand for names")
            value = value.replace("{", "(").replace("}", ")")
        said, strange = template_back(value, self.name)
        for expression in strange:
            self.report.leave(f"{_short(expression)} cannot be said in a text of ours; dots stand for it")
        return said

    # --- blocks and ways ------------------------------------------------------------------------------------------

    def _name_blocks(self) -> None:
        taken: set[str] = set()
        for block in sorted(self.blocks, key=lambda each: not _is_own(each)):
            self._name_block(block, taken)
        self.steps = [each for each in self.blocks if not ours(each).get("part_of")]
        first = words(self.flow.get("first_block_id"))
        entered = self.ids.get(first)
        self.steps.sort(key=lambda each: self.ids[words(each["uuid"])] != entered)

    def _name_block(self, block: Json, taken: set[str]) -> None:
        own = ours(block)
        uuid, part_of = words(block["uuid"]), words(own.get("part_of"))
        if part_of:
            self.parts[part_of, words(own.get("part"))] = block
            self.ids[uuid] = part_of
            return
        wanted = words(own.get("id"))
        if not ID.fullmatch(wanted) or wanted in taken:
            wanted = slug(words(block.get("name")) or words(block.get("label")))
        self.ids[uuid] = free(wanted, taken)
        taken.add(self.ids[uuid])

    def id_of(self, block: Json) -> str:
        return self.ids[words(block["uuid"])]

    def exits(self, block: Json) -> list[Json]:
        return [mapping(each) for each in listed(block.get("exits"))]

    def target(self, way: Json) -> str | None:
        """The step an exit leads to; None where the flow ends."""
        return self.ids.get(words(way.get("destination_block")))

    # --- names ----------------------------------------------------------------------------------------------------

    def _known_paths(self) -> Paths:
        asked, kept = [], []
        for block in self.steps:
            own, step_id = ours(block), self.id_of(block)
            keys = mapping(own.get("keys"))
            given_up = own.get("kind") in ("text", "phone") and (step_id, "tries") in self.parts
            if own.get("kind") == "date" or keys.get("or") or given_up:
                kept.append(step_id)
            else:
                asked.append(step_id)
            kept += mapping(keys.get("gives"))
            if own.get("kind") == "set":
                kept += [key.removeprefix(f"{self.flow_id}__") for key, _ in properties_set(block)]
        facts = mapping(mapping(ours(self.flow).get("keys")).get("facts"))
        return Paths(self.flow_id, asked, facts, [each for each in kept if isinstance(each, str)])

    def name(self, path: str) -> str | None:
        """Our name for what an expression reads; None when there is none."""
        plain = path.removesuffix(".value").removesuffix(".__value__")
        return self._paths.name(plain) or self._foreign_name(plain)

    def _foreign_name(self, path: str) -> str | None:
        root, _, rest = path.partition(".")
        root, rest = root.lower(), rest.removeprefix("results.")
        if root in ("flow", "results", "run") and rest:
            return next((self.id_of(b) for b in self.steps if words(b.get("name")).lower() == rest.lower()), None)
        if root != "contact" or not rest or "." in rest:
            return None
        return self.contact_name(rest)

    def contact_name(self, key: str) -> str:
        """A property of the contact: something this flow sets, or a fact it is told."""
        if key not in self.kept:
            taken = {*self.ids.values(), *self.kept.values()}
            self.kept[key] = free(slug(key.removeprefix("properties."), "fait"), taken)
        return self.kept[key]

    def set_name(self, key: str) -> str:
        """The name under which this flow keeps a property it sets."""
        name = self.contact_name(key)
        self.sets.add(name)
        return name

    def facts(self) -> dict[str, Any]:
        """What the flow reads of the contact and does not set: it must be told. Types are a guess, and said to be."""
        found: dict[str, Any] = {}
        for key, name in self.kept.items():
            if name not in self.sets:
                found[name] = "number" if name in self.numbers else {"text": _USUAL_WIDTH}
                self.report.leave(f"'contact.{key}' became the fact '{name}': say its type, and who tells it")
        return found


def _is_own(block: Json) -> bool:
    return bool(ours(block))


def properties_set(block: Json) -> list[tuple[str, str]]:
    """The contact properties a block sets, with their values."""
    held = mapping(block.get("config")).get("set_contact_property")
    pairs = [mapping(each) for each in ([held] if isinstance(held, Mapping) else listed(held))]
    return [(words(each.get("property_key")), words(each.get("property_value"))) for each in pairs]


def _short(expression: str) -> str:
    return expression if len(expression) <= 60 else f"{expression[:57]}..."
