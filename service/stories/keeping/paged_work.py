"""Long work on the whole database, a page at a time: found by reading, done in short transactions, with pauses.

SQLite has one writer: whoever holds it for long keeps every caller waiting. So pages grow while they are quick and
shrink when they are not, and after each one whoever waited comes first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from service.store.database import Database

AT_FIRST, AT_LEAST = 50, 20
"""Rows. Where a slow disk and not the rows take the time, still fewer would only take longer."""
GOAL_S = 0.03
"""A transaction that took longer makes the next page smaller: USSD waits for none above 150 ms."""
SHORTEST_PAUSE_S = 0.01


class Page(NamedTuple):
    """Keys to act upon, and where to look on; None when there is nothing more."""

    keys: Sequence[Any]
    place: Any


class Done(NamedTuple):
    """What a page came to: how many rows, and the place from which to go on; None when that was all."""

    rows: int
    place: Any


Find = Callable[[Connection, Any, int], Page]
Act = Callable[[Connection, Sequence[Any]], int]


def in_pages(database: Database, find: Find, act: Act, place: Any, *, most: int) -> Iterator[Done]:
    """Page after page from this place on. Whoever stops asking stops the work between two transactions."""
    size = min(AT_FIRST, most)
    while place is not None:
        with database.read() as tx:
            found = find(tx, place, size)
        took, rows = _timed(database, act, found.keys) if found.keys else (0.0, 0)
        size = next_size(size, took, most)
        place = found.place
        yield Done(rows, place)
        if place is not None and found.keys:
            time.sleep(max(SHORTEST_PAUSE_S, took))


def walked(ids: Sequence[int], limit: int) -> Page:
    """A page of ids in their order; the next one begins after the last of them."""
    return Page(ids, ids[-1] if len(ids) == limit else None)


def next_size(size: int, took: float, most: int) -> int:
    if took > GOAL_S:
        return min(most, max(AT_LEAST, size // 2))
    return min(most, size * 2) if took < GOAL_S / 3 else size


def _timed(database: Database, act: Act, keys: Sequence[Any]) -> tuple[float, int]:
    with database.begin() as tx:
        began = time.monotonic()  # our turn has come: waiting for it keeps nobody else waiting
        rows = act(tx, keys)
    return time.monotonic() - began, rows
