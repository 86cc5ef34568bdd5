"""Changing the keys while everything goes on: what was sealed or indexed with an old key is done anew with the first.

Before it begins every process reads both keys and writes with the new one (docs/keys-and-retention.md, the drill).
Stopping it at any moment is harmless: what is done is done, and the next run finds the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.logs import log
from service.runtime import Runtime
from service.store import reindexing, resealing
from service.store.database import Database
from service.store.resealing import SealedPlace
from service.stories.keeping import key_checks
from service.stories.keeping.paged_work import Page, in_pages, walked

MOST_VALUES, MOST_NUMBERS = 200, 50
MOST_ROUNDS = 20
"""What others hold at the moment is left for the next round; who holds it for twenty of them is no caller."""
NO_STATEMENT_IS_OLDER_S = 16.0
"""PostgreSQL ends our statements after 15 seconds: after these all see the refusals that were copied."""
EVENTS_KEPT_MS = 400 * DAY_MS

Tell = Callable[[str, int], None]
"""Is told how far we are: of what, how many rows so far."""


class Rotated(NamedTuple):
    """What a run came to: values sealed anew, numbers moved, values that no key opens, and what is left to do."""

    sealed: int
    moved: int
    closed: int
    left: int


def rotate(runtime: Runtime, tell: Tell) -> Rotated:
    """Seal every value with the first identity key and move every number to the first index key."""
    with runtime.database.begin() as tx:
        key_checks.note_older_index_keys(tx, runtime.vault, runtime.now())
    sealed, closed = _reseal_everything(runtime.database, tell)
    moved = _move_everybody(runtime.database, tell)
    with runtime.database.read() as tx:
        left = _left(tx, runtime)
    if left == 0:
        with runtime.database.begin() as tx:
            key_checks.renew(tx, runtime.vault)
    runtime.database.empty_journal()
    log.info("keys_rotated", sealed=sealed, moved=moved, closed=closed, left=left)
    return Rotated(sealed, moved, closed, left)


# --- what is sealed -----------------------------------------------------------------------------------------


def _reseal_everything(database: Database, tell: Tell) -> tuple[int, int]:
    sealed = closed = 0
    for place in resealing.sealed_places():
        broken: set[int] = set()
        for _ in range(MOST_ROUNDS):
            done = _reseal(database, place, broken, tell)
            sealed += done
            if not done:
                break
        closed += len(broken)
    return sealed, closed


def _reseal(database: Database, place: SealedPlace, broken: set[int], tell: Tell) -> int:
    """One round over a column; gives how many values were sealed anew. `broken` gathers the rows that do not open."""

    def find(tx: Connection, after: int, limit: int) -> Page:
        return walked(resealing.sealed_otherwise(tx, place, after, limit), limit)

    def act(tx: Connection, ids: Sequence[int]) -> int:
        done = resealing.reseal(tx, place, ids)
        broken.update(done.closed)
        return done.rows

    so_far = 0
    for page in in_pages(database, find, act, 0, most=MOST_VALUES):
        so_far += page.rows
        if page.rows:
            tell(place.name, so_far)
    return so_far


# --- numbers ------------------------------------------------------------------------------------------------


def _move_everybody(database: Database, tell: Tell) -> int:
    moved = 0
    for _ in range(MOST_ROUNDS):
        copied, now_moved = _move(database, moved, tell)
        moved += now_moved
        if not copied and not now_moved:
            break
        if copied and not database.is_sqlite:
            time.sleep(NO_STATEMENT_IS_OLDER_S)
    return moved


def _move(database: Database, before: int, tell: Tell) -> tuple[int, int]:
    """One round over the phones that stand under an older key; gives (refusals copied, numbers moved)."""
    copied = moved = 0

    def find(tx: Connection, after: int, limit: int) -> Page:
        return walked(reindexing.phones_elsewhere(tx, after, limit), limit)

    def act(tx: Connection, ids: Sequence[int]) -> int:
        nonlocal copied
        done = reindexing.move(tx, ids)
        copied += done.copied
        return done.moved

    for page in in_pages(database, find, act, 0, most=MOST_NUMBERS):
        moved += page.rows
        if page.rows:
            tell("phone.number_idx", before + moved)
    return copied, moved


# --- what stands where --------------------------------------------------------------------------------------


class Needed(NamedTuple):
    """An index key that writes no more. It may go when no refusal stands under it and no event is known by it."""

    number: int
    refusals: int
    events: int
    events_until: int

    @property
    def may_go(self) -> bool:
        return self.refusals == self.events == 0


class Status(NamedTuple):
    """By place and key, how many values; by key, how many numbers, refusals of known and of erased people."""

    sealed: dict[str, dict[int, int]]
    phones: dict[int, int]
    refusals: dict[int, int]
    refusals_of_erased: dict[int, int]
    needed: list[Needed]


def status(tx: Connection, runtime: Runtime) -> Status:
    erased = reindexing.count_refusals(tx, of_unknown=True)
    needed = [
        Needed(number, erased.get(number, 0), reindexing.count_events(tx, since), since + EVENTS_KEPT_MS)
        for number, since in key_checks.older_index_keys(tx).items()
    ]
    return Status(
        {place.name: resealing.count_by_key(tx, place) for place in resealing.sealed_places()},
        reindexing.count_phones(tx),
        reindexing.count_refusals(tx, of_unknown=False),
        erased,
        needed,
    )


def withdraw_index_keys(runtime: Runtime) -> list[int]:
    """Note that index keys which nothing needs any more may be left out of the settings; gives their numbers."""
    with runtime.database.begin() as tx:
        known = status(tx, runtime)
        free = [key.number for key in known.needed if key.may_go and not known.phones.get(key.number)]
        for number in free:
            key_checks.forget_index_key(tx, number)
    return free


def _left(tx: Connection, runtime: Runtime) -> int:
    """How many values and numbers still stand under another key than the first."""
    vault = runtime.vault
    sealed = sum(
        rows
        for place in resealing.sealed_places()
        for key, rows in resealing.count_by_key(tx, place).items()
        if key != vault.writing
    )
    return sealed + sum(rows for key, rows in reindexing.count_phones(tx).items() if key != vault.index_writing)
