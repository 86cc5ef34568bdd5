"""One process of F12: threads that read a number and write the next one, in our own transactions, for so many seconds.

    python -m tests.faults.counting_writer SQLITE-URL THREADS SECONDS

Says in one JSON line how often it was acknowledged, which errors its callers saw and how long each write took (ms).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter

from sqlalchemy.exc import DBAPIError, TimeoutError

from service.runtime import build_runtime
from service.store.database import Database
from service.store.system_tables import mark, read_mark
from tests.conftest import a_config

NAME = "f12"


def next_number(database: Database) -> None:
    """What a lost update would lose: read, and write what follows from it."""
    with database.begin() as tx:
        mark(tx, NAME, str(int(read_mark(tx, NAME) or 0) + 1))


def write(database: Database, until: float, took: list[float], errors: Counter[str]) -> None:
    while (began := time.monotonic()) < until:
        try:
            next_number(database)
            took.append(1000 * (time.monotonic() - began))
        except (DBAPIError, TimeoutError) as error:
            errors[str(getattr(error, "orig", None) or error)] += 1


def main(url: str, threads: int, seconds: float) -> None:
    database = build_runtime(a_config(url)).database
    took: list[float] = []
    errors: Counter[str] = Counter()
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.monotonic() + seconds
    writers = [threading.Thread(target=write, args=(database, until, took, errors)) for _ in range(threads)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    print(json.dumps({"took": took, "errors": errors}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
