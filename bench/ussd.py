"""One USSD step of the real enrolment, against Flask answering a constant on the same server in the same run.

Two loads, with sixteen callers at once. "enrolment": each enrols one child after the other from new phones, in
eleven steps, the last of which writes caregiver, child, consent and appointments. "question": an ordinary answer, forth
and back between two questions. Bare and product take turns; a ratio is taken in each round and the median of the
rounds is printed. Server and client have a processor each.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.databases import Postgres
from bench.load import Figures, drive
from bench.servers import CLIENT_CPU, cpu_seconds, memory_mb, pin, running
from service.config import Config
from service.runtime import build_runtime
from service.stories.keeping import setup

SECRET = "a-benchmark-secret-of-thirty-two-letters"
ANSWERS = ("1", "1", "1", "1", "Awa Diarra", "12102026", "1", "1", "1", "1")
CONNECTIONS, SECONDS, ROUNDS = 16, 3.0, 3
_phones = itertools.count(0)
Walk = Callable[[int], Iterator[bytes]]
_sessions = itertools.count(1)


@dataclass
class Side:
    """One server, and what it showed under the load of the moment."""

    name: str
    port: int
    pid: int
    rounds: list[Figures]
    cpu: list[float]

    def run(self, walk: Walk) -> None:
        before = cpu_seconds(self.pid)
        figures = drive(self.port, CONNECTIONS, SECONDS, walk)
        self.cpu.append((cpu_seconds(self.pid) - before) / figures.requests * 1e6)
        self.rounds.append(figures)

    @property
    def rates(self) -> list[float]:
        return [figures.rate for figures in self.rounds]


def enrolments(_: int) -> Iterator[bytes]:
    """The endless requests of one caller: a new phone, dial, answer every screen."""
    while True:
        number = f"+2237{next(_phones):07d}"
        session = f"ATUid_{next(_sessions):032x}"
        for steps in range(len(ANSWERS) + 1):
            yield _request(session, number, "*".join(ANSWERS[:steps]))


def questions(_: int) -> Iterator[bytes]:
    """The endless requests of one caller who goes forth and back between the name and the date of birth."""
    while True:
        number, session = f"+2237{next(_phones):07d}", f"ATUid_{next(_sessions):032x}"
        typed = ["1", "1", "1", "1", *["Awa", "0"] * 20]
        for steps in range(len(typed) + 1):
            yield _request(session, number, "*".join(typed[:steps]))


LOADS: dict[str, Walk] = {"enrolment": enrolments, "question": questions}


def _request(session: str, number: str, text: str) -> bytes:
    fields = {
        "sessionId": session,
        "phoneNumber": number,
        "networkCode": "61001",
        "serviceCode": "*384*223#",
        "text": text,
    }
    body = urlencode(fields)
    head = f"POST /hooks/africastalking/ussd/{SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def environment(database_url: str, synchronous: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")}
    return clean | {
        "LASELI_DATABASE_URL": database_url,
        "LASELI_SQLITE_SYNCHRONOUS": synchronous,
        "LASELI_KEYS__IDENTITY": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "LASELI_KEYS__INDEX": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
        "LASELI_ROUTES": "africastalking",
        "LASELI_AFRICASTALKING__USERNAME": "bench",
        "LASELI_AFRICASTALKING__API_KEY": "bench",
        "LASELI_AFRICASTALKING__BASE_URL": "http://127.0.0.1:9",
        "LASELI_AFRICASTALKING__HOOK_SECRETS": SECRET,
        "LASELI_DRAFTS_ALLOWED_BY": "the benchmark",
        "LASELI_LOG_LEVEL": "ERROR",
    }


def measure(server: str, database: str, database_url: str, synchronous: str, ports: Iterator[int]) -> None:
    settings = environment(database_url, synchronous)
    runtime = build_runtime(Config.from_env(settings))
    setup.prepare(runtime)
    runtime.database.close()
    with ExitStack() as stack:
        sides = []
        for name, app in (("bare", "bench.bare_app:app"), ("product", "wsgi:app")):
            port = next(ports)
            process = stack.enter_context(running(server, app, port, settings))
            sides.append(Side(name, port, process.pid, [], []))
        bare, product = sides
        drive(product.port, CONNECTIONS, 1.0, enrolments)  # warm: statements compiled, pages cached
        for load, walk in LOADS.items():
            for side in sides:
                side.rounds, side.cpu = [], []
            for _ in range(ROUNDS):
                bare.run(walk)
                product.run(walk)
            _print(server, f"{database}, {load}", bare, product, memory_mb(product.pid))


def _print(server: str, database: str, bare: Side, product: Side, memory: float) -> None:
    ratios = [ours / theirs for ours, theirs in zip(product.rates, bare.rates, strict=True)]
    p50 = statistics.median(figures.percentile(0.5) for figures in product.rounds)
    p99 = statistics.median(figures.percentile(0.99) for figures in product.rounds)
    wrong = sum(figures.wrong for figures in (*product.rounds, *bare.rounds))
    print(
        f"{server:9} {database:24} ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})   "
        f"{statistics.median(product.rates):5.0f} of {statistics.median(bare.rates):5.0f} steps/s   "
        f"CPU {statistics.median(product.cpu):4.0f} and {statistics.median(bare.cpu):4.0f} us   "
        f"p50 {p50:4.1f} ms, p99 {p99:5.1f} ms ({p99 / p50:.1f} x)   {memory:3.0f} MB   wrong {wrong}",
        flush=True,
    )


def main() -> None:
    pin(os.getpid(), CLIENT_CPU)
    ports = iter(range(18100, 18200))
    print(
        f"One USSD step of the enrolment, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:.0f} s, one core each"
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        postgres = stack.enter_context(Postgres(Path(folder)))
        for server in ("gunicorn", "granian"):
            for synchronous in ("NORMAL", "FULL"):
                url = f"sqlite:///{folder}/{server}-{synchronous}.db"
                measure(server, f"sqlite {synchronous}", url, synchronous, ports)
            measure(server, "postgresql", postgres.fresh(server), "FULL", ports)
