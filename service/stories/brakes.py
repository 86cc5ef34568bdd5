"""What holds a message back: too many to one phone in a day, numbers that nobody is to write to, and machines.

Nothing is dropped in silence: what may not leave now waits or expires with a reason, what is refused is kept as failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from flows import phone_numbers
from service.domain import local_time
from service.domain.letter_rules import LetterRules
from service.domain.sending_hours import ANY
from service.runtime import Runtime
from service.store import brake_tables
from service.store.message_claims import Claimed
from service.store.system_tables import count, mark, read_mark

UNASKED = frozenset({"reminder", "campaign", "notice"})
"""What people did not ask for. Alarms to staff, answers and conversations neither count nor wait, nor does the news
that a call has just led to: that may leave at any hour."""
A_MOMENT_MS = 1000
HOURS_MARK = "hours_known"
LEAVES_ROOM = "campaign"
"""The last place of a day is kept for a recall: what is for everybody does not take it."""


class Held(NamedTuple):
    """Why a claimed message may not leave now, and when it may; `until` None: at no moment at which it is useful.

    `full`: its phone had enough today; else another worker is at it.
    """

    until: int | None
    reason: str
    full: bool = True


def held_back(tx: Connection, runtime: Runtime, claimed: Sequence[Claimed], now: int) -> dict[int, Held]:
    """Those of the claimed messages of which their phone had enough today; asked in the transaction of the claim.

    Messages to one phone are counted in the order in which they were claimed, and by one worker at a time. It waits for
    nobody and locks nobody's row; `count_held` does, so that comes last in a turn.
    """
    unasked = [one.id for one in claimed if one.purpose in UNASKED]
    if not unasked:
        return {}
    midnight = local_time.start_of_day(runtime.today(now), runtime.zone)
    found = brake_tables.left_since(tx, unasked, sorted(UNASKED), midnight)
    heard: dict[bytes, int] = defaultdict(int)
    held: dict[int, Held] = {}
    for message_id in unasked:
        one = found[message_id]
        had = one.left + heard[one.number_idx]
        if one.hours == ANY:
            continue
        if not one.ours:
            held[message_id] = Held(now + A_MOMENT_MS, "another worker is writing to this phone", full=False)
        elif had < _most(runtime, one.purpose):
            heard[one.number_idx] += 1
        else:
            held[message_id] = Held(_next_day(runtime, one, now), f"this phone had {had} messages today")
    return held


def count_held(tx: Connection, held: Iterable[Held]) -> None:
    """Count those that wait for another day."""
    full = sum(one.full for one in held)
    if full:
        count(tx, "messages_held_back", full)


def _most(runtime: Runtime, purpose: str) -> int:
    most = runtime.config.most_a_day
    return most - 1 if purpose == LEAVES_ROOM and most > 1 else most


def _next_day(runtime: Runtime, one: brake_tables.Heard, now: int) -> int | None:
    """The next day's first good moment, if it would still be useful then."""
    tomorrow = local_time.start_of_day(runtime.today(now) + timedelta(1), runtime.zone)
    return runtime.hours.good_instant(one.hours, runtime.zone, tomorrow, one.useful_until)


def know_the_hours(runtime: Runtime) -> int:
    """Messages held under a name that only an older file of hours has go under their purpose's; asked once a table."""
    names = sorted(runtime.hours.profiles)
    known = runtime.vault.index(*names).hex()
    with runtime.database.begin() as tx:
        if read_mark(tx, HOURS_MARK) == known:
            return 0
        renamed = brake_tables.rename_hours(tx, names)
        mark(tx, HOURS_MARK, known)
    return renamed


def why_refused(rules: LetterRules, number: str) -> str | None:
    """Why nothing is ever written to this number, in a sentence; None when it may be written to."""
    if number in rules.own_numbers:
        return "this is one of our own numbers"
    kind = phone_numbers.kind(number)
    if kind == "none":
        return "this is no whole telephone number, or a short code"
    if rules.countries and phone_numbers.region(number) not in rules.countries:
        return "this number is of a country that LASELI_COUNTRIES does not name"
    if kind != "mobile":
        return f"this is no mobile number ({kind}): nothing is sent to it"
    return None
