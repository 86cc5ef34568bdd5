"""Receipts: put on disk and applied in micro-batches, against one by one; a burst beside calls; and a large outbox.

    python3 dev bench receipts [--quick]

"One by one" is what the product did before, and what is usually done: each receipt is one transaction that looks for
its key, its message, and moves it. The micro-batches are the product's `take` and `settle`. Both are called by as many
threads, in turns, in one process; a ratio is taken in each round and the median of the rounds is printed.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import insert, text

from bench.databases import Postgres
from bench.load import drive
from bench.servers import HERE, SERVER_CPU, pin, running
from bench.ussd import SECRET, environment, questions
from service.channels.base import Receipt
from service.config import Config
from service.domain.message_states import after_receipt
from service.runtime import Runtime, build_runtime
from service.store import message_tables, phone_tables
from service.store.columns import new_id
from service.store.inbound_tables import first_time
from service.store.message_tables import message
from service.store.receipt_tables import any_new
from service.stories.delivery import receipts
from service.stories.keeping import setup

CALLERS = (1, 4, 16)
ROUNDS = 5
_batches = itertools.count(1)
_ports = iter(range(18300, 18400))


class Sizes:
    """`--quick` is for a look; the goals are judged by the whole."""

    def __init__(self, quick: bool) -> None:
        self.receipts = 400 if quick else 2_000
        self.burst = 2_000 if quick else 10_000
        self.large = 100_000 if quick else 1_000_000
        self.small = 10_000


# --- both sides ---------------------------------------------------------------------------------------------


def one_by_one(runtime: Runtime, receipt: Receipt) -> None:
    """A transaction for each receipt: its key, its message, the move."""
    now = runtime.now()
    assert receipt.phone
    assert receipt.state
    with runtime.database.begin() as tx:
        key = (receipt.carrier_id, receipt.phone, receipt.state)
        if first_time(tx, receipt.channel, "receipt", now, *key) is None:
            return
        found = message_tables.find_message(tx, channel=receipt.channel, carrier_id=receipt.carrier_id)
        assert found is not None
        assert found.number_idx == runtime.vault.index(receipt.phone)
        state = after_receipt(found.state, receipt.state)
        if state is not None:
            values = {"reason": receipt.detail, "carrier_id": receipt.carrier_id}
            message_tables.move(tx, found.id, found.state, state=state, state_at=now, **values)


class Timed:
    """How long each part took, for so many receipts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seconds: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    def run(self, name: str, call: Callable[[], object]) -> None:
        cpu, began = time.process_time(), time.perf_counter()
        call()
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        self.cpu.setdefault(name, []).append((time.process_time() - cpu) / self.number * 1e6)

    def ratios(self, slow: str, *fast: str) -> list[float]:
        together = map(sum, zip(*(self.seconds[name] for name in fast), strict=True))
        return [one / other for one, other in zip(self.seconds[slow], together, strict=True)]

    def rate(self, name: str) -> float:
        return self.number / statistics.median(self.seconds[name])

    def us(self, name: str) -> float:
        return statistics.median(self.cpu[name])


def measure_batches(database: str, runtime: Runtime, sizes: Sizes) -> None:
    """As callers bring them, each on its own; and with all of them at hand."""
    for callers in CALLERS:
        timed = Timed(sizes.receipts)
        with ThreadPoolExecutor(callers) as pool:
            for _ in range(ROUNDS):
                slow, fast = accepted(runtime, sizes.receipts), accepted(runtime, sizes.receipts)
                timed.run("one by one", lambda slow=slow: list(pool.map(partial(one_by_one, runtime), slow)))
                if callers > 1:
                    timed.run("taken", lambda fast=fast: list(pool.map(partial(receipts.take, runtime), fast)))
                else:
                    timed.run("taken", lambda fast=fast: _take_pages(runtime, fast))
                timed.run("applied", lambda: receipts.settle(runtime))
        both, applied = timed.ratios("one by one", "taken", "applied"), timed.ratios("one by one", "applied")
        parts = ("one by one", "taken", "applied")
        rates = ", ".join(f"{name} {timed.rate(name):.0f}/s" for name in parts)
        cpu = ", ".join(f"{timed.us(name):.0f}" for name in parts)
        how = f"{callers} callers" if callers > 1 else "all at hand"
        print(
            f"{database:14} {how:12} in and applied {_spread(both)} x, applying alone {_spread(applied)} x   {rates}   "
            f"CPU {cpu} us",
            flush=True,
        )


