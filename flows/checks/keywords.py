"""Check 14: what people dial or text to begin a flow begins only this one, and never stops the messages."""

from collections.abc import Iterator

from flows.answers import keyword
from flows.findings import ERROR, Finding
from flows.model import Library
from flows.sms_text import fold


def check_keywords(library: Library) -> Iterator[Finding]:
    """14: each keyword and code starts one flow, and no keyword is STOP, START or their kin."""
    taken: dict[tuple[str, str], str] = {}
    for flow in library.flows.values():
        for way, words in flow.start.items():
            for word in words:
                key = (way, fold(word).strip().casefold())
                if key in taken:
                    message = f"'{word}' starts '{taken[key]}' already: choose another"
                    yield Finding(flow.file, "", "", ERROR, message, 14)
                taken.setdefault(key, flow.id)
                if way == "sms" and keyword(word) is not None:
                    message = f"'{word}' already means {str(keyword(word)).upper()}: choose another keyword"
                    yield Finding(flow.file, "", "", ERROR, message, 14)
