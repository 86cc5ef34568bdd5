"""Tells the product, in the background, what a carrier tells: receipts, ends of calls, SMS it did not take at first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from service.simulator.product import ProductProblem
from service.simulator.state import Callback, State

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)  # then it gives up, as carriers do
LEASE_MS = 60_000  # longer than any one try
LOOK_AGAIN_SECONDS = 5.0


def real_now() -> int:
    """This machine's time in UTC milliseconds: retries do not wait for the demonstration's clock."""
    return time.time_ns() // 1_000_000


class Postman:
    """One thread that posts what stands in the file, oldest first. What a crash left unsaid is said after it."""

    def __init__(
        self, state: State, tell: Callable[[str, dict[str, str]], None], waits: Sequence[float] = RETRY_SECONDS
    ) -> None:
        self._state, self._tell, self._waits = state, tell, tuple(waits)
        self._wake, self._stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="simulator-postman", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join(timeout=30)

    def hurry(self) -> None:
        """Something new stands in the file."""
        self._wake.set()

    def all_told(self, seconds: float) -> bool:
        """Wait, at most so long, until nothing is left to tell; whether that is so."""
        end = time.monotonic() + seconds
        while self._state.next_callback_at() is not None:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def post(self, callback: Callback) -> None:
        """Try once, now. A refusal is noted for later and raised."""
        try:
            self._tell(callback.event, callback.form)
        except ProductProblem as problem:
            self._try_later(callback, problem)
            raise
        self._state.callback_done(callback.id)

    def _try_later(self, callback: Callback, problem: ProductProblem) -> None:
        over = callback.tries > len(self._waits)
        next_at = None if over else real_now() + int(self._waits[callback.tries - 1] * 1000)
        self._state.callback_later(callback.id, next_at)
        log.warning("%s callback not taken (%s)%s", callback.event, problem, ", given up" if over else "")

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                self._post_due()
                seconds = self._seconds_to_wait()
            except Exception:
                # The thread must outlive a full disk or a locked file: a demonstration without receipts looks broken.
                log.exception("the simulator's postman stumbled")
                seconds = LOOK_AGAIN_SECONDS
            self._wake.wait(seconds)

    def _post_due(self) -> None:
        while not self._stopped:
            now = real_now()
            callback = self._state.claim_callback(now, now + LEASE_MS)
            if callback is None:
                return
            try:
                self.post(callback)
            except ProductProblem:
                continue

    def _seconds_to_wait(self) -> float:
        next_at = self._state.next_callback_at()
        if next_at is None:
            return LOOK_AGAIN_SECONDS
        return min(max((next_at - real_now()) / 1000, 0.01), LOOK_AGAIN_SECONDS)
