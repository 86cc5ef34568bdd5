"""Small writes of many threads in few transactions.

A commit waits for the disk. Threads that come while one is under way are written by the next one, all at once: the
more come, the less each costs. Nobody waits for company that may not come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item]):
    item: Item
    done: bool = False
    error: BaseException | None = None


class Together(Generic[Item]):
    """`put` returns when the caller's own item is on disk, and raises when it is not."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[_Waiting[Item]] = []
        self._writing = False

    def put(self, item: Item, write: Callable[[list[Item]], None]) -> None:
        """`write` is called by one of the threads, with the items of all who wait."""
        mine = _Waiting(item)
        with self._changed:
            self._waiting.append(mine)
            while self._writing and not mine.done:
                self._changed.wait()
            if not mine.done:
                self._writing = True
                batch = self._take()
        if not mine.done:
            self._write_all(batch, write)
        if mine.error is not None:
            raise mine.error

    def _write_all(self, batch: list[_Waiting[Item]], write: Callable[[list[Item]], None]) -> None:
        error: BaseException | None = None
        try:
            write([one.item for one in batch])
        except BaseException as trouble:
            error = trouble
        with self._changed:
            if error is not None:
                batch += self._take()  # who has come meanwhile has waited for this database too: all are told now
            for one in batch:
                one.done, one.error = True, error
            self._writing = False
            self._changed.notify_all()

    def _take(self) -> list[_Waiting[Item]]:
        batch, self._waiting = self._waiting, []
        return batch
