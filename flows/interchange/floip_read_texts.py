"""Whether the texts that a speaker has read are still those that a container brings: told by a fingerprint of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flows.interchange.floip_reading import Json, listed, mapping, words

_DIGITS: Final = 32


def fingerprints(languages: Iterable[str], resources: object, code_of: Mapping[str, str]) -> dict[str, str]:
    """By language of ours, 128 bits in hexadecimal of every text in it; `code_of` is the flow's own code for each."""
    return {each: _fingerprint(resources, code_of[each]) for each in languages if each in code_of}


def _fingerprint(resources: object, code: str) -> str:
    said = [
        [words(resource.get("uuid")), value.get("modes"), value.get("value")]
        for resource in map(mapping, listed(resources))
        for value in map(mapping, listed(resource.get("values")))
        if value.get("language_id") == code
    ]
    lines = sorted(json.dumps(each, ensure_ascii=True) for each in said)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


def changed_since_read(flow: Json, own: Mapping[str, Any], languages: Mapping[str, str]) -> list[str]:
    """The languages whose texts are no longer those of the export. `languages`: our code by the flow's own."""
    kept = mapping(own.get("read"))
    now = fingerprints(languages.values(), flow.get("resources"), {ours: code for code, ours in languages.items()})
    return [each for each, found in now.items() if kept.get(each) != found]