def _take_pages(runtime: Runtime, coming: Sequence[Receipt]) -> None:
    for first in range(0, len(coming), receipts.PAGE):
        page = coming[first : first + receipts.PAGE]
        receipts._write_down(runtime, [receipts._row(one, runtime.now()) for one in page])


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def accepted(runtime: Runtime, number: int) -> list[Receipt]:
    """So many messages that their carrier took, each to a phone of its own; gives the receipts that they get."""
    batch, now = next(_batches), runtime.now()
    coming = [
        Receipt(
            "africastalking", f"ATXid_{batch:08d}{n:024d}", f"+2237{batch % 10}{n:06d}", None, "delivered", "Success"
        )
        for n in range(number)
    ]
    with runtime.database.begin() as tx:
        rows = [_row(phone_tables.ensure_phone(tx, str(one.phone), now), one.carrier_id, now) for one in coming]
        tx.execute(insert(message), rows)
    return coming


def _row(phone: phone_tables.Phone, carrier_id: str, now: int) -> dict[str, object]:
    usual = {"purpose": "reminder", "klass": "once", "priority": 20, "channel": "africastalking", "state": "accepted"}
    counts = {"parts": 1, "fence": 1, "attempts": 1, "resends": 0, "encoding": "gsm7"}
    times = {"not_before": now, "useful_until": now + 86_400_000, "created_at": now, "state_at": now}
    names = {"id": new_id(), "key": carrier_id, "carrier_id": carrier_id, "text": "Laseli: rendez-vous"}
    return {**names, "phone_id": phone.id, "number_idx": phone.number_idx, **usual, **counts, **times}


# --- a burst beside calls -----------------------------------------------------------------------------------


def measure_burst(database: str, settings: dict[str, str], sizes: Sizes) -> None:
    """Callers press a key every tenth of a second; meanwhile the carrier posts all its reports on eight lines."""
    runtime = build_runtime(Config.from_env(settings))
    coming = accepted(runtime, sizes.burst)
    port = next(_ports)
    with running("granian", "wsgi:app", port, settings), _worker(settings), ThreadPoolExecutor(1) as poster:
        drive(port, 4, 1.0, questions)
        idle, busy, seconds = [], [], []
        for part in _parts(coming, 3):
            idle.append(drive(port, 8, 4.0, questions, pause=0.1).percentile(0.99))
            posting = poster.submit(_post_all, port, part)
            figures = drive(
                port, 8, 3600.0, questions, pause=0.1, while_true=lambda posting=posting: not posting.done()
            )
            busy.append(figures.percentile(0.99))
            seconds.append(posting.result())
            assert not figures.wrong, "a call was not answered"
        began = time.perf_counter()
        while _left(runtime):
            time.sleep(0.05)
        late = time.perf_counter() - began
    runtime.database.close()
    ratios = [ours / theirs for ours, theirs in zip(busy, idle, strict=True)]
    took, before, beside = sum(seconds), statistics.median(idle), statistics.median(busy)
    print(
        f"{database:14} {len(coming)} reports in {took:.1f} s ({len(coming) / took:.0f}/s), applied {late:.1f} s later"
        f"   p99 of a keystroke {before:.1f} ms, beside them {beside:.1f} ms: {_spread(ratios)} x",
        flush=True,
    )


def _parts(coming: list[Receipt], number: int) -> list[list[Receipt]]:
    return [coming[n::number] for n in range(number)]


@contextmanager
def _worker(settings: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "scheduler", "worker"], cwd=HERE, env=os.environ | settings)
    try:
        time.sleep(2)
        pin(process.pid, SERVER_CPU)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _post_all(port: int, coming: list[Receipt]) -> float:
    """Post every receipt once, on eight lines at once; gives the seconds it took."""
    left = iter([_request(one) for one in coming])
    began = time.perf_counter()
    figures = drive(port, 8, 3600.0, lambda _: left)
    assert figures.requests == len(coming)
    assert not figures.wrong, "a report was not taken"
    return time.perf_counter() - began


def _request(receipt: Receipt) -> bytes:
    form = {"id": receipt.carrier_id, "status": "Success", "phoneNumber": receipt.phone, "networkCode": "61002"}
    body = urlencode(form)
    head = f"POST /hooks/africastalking/receipt/{SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _left(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        return any_new(tx)


