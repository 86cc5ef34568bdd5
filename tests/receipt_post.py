"""How the loopback carrier's receipts travel to the product: at their time, and again until it says 2xx."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit


@dataclass
class Receipts:
    """How receipts go back. Chances are per message; delays in seconds; `early` ones leave before our reply does."""

    product_url: str = ""  # where the product listens; for Twilio its callback's host is replaced by this one
    at_path: str = ""  # Africa's Talking: the path of the receipt callback, secret included
    coverage: float = 1.0
    failed: float = 0.0
    early: float = 0.0
    repeat: float = 0.0
    shuffle: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    insist_seconds: float = 5.0  # a receipt that gets no 2xx is repeated for so long


@dataclass(order=True)
class _Due:
    at: float
    number: int
    send: Callable[[], int] = field(compare=False)
    give_up: float = field(compare=False, default=0.0)


def post_form(address: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> int:
    """POST a form and return the HTTP status; 0 when nobody answered."""
    parts = urlsplit(address)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return _call(address, "POST", path, urlencode(form).encode(), kind)


def get_address(product_url: str, path: str) -> int:
    """Fetch this path of the product, octet for octet, and return the HTTP status; 0 when nobody answered."""
    return _call(product_url, "GET", path, None, {})


def _call(address: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> int:
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    try:
        connection.request(method, path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


class PostOffice:
    """One thread that sends receipts at their time and insists while the product does not say 2xx."""

    def __init__(self) -> None:
        self.delivered = 0
        self.given_up = 0
        self._heap: list[_Due] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._busy = False
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._thread.join()

    def now(self, send: Callable[[], int]) -> None:
        self._note(200 <= send() < 300)

    def later(self, seconds: float, plan: Receipts, send: Callable[[], int]) -> None:
        at = time.monotonic() + seconds
        with self._changed:
            heapq.heappush(self._heap, _Due(at, next(self._count), send, at + plan.insist_seconds))
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._heap and not self._busy, seconds)

    def _run(self) -> None:
        while (due := self._take()) is not None:
            done = 200 <= due.send() < 300
            with self._changed:
                if not done and time.monotonic() < due.give_up:
                    again = _Due(time.monotonic() + 0.2, next(self._count), due.send, due.give_up)
                    heapq.heappush(self._heap, again)
                else:
                    self._note(done)
                self._busy = False
                self._changed.notify_all()

    def _take(self) -> _Due | None:
        with self._changed:
            while self._open:
                wait = self._heap[0].at - time.monotonic() if self._heap else None
                if wait is not None and wait <= 0:
                    self._busy = True
                    return heapq.heappop(self._heap)
                self._changed.wait(wait)
            return None

    def _note(self, done: bool) -> None:
        if done:
            self.delivered += 1
        else:
            self.given_up += 1
