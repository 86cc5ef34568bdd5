"""What Twilio tells when it is asked: the messages it took from us, and those that people wrote to us.

Its list is newest first, in pages. The SDK would follow "the next page" for ever, and to whatever host a page names:
pages are counted here, and the HTTP client refuses any other host than ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from service.channels.base import CannotAsk

PAGE_SIZE, MOST_PAGES = 100, 50


def sent(client: Any, to: str, since: int, until: int) -> list[Any]:
    """Its records of messages to this number that it took between these moments."""
    found = _newer(_pages(client, since, to=to), since)
    return [one for one in found if one.direction != "inbound" and _taken_at(one) <= until]


def received(client: Any, to: str | None, since: int) -> list[Any]:
    """Its records of what people wrote to this number (to any of ours if None) since then, oldest first."""
    found = _newer(_pages(client, since, **({"to": to} if to else {})), since)
    return [one for one in found if one.direction == "inbound"][::-1]


def taken_at(record: Any) -> int | None:
    """When it got the message, in UTC milliseconds."""
    moment = record.date_created or record.date_sent
    return int(moment.timestamp() * 1000) if isinstance(moment, datetime) else None


def _taken_at(record: Any) -> int:
    moment = taken_at(record)
    if moment is None:
        raise CannotAsk("a message without a date")
    return moment


def _newer(pages: Iterator[list[Any]], since: int) -> list[Any]:
    """The records since then. Pages that are older altogether are the end; too many pages are no answer."""
    found: dict[str, Any] = {}
    for number, page in enumerate(pages):
        fresh = {str(one.sid): one for one in page if _taken_at(one) >= since}
        if not fresh.keys() - found.keys():
            break  # all older, or told before
        if number == MOST_PAGES:
            raise CannotAsk("its list has no end")
        found |= fresh
    return list(found.values())


def _pages(client: Any, since: int, **which: str) -> Iterator[list[Any]]:
    # The filter knows whole days, by the day it was sent: asked a day early, cut exactly by `_newer`.
    day = datetime.fromtimestamp(since / 1000 - 86_400, UTC).strftime("%Y-%m-%d")
    page = client.messages.page(date_sent_after=day, page_size=PAGE_SIZE, **which)
    while page is not None:
        yield list(page)
        page = page.next_page()
