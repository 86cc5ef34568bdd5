"""What a phone does: it dials, answers, hangs up, writes an SMS, is turned off; and what a network does to it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from threading import Barrier
from typing import TypeVar
from uuid import uuid4

from service.simulator import taken_calls
from service.simulator.postman import LEASE_MS, real_now
from service.simulator.product import ProductProblem
from service.simulator.scripts import LONGEST_ANSWER, LONGEST_SMS, is_path
from service.simulator.simulation import NETWORK_CODE, Simulation
from service.simulator.state import Phone, ScreenKind, Sms

__all__ = ["LONGEST_ANSWER", "LONGEST_SMS"]

PROBLEM = "Problème de connexion ou code IHM non valide."
CUT = "Appel coupé par le réseau."
TIMED_OUT = "Délai dépassé : l'appel est fermé."
SESSION_S = 180  # operators close a call after one to three minutes without a key
MOST_PHONES = 12

Got = TypeVar("Got")


def dial(sim: Simulation, phone_id: int, typed: str = "") -> None:
    """Call the service: with nothing typed its code is dialled. An open call is hung up first.

    What stands behind the code is handed over as the first text, "2*1" of *384*223*2*1#, as gateways do.
    """
    with sim.line(phone_id) as phone:
        if not phone.is_on:
            return
        _leave(sim, phone)
        path = _path_of(sim, typed.strip())
        if path is None:
            _hint(sim, phone, f"{PROBLEM}\nLe service a le code {sim.service_code}")
            return
        session = f"ATUid_{uuid4().hex}"
        _ask(sim, replace(phone, session_id=session, is_calling=True, text=path, hops=1, dialled_at=real_now()))


def answer(sim: Simulation, phone_id: int, typed: str) -> None:
    """Send an answer to the screen, or a key into a call that was taken. With no call open, a code is dialled and
    anything else gets a hint.
    """
    with sim.line(phone_id) as phone:
        if phone.is_on and phone.is_calling:
            _ask(sim, _answering(phone, typed))
            return
        if phone.is_on and taken_calls.press(sim, phone, typed.strip()):
            return
    if typed.strip().startswith("*"):
        dial(sim, phone_id, typed)
    elif phone.is_on:
        _hint(sim, phone, f"Pas d'appel en cours.\nAppelez d'abord {sim.service_code}")


def repeat(sim: Simulation, phone_id: int) -> None:
    """The network presents the last step once more, as networks do: nothing may happen twice."""
    with sim.line(phone_id) as phone:
        if phone.is_on and phone.session_id:
            _ask(sim, phone)


def twice(sim: Simulation, phone_id: int, typed: str) -> tuple[str, str]:
    """Send one answer in two requests at the same moment, as impatient networks do; gives what each one got.

    The phone shows the first. With no call open nothing is sent. Raises ProductProblem when a request was refused.
    """
    with sim.line(phone_id) as phone:
        if not (phone.is_on and phone.is_calling):
            _hint(sim, phone, f"Pas d'appel en cours.\nAppelez d'abord {sim.service_code}")
            return "", ""
        asked = _answering(phone, typed)
        ask = partial(sim.hooks.ask_screen, _form(sim, asked))
        first, second = _shown_after(sim, asked, lambda: _at_once(ask, ask))
        _show_answer(sim, asked, first)
        return first[4:], second[4:]


def hang_up(sim: Simulation, phone_id: int) -> None:
    with sim.line(phone_id) as phone:
        _leave(sim, phone)
        sim.state.change_phone(phone.id, screen="", screen_kind="idle", session_id="")


def cut(sim: Simulation, phone_id: int) -> None:
    """The line drops in the middle of a call; the product hears of it as of somebody who hung up."""
    with sim.line(phone_id) as phone:
        if phone.is_calling:
            _end(sim, phone, "Incomplete")
            _hint(sim, phone, CUT)


def time_out(sim: Simulation, phone_id: int) -> None:
    """Nothing was typed for too long: the carrier ends the call."""
    with sim.line(phone_id) as phone:
        if phone.is_calling:
            _end(sim, phone, "Incomplete", lasted_ms=SESSION_S * 1000)
            _hint(sim, phone, TIMED_OUT)


def turn(sim: Simulation, phone_id: int, on: bool) -> None:
    """Turn the phone on or off. Off, its SMS wait; on again, they arrive."""
    with sim.line(phone_id) as phone:
        _leave(sim, phone)
        sim.state.change_phone(phone.id, screen="", screen_kind="idle", session_id="")
        receipt = {"status": "Success", "networkCode": NETWORK_CODE}
        sim.state.switch(phone.id, on, sim.watch.now(), real_now() + sim.receipt_delay_ms, receipt)
    sim.postman.hurry()


def remove(sim: Simulation, phone_id: int) -> None:
    """Take the phone off the page."""
    with sim.line(phone_id) as phone:
        _leave(sim, phone)
        sim.state.hide_phone(phone.id)
    sim.postman.hurry()


def write_sms(sim: Simulation, phone_id: int, text: str, *, at_once: int = 1) -> None:
    """Send an SMS to the service. Raises ProductProblem if it was not taken at once; it is then tried again.

    `at_once=2`: the carrier presents it in two requests at the same moment; it is one SMS with one id.
    """
    with sim.line(phone_id) as phone:
        if not phone.is_on:
            raise ProductProblem("Ce téléphone est éteint.")
        sms = Sms(str(uuid4()), phone.number, sim.short_code, text, sim.watch.now(), is_received=False)
        form = _sms_form(sms)
        callback = sim.state.send_sms(sms, form, real_now() + LEASE_MS)
    try:
        post = partial(sim.postman.post, callback)
        if at_once == 2:
            _at_once(post, partial(sim.hooks.tell, callback.event, form))
        else:
            post()
    finally:
        sim.postman.hurry()


def repeat_sms(sim: Simulation, phone_id: int) -> None:
    """The carrier presents the last SMS of this phone once more, under the same id: nothing may happen twice."""
    with sim.line(phone_id) as phone:
        sms = sim.state.last_sent(phone.number)
        if sms is None:
            raise ProductProblem("Ce téléphone n'a pas encore écrit de SMS.")
        sim.hooks.tell("sms-in", _sms_form(sms))


def _sms_form(sms: Sms) -> dict[str, str]:
    return {
        "date": _carrier_date(sms.at),
        "from": sms.number,
        "id": sms.message_id,
        "linkId": "",
        "text": sms.text,
        "to": sms.other,
        "networkCode": NETWORK_CODE,
    }


def _path_of(sim: Simulation, typed: str) -> str | None:
    """'' for the service's code itself, '2*1' for *384*223*2*1# or for 2*1 alone; None for anything else."""
    code = sim.service_code.removesuffix("#") + "*"
    if typed in ("", sim.service_code):
        return ""
    if typed.startswith(code) and typed.endswith("#"):
        typed = typed.removeprefix(code).removesuffix("#")
    return typed if is_path(typed) and not typed.startswith("*") else None


