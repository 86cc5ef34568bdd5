"""What the loopback carrier tells when it is asked: the messages it took, and the texts that people wrote to us.

Twilio's list holds both; Africa's Talking gives out its inbox after an id. The shapes follow their documentation.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.carrier_answers import ACCOUNT, AT, FAULTS, TWILIO, Accepted, Fault

AT_PAGE = 100
# name -> what the answer to a question is like; what stands in `carrier_answers.FAULTS` may be ordered as well.
LIST_FAULTS = {
    "repeating": "each page is the first one again",
    "endless": "there is always one more page, with something new on it",
    "empty-pages": "there is always one more page, with nothing on it",
    "elsewhere": "the next page is at another host (`location`)",
    "undated": "no record has a date",
    "odd": "some entries are no messages at all",
}


@dataclass(frozen=True)
class Written:
    """A text that somebody wrote to us: `id` is its number in Africa's Talking's inbox, `sid` its name at Twilio."""

    sender: str
    text: str
    to: str
    id: int
    sid: str
    at: float


class Books:
    """What a carrier has written down: what it took and when, what became of it, and what people wrote to us."""

    account_sid: str
    username: str
    slow_seconds: float
    accepted: list[Accepted]

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        self.taken_at: dict[str, float] = {}
        self.statuses: dict[str, str] = {}  # by id, as its list tells them; "sent" when not said
        self.inbox: list[Written] = []
        self._list_orders: list[Fault] = []
        self._books_lock = threading.Lock()

    def write(self, sender: str, text: str, to: str = "99000") -> Written:
        """Somebody writes to us: it stands in the inbox, and no webhook tells of it."""
        with self._books_lock:
            one = Written(sender, text, to, 15_071 + len(self.inbox), "SM" + secrets.token_hex(16), self.clock())
            self.inbox.append(one)
        return one

    def next_list(self, name: str, times: int = 1, **details: Any) -> None:
        """The coming questions meet this fault."""
        if name not in FAULTS and name not in LIST_FAULTS:
            raise ValueError(f"no fault '{name}'; there is {', '.join([*LIST_FAULTS, *FAULTS])}")
        details.setdefault("seconds", self.slow_seconds)
        with self._books_lock:
            self._list_orders += [Fault(name, **details)] * times

    def next_list_fault(self) -> Fault | None:
        with self._books_lock:
            return self._list_orders.pop(0) if self._list_orders else None


def list_answer(carrier: Books, protocol: str, path: str, fault: Fault | None) -> tuple[int, bytes]:
    """The status and the page."""
    name, location = (fault.name, fault.location) if fault else ("", "")
    query = dict(parse_qsl(urlsplit(path).query))
    if fault and name in FAULTS and (name.isdigit() or name == "redirect"):
        return fault.status if name == "redirect" else int(name), b""
    if protocol == AT:
        return at_inbox(carrier, query, name)
    return twilio_list(carrier, path, query, name, location)


def at_inbox(carrier: Books, query: Mapping[str, str], fault: str) -> tuple[int, bytes]:
    if carrier.username and query.get("username") != carrier.username:
        return 401, b"The supplied authentication is invalid"
    last = 0 if fault == "repeating" else int(query.get("lastReceivedId") or 0)
    page: Sequence[Written] = sorted((one for one in carrier.inbox if one.id > last), key=lambda one: one.id)[:AT_PAGE]
    if fault == "endless":
        page = [stranger(carrier, last + n + 1) for n in range(AT_PAGE)]
    messages: list[Any] = [_inbox_entry(one) for one in page]
    if fault == "undated":
        messages = [entry | {"date": "yesterday"} for entry in messages]
    if fault == "odd":
        messages = [None, 7, {"id": "x"}, {"from": ["+2237"], "text": {}, "to": None, "id": None}, *messages]
    return 200, json.dumps({"SMSMessageData": {"Messages": messages}}).encode()


def _inbox_entry(one: Written) -> dict[str, Any]:
    moment = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"linkId": None, "from": one.sender, "to": one.to, "text": one.text, "id": one.id, "date": moment}


def twilio_list(carrier: Books, path: str, query: Mapping[str, str], fault: str, location: str) -> tuple[int, bytes]:
    number, size = int(query.get("Page") or 0), min(int(query.get("PageSize") or 50), 1000)
    since = datetime.fromisoformat(query.get("DateSent>", "1970-01-01")).replace(tzinfo=UTC).timestamp()
    records = [
        *(_taken(carrier, one) for one in carrier.accepted if one.protocol == TWILIO),
        *(_heard(carrier, one) for one in carrier.inbox),
    ]
    records.reverse()  # newest first, also among those of one second
    records.sort(key=lambda each: -each[0])
    found = [one for at, one in records if at >= since and _is_to(one, query)]
    page = found[:size] if fault == "repeating" else found[number * size : (number + 1) * size]
    more = (number + 1) * size < len(found) or fault in {"repeating", "endless", "empty-pages"}
    if fault == "endless":
        page = [_heard(carrier, stranger(carrier, number * size + n))[1] for n in range(size)]
    if fault == "empty-pages":
        page = []
    if fault == "undated":
        page = [one | {"date_created": None, "date_sent": None} for one in page]
    table: dict[str, Any] = {"messages": page, "page": number, "page_size": size, "uri": path, "first_page_uri": path}
    following = urlsplit(path).path + "?" + urlencode({**query, "Page": str(number + 1)})
    table |= {"next_page_uri": following if more else None, "previous_page_uri": None, "start": 0, "end": len(page)}
    if fault == "elsewhere":
        table = {"messages": page, "meta": {"key": "messages", "next_page_url": location}}
    return 200, json.dumps(table).encode()


def _is_to(record: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return "To" not in query or record["to"] == query["To"]


def _taken(carrier: Books, one: Accepted) -> tuple[float, dict[str, Any]]:
    at = carrier.taken_at[one.id]
    status = carrier.statuses.get(one.id, "sent")
    error = 30003 if status == "undelivered" else None
    return at, _record(carrier, one.id, one.sender, one.to, one.text, at, "outbound-api", status, error)


def _heard(carrier: Books, one: Written) -> tuple[float, dict[str, Any]]:
    return one.at, _record(carrier, one.sid, one.sender, one.to, one.text, one.at, "inbound", "received", None)


def _record(
    carrier: Books, sid: str, sender: str, to: str, text: str, at: float, direction: str, status: str, error: int | None
) -> dict[str, Any]:
    moment = format_datetime(datetime.fromtimestamp(at, UTC))
    return {
        "account_sid": carrier.account_sid or ACCOUNT,
        "api_version": "2010-04-01",
        "body": text,
        "date_created": moment,
        "date_sent": moment,
        "date_updated": moment,
        "direction": direction,
        "error_code": error,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": status,
        "to": to,
        "uri": f"/2010-04-01/Accounts/{carrier.account_sid}/Messages/{sid}.json",
    }


def stranger(carrier: Books, number: int) -> Written:
    """A text that nobody wrote: what a page without end is made of."""
    sid = "SM" + secrets.token_hex(16)
    return Written(f"+22366{number:06d}", f"page {number}", "99000", number, sid, carrier.clock())
