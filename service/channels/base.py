"""What every carrier is to us: the values that come in, the value that goes out, and what a `via_*.py` promises.

The outcomes of a send (Accepted, Refused, NotSent, Ambiguous) are the domain's: `service.domain.message_states`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from service.domain.message_states import Outcome, ReceiptState

SESSION_LIMIT = 100
TEXT_LIMIT = 2000  # ten joined parts are 1,530 characters
ID_LIMIT = 100
NUMBER_LIMIT = 64
FIELDS_LIMIT = 100

EndStatus = Literal["done", "cut", "failed"]


class Unreadable(Exception):
    """The request lacks, repeats or misspells a field. Its text names the field and never holds its value."""


class Fields:
    """The fields of one request as they were parsed: nothing dropped, nothing merged.

    Reading one twice-given field is refused: which of the two a check saw and which an effect used must not differ.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)
        if len(self._pairs) > FIELDS_LIMIT:
            raise Unreadable("too many fields")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def one(self, name: str, limit: int = 200) -> str:
        """The field that must be there exactly once; it may be empty."""
        value = self.maybe(name, limit)
        if value is None:
            raise Unreadable(f"{name} is missing")
        return value

    def maybe(self, name: str, limit: int = 200) -> str | None:
        """The field that may be absent, but never comes twice."""
        values = [value for key, value in self._pairs if key == name]
        if not values:
            return None
        if len(values) > 1:
            raise Unreadable(f"{name} comes twice")
        return _bounded(name, values[0], limit)

    def filled(self, name: str, limit: int = 200) -> str:
        """The field that must be there exactly once and hold something."""
        value = self.one(name, limit)
        if not value.strip():
            raise Unreadable(f"{name} is empty")
        return value


def _bounded(name: str, value: str, limit: int) -> str:
    if len(value) > limit:
        raise Unreadable(f"{name} is too long")
    # PostgreSQL refuses NUL, and no UTF-8 exists for half a surrogate pair: stop both at the door.
    if "\0" in value or not (value.isascii() or _has_utf8(value)):
        raise Unreadable(f"{name} holds a character that no text has")
    return value


def _has_utf8(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a carrier can do. Where replies cannot arrive (`two_way` false), no text may say "STOP"."""

    two_way: bool
    receipts: bool
    many: bool = False  # several recipients in one call, each with its own outcome
    own_id: bool = False  # its receipts bring our own message id back, even when its answer to the send was lost
    alphanumeric: bool = True  # letters may stand as the sender
    shows_drafts: bool = False  # only pretend handsets: texts that nobody reviewed may go there


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One step of a USSD session. `whole`: `text` is everything typed so far, joined by `*`, not the last answer."""

    channel: str
    session: str
    phone: str
    service_code: str
    text: str
    network: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A USSD session is over. `phone` is None when the carrier did not say whose; nothing may depend on this event."""

    channel: str
    session: str
    phone: str | None
    status: EndStatus
    detail: str


@dataclass(frozen=True, slots=True)
class IncomingSms:
    """A text that reached us. `phone` is None for letters and short codes, which are machines: never answer those.

    `event_id` is the same when the carrier repeats itself; None when it gave none. `opt_out`: the carrier has
    already stopped its messages to this person and answered them; a reply would be refused.
    """

    channel: str
    event_id: str | None
    phone: str | None
    sender: str
    text: str
    to: str
    opt_out: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. `state` None: a status nobody documented; note it and change nothing.

    `message_ref` is our own id when the carrier brings it back. A receipt applies only when `phone` fits as well.
    """

    channel: str
    carrier_id: str
    phone: str | None
    message_ref: int | None
    state: ReceiptState | None
    detail: str
    opt_out: bool = False


@dataclass(frozen=True, slots=True)
class OptOut:
    """The carrier says that a person wants nothing more from `sender`. No id, no date: a repeat must do no harm."""

    channel: str
    phone: str
    sender: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person. `to` is E.164, `text` is what the wire carries, letter for letter."""

    message_id: int
    to: str
    text: str
    sender: str | None = None


class Channel(Protocol):
    """The promises of a `via_*.py`; `tests/contracts` holds every one of them to these.

    `send` never raises and returns within its time-outs. `send_many`, where `capabilities.many` allows it, keeps the
    same promise for one text and one sender: an outcome for each, in their order. Every `read_*` returns a value or
    raises Unreadable, and nothing else. `is_genuine` says whether the request comes from this carrier; it never raises.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def send(self, outgoing: Outgoing) -> Outcome: ...

    def send_many(self, letters: Sequence[Outgoing]) -> list[Outcome]: ...

    def read_keystroke(self, fields: Fields) -> Keystroke: ...

    def read_session_end(self, fields: Fields) -> SessionEnd: ...

    def read_sms(self, fields: Fields) -> IncomingSms: ...

    def read_receipt(self, fields: Fields, query: Fields) -> Receipt: ...

    def read_opt_out(self, fields: Fields) -> OptOut: ...

    def is_genuine(self, path_and_query: str, pairs: Iterable[tuple[str, str]], signature: str | None) -> bool: ...
