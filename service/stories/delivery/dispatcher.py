"""Claim, let go, act, note: how a queued message reaches a carrier.

A message is `sending`, committed, before the carrier is called: after a crash we know which calls may have happened.
No transaction is open while a carrier thinks, and no more messages are claimed than there are threads to call for them.

The dispatcher goes in turns, one transaction each: write down what the finished calls came to, and claim as many new
messages as threads are free. What calls came to is kept in memory until a turn has committed it.

A turn costs the same for one message and for sixteen, so between two of them calls are gathered (`_gather_s`).
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import NamedTuple

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, TimeoutError

from service.domain.message_states import (
    ALERT_RESEND_AFTER_MS,
    RECEIPT_PATIENCE_MS,
    RESEND_AFTER_MS,
    after_waiting,
)
from service.runtime import Runtime
from service.store import message_claims, message_tables
from service.store.message_claims import LEASE_MS
from service.store.message_tables import Message
from service.stories.delivery import dispatch_turn, receipts
from service.stories.delivery.dispatch_turn import Call, Claims, Finished

NO_CALL_WITH_LESS_S = 15.0
"""No call starts with less than this left of its lease: a carrier may take ten seconds to answer."""
PAUSE_S = 0.2
TURNS_REST = 2
"""Calls are gathered for so many times as long as the last turn took: bookkeeping gets a third of the time at most."""
LONGEST_GATHERING_S = 0.025
"""No message waits longer for company; at a pace of 500 a second it finds a dozen others."""


def send_due(runtime: Runtime, *, most: int | None = None) -> int:
    """Send what is due now until nothing is left (or `most` were called, or we are to stop); gives how many."""
    if not runtime.routes and runtime.voice is None:
        return 0
    with ThreadPoolExecutor(runtime.config.sender_threads, thread_name_prefix="sender") as senders:
        return _Round(runtime, senders, most).run()


class _Gathering(NamedTuple):
    """Until when calls are gathered for the next turn, by the process's own clock; `paced`: a route's pace asks it."""

    until: float
    paced: bool

    @property
    def left_s(self) -> float:
        return max(0.0, self.until - time.monotonic())


@dataclass(slots=True)
class _Round:
    """The calls in the air, and what those that came back have not written down yet."""

    runtime: Runtime
    senders: ThreadPoolExecutor
    most: int | None
    flying: dict[Future[list[Finished]], Call] = field(default_factory=dict)
    done: SimpleQueue[Future[list[Finished]]] = field(default_factory=SimpleQueue)
    landed: list[Finished] = field(default_factory=list)
    calls: int = 0
    gathering: _Gathering = field(default_factory=lambda: _Gathering(0.0, paced=False))
    away_since: float | None = None  # since when the database does not answer, by the process's own clock

    def run(self) -> int:
        while True:
            more = self._turn()
            if self.flying:
                self._land()
            elif not more and not self.landed:
                return self.calls

    def _turn(self) -> bool:
        """Note and claim in one transaction; False when there is nothing to wait for, or no database to ask."""
        free = self._free()
        if free < 1 and not self.landed:
            return False
        began = time.monotonic()
        try:
            claims = self._note_and_claim(free)
        except (DBAPIError, TimeoutError) as error:
            self._wait_for_database(error)
            return False
        self.landed, self.away_since = [], None
        now = time.monotonic()
        for call in claims.calls:
            self._let_fly(call, now + LEASE_MS / 1000 - NO_CALL_WITH_LESS_S)
        self.gathering = _Gathering(now + _gather_s(now - began, claims.part_s, self._free()), paced=claims.part_s > 0)
        if claims.held_by_pace and not self.flying:
            self.runtime.stopping.wait(max(self.gathering.left_s, claims.part_s))
        return bool(claims.calls) or claims.held_by_pace

    def _let_fly(self, call: Call, deadline: float) -> None:
        future = self.senders.submit(dispatch_turn.make, call, deadline, self.runtime.now())
        self.flying[future] = call
        future.add_done_callback(self.done.put)

    def _note_and_claim(self, free: int) -> Claims:
        runtime, now = self.runtime, self.runtime.now()
        with runtime.database.begin() as tx:
            dispatch_turn.note(tx, runtime, self.landed, now)
            return dispatch_turn.claim(tx, runtime, now, free) if free > 0 else Claims([])

    def _wait_for_database(self, error: Exception) -> None:
        """What calls came to is worth waiting for, until the reaper has called these messages unknown anyway."""
        self.away_since = self.away_since or time.monotonic()
        if not (self.landed or self.flying) or time.monotonic() - self.away_since > LEASE_MS / 1000:
            raise error
        time.sleep(PAUSE_S)

    def _free(self) -> int:
        """For how many more calls there are threads."""
        if self.runtime.stopping.is_set():
            return 0
        free = self.runtime.config.sender_threads - len(self.flying)
        in_the_air = sum(len(call.letters) for call in self.flying.values())
        return free if self.most is None else min(free, self.most - self.calls - in_the_air)

    def _land(self) -> None:
        """Wait for a call to come back, and then a moment for others."""
        self._note_later(self.done.get())
        # Half of them go on while the turn asks the database; at a pace nobody waits for a thread.
        fly_on = 0 if self.gathering.paced else self.runtime.config.sender_threads // 2
        while len(self.flying) > fly_on:
            try:
                self._note_later(self.done.get(timeout=self.gathering.left_s))
            except Empty:
                return
        if self.gathering.paced:
            self.runtime.stopping.wait(self.gathering.left_s)

    def _note_later(self, future: Future[list[Finished]]) -> None:
        del self.flying[future]
        self.landed += future.result()
        self.calls += sum(one.called for one in future.result())


def _gather_s(turn_s: float, part_s: float, free: int) -> float:
    """How long to gather after a turn that took `turn_s`, with so many threads `free`.

    Where a route's pace gives one part each `part_s` (0: no pace), until there is room for half of them.
    """
    return min(max(TURNS_REST * turn_s, part_s * free / 2), LONGEST_GATHERING_S)


def look_after(runtime: Runtime) -> dict[str, int]:
    """What time does to messages: leases run out, queued ones expire, unknown and unanswered ones are settled."""
    receipts.settle(runtime)
    now = runtime.now()
    with runtime.database.begin() as tx:
        done = {"reaped": message_claims.reap(tx, now), "expired": message_tables.expire(tx, now)}
    # By itself: it may wait for a phone, whose holder may wait for what has just expired.
    with runtime.database.begin() as tx:
        receipts.match_kept(tx, runtime, now)
    with runtime.database.begin() as tx:
        # Two questions of the database: what waits 72 hours must not stand before what is to be sent once more.
        waiting = message_tables.to_resend(tx, now - RESEND_AFTER_MS, now - ALERT_RESEND_AFTER_MS, now)
        waiting += message_tables.unanswered(tx, now - RECEIPT_PATIENCE_MS)
        return done | {"settled": sum(_settle(tx, message, now) for message in waiting)}


def _settle(tx: Connection, waiting: Message, now: int) -> bool:
    alert = waiting.purpose == "staff"
    change = after_waiting(
        waiting.klass, waiting.state, waiting.state_at, now, waiting.resends, waiting.useful_until, alert
    )
    if change is None:
        return False
    values: dict[str, object] = {"state": change.state, "reason": change.reason, "state_at": now}
    if change.resend:
        values |= {"resends": waiting.resends + 1, "not_before": change.not_before}
    return message_tables.move(tx, waiting.id, waiting.state, **values)
