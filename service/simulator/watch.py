"""What time it is in the demonstration, and what else the product says of itself, asked seldom enough."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.simulator.postman import real_now
from service.simulator.product import Control, Demonstration, ProductProblem
from service.simulator.state import State

OFFSET, ZONE = "clock_offset_ms", "zone"
# An SMS is stamped with the demonstration's time while the product waits for our answer: no long questions then.
STAMP_AGE, STAMP_SECONDS = 0.2, 0.7
AFTER_A_PROBLEM = 5.0  # seconds of peace for a product that is down


@dataclass(frozen=True, slots=True)
class Sight:
    """The last look at the product: a demonstration, or a sentence that says why there is none."""

    demonstration: Demonstration | None = None
    problem: str = ""


class Watch:
    """Asks the product's demonstration for its time. Without one, this machine's time is the time."""

    def __init__(self, state: State, control: Control | None) -> None:
        self._state, self._control = state, control
        self._turn = threading.Lock()
        self._seen, self._looked_at = Sight(), float("-inf")
        self._offset = int(state.setting(OFFSET) or 0)
        self._zone = ZoneInfo(state.setting(ZONE) or "Africa/Bamako")

    def look(self, max_age: float, seconds: float = 3.0) -> Sight:
        """What the product said at most `max_age` seconds ago, else what it says within `seconds`."""
        if self._control is None or not self._turn.acquire(timeout=seconds):
            return self._seen
        try:
            if time.monotonic() - self._looked_at > max_age:
                self._seen = self._ask(self._control, seconds)
                self._looked_at = time.monotonic()
        finally:
            self._turn.release()
        return self._seen

    def forget(self) -> None:
        """Something changed in the product: the next look asks."""
        self._looked_at = float("-inf")

    def now(self, *, exactly: bool = False) -> int:
        """UTC milliseconds in the demonstration, as well as it can be known without delay.

        `exactly` asks the product each time: while its clock walks, a fifth of a second is several days.
        """
        age = 0.0 if exactly else STAMP_AGE
        self.look(AFTER_A_PROBLEM if self._seen.problem else age, STAMP_SECONDS)
        return real_now() + self._offset

    def local(self, at: int) -> datetime:
        """A moment in UTC milliseconds as the clocks of the demonstration's place show it."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self._zone)

    @property
    def zone_name(self) -> str:
        return self._zone.key

    def _ask(self, control: Control, seconds: float) -> Sight:
        try:
            found = control.state(seconds)
        except ProductProblem as problem:
            return Sight(problem=problem.sentence)
        self._note(int(found.now.timestamp() * 1000) - real_now(), found.zone)
        return Sight(demonstration=found)

    def _note(self, offset: int, zone: ZoneInfo) -> None:
        if abs(offset - self._offset) > 1500:
            self._state.remember(OFFSET, offset)
        if zone.key != self._zone.key:
            self._state.remember(ZONE, zone.key)
        self._offset, self._zone = offset, zone
