"""Carriers that call us: many events at once, each repeated for fifteen seconds while it gets no 2xx, as Twilio's."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from twilio.request_validator import RequestValidator

from tests.conftest import HOOK_SECRET, TWILIO_SID, TWILIO_TOKEN
from tests.faults.letters import number
from tests.receipt_post import post_form

PUBLIC_URL = "https://alertes.example.org"
INSIST_S = 15.0
PAUSE_S = 0.25


class Event(NamedTuple):
    """Something that happened to one phone, as its carrier tells it."""

    kind: str
    phone: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]


def stop_by_sms(place: int) -> Event:
    form = {"date": "2026-11-20 08:15:00", "from": number(place), "id": f"stop-{place}", "text": "ARRET", "to": "99000"}
    return Event("sms", number(place), f"/hooks/africastalking/sms-in/{HOOK_SECRET}", form, {})


def stop_by_twilio(place: int) -> Event:
    form = {"AccountSid": TWILIO_SID, "MessageSid": f"SM{place:032x}", "Body": "ARRET", "To": "+15005550006"}
    form["From"] = number(place)
    return Event("sms", number(place), path := "/hooks/twilio/sms", form, signed(path, form))


def first_key(place: int) -> Event:
    form = {"sessionId": f"ATUid_{place:032x}", "phoneNumber": number(place), "networkCode": "61001"}
    form |= {"serviceCode": "*384*223#", "text": ""}
    return Event("call", number(place), f"/hooks/africastalking/ussd/{HOOK_SECRET}", form, {})


def signed(path: str, form: dict[str, str], url: str = PUBLIC_URL, token: str = TWILIO_TOKEN) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(url + path, form)}


def mixed_events(count: int) -> Iterator[Event]:
    """A STOP by either carrier or a call, each from a phone of its own."""
    makers = itertools.cycle((stop_by_sms, stop_by_twilio, first_key))
    return (make(place) for place, make in zip(range(1, count + 1), makers, strict=False))


@dataclass
class Told:
    """What callers heard: whom we acknowledged, who gave up, every status and the longest wait for each."""

    acknowledged: list[Event] = field(default_factory=list)
    gave_up: list[Event] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    longest: dict[int, float] = field(default_factory=dict)
    repeated: int = 0
    acknowledged_at: list[float] = field(default_factory=list)

    def hear(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.longest[status] = max(self.longest.get(status, 0.0), seconds)


class Crowd:
    """So many callers at once. `addresses` gives where the web processes listen at the moment."""

    def __init__(
        self, addresses: Callable[[], Sequence[str]], seed: int, *, threads: int = 24, insist_s: float = INSIST_S
    ) -> None:
        self.told, self._insist_s = Told(), insist_s
        self._addresses, self._dice = addresses, random.Random(seed)
        self._threads = threads
        # Two locks: an iterator may make callers wait for their next event while others are in the middle of one.
        self._next, self._lock = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()

    def post_all(self, events: Iterator[Event]) -> Told:
        """Until every event is acknowledged or given up."""
        self.start(events)
        self.wait()
        return self.told

    def start(self, events: Iterator[Event]) -> None:
        self._running = [threading.Thread(target=self._call, args=(events,)) for _ in range(self._threads)]
        for thread in self._running:
            thread.start()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._running)

    def stop(self) -> None:
        """No new event is begun."""
        self._stopped.set()
        self.wait()

    def wait(self) -> None:
        for thread in self._running:
            thread.join()

    def _call(self, events: Iterator[Event]) -> None:
        while not self._stopped.is_set():
            with self._next:
                event = next(events, None)
                again = self._dice.random() < 0.05
            if event is None:
                return
            acknowledged = self._insist(event)
            with self._lock:
                (self.told.acknowledged if acknowledged else self.told.gave_up).append(event)
                self.told.acknowledged_at.append(time.monotonic())
                self.told.repeated += again and acknowledged
            if again and acknowledged:
                self._insist(event)

    def _insist(self, event: Event) -> bool:
        deadline = time.monotonic() + self._insist_s
        for turn in itertools.count():
            addresses = self._addresses()
            address = addresses[(int(event.phone) + turn) % len(addresses)]
            began = time.monotonic()
            status = post_form(address + event.path, event.form, event.headers)
            with self._lock:
                self.told.hear(status, time.monotonic() - began)
            if 200 <= status < 300:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_S)
        raise AssertionError("unreachable")
