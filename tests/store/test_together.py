"""Many threads write in few transactions, and each hears of its own row only what is true."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.store.together import Together


class Disk:
    """Takes its time over a write, as a disk does, until `let` is set."""

    def __init__(self) -> None:
        self.pages: list[list[int]] = []
        self.begun, self.let = threading.Event(), threading.Event()
        self.trouble: BaseException | None = None

    def write(self, page: list[int]) -> None:
        self.begun.set()
        assert self.let.wait(10)
        if self.trouble:
            raise self.trouble
        self.pages.append(page)


def all_wait(door: Together[int], number: int) -> None:
    for _ in range(2000):
        if len(door._waiting) == number:
            return
        threading.Event().wait(0.002)
    raise AssertionError(f"{len(door._waiting)} of {number} wait")


def begin(door: Together[int], disk: Disk, pool: ThreadPoolExecutor, number: int) -> list[Callable[[], None]]:
    """One writes, the others wait for it; gives what each is told in the end."""
    calls = [pool.submit(door.put, 0, disk.write)]
    assert disk.begun.wait(10)
    calls += [pool.submit(door.put, item, disk.write) for item in range(1, number)]
    all_wait(door, number - 1)
    return [lambda call=call: call.result(10) for call in calls]  # type: ignore[misc]


def test_who_comes_during_a_write_is_written_with_the_next_one() -> None:
    door, disk = Together[int](), Disk()
    with ThreadPoolExecutor(20) as pool:
        told = begin(door, disk, pool, 20)
        disk.let.set()
        for one in told:
            one()
    assert disk.pages[0] == [0]
    assert sorted(disk.pages[1]) == list(range(1, 20))


def test_what_is_not_on_disk_is_never_thanked_for() -> None:
    door, disk = Together[int](), Disk()
    disk.trouble = OSError("disk full")
    with ThreadPoolExecutor(8) as pool:
        told = begin(door, disk, pool, 8)
        disk.let.set()
        for one in told:
            with pytest.raises(OSError, match="disk full"):
                one()
    disk.trouble = None
    door.put(99, disk.write)
    assert disk.pages == [[99]], "and the next one goes on"


def test_alone_nobody_waits() -> None:
    door, disk = Together[int](), Disk()
    disk.let.set()
    for item in range(3):
        door.put(item, disk.write)
    assert disk.pages == [[0], [1], [2]]


def test_a_thousand_from_sixteen_threads_are_written_once_each() -> None:
    door, disk = Together[int](), Disk()
    disk.let.set()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: door.put(item, disk.write), range(1000)))
    assert sorted(item for page in disk.pages for item in page) == list(range(1000))
