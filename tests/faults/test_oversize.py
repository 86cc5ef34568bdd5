"""F25: too much, too many, too slow, on the product's own server: refused, cheaply, and others are served."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from service.runtime import Runtime
from service.store.inbound_tables import inbound_event
from tests.conftest import HOOK_SECRET, fresh_sqlite
from tests.faults.crowd import first_key, stop_by_sms
from tests.faults.figures import Figures
from tests.faults.sizes import patience, size
from tests.faults.supervisor import Child, Supervisor, family
from tests.receipt_post import post_form

TIMES = size(10, 100)
SLOW = 16
TICKS = os.sysconf("SC_CLK_TCK")
SMS, TWILIO = f"/hooks/africastalking/sms-in/{HOOK_SECRET}", "/hooks/twilio/sms"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The doors are the same before either database."""
    return fresh_sqlite(sqlite_template, tmp_path)


@pytest.fixture
def web(supervisor: Supervisor) -> Child:
    return supervisor.web()


def head(path: str, more: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: laseli\r\n{FORM}{more}\r\n".encode()


def whole(path: str, body: bytes) -> bytes:
    return head(path, f"Content-Length: {len(body)}\r\n") + body


def in_chunks(path: str, body: bytes) -> bytes:
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    chunks = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return head(path, "Transfer-Encoding: chunked\r\n") + chunks + b"0\r\n\r\n"


def signed(request: bytes) -> bytes:
    """A signature that is none: a stranger may write what he likes there."""
    return request.replace(b"Host: ", b"X-Twilio-Signature: xxxx\r\nHost: ", 1)


LARGE = urlencode(stop_by_sms(2).form).encode() + b"&more=" + b"x" * 20_000  # what is needed stands before the cut
OVERSIZE: dict[str, tuple[bytes, set[int]]] = {
    "20 kB": (whole(SMS, LARGE), {413}),
    "20 kB in chunks": (in_chunks(SMS, LARGE), {413}),
    "2 MB in chunks": (in_chunks(SMS, LARGE * 100), {413, 0}),
    "20 kB by a stranger": (signed(whole(TWILIO, LARGE)), {413}),
    "1 MB": (whole(SMS, b"text=" + b"x" * 1_000_000), {413}),
    "10 GB announced": (head(SMS, "Content-Length: 10737418240\r\n"), {413}),
    "51 fields": (whole(SMS, urlencode([(f"f{n}", "1") for n in range(51)]).encode()), {413}),
    "2,000 fields": (whole(SMS, b"a=1&" * 2000), {413}),
    "10 MB of headers": (head(SMS, "".join(f"X-{n}: {'y' * 1000}\r\n" for n in range(10_000))), {400, 413, 431, 0}),
    "one header of 10 MB": (head(SMS, f"X-Long: {'y' * 10_000_000}\r\n"), {400, 413, 431, 0}),
    "a length that is none": (head(SMS, "Content-Length: -5\r\n"), {400, 0}),
}


def status_of(web: Child, request: bytes) -> int:
    """The status of the answer; 0 when the server simply hangs up."""
    with socket.create_connection(("127.0.0.1", web.port), 10) as line:
        line.settimeout(10)
        with contextlib.suppress(ConnectionError):
            line.sendall(request)
        with contextlib.suppress(ConnectionError):
            answer = line.recv(64)
            return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0
    return 0


def cpu_seconds(child: Child) -> float:
    total = 0
    for pid in family(child.pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mb(child: Child) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(child.pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def test_too_much_is_refused_for_little(web: Child, runtime: Runtime, figures: Figures) -> None:
    status_of(web, whole(SMS, b"text=x"))  # what the first request of all costs is no matter here
    found: dict[str, object] = {}
    statuses, costs, memory = {}, {}, memory_mb(web)
    for name, (request, _) in OVERSIZE.items():
        before = cpu_seconds(web)
        statuses[name] = {status_of(web, request) for _ in range(TIMES)}
        costs[name] = 1000 * (cpu_seconds(web) - before) / TIMES
        found[name] = "/".join(str(status or "closed") for status in sorted(statuses[name]))
    grown = memory_mb(web) - memory
    dearest = max(costs, key=lambda name: costs[name])
    figures.note(
        "F25",
        f"{len(OVERSIZE)} kinds of oversize requests, {TIMES} of each",
        "SQLite",
        "413, 431, 400 or closed, ≤ 50 ms of processor time each",
        found | {"dearest": dearest, "ms of processor time": costs[dearest], "MB grown": grown},
    )
    for name, (_, allowed) in OVERSIZE.items():
        assert statuses[name] <= allowed, (name, statuses[name])
    assert costs[dearest] <= 50, costs
    assert grown < 50
    with runtime.database.read() as tx:
        assert tx.execute(select(inbound_event)).first() is None, "nothing was taken"
    assert status_of(web, in_chunks(SMS, urlencode(stop_by_sms(1).form).encode())) == 200, "a small one in chunks is"


@contextlib.contextmanager
def slow_callers(web: Child, request: bytes) -> Iterator[list[socket.socket]]:
    """Each sends a few octets a second of a request that never ends."""
    lines = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(SLOW)]
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.3):
            for line in lines:
                with contextlib.suppress(OSError):
                    line.sendall(b"x")

    for line in lines:
        line.sendall(request)
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield lines
    finally:
        over.set()
        thread.join()
        for line in lines:
            line.close()


@pytest.mark.parametrize(
    ("what", "request_"),
    [
        ("headers", head(SMS, "")[:-2] + b"X-Slow: "),
        ("bodies of strangers", signed(head(TWILIO, "Content-Length: 10000\r\n")) + b"Body="),
    ],
)
def test_slow_callers_silence_nobody(web: Child, figures: Figures, what: str, request_: bytes) -> None:
    most_s = patience(2)
    with slow_callers(web, request_):
        time.sleep(1.0)
        took = sorted(_seconds(lambda n=n: _served(web, n)) for n in range(1, 41))
    figures.note(
        "F25",
        f"{SLOW} callers with slow {what}",
        "SQLite",
        "others are served within 2 s",
        {"served": len(took), "longest (s)": took[-1]},
    )
    assert took[-1] < most_s


def _served(web: Child, place: int) -> None:
    event = first_key(place)
    assert post_form(web.address + event.path, event.form) == 200


def _seconds(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began
