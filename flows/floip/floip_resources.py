"""What a block says: the content of a resource for a language and a mode.

The specification gives content for a language and a mode and no rule for what is missing; the order here is ours.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flows.floip.floip_container import FloipFlow, uuid_key

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# TEXT is said to include SMS and USSD. The further modes only stand in where nothing nearer is there.
_STANDING_IN: Final = {
    "SMS": ("SMS", "TEXT", "USSD", "RICH_MESSAGING", "OFFLINE", "IVR"),
    "USSD": ("USSD", "TEXT", "SMS", "RICH_MESSAGING", "OFFLINE", "IVR"),
    "TEXT": ("TEXT", "SMS", "USSD", "RICH_MESSAGING", "OFFLINE", "IVR"),
    "RICH_MESSAGING": ("RICH_MESSAGING", "TEXT", "SMS", "USSD", "OFFLINE", "IVR"),
    "OFFLINE": ("OFFLINE", "TEXT", "RICH_MESSAGING", "SMS", "USSD", "IVR"),
    "IVR": ("IVR", "TEXT", "SMS", "USSD", "RICH_MESSAGING", "OFFLINE"),
}


def is_uuid(text: object) -> bool:
    """Written as the specification wants it: hexadecimal, with hyphens."""
    return bool(_UUID.fullmatch(uuid_key(text)))


def exact_modes(mode: str) -> tuple[str, ...]:
    """The modes whose content the specification itself lets a mode use."""
    return (mode, "TEXT") if mode in ("SMS", "USSD") else (mode,)


def content(flow: FloipFlow, resource: object, language: str, mode: str) -> str | None:
    """The text of a resource before its expressions are filled in; None when the flow has no such resource.

    The run's language goes first, then the flow's first; within each the run's mode, then modes near to it.
    In IVR a recording goes before a text. A resource that is no uuid is itself the text.
    """
    if not isinstance(resource, str) or not resource:
        return None
    values = flow.resources.get(uuid_key(resource))
    if values is None:
        return None if is_uuid(resource) else resource
    primary = flow.languages[0].id if flow.languages else language
    kinds = ("AUDIO", "TEXT") if mode == "IVR" else ("TEXT",)
    for wanted in dict.fromkeys((language, primary)):
        own = [value for value in values if value.get("language_id") == wanted]
        for near in _STANDING_IN[mode]:
            for kind in kinds if near == "IVR" else ("TEXT",):
                if (found := first_content(own, near, kind)) is not None:
                    return found
    return ""


def first_content(values: Iterable[Mapping[str, Any]], mode: str, kind: str) -> str | None:
    """The first value of a mode and a content type, whatever the case these are written in."""
    for value in values:
        modes = value.get("modes")
        listed = [str(each).upper() for each in modes] if isinstance(modes, list) else []
        written = value.get("value")
        if mode in listed and str(value.get("content_type", "TEXT")).upper() == kind and isinstance(written, str):
            return written
    return None
