"""A FLOIP container as values to be run: flows, blocks, exits, resources.

Read kindly: what has the shape of an older draft (resources at the container, one `set_contact_property` object,
`Core\\RunFlow`) is understood. What cannot be run at all is a `FlowMistake`; the rest is the checker's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flows.floip.floip_size import refuse_too_large
from flows.mistakes import FlowMistake

MODES: Final = ("TEXT", "SMS", "USSD", "IVR", "RICH_MESSAGING", "OFFLINE")

SELECT_ONE: Final = "MobilePrimitives.SelectOneResponse"
SELECT_MANY: Final = "MobilePrimitives.SelectManyResponses"
NUMERIC: Final = "MobilePrimitives.NumericResponse"
OPEN: Final = "MobilePrimitives.OpenResponse"
LOCATION: Final = "SmartDevices.LocationResponse"
PHOTO: Final = "SmartDevices.PhotoResponse"
MESSAGE: Final = "MobilePrimitives.Message"
PRINT: Final = "ConsoleIO.Print"
CASE: Final = "Core.Case"
LOG: Final = "Core.Log"
RUN_FLOW: Final = "Core.RunFlow"
OUTPUT: Final = "Core.Output"
SET_PROPERTY: Final = "Core.SetContactProperty"
SET_GROUP: Final = "Core.SetGroupMembership"
WEBHOOK: Final = "Core.Webhook"

CHOICES: Final = (SELECT_ONE, SELECT_MANY)
QUESTIONS: Final = (*CHOICES, NUMERIC, OPEN, LOCATION, PHOTO)
RUN_HERE: Final = (*QUESTIONS, MESSAGE, PRINT, CASE, LOG, RUN_FLOW, OUTPUT, SET_PROPERTY, SET_GROUP)
_OLD_NAMES: Final = {
    "MobilePrimitives.SelectManyResponse": SELECT_MANY,
    "Console.Print": PRINT,
    "SmartDevices.LocationResponse": LOCATION,
}


@dataclass(frozen=True, slots=True)
class FloipExit:
    """A way out of a block. `destination` is None where the flow ends."""

    uuid: str
    name: str
    test: str
    default: bool
    destination: str | None


@dataclass(frozen=True, slots=True)
class FloipBlock:
    """A step of a flow. `config` is as the container has it."""

    uuid: str
    name: str
    label: str
    type: str
    config: Mapping[str, Any]
    exits: tuple[FloipExit, ...]


@dataclass(frozen=True, slots=True)
class FloipLanguage:
    """A language of a flow: its identifier there, and its ISO 639-3 code."""

    id: str
    iso_639_3: str
    label: str
    variant: str


@dataclass(frozen=True, slots=True)
class FloipFlow:
    """A flow, its blocks by uuid in small letters, the content of its resources by uuid."""

    uuid: str
    name: str
    languages: tuple[FloipLanguage, ...]
    modes: tuple[str, ...]
    first_block: str
    exit_block: str | None
    blocks: Mapping[str, FloipBlock]
    resources: Mapping[str, tuple[Mapping[str, Any], ...]]

    def language(self, wanted: str) -> FloipLanguage | None:
        """The language of that identifier, else the first with that ISO code."""
        by_id = (language for language in self.languages if language.id == wanted)
        by_code = (language for language in self.languages if language.iso_639_3 == wanted)
        return next(by_id, None) or next(by_code, None)

    def spoken(self, language: str, code: str) -> FloipLanguage | None:
        """The language a run speaks here: that identifier, that ISO code, else the flow's first."""
        return self.language(language) or self.language(code) or next(iter(self.languages), None)


@dataclass(frozen=True, slots=True)
class FloipContainer:
    """Flows by uuid in small letters, in the order of the container."""

    uuid: str
    name: str
    flows: Mapping[str, FloipFlow]

    def flow(self, uuid: object) -> FloipFlow | None:
        """The flow of that uuid, None when it is not in the container."""
        return self.flows.get(uuid_key(uuid))


def uuid_key(uuid: object) -> str:
    """Uuids are compared whatever the case of their letters."""
    return uuid.strip().lower() if isinstance(uuid, str) else ""


