"""A phone of the simulator as scripts want it: `script_run.Handset` over USSD and over SMS."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from service.simulator import calls
from service.simulator.product import ProductProblem
from service.simulator.script_run import Handset, Screen
from service.simulator.scripts import Way
from service.simulator.simulation import NoSuchPhone, Simulation
from service.simulator.state import Phone

TELL_S = 3.0  # the end of a call is known to the product before time goes on
ARRIVE_S = 3.0  # a worker looks into the outbox every second


class Passing(Protocol):
    """How time goes on behind the phone."""

    def wait(self, seconds: int) -> None: ...

    def catch_up(self, enough: Callable[[], bool]) -> None: ...


class DemoTime:
    """The time of a running demonstration: its worker moves the clock, and sends when it comes round."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    def wait(self, seconds: int) -> None:
        if self._sim.control is None:
            raise ProductProblem("Ce service n'est pas une démonstration : son horloge n'avance pas sur demande.")
        self._sim.control.wait(seconds)

    def catch_up(self, enough: Callable[[], bool]) -> None:
        end = time.monotonic() + ARRIVE_S
        while not enough() and time.monotonic() < end:
            time.sleep(0.1)


def tried_phone(sim: Simulation, phone_id: int, way: Way, passing: Passing | None = None) -> Handset:
    """The phone by this way of talking; without `passing` in a running demonstration's time."""
    return {"ussd": UssdPhone, "sms": SmsPhone}[way](sim, phone_id, passing or DemoTime(sim))


def put_on_page(sim: Simulation, number: str) -> int:
    """The id of the phone with this number, which is put on the page if it is not there."""
    shown = {phone.number for phone in sim.state.phones()}
    if number not in shown and len(shown) >= calls.MOST_PHONES:
        raise ProductProblem(f"Il y a déjà {calls.MOST_PHONES} téléphones : retirez-en un d'abord.")
    sim.state.show_phone(number)
    return next(phone.id for phone in sim.state.phones() if phone.number == number)


class UssdPhone:
    by_sms = False

    def __init__(self, sim: Simulation, phone_id: int, passing: Passing) -> None:
        self._sim, self._id, self._passing = sim, phone_id, passing

    def other(self, number: str) -> Handset:
        return type(self)(self._sim, put_on_page(self._sim, number), self._passing)

    def dial(self, path: str) -> None:
        calls.dial(self._sim, self._id, path)

    def answer(self, typed: str) -> None:
        calls.answer(self._sim, self._id, typed)

    def cut(self) -> None:
        calls.cut(self._sim, self._id)
        self._sim.postman.all_told(TELL_S)

    def time_out(self) -> None:
        self._passing.wait(calls.SESSION_S)
        calls.time_out(self._sim, self._id)
        self._sim.postman.all_told(TELL_S)

    def repeat(self) -> tuple[str, str]:
        before = self.screen().text
        calls.repeat(self._sim, self._id)
        return before, self.screen().text

    def twice(self, typed: str) -> tuple[str, str]:
        return calls.twice(self._sim, self._id, typed)

    def wait(self, seconds: int) -> None:
        """Time passes. A call that stays open for longer than operators allow is closed meanwhile."""
        self._sim.postman.all_told(TELL_S)
        if self.screen().is_open and seconds >= calls.SESSION_S:
            self.time_out()
            seconds -= calls.SESSION_S
        if seconds:
            self._passing.wait(seconds)

    def write_sms(self, words: str) -> None:
        calls.write_sms(self._sim, self._id, words)

    def catch_up(self, enough: Callable[[], bool]) -> None:
        self._passing.catch_up(enough)

    def screen(self) -> Screen:
        phone = self._phone()
        is_spoken = phone.screen_kind in ("more", "last")
        return Screen(phone.screen, phone.is_calling and phone.screen_kind == "more", is_spoken)

    def inbox(self) -> tuple[str, ...]:
        return tuple(self._sim.state.received(self._phone().number))

    def _phone(self) -> Phone:
        phone = self._sim.state.phone(self._id)
        if phone is None:
            raise NoSuchPhone
        return phone


class SmsPhone(UssdPhone):
    """The same phone when an answer is an SMS, and its screen is what has arrived since."""

    by_sms = True

    def answer(self, typed: str) -> None:
        self._send(lambda: self.write_sms(typed))

    def repeat(self) -> tuple[str, str]:
        before = self.screen().text
        self._send(lambda: calls.repeat_sms(self._sim, self._id))
        return before, self.screen().text

    def twice(self, typed: str) -> tuple[str, str]:
        self._send(lambda: calls.write_sms(self._sim, self._id, typed, at_once=2))
        answers = self._sim.state.answers(self._phone().number)
        return "\n".join(dict.fromkeys(answers)), "\n".join(answers)

    def wait(self, seconds: int) -> None:
        self._passing.wait(seconds)

    def screen(self) -> Screen:
        answers = self._sim.state.answers(self._phone().number)
        return Screen("\n".join(answers), is_open=True, is_spoken=bool(answers))

    def _send(self, send: Callable[[], None]) -> None:
        """Send, and wait for an answer."""
        before = len(self.inbox())
        send()
        self.catch_up(lambda: len(self.inbox()) > before)
