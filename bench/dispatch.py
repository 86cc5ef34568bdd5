"""The dispatcher sending through the carrier's own SDK, beside a bare aiohttp client posting the same forms.

Both send to the same carrier of this machine (bench/fast_carrier.py), which costs next to nothing, on the other
processor. "single": each message has its own text and its own call. "many": one campaign, equal texts, a hundred
recipients a call. "paced": as many as the carrier allows, 500 a second.

    python3 dev bench dispatch
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.databases import Postgres
from bench.servers import CLIENT_CPU, HERE, SERVER_CPU, cpu_seconds, memory_mb, pin
from bench.ussd import environment
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.stories.delivery.outbox import Letter, put_many
from service.stories.keeping import setup
from tests.people import everybody_wants_news

ROUNDS, MESSAGES, BULK = 3, 3000, 20_000
THREADS, LIMIT, PACED_SECONDS = 16, 500, 8
HOUR = 3_600_000


@dataclass
class Figures:
    messages: int
    seconds: float
    cpu_s: float  # of the sender
    database_cpu_s: float = 0.0
    memory: float = 0.0

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def micros(self) -> float:
        return (self.cpu_s + self.database_cpu_s) / self.messages * 1e6


# -- the carrier


@contextmanager
def carrier(port: int) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.fast_carrier", str(port)], cwd=HERE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        pin(process.pid, CLIENT_CPU)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def seen(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/figures", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
        return found


# -- the bare client


def bare(port: int, messages: int) -> Figures:
    """aiohttp, sixteen connections, the same form; nothing is kept, nothing is asked."""
    import aiohttp

    async def run() -> None:
        numbers = iter(range(messages))
        address = f"http://127.0.0.1:{port}/version1/messaging"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=THREADS)) as session:

            async def line() -> None:
                for number in numbers:
                    async with session.post(address, data=_form(number)) as answer:
                        await answer.json()

            await asyncio.gather(*(line() for _ in range(THREADS)))

    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run())
    return Figures(messages, time.perf_counter() - wall, time.process_time() - cpu)


def _form(number: int) -> dict[str, str]:
    words = {"username": "bench", "to": f"+2237{number:07d}", "message": _text(number), "from": "LASELI"}
    return words | {"bulkSMSMode": "1", "enqueue": "1"}


def _text(number: int) -> str:
    return f"Laseli: à partir du 12/12, au CSCom de Darsalam, avec le carnet. Code {number}."


# -- ours


def fill(runtime: Runtime, messages: int, *, equal: bool) -> None:
    now = runtime.now()
    for start in range(0, messages, 1000):
        letters = [
            Letter(
                to=f"+2237{number:07d}",
                text="Journée de vaccination le 12/12 au CSCom de Darsalam." if equal else _text(number),
                key=f"bench:{equal}:{now}:{number}",
                purpose="campaign" if equal else "reminder",
                klass="once" if equal else "must-arrive",
                not_before=now,
                useful_until=now + 48 * HOUR,
                hours="any",
                campaign_id=1 if equal else None,
            )
            for number in range(start, min(start + 1000, messages))
        ]
        with runtime.database.begin() as tx:
            put_many(tx, now, letters)
    if equal:
        everybody_wants_news(runtime)


def drain(settings: dict[str, str], messages: int, database_pid: int | None) -> Figures:
    """The dispatcher in a process of its own, on one processor, until nothing is left."""
    before = cpu_seconds(database_pid) if database_pid else 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.dispatch", "drain"], cwd=HERE, env=settings, stdout=subprocess.PIPE, text=True
    )
    pin(process.pid, SERVER_CPU)
    told, _ = process.communicate(timeout=600)
    found = json.loads(told.strip().splitlines()[-1])
    assert found["sent"] == messages, f"{found['sent']} of {messages} were sent"
    after = cpu_seconds(database_pid) if database_pid else 0.0
    return Figures(messages, found["seconds"], found["cpu"], after - before, found["memory"])


def drain_here() -> None:
    """What the child process does."""
    from service import logs
    from service.stories.delivery import dispatcher

    logs.configure("ERROR")
    runtime = build_runtime(Config.from_env())
    wall, cpu = time.perf_counter(), time.process_time()
    sent = dispatcher.send_due(runtime)
    found = {"sent": sent, "seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(found | {"memory": memory_mb(os.getpid())}))


def measure(name: str, settings: dict[str, str], port: int, database_pid: int | None) -> None:
    runtime = build_runtime(Config.from_env(settings))
    setup.prepare(runtime)
    single, many, clients = [], [], []
    for _ in range(ROUNDS):
        clients.append(bare(port, MESSAGES))
        fill(runtime, MESSAGES, equal=False)
        single.append(drain(settings, MESSAGES, database_pid))
        fill(runtime, BULK, equal=True)
        many.append(drain(settings, BULK, database_pid))
    _compare(f"{name}, single", single, clients)
    rates = [found.rate for found in many]
    print(f"{name}, many: {statistics.median(rates):6.0f} recipients/s (goal 15,000), {_micros(many)}", flush=True)
    paced = settings | {"LASELI_PACE": f"africastalking={LIMIT}"}
    fill(runtime, LIMIT * PACED_SECONDS, equal=False)
    seen(port)
    found = drain(paced, LIMIT * PACED_SECONDS, database_pid)
    fullest = seen(port)["fullest_second"]
    share = (found.cpu_s + found.database_cpu_s) / found.seconds
    print(
        f"{name}, paced at {LIMIT}/s: {found.rate / LIMIT:.2f} of it (goal 0.95), {share:.2f} of a core (goal 0.5), "
        f"fullest second {fullest / LIMIT:.2f} of it (goal 1.05), {found.memory:.0f} MB (goal 80)",
        flush=True,
    )
    runtime.database.close()


def _compare(name: str, ours: list[Figures], theirs: list[Figures]) -> None:
    ratios = [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]
    print(
        f"{name}: ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of bare aiohttp; "
        f"{statistics.median(one.rate for one in ours):.0f} of {statistics.median(one.rate for one in theirs):.0f} "
        f"messages/s; {_micros(ours)} and {_micros(theirs)}",
        flush=True,
    )


def _micros(figures: list[Figures]) -> str:
    return f"CPU {statistics.median(found.micros for found in figures):.0f} us"


def main() -> None:
    pin(os.getpid(), SERVER_CPU)
    print(f"Dispatch, {MESSAGES} messages with {THREADS} senders, {ROUNDS} rounds; database's CPU included")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        port = stack.enter_context(carrier(18310))
        postgres = stack.enter_context(Postgres(Path(folder)))
        for name, url, pid in (
            ("sqlite NORMAL", f"sqlite:///{folder}/normal.db", None),
            ("sqlite FULL", f"sqlite:///{folder}/full.db", None),
            ("postgresql", postgres.fresh("dispatch"), postgres.pid),
        ):
            settings = environment(url, "NORMAL" if "NORMAL" in name else "FULL") | {
                "LASELI_SENDER_THREADS": str(THREADS),
                "LASELI_AFRICASTALKING__BASE_URL": f"http://127.0.0.1:{port}",
                "LASELI_AFRICASTALKING__SENDER": "LASELI",
            }
            measure(name, settings, port, pid)


if __name__ == "__main__":
    drain_here() if sys.argv[1:] == ["drain"] else main()
