"""All that the simulator works with, built once and handed to its functions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.simulator.postman import Postman
from service.simulator.product import Control, Hooks
from service.simulator.state import Phone, State
from service.simulator.watch import Watch

NETWORK_CODE = "99999"  # Africa's Talking's code for its own sandbox


class NoSuchPhone(Exception):
    """The phone is not on the page (any more)."""


@dataclass(frozen=True)
class Simulation:
    state: State
    hooks: Hooks
    control: Control | None
    watch: Watch
    postman: Postman
    service_code: str
    short_code: str
    receipt_delay_ms: int
    script_folders: tuple[Path, ...] = ()
    _lines: dict[int, threading.Lock] = field(default_factory=dict)
    _stages: dict[int, threading.Lock] = field(default_factory=dict)

    @contextmanager
    def line(self, phone_id: int) -> Iterator[Phone]:
        """One thing at a time on one phone; the others go on. Raises NoSuchPhone."""
        with self._lines.setdefault(phone_id, threading.Lock()):
            phone = self.state.phone(phone_id)
            if phone is None:
                raise NoSuchPhone
            yield phone

    @contextmanager
    def stage(self, phone_id: int) -> Iterator[bool]:
        """One script at a time on one phone; False when another one is being played there."""
        stage = self._stages.setdefault(phone_id, threading.Lock())
        is_free = stage.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                stage.release()

    def close(self) -> None:
        """Stop the background thread and close the file."""
        self.postman.stop()
        self.state.close()
