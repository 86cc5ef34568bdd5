"""Small writes of many threads in few transactions.

A commit waits for the disk. Threads that come while one is under way are written by the next one, all at once: the
more come, the less each costs. Nobody waits for company that may not come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NotWritten(Exception):
    """Never said of a row that is on disk."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item]):
    item: Item
    written: bool = False
    error: BaseException = field(default_factory=NotWritten)
    done: bool = False


class Together(Generic[Item]):
    """`put` returns when the caller's own item is on disk, and raises when it is not."""

    def __init__(self) -> None:
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._waiting: list[_Waiting[Item]] = []

    def put(self, item: Item, write: Callable[[list[Item]], None]) -> None:
        mine = _Waiting(item)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._write_all(write)
        if not mine.written:
            raise mine.error

    def _write_all(self, write: Callable[[list[Item]], None]) -> None:
        batch = self._take()
        try:
            write([one.item for one in batch])
            for one in batch:
                one.written = True
        except BaseException as error:
            # Who has come meanwhile has waited for this database too: all are told now.
            batch += self._take()
            for one in batch:
                one.error = error
        for one in batch:
            one.done = True

    def _take(self) -> list[_Waiting[Item]]:
        with self._lock:
            batch, self._waiting = self._waiting, []
        return batch