def _answering(phone: Phone, typed: str) -> Phone:
    """The phone after this answer. The carrier hands over all answers joined by '*'; a typed '*' looks the same."""
    is_first = phone.hops == 1 and not phone.text
    return replace(phone, text=typed if is_first else f"{phone.text}*{typed}", hops=phone.hops + 1)


def _at_once(*calls: Callable[[], Got]) -> list[Got]:
    """Make these calls at the same moment; gives what each one got."""
    gate = Barrier(len(calls))

    def together(call: Callable[[], Got]) -> Got:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(together, calls))


def _ask(sim: Simulation, phone: Phone) -> None:
    """Post the phone's step and show what comes back; an END or a failure closes the call, a failure is raised."""
    form = _form(sim, phone)
    _show_answer(sim, phone, _shown_after(sim, phone, lambda: sim.hooks.ask_screen(form)))


def _form(sim: Simulation, phone: Phone) -> dict[str, str]:
    return {
        "sessionId": phone.session_id,
        "phoneNumber": phone.number,
        "networkCode": NETWORK_CODE,
        "serviceCode": sim.service_code,
        "text": phone.text,
    }


def _shown_after(sim: Simulation, phone: Phone, asked: Callable[[], Got]) -> Got:
    """What the service answers; a failure is shown on the phone, ends the call, and is raised."""
    try:
        return asked()
    except ProductProblem as problem:
        _show(sim, phone, PROBLEM, "problem")
        _end(sim, phone, "Failed", error=str(problem))
        raise


def _show_answer(sim: Simulation, phone: Phone, response: str) -> None:
    goes_on = response.startswith("CON ")
    _show(sim, phone, response[4:], "more" if goes_on else "last")
    if not goes_on:
        _end(sim, phone, "Success", response)


def _show(sim: Simulation, phone: Phone, screen: str, kind: ScreenKind) -> None:
    sim.state.change_phone(
        phone.id,
        session_id=phone.session_id,
        is_calling=phone.is_calling,
        text=phone.text,
        hops=phone.hops,
        dialled_at=phone.dialled_at,
        screen=screen,
        screen_kind=kind,
    )


def _end(
    sim: Simulation, phone: Phone, status: str, response: str | None = None, error: str = "", lasted_ms: int = 0
) -> None:
    """Close the call, if it is open, and let the product know in the background."""
    form = {
        "date": _carrier_date(sim.watch.now()),
        "sessionId": phone.session_id,
        "serviceCode": sim.service_code,
        "networkCode": NETWORK_CODE,
        "phoneNumber": phone.number,
        "status": status,
        "cost": "0.00",
        "durationInMillis": str(max(real_now() - phone.dialled_at, lasted_ms)),
        "hopsCount": str(phone.hops),
        "input": phone.text,
        "lastAppResponse": f"CON {phone.screen}" if response is None else response,
        "errorMessage": error,
    }
    if sim.state.end_call(phone.id, form, real_now() + sim.receipt_delay_ms):
        sim.postman.hurry()


def _leave(sim: Simulation, phone: Phone) -> None:
    """Hang up, whichever call the phone is in."""
    taken_calls.hang_up(sim, phone.number)
    if phone.is_calling:
        _end(sim, phone, "Incomplete")


def _hint(sim: Simulation, phone: Phone, text: str) -> None:
    sim.state.change_phone(phone.id, screen=text, screen_kind="hint", session_id="")


def _carrier_date(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