# --- a large outbox -----------------------------------------------------------------------------------------


def measure_growth(database: str, small: Runtime, large: Runtime, sizes: Sizes) -> None:
    """The same receipts on two outboxes, in turns."""
    for runtime, rows in ((small, sizes.small), (large, sizes.large)):
        _fill(runtime, rows)
    timed = Timed(sizes.receipts)
    with ThreadPoolExecutor(16) as pool:
        for _ in range(ROUNDS):
            for name, runtime in (("small", small), ("large", large)):
                coming = accepted(runtime, sizes.receipts)
                timed.run(f"{name} in", lambda r=runtime, c=coming: list(pool.map(partial(receipts.take, r), c)))
                timed.run(name, lambda r=runtime: receipts.settle(r))
    taken, applied = timed.ratios("large in", "small in"), timed.ratios("large", "small")
    print(
        f"{database:14} {sizes.large:,} messages against {sizes.small:,}: taking {_spread(taken)} x, applying "
        f"{_spread(applied)} x as long   {timed.rate('small'):.0f} and {timed.rate('large'):.0f} applied/s",
        flush=True,
    )


_SERIES = {
    "postgresql": "SELECT n FROM generate_series(1, :rows) AS s(n)",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :rows) SELECT n FROM s",
}


def _fill(runtime: Runtime, rows: int) -> None:
    """Messages of last month, delivered long ago."""
    with runtime.database.begin() as tx:
        phone = phone_tables.ensure_phone(tx, "+22379999999", runtime.now())
        values = _row(phone, "", runtime.now() - 30 * 86_400_000) | {"state": "delivered", "sealed": b"\x01" * 60}
        names = [
            *("phone_id", "number_idx", "purpose", "class", "priority", "channel", "state", "parts", "fence"),
            *("attempts", "resends", "encoding", "not_before", "useful_until", "created_at", "state_at"),
        ]
        values["class"] = values["klass"]
        # Ids as random as ours, and none twice: the counter is spread by an odd factor.
        spread = "((n * 2654435761) % 4611686018427387847) + 1"
        given = ", ".join(f":{name}" for name in names)
        tx.execute(
            text(
                f"INSERT INTO message (id, key, carrier_id, text, {', '.join(names)}) "
                f"SELECT {spread}, 'old-' || n, 'ATXid_old' || {spread}, :sealed, {given} "
                f"FROM ({_SERIES[tx.dialect.name]}) AS series"
            ),
            {"rows": rows} | {name: values[name] for name in ("sealed", *names)},
        )
    with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


# --- all of it ----------------------------------------------------------------------------------------------


def main() -> None:
    sizes = Sizes(quick=bool(os.environ.get("BENCH_QUICK")))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        postgres = stack.enter_context(Postgres(Path(folder)))
        kinds = {
            "postgresql": (postgres.fresh, "FULL"),
            "sqlite FULL": (lambda name: f"sqlite:///{folder}/full-{name}.db", "FULL"),
            "sqlite NORMAL": (lambda name: f"sqlite:///{folder}/normal-{name}.db", "NORMAL"),
        }
        print(f"{sizes.receipts} receipts a round, {ROUNDS} rounds (goals: PostgreSQL 10, FULL 4, NORMAL 1.2)")
        for database, (fresh, synchronous) in kinds.items():
            with _opened(environment(fresh("batches"), synchronous)) as runtime:
                measure_batches(database, runtime, sizes)
        print("A burst beside calls, one core for the web process and the worker (goal: 3)")
        for database, (fresh, synchronous) in kinds.items():
            settings = environment(fresh("burst"), synchronous)
            with _opened(settings):
                pass
            measure_burst(database, settings, sizes)
        print("A large outbox (goal: 1.3)")
        for database, (fresh, synchronous) in kinds.items():
            if database != "sqlite NORMAL":
                with (
                    _opened(environment(fresh("small"), synchronous)) as small,
                    _opened(environment(fresh("large"), synchronous)) as large,
                ):
                    measure_growth(database, small, large, sizes)


@contextmanager
def _opened(settings: dict[str, str]) -> Iterator[Runtime]:
    runtime = build_runtime(Config.from_env(settings))
    setup.prepare(runtime)
    yield runtime
    runtime.database.close()
