"""The life of one message out, as a pure state machine. Times are UTC milliseconds.

    queued → sending → accepted → delivered | undelivered
       |         |        `→ no_receipt (72 h without a receipt)
       |         `→ unknown → accepted | delivered | undelivered (a receipt) | queued (must-arrive, once) | unresolved
       `→ suppressed | expired | cancelled                                          failed = refused for good

A state only moves forward and the first final one stays, but a receipt "delivered" overrides what was only our
guess or the carrier's first word: see DELIVERED_OVERRIDES.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal[
    "queued",
    "sending",
    "accepted",
    "unknown",
    "delivered",
    "undelivered",
    "no_receipt",
    "unresolved",
    "suppressed",
    "expired",
    "cancelled",
    "failed",
]
Klass = Literal["once", "must-arrive"]
ReceiptState = Literal["accepted", "delivered", "undelivered"]
Scope = Literal["message", "person", "sender", "account"]

OPEN: frozenset[State] = frozenset({"queued", "sending", "accepted", "unknown"})
FINAL: frozenset[State] = frozenset(
    {"delivered", "undelivered", "no_receipt", "unresolved", "suppressed", "expired", "cancelled", "failed"}
)
TAKES_OUTCOME: frozenset[State] = frozenset({"sending", "unknown"})  # a receipt or the reaper may have been quicker
DELIVERED_OVERRIDES: frozenset[State] = OPEN | {"undelivered", "no_receipt", "unresolved", "failed"}
ACCEPTED_ADVANCES: frozenset[State] = frozenset({"queued", "sending", "unknown"})

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
BACKOFF_MINUTES = (1, 5, 15, 60)  # then 60 each time
MAX_TRIES = 8
RECEIPT_PATIENCE_MS = 72 * HOUR_MS
RESEND_AFTER_MS = 6 * HOUR_MS
ALERT_RESEND_AFTER_MS = 5 * MINUTE_MS


class Accepted(NamedTuple):
    """The carrier took the message and gave it a name."""

    carrier_id: str | None
    parts: int | None = None
    cost: str | None = None
    detail: str = ""


class Refused(NamedTuple):
    """The carrier will not send it: because of this message, this person, our sender name or our account."""

    detail: str
    scope: Scope = "message"
    opt_out: bool = False  # the person stopped us at the carrier's


class NotSent(NamedTuple):
    """Certainly not sent: no connection, or 'too many'. To be tried again."""

    detail: str
    retry_after_s: int | None = None


class Ambiguous(NamedTuple):
    """It may have been sent: a time-out, a cut connection, an unreadable answer."""

    detail: str


Outcome = Accepted | Refused | NotSent | Ambiguous


class Change(NamedTuple):
    """The next state, and why. `not_before` is set when it goes back to the queue."""

    state: State
    not_before: int | None
    reason: str
    pause_channel: bool = False  # our sender or account is at fault: every message would meet the same
    resend: bool = False  # the caller adds one to `resends`


def after_send(
    klass: Klass, attempts: int, outcome: Outcome, now: int, useful_until: int | None, resends: int = 0
) -> Change:
    """What a send led to. `attempts` counts the tries made, this one included.

    The class does not matter here: both are retried only when certainly not sent. Once an earlier try may have
    arrived (`resends`), a message that ends unsent is "unresolved", not "expired": nobody knows.
    """
    match outcome:
        case Accepted():
            return Change("accepted", None, outcome.detail)
        case Ambiguous():
            return Change("unknown", None, outcome.detail)
        case Refused(scope="sender" | "account"):
            return _try_again(attempts, NotSent(outcome.detail), now, useful_until, resends, pause=True)
        case Refused():
            return Change("failed", None, outcome.detail)
        case NotSent():
            return _try_again(attempts, outcome, now, useful_until, resends, pause=False)


def _try_again(
    attempts: int, outcome: NotSent, now: int, useful_until: int | None, resends: int, *, pause: bool
) -> Change:
    if attempts >= MAX_TRIES:
        end: State = "unresolved" if resends else "failed"
        return Change(end, None, f"gave up after {attempts} tries: {outcome.detail}", pause)
    not_before = now + max(backoff_ms(attempts), (outcome.retry_after_s or 0) * 1000)
    if useful_until is not None and not_before >= useful_until:
        end = "unresolved" if resends else "expired"
        return Change(end, None, f"no longer useful at the next try: {outcome.detail}", pause)
    return Change("queued", not_before, outcome.detail, pause)


def backoff_ms(attempts: int) -> int:
    """How long to wait after so many tries: 1, 5, 15, 60, 60 ... minutes."""
    return BACKOFF_MINUTES[min(max(attempts, 1), len(BACKOFF_MINUTES)) - 1] * MINUTE_MS


def after_receipt(state: State, receipt_state: ReceiptState) -> State | None:
    """The state after a receipt, or None when it changes nothing.

    A receipt may come before our own call has returned, or after a lost call was put back in the queue: the carrier
    knows best, so it is honoured in every open state.
    """
    if receipt_state == "delivered":
        return "delivered" if state in DELIVERED_OVERRIDES else None
    if receipt_state == "undelivered":
        return "undelivered" if state in OPEN else None
    return "accepted" if state in ACCEPTED_ADVANCES else None


def after_waiting(
    klass: Klass,
    state: State,
    since: int,
    now: int,
    resends: int,
    useful_until: int | None,
    alert: bool = False,
) -> Change | None:
    """What time alone leads to, or None while there is nothing to do. `since` is when the state began.

    A must-arrive message of unknown fate is sent once more after 6 h (a staff alert after 5 min) if it is still
    useful, never a third time; a "once" message is never sent again by a machine.
    """
    waited = now - since
    still_useful = useful_until is None or now < useful_until
    if state == "queued" and not still_useful:
        return _ended_in_the_queue(resends)
    if state == "accepted" and waited >= RECEIPT_PATIENCE_MS:
        return Change("no_receipt", None, "no receipt within 72 hours")
    if state != "unknown":
        return None
    patience = ALERT_RESEND_AFTER_MS if alert else RESEND_AFTER_MS
    if klass == "must-arrive" and resends == 0 and still_useful and waited >= patience:
        return Change("queued", now, "fate unknown, sent once more", resend=True)
    if waited >= RECEIPT_PATIENCE_MS:
        return Change("unresolved", None, "fate unknown after 72 hours")
    return None


def _ended_in_the_queue(resends: int) -> Change:
    if resends:
        return Change("unresolved", None, "fate unknown, and no longer useful to send once more")
    return Change("expired", None, "no longer useful")
