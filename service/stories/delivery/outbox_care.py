"""What people do about messages that machines have given up, and the gate that only a person opens again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.domain.retry_rules import AGAIN, risk_of_again, why_not_again
from service.runtime import Runtime
from service.store import decision_tables, outbox_views
from service.store.decision_tables import note_decision
from service.store.outbox_views import Attempt, Leaving, Line, Unapplied, Wanted
from service.stories.delivery import dispatch_gate, money
from service.stories.delivery.dispatch_gate import Closed
from service.stories.keeping import clock_guard

AT_ONCE = 1000
"""So many are decided about in one command: more than a person can mean."""
PERSON = "person"


class Refused(Exception):
    """Nothing was changed; the text says why and what to do."""


class Shown(NamedTuple):
    """One message with all that is known of it."""

    line: Line
    attempts: list[Attempt]
    receipts: list[Unapplied]
    decisions: list[decision_tables.Decision]
    why_not_again: str


class Again(NamedTuple):
    """Which of the messages asked for may be sent again, and why the others may not."""

    may: list[Line]
    not_these: list[tuple[Line, str]]
    risks: dict[str, int]


class Heap(NamedTuple):
    """What leaves of one purpose, and what that will probably cost (hundredths of a franc) by the first route."""

    purpose: str
    messages: int
    parts: int
    cost: int


class Release(NamedTuple):
    """Why nothing is sent, and what leaves when that ends: at once, and in the day that follows."""

    closed: list[Closed]
    now: list[Heap]
    within_a_day: list[Heap]


def show(tx: Connection, message_id: int) -> Shown:
    line = _one(tx, message_id)
    return Shown(
        line,
        outbox_views.attempts_of(tx, message_id),
        outbox_views.receipts_kept_for(tx, message_id),
        decision_tables.decisions_about(tx, message_id),
        why_not_again(line.state, line.purpose, line.refused, line.emptied),
    )


def _one(tx: Connection, message_id: int) -> Line:
    found = outbox_views.lines(tx, Wanted(ids=[message_id]), 1)
    if not found:
        raise Refused(f"there is no message {message_id}")
    return found[0]


# --- again, or not at all -----------------------------------------------------------------------------------


def look_at_again(tx: Connection, wanted: Wanted) -> Again:
    """What `send_again` would do."""
    found = _meant(tx, wanted, tuple(AGAIN))
    reasons = [(line, why_not_again(line.state, line.purpose, line.refused, line.emptied)) for line in found]
    may = [line for line, reason in reasons if not reason]
    risks: dict[str, int] = {}
    for line in may:
        risk = risk_of_again(line.state)
        risks[risk] = risks.get(risk, 0) + 1
    return Again(may, [(line, reason) for line, reason in reasons if reason], risks)


def send_again(tx: Connection, lines: Sequence[Line], by: str, useful_for_ms: int, now: int) -> int:
    """A person decides that these leave once more; gives how many still could."""
    ids = [line.id for line in lines]
    done = outbox_views.queue_again(tx, ids, now, now + useful_for_ms, f"sent again: decided by {by}")
    was = {line.id: line.state for line in lines}
    for message_id in done:
        note_decision(tx, now, by, "retry", f"it was {was[message_id]}", message_id)
    return len(done)


def look_at_drop(tx: Connection, wanted: Wanted) -> list[Line]:
    """What `drop` would do."""
    return [line for line in _meant(tx, wanted, ("queued", "unknown")) if line.state in ("queued", "unknown")]


def drop(tx: Connection, lines: Sequence[Line], by: str, why: str, now: int) -> int:
    """A person decides that nobody waits for these any more; gives how many still could be dropped."""
    done = outbox_views.give_up(tx, [line.id for line in lines], now, f"dropped by {by}: {why}")
    for message_id in done:
        note_decision(tx, now, by, "drop", why, message_id)
    return len(done)


def _meant(tx: Connection, wanted: Wanted, states: Sequence[str]) -> list[Line]:
    """The messages of these ids, or those in such states that fit what was said; never simply all of them."""
    if wanted.ids:
        found = outbox_views.lines(tx, wanted, AT_ONCE)
        missing = set(wanted.ids) - {line.id for line in found}
        if missing:
            raise Refused(f"there is no message {min(missing)}")
        return found
    if not (wanted.states or wanted.purpose or wanted.reason):
        raise Refused("say which: ids, or --state, --purpose, --reason")
    return outbox_views.lines(tx, wanted._replace(states=wanted.states or states), AT_ONCE)


# --- the gate -----------------------------------------------------------------------------------------------


def look_at_release(tx: Connection, runtime: Runtime, now: int) -> Release:
    return Release(
        dispatch_gate.closed(tx),
        _heaps(runtime, outbox_views.leaving(tx, now, now), now),
        _heaps(runtime, outbox_views.leaving(tx, now, now + DAY_MS), now),
    )


def _heaps(runtime: Runtime, leaving: Iterable[Leaving], now: int) -> list[Heap]:
    route = runtime.routes[0].name if runtime.routes else ""
    heaps: dict[str, Heap] = {}
    for one in leaving:
        before = heaps.get(one.purpose, Heap(one.purpose, 0, 0, 0))
        cost = money.estimate(runtime, route, one.network, one.parts, now)
        heaps[one.purpose] = Heap(
            one.purpose, before.messages + one.messages, before.parts + one.parts, before.cost + cost
        )
    return list(heaps.values())


def release(tx: Connection, reasons: Sequence[str], by: str, now: int) -> None:
    """Take these reasons back; messages leave again when none is left. Of the clock it says that it is right."""
    given = {one.reason for one in dispatch_gate.closed(tx)}
    for reason in reasons:
        if reason not in given:
            raise Refused(f"dispatch is not closed for '{reason}'" + (f", but for {', '.join(given)}" if given else ""))
        if reason == clock_guard.REASON:
            clock_guard.accept(tx, by, now)
        dispatch_gate.reopen(tx, reason)
    note_decision(tx, now, by, "release", ", ".join(reasons))


def hold(tx: Connection, by: str, why: str, now: int) -> None:
    """Nothing is sent from now on, until somebody releases it."""
    dispatch_gate.close(tx, PERSON, f"{by}: {why}", now)
    note_decision(tx, now, by, "hold", why)


def francs(hundredths: int) -> str:
    """'1 234.50 FCFA': for a terminal."""
    return f"{hundredths / 100:,.2f} FCFA".replace(",", " ").replace(".00 ", " ")
