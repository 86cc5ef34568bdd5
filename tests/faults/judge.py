"""The judge: what callers were told, what the carrier accepted, and what the database says, held against each other.

The carrier's truth file is written before it answers, so it is never short of a message; the database may be.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from service.runtime import Runtime
from service.store.message_tables import message, send_attempt
from service.store.phone_tables import phone

SAYS_IT_LEFT = {"accepted", "delivered", "undelivered", "no_receipt"}
SAYS_IT_NEVER_LEFT = {"queued", "expired", "failed", "cancelled", "suppressed"}


@dataclass(frozen=True)
class Message:
    """One row of the outbox, and how often the carrier accepted it, under which ids."""

    key: str
    klass: str
    state: str
    resends: int
    carrier_id: str | None
    tries: int
    accepted: tuple[str, ...]

    @property
    def sent(self) -> bool:
        return bool(self.accepted)


@dataclass(frozen=True)
class Judgement:
    """`lost`: acknowledged, and neither accepted by the carrier nor in a state where somebody sees that it was not.
    `denied`: accepted by the carrier, while the database says that it never left. `unrecorded`: accepted more often
    than the database knows of tries. `strangers`: accepted, and nothing in the database is like it."""

    messages: dict[str, Message]
    acknowledged: int
    lost: list[str]
    denied: list[str]
    unrecorded: list[str]
    strangers: int
    states: Counter[str] = field(default_factory=Counter)

    def of(self, klass: str) -> list[Message]:
        return [one for one in self.messages.values() if one.klass == klass]

    def doubled(self, klass: str) -> list[Message]:
        return [one for one in self.of(klass) if len(one.accepted) > 1]

    def in_state(self, klass: str, state: str, *, sent: bool | None = None) -> set[str]:
        """Keys of this class in this state; only those the carrier accepted, or did not, if asked."""
        return {one.key for one in self.of(klass) if one.state == state and sent in (None, one.sent)}

    @property
    def figures(self) -> dict[str, int]:
        doubled = {
            klass: sum(len(one.accepted) - 1 for one in self.doubled(klass)) for klass in ("once", "must-arrive")
        }
        unknown = [one for one in self.messages.values() if one.state in ("unknown", "unresolved")]
        return {
            "acknowledged": self.acknowledged,
            "lost": len(self.lost),
            "doubled once": doubled["once"],
            "doubled must-arrive": doubled["must-arrive"],
            "unknown": len(unknown),
            "of these sent": sum(one.sent for one in unknown),
            "expired": self.states["expired"],
            "denied": len(self.denied),
        }

    def must_be_honest(self) -> None:
        """What holds whatever was done to us."""
        assert self.lost == []
        assert self.denied == []
        assert self.unrecorded == []
        assert self.strangers == 0
        assert self.doubled("once") == []


def judge(runtime: Runtime, truth: Path, acknowledged: Iterable[str]) -> Judgement:
    accepted = _accepted(truth)
    told = set(acknowledged)
    messages = {one.key: one for one in _rows(runtime, accepted)}
    known = sum(len(one.accepted) for one in messages.values())
    return Judgement(
        messages=messages,
        acknowledged=len(told),
        lost=sorted(key for key in told if _is_lost(messages.get(key))),
        denied=sorted(one.key for one in messages.values() if _is_denied(one)),
        unrecorded=sorted(one.key for one in messages.values() if len(one.accepted) > one.tries),
        strangers=sum(map(len, accepted.values())) - known,
        states=Counter(one.state for one in messages.values()),
    )


def _is_lost(one: Message | None) -> bool:
    return one is None or (not one.sent and one.state in SAYS_IT_LEFT)


def _is_denied(one: Message) -> bool:
    """A message that is sent once more may wait in the queue though it was accepted before: `resends` says so."""
    return one.sent and one.state in SAYS_IT_NEVER_LEFT and not (one.state == "queued" and one.resends)


def _accepted(truth: Path) -> dict[tuple[str, str], list[str]]:
    """(number, text) -> the carrier's ids, in the order in which it accepted them."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in truth.read_text("utf-8").splitlines():
        one = json.loads(line)
        found[one["to"], one["text"]].append(one["id"])
    return found


def _rows(runtime: Runtime, accepted: dict[tuple[str, str], list[str]]) -> Iterable[Message]:
    m = message.c
    tries = (
        select(send_attempt.c.message_id, func.count().label("tries")).group_by(send_attempt.c.message_id).subquery()
    )
    rows = (
        select(m.key, m.klass, m.state, m.resends, m.carrier_id, tries.c.tries, phone.c.number, m.text)
        .join(phone, phone.c.id == m.phone_id)
        .outerjoin(tries, tries.c.message_id == m.id)
    )
    with runtime.database.read() as tx:
        for key, klass, state, resends, carrier_id, count, number, text in tx.execute(rows):
            sent = tuple(accepted.get((number, text), ()))
            yield Message(key, klass, state, resends, carrier_id, count or 0, sent)
