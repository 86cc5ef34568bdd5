"""What holds a message back: too many to one phone in a day, numbers that nobody is to write to, and machines.

Nothing is dropped in silence: what may not leave now waits or expires with a reason, what is refused is kept as failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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

    `full`: its phone had enough today. Else another worker is about to write to it.
    """

    until: int | None
    reason: str
    full: bool = False


def is_unasked(one: Claimed) -> bool:
    """Whether it takes one of its phone's places of the day."""
    return one.purpose in UNASKED and one.hours != ANY


def held_back(
    tx: Connection, runtime: Runtime, claimed: Sequence[Claimed], leaving: Mapping[bytes, int], now: int
) -> dict[int, Held]:
    """Those of the claimed messages of which their phone had enough today; asked in the transaction of the claim.

    Messages to one phone are counted in the order in which they were claimed, and by one worker at a time. `leaving`:
    how many unasked ones this very transaction has found a place for, by number; no call is written down for them yet.
    """
    unasked = [one.id for one in claimed if is_unasked(one)]
    if not unasked:
        return {}
    today = runtime.today(now)
    midnight = local_time.start_of_day(today, runtime.zone)
    tomorrow = local_time.start_of_day(today + timedelta(1), runtime.zone)
    found = brake_tables.left_since(tx, unasked, sorted(UNASKED), midnight)
    heard = Counter(leaving)
    held: dict[int, Held] = {}
    for message_id in unasked:
        one = found[message_id]
        if not one.ours:
            held[message_id] = Held(now + A_MOMENT_MS, "another worker is writing to this phone")
            continue
        most = runtime.config.most_a_day - (one.purpose == LEAVES_ROOM and runtime.config.most_a_day > 1)
        if one.left + heard[one.number_idx] < most:
            heard[one.number_idx] += 1
            continue
        until = runtime.hours.good_instant(one.hours, runtime.zone, max(now, tomorrow), one.useful_until)
        held[message_id] = Held(until, f"this phone had {one.left + heard[one.number_idx]} messages today", full=True)
    return held


def count_held(tx: Connection, held: int) -> None:
    """Last in a turn: whoever waits for a counter holds everything else of the turn already."""
    if held:
        count(tx, "messages_held_back", held)


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