def read_container(raw: object) -> FloipContainer:
    """The container of a JSON document; `FlowMistake` when nothing in it can be run."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("flows"), list):
        raise FlowMistake("this is no FLOIP container: it needs a list of 'flows'")
    if not raw["flows"]:
        raise FlowMistake("the container holds no flow")
    refuse_too_large(raw)
    shared = _resources(raw.get("resources"))
    flows: dict[str, FloipFlow] = {}
    for number, flow in enumerate(raw["flows"], start=1):
        read = _flow(flow, f"flow {number} of the container", shared)
        flows.setdefault(uuid_key(read.uuid), read)
    return FloipContainer(_word(raw, "uuid"), _word(raw, "name"), flows)


def _flow(raw: object, place: str, shared: Mapping[str, tuple[Mapping[str, Any], ...]]) -> FloipFlow:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("uuid"), str):
        raise FlowMistake(f"{place} needs a 'uuid'")
    place = f"flow '{_word(raw, 'name') or raw['uuid']}'"
    if not isinstance(raw.get("blocks"), list) or not raw["blocks"]:
        raise FlowMistake(f"{place} needs a list of 'blocks'")
    blocks: dict[str, FloipBlock] = {}
    for number, block in enumerate(raw["blocks"], start=1):
        read = _block(block, f"{place}, block {number}")
        blocks.setdefault(uuid_key(read.uuid), read)
    first = uuid_key(raw.get("first_block_id")) or next(iter(blocks))
    if first not in blocks:
        raise FlowMistake(f"{place}: its first block {raw.get('first_block_id')!r} is not among its blocks")
    exit_block = uuid_key(raw.get("exit_block_id"))
    return FloipFlow(
        raw["uuid"], _word(raw, "name"), _languages(raw.get("languages")), _modes(raw.get("supported_modes")), first,
        exit_block if exit_block in blocks else None, blocks, {**shared, **_resources(raw.get("resources"))},
    )  # fmt: skip


def _block(raw: object, place: str) -> FloipBlock:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("uuid"), str) or not isinstance(raw.get("type"), str):
        raise FlowMistake(f"{place} needs a 'uuid' and a 'type'")
    name = _word(raw, "name") or raw["uuid"]
    exits = raw.get("exits")
    if not isinstance(exits, list) or not all(isinstance(each, Mapping) for each in exits):
        raise FlowMistake(f"block '{name}' needs a list of 'exits'")
    config = raw.get("config")
    if config is not None and not isinstance(config, Mapping):
        raise FlowMistake(f"block '{name}': its 'config' must be an object")
    kind = raw["type"].replace("\\", ".")
    return FloipBlock(
        raw["uuid"], name, _word(raw, "label"), _OLD_NAMES.get(kind, kind), config or {},
        tuple([_exit(each) for each in exits]),
    )  # fmt: skip


def _exit(raw: Mapping[str, Any]) -> FloipExit:
    test = raw.get("test")
    return FloipExit(
        _word(raw, "uuid"),
        _word(raw, "name") or _word(raw, "tag"),
        test.strip() if isinstance(test, str) else "TRUE" if test is True else "",
        raw.get("default") is True,
        uuid_key(raw.get("destination_block")) or None,
    )


def _languages(raw: object) -> tuple[FloipLanguage, ...]:
    """An older draft had codes in the place of objects."""
    languages = []
    for each in raw if isinstance(raw, list) else []:
        if isinstance(each, str):
            languages.append(FloipLanguage(each, each, "", ""))
        elif isinstance(each, Mapping) and isinstance(each.get("id"), str):
            code = _word(each, "iso_639_3") or each["id"]
            languages.append(FloipLanguage(each["id"], code, _word(each, "label"), _word(each, "variant")))
    return tuple(languages)


def _modes(raw: object) -> tuple[str, ...]:
    modes = [each.upper() for each in raw if isinstance(each, str)] if isinstance(raw, list) else []
    return tuple(mode for mode in modes if mode in MODES)


def _resources(raw: object) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """A list of resources, or an object of them by uuid."""
    resources: dict[str, tuple[Mapping[str, Any], ...]] = {}
    if isinstance(raw, Mapping):
        raw = [{"uuid": uuid, **each} for uuid, each in raw.items() if isinstance(each, Mapping)]
    for each in raw if isinstance(raw, list) else []:
        if isinstance(each, Mapping) and isinstance(each.get("values"), list):
            values = tuple(value for value in each["values"] if isinstance(value, Mapping))
            resources.setdefault(uuid_key(each.get("uuid")), values)
    return resources


def _word(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""
