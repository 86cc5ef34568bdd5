"""To whom a household's recall goes: its first caregiver, or the next one who agreed while that phone hears nothing.

Never to both: whoever plans asks once a day, and the message's key is the household's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from sqlalchemy.engine import Connection

from service.store import consent_tables, recall_tables


class FirstPhone(Protocol):
    """A household with the phone it is written to on; all is None where it has none."""

    @property
    def household_id(self) -> int: ...
    @property
    def phone_id(self) -> int | None: ...
    @property
    def number(self) -> str | None: ...
    @property
    def number_idx(self) -> bytes | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def readers(self) -> str | None: ...
    @property
    def by_voice(self) -> bool | None: ...


class Receiver(NamedTuple):
    """A phone that may be written to about reminders. `readers` is who reads it, as its holder said.

    `beside`: not the family's first phone, so it hears of its children alone, and of nothing else; `number_idx` is
    known of a first phone, which cannot go while its household is held.
    """

    phone_id: int
    number: str
    language: str | None
    readers: str | None
    by_voice: bool
    beside: bool = False
    number_idx: bytes | None = None


def receivers_of(tx: Connection, rows: Iterable[FirstPhone]) -> dict[int, Receiver]:
    """household -> the phone that its message goes to; a household that nobody can tell is not there.

    A phone hears nothing when nothing arrives at it, its holder refused, or the family has none: then the caregivers
    who agreed beside are asked for, in their order. One question more, and only then.
    """
    first = {row.household_id: row for row in rows}
    refused = recall_tables.who_refused(tx, [row.number_idx for row in first.values()])
    found = {
        home: Receiver(
            row.phone_id, row.number, row.language, row.readers, bool(row.by_voice), number_idx=row.number_idx
        )
        for home, row in first.items()
        if row.phone_id is not None and row.number is not None and row.number_idx not in refused
    }
    without = first.keys() - found.keys()
    return found | next_in_order(tx, without) if without else found


def next_in_order(tx: Connection, homes: Collection[int], *, but: int | None = None) -> dict[int, Receiver]:
    """household -> who hears in the place of its first phone. `but`: not on this phone, which hears no more."""
    carers = [one for one in consent_tables.next_carers(tx, sorted(homes)) if one.phone_id != but]
    refused = recall_tables.who_refused(tx, [one.number_idx for one in carers]) if carers else set()
    found: dict[int, Receiver] = {}
    for one in carers:
        if one.number_idx not in refused:
            found.setdefault(
                one.household_id, Receiver(one.phone_id, one.number, one.language, one.readers, one.by_voice, True)
            )
    return found
