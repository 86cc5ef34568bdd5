"""The shape of a container of FLOIP 1.0.0-rc4: the rules of its JSON schema, as data of our own.

Where the schema and the pages of the specification differ, what either allows is allowed: null for a missing
destination, variant or label, a choice without a prompt, a minimum of no choices.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from flows.floip.floip_container import (
    LOCATION,
    LOG,
    MESSAGE,
    MODES,
    NUMERIC,
    OPEN,
    OUTPUT,
    PHOTO,
    RUN_FLOW,
    SELECT_MANY,
    SELECT_ONE,
    SET_GROUP,
    SET_PROPERTY,
)
from flows.mistakes import nearest

# Tells a place within what is checked ("exits[0].uuid") and what is wrong there.
Report = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `like` is a pattern, and `meant` says in words what it wants."""

    like: re.Pattern[str] | None = None
    meant: str = ""
    shortest: int = 0


@dataclass(frozen=True, slots=True)
class Number:
    """A number, not below `least`."""

    least: float | None = None


@dataclass(frozen=True, slots=True)
class YesNo:
    """true or false."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these texts."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of things of one shape."""

    each: "Shape"
    fewest: int = 0


@dataclass(frozen=True, slots=True)
class Object:
    """An object. `closed`: no further keys. `nullable`: these optional keys may be null."""

    required: Mapping[str, "Shape"] = field(default_factory=dict)
    optional: Mapping[str, "Shape"] = field(default_factory=dict)
    nullable: tuple[str, ...] = ()
    closed: bool = True


Shape: TypeAlias = Text | Number | YesNo | OneOf | ListOf | Object

_UUID: Final = Text(
    re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"),
    "a uuid, like 2b375764-9fcc-11e7-abc4-cec278b6b50a",
)
_ANY: Final = Object(closed=False)
_WORD: Final = Text()
_MOMENT: Final = Text(
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE),
    "a moment, like 2026-03-05T08:30:00Z",
)
_MODES: Final = ListOf(OneOf(MODES))

EXIT: Final = Object(
    {"uuid": _UUID, "name": _WORD},
    {"destination_block": _UUID, "semantic_label": _WORD, "test": _WORD, "default": YesNo(), "vendor_metadata": _ANY},
    nullable=("destination_block", "semantic_label"),
)
_CANVAS: Final = Object({"x": Number(), "y": Number()})
# What stands in `config` depends on the type of the block: see CONFIGS.
BLOCK: Final = Object(
    {
        "uuid": _UUID,
        "name": Text(re.compile(r"[a-zA-Z_]\w*", re.ASCII), "a name of letters, digits and _, as used in expressions"),
        "type": _WORD,
        "config": _ANY,
        "exits": ListOf(EXIT, fewest=1),
    },
    {
        "label": _WORD,
        "semantic_label": _WORD,
        "tags": ListOf(_WORD),
        "vendor_metadata": _ANY,
        "ui_metadata": Object({}, {"canvas_coordinates": _CANVAS}, closed=False),
    },
    nullable=("label", "semantic_label"),
)
_LANGUAGE: Final = Object(
    {"id": _WORD, "iso_639_3": Text(re.compile(r"[a-z]{3}"), "a code of ISO 639-3, three small letters")},
    {"label": _WORD, "variant": _WORD, "bcp_47": _WORD},
    nullable=("label", "variant", "bcp_47"),
)
_VALUE: Final = Object(
    {"language_id": _WORD, "content_type": _WORD, "modes": _MODES, "value": Text(shortest=1)},
    {"mime_type": _WORD},
    nullable=("mime_type",),
)
_RESOURCE: Final = Object({"uuid": _UUID, "values": ListOf(_VALUE)})
# The blocks are looked at one by one, so that a finding can name its block.
FLOW: Final = Object(
    {
        "uuid": _UUID,
        "name": Text(shortest=3),
        "last_modified": _MOMENT,
        "interaction_timeout": Number(0),
        "supported_modes": ListOf(OneOf(MODES), fewest=1),
        "languages": ListOf(_LANGUAGE, fewest=1),
        "blocks": ListOf(_ANY, fewest=1),
        "first_block_id": _UUID,
        "resources": ListOf(_RESOURCE),
    },
    {"label": _WORD, "exit_block_id": _UUID, "vendor_metadata": _ANY},
    nullable=("label", "exit_block_id"),
)
CONTAINER: Final = Object(
    {"specification_version": _WORD, "uuid": _UUID, "name": _WORD, "flows": ListOf(_ANY, fewest=1)},
    {"description": _WORD, "vendor_metadata": _ANY},
    nullable=("description",),
)

