"""What every carrier is to us: the values that come in, the value that goes out, and what a `via_*.py` promises.

The outcomes of a send (Accepted, Refused, NotSent, Ambiguous) are the domain's: `service.domain.message_states`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from service.domain.message_states import Outcome, ReceiptState, Scope

if TYPE_CHECKING:
    from service.channels.raw_request import Raw

SESSION_LIMIT = 100
TEXT_LIMIT = 2000  # ten joined parts are 1,530 characters
ID_LIMIT = 100
NUMBER_LIMIT = 64
FIELDS_LIMIT = 100

EndStatus = Literal["done", "cut", "failed"]
Event = Literal["ussd-end", "sms-in", "receipt", "opt-out"]


class Unreadable(Exception):
    """The request lacks, repeats or misspells a field. Its text names the field and never holds its value."""

    status = 400


class TooMuch(Unreadable):
    """The request is larger, or has more fields, than anything a carrier sends."""

    status = 413


class Fields:
    """The fields of one request as they were parsed: nothing dropped, nothing merged.

    Reading one twice-given field is refused: which of the two a check saw and which an effect used must not differ.
    """

    __slots__ = ("_by_name", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)
        if len(self._pairs) > FIELDS_LIMIT:
            raise Unreadable("too many fields")
        self._by_name = dict(self._pairs)

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
        value = self._by_name.get(name)
        if value is None:
            return None
        if len(self._by_name) < len(self._pairs) and [key for key, _ in self._pairs].count(name) > 1:
            raise Unreadable(f"{name} comes twice")
        return _bounded(name, value, limit)

    def filled(self, name: str, limit: int = 200) -> str:
        """The field that must be there exactly once and hold something."""
        value = self.one(name, limit)
        if not value.strip():
            raise Unreadable(f"{name} is empty")
        return value


NO_FIELDS = Fields()


def own_id(fields: Fields, name: str = "m") -> int | None:
    """Our own message id, which a carrier brings back in the address we gave it; None where there is none."""
    written = fields.maybe(name, 19)
    if written is None:
        return None
    if not re.fullmatch("[0-9]{1,19}", written) or int(written) >= 2**63:
        raise Unreadable(f"{name} is not a message of ours")
    return int(written)


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
    lists: bool = False  # tells what it took from us, by number and date (`ListsSent`)
    pulls: bool = False  # gives out again what people wrote to us (`KeepsReceived`)
    voice: bool = False  # it rings people and plays to them; it sends no SMS (`calling.Calls`)
    shows_drafts: bool = False  # only pretend handsets: texts that nobody reviewed may go there


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One step of a USSD session; its first has an empty `text`, or the keys that were dialled with the code.

    `whole`: `text` is everything typed so far, joined by `*`; else it is the last answer alone. A gateway whose pages
    are fetched by links keeps the text so far, or the session it was given, in the links that `show` writes.
    """

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
    already stopped its messages to this person and answered them; a reply would be refused. `at` is when the carrier
    got it (UTC milliseconds), known of what is pulled afterwards.
    """

    channel: str
    event_id: str | None
    phone: str | None
    sender: str
    text: str
    to: str
    opt_out: bool = False
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. `state` None: a status nobody documented; note it and change nothing.

    `message_ref` is our own id when the carrier brings it back. A receipt applies only when `phone` fits as well.
    `fault`: who is to blame for "undelivered"; only "person" may count against the number, "account" and "sender"
    stop the channel. `network` is the operator's code (61001) where the carrier tells it.
    """

    channel: str
    carrier_id: str
    phone: str | None
    message_ref: int | None
    state: ReceiptState | None
    detail: str
    opt_out: bool = False
    fault: Scope = "person"
    network: str = ""


@dataclass(frozen=True, slots=True)
class OptOut:
    """The carrier says that a person wants nothing more from `sender`. No id, no date: a repeat must do no harm."""

    channel: str
    phone: str
    sender: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person. `to` is E.164, `text` is what the wire carries, letter for letter.

    `useful_for_s`: seconds for which it is still of use, for a carrier that may keep it for a while.
    """

    message_id: int
    to: str
    text: str
    sender: str | None = None
    useful_for_s: int | None = None


class Answer(NamedTuple):
    """What the carrier gets back. The doors add nothing to it."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class Channel(Protocol):
    """The promises of a `via_*.py`; `tests/contracts` holds every one of them to these.

    `send` never raises and returns within its time-outs; `send_many`, called only where `capabilities.many` says so
    and with one text and one sender, keeps the same promise: an outcome for each, in their order. `fields` and every
    `read_*` return a value or raise Unreadable, and nothing else. `is_genuine` says whether the request comes from this
    carrier; it never raises. `knows_secret` opens /hooks/{carrier}/{event}/{secret}, where the request may come by
    `methods` only; a carrier that signs has no secret and is never let in there.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def methods(self) -> frozenset[str]: ...

    def send(self, outgoing: Outgoing) -> Outcome: ...

    def send_many(self, letters: Sequence[Outgoing]) -> list[Outcome]: ...

    def fields(self, raw: Raw) -> Fields:
        """What the request says, in whatever form this carrier writes it."""

    def read_keystroke(self, fields: Fields) -> Keystroke | SessionEnd:
        """One step; or the end, where the carrier tells of it at the same address."""

    def read_session_end(self, fields: Fields) -> SessionEnd: ...

    def read_sms(self, fields: Fields) -> IncomingSms: ...

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt: ...

    def read_opt_out(self, fields: Fields) -> OptOut: ...

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        """The screen in this carrier's form; `more`: the session goes on."""

    def thanks(self, event: Event) -> Answer:
        """What is said when the event is on disk."""

    def knows_secret(self, secret: str) -> bool: ...

    def is_genuine(self, path_and_query: str, pairs: Iterable[tuple[str, str]], signature: str | None) -> bool: ...


# --- what only some carriers can ------------------------------------------------------------------------------


class CannotAsk(Exception):
    """The carrier gave no usable answer to a question. Its text is for our notes: no number, no text, no key."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A message that the carrier says it took from us, and what became of it."""

    carrier_id: str
    state: ReceiptState
    detail: str
    fault: Scope = "person"


@runtime_checkable
class ListsSent(Protocol):
    """A carrier with `capabilities.lists`."""

    def reconcile(self, to: str, text: str, since: int, until: int) -> Sequence[Listed]:
        """Everything it took from us to this number with this text between these moments (UTC milliseconds).

        Raises CannotAsk when it does not say, or says too much to be read to the end.
        """


@dataclass(frozen=True, slots=True)
class Pulled:
    """What people wrote, oldest first, and where to go on next time. `whole`: there was no more at that moment."""

    texts: tuple[IncomingSms, ...]
    cursor: str
    whole: bool


@runtime_checkable
class KeepsReceived(Protocol):
    """A carrier with `capabilities.pulls`."""

    def pull(self, cursor: str, now: int) -> Pulled:
        """What reached the carrier for us since `cursor` ("" the first time), under the same ids as by its webhook.

        It ends, whatever the carrier answers. Raises CannotAsk.
        """
