"""Africa's Talking's inbox: what people wrote to us, given out again after the id that we name, a hundred at a time.

Its pages on fetching messages say that ids grow, and to ask until a page is empty. It is not said that its webhook
gives the same ids: whoever takes these texts in must expect others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from service.channels.base import ID_LIMIT, CannotAsk, Fields, IncomingSms, Pulled, Unreadable
from service.channels.careful_calls import CarrierAnswer
from service.channels.transport import ask

MOST_PAGES = 50  # in one pull

Read = Callable[[Fields], IncomingSms]


def pull(fetch: Callable[[str], CarrierAnswer], read: Read, cursor: str) -> Pulled:
    """All that came after `cursor`, from the first one on when it is empty; ends however the pages repeat."""
    last, texts, told = cursor or "0", list[IncomingSms](), set[str]()
    for _ in range(MOST_PAGES):
        page = {_id(one): one for one in _page_after(fetch, last) if _id(one) not in told}
        if not page:
            return Pulled(tuple(texts), last, whole=True)
        told |= page.keys()
        texts += [sms for sms in (_as_by_webhook(one, read) for one in page.values()) if sms is not None]
        last = _furthest([last, *page])
    return Pulled(tuple(texts), last, whole=False)


def _page_after(fetch: Callable[[str], CarrierAnswer], last: str) -> list[dict[str, Any]]:
    return ask(lambda: _messages(fetch(last)))


def _messages(answer: CarrierAnswer) -> list[dict[str, Any]]:
    if answer.status_code != 200:
        raise CannotAsk(f"HTTP {answer.status_code}")
    messages = json.loads(answer.content)["SMSMessageData"]["Messages"]
    return [one for one in messages if isinstance(one, dict)]


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id") or "")[:ID_LIMIT]


def _furthest(ids: Sequence[str]) -> str:
    """The id to go on from: the largest, as they are numbers that grow; else the last."""
    return max(ids, key=int) if all(re.fullmatch("[0-9]{1,18}", one) for one in ids) else ids[-1]


def _as_by_webhook(entry: Mapping[str, Any], read: Read) -> IncomingSms | None:
    """A text of the inbox, read by the webhook's rules; None when its webhook would be refused."""
    said = {name: entry.get(name) for name in ("from", "to", "text")}
    if not _id(entry) or not all(isinstance(value, str) for value in said.values()):
        return None
    try:
        fields = Fields([("id", _id(entry)), *((name, str(value)) for name, value in said.items())])
        return replace(read(fields), at=_moment(entry.get("date")))
    except Unreadable:
        return None


def _moment(written: object) -> int | None:
    """UTC milliseconds. It writes both 2026-11-20T08:15:00.000Z and 2026-11-20 08:15:00."""
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