_PROPERTIES: Final = ListOf(Object({"property_key": _WORD, "property_value": _WORD}))
_TEST: Final = Object({"test_expression": _WORD})
_CHOICE: Final = Object(
    {"name": Text(shortest=1)},
    {
        "prompt": _UUID,
        "ivr_test": _TEST,
        "text_tests": ListOf(Object({"test_expression": _WORD}, {"language": _WORD}, nullable=("language",))),
    },
    nullable=("prompt", "ivr_test", "text_tests"),
)
_PROMPTS: Final = {"prompt": _UUID, "question_prompt": _UUID}
_IVR_CHOICES: Final = Object({}, {"digit_prompts": ListOf(_UUID), "randomize_choice_order": YesNo()})
_CHOICES: Final = {"choices": ListOf(_CHOICE, fewest=1)}


def _config(required: Mapping[str, Shape], optional: Mapping[str, Shape]) -> Object:
    """A config is open: what is not known to the specification may stand there too."""
    own = {} if "set_contact_property" in required else {"set_contact_property": _PROPERTIES}
    return Object(required, {**own, **optional}, nullable=("prompt", "question_prompt"), closed=False)


_GROUPS: Final = ListOf(Object({"group_key": _WORD}, {"group_name": _WORD}, nullable=("group_name",)))
CONFIGS: Final[Mapping[str, Object]] = {
    MESSAGE: _config({"prompt": _UUID}, {}),
    SELECT_ONE: _config(_CHOICES, {**_PROMPTS, "ivr": _IVR_CHOICES}),
    SELECT_MANY: _config(
        _CHOICES, {**_PROMPTS, "ivr": _IVR_CHOICES, "minimum_choices": Number(0), "maximum_choices": Number(1)}
    ),
    NUMERIC: _config(
        {},
        {
            "prompt": _UUID, "validation_minimum": Number(), "validation_maximum": Number(),
            "ivr": Object({}, {"max_digits": Number(0)}),
        },
    ),
    OPEN: _config(
        {}, {"prompt": _UUID, "ivr": Object({}, {"max_duration_seconds": Number(0), "end_recording_digits": _WORD})}
    ),
    LOCATION: _config(
        {"prompt": _UUID}, {"accuracy_threshold_meters": Number(0), "accuracy_timeout_seconds": Number(0)}
    ),
    PHOTO: _config({"prompt": _UUID}, {}),
    LOG: _config({"message": _WORD}, {}),
    RUN_FLOW: _config({"flow_id": _UUID}, {}),
    OUTPUT: _config({"value": _WORD}, {}),
    SET_PROPERTY: _config({"set_contact_property": _PROPERTIES}, {}),
    SET_GROUP: _config({}, {"groups": _GROUPS, "is_member": YesNo(), "clear": YesNo()}),
}  # fmt: skip


def check_shape(shape: Shape, raw: Any, report: Report, place: str = "") -> None:
    """Reports each place where `raw` has not the shape. Depth is that of the shape, whatever `raw` is."""
    if isinstance(shape, Object):
        _check_object(shape, raw, report, place)
    elif isinstance(shape, ListOf):
        _check_list(shape, raw, report, place)
    elif wrong := _wrong(shape, raw):
        report(place, wrong)


def _wrong(shape: Text | Number | YesNo | OneOf, raw: Any) -> str:
    if isinstance(shape, YesNo):
        return "" if isinstance(raw, bool) else "must be true or false"
    if isinstance(shape, Number):
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return "must be a number"
        return f"must not be below {shape.least:g}" if shape.least is not None and raw < shape.least else ""
    if not isinstance(raw, str):
        return "must be a text"
    if isinstance(shape, OneOf):
        return "" if raw in shape.words else f"must be one of {', '.join(shape.words)}"
    if shape.like and not shape.like.fullmatch(raw):
        return f"must be {shape.meant}"
    return f"must have at least {shape.shortest} characters" if len(raw) < shape.shortest else ""


def _check_list(shape: ListOf, raw: Any, report: Report, place: str) -> None:
    if not isinstance(raw, list):
        report(place, "must be a list")
        return
    if len(raw) < shape.fewest:
        report(place, "must not be empty")
    for number, each in enumerate(raw):
        check_shape(shape.each, each, report, f"{place}[{number}]")


def _check_object(shape: Object, raw: Any, report: Report, place: str) -> None:
    if not isinstance(raw, Mapping):
        report(place, "must be an object")
        return
    known = {**shape.required, **shape.optional}
    for key in shape.required:
        if key not in raw:
            report(_within(place, key), "is missing")
    for key, value in raw.items():
        if key in known:
            if not (value is None and key in shape.nullable):
                check_shape(known[key], value, report, _within(place, key))
        elif shape.closed:
            report(_within(place, str(key)[:40]), f"is not a key of 1.0.0-rc4; {nearest(str(key)[:40], known)}")


def _within(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
