"""What a phone does: it dials, answers, hangs up, writes an SMS, is turned off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from service.simulator.postman import LEASE_MS, real_now
from service.simulator.product import ProductProblem
from service.simulator.simulation import NETWORK_CODE, Simulation
from service.simulator.state import Phone, ScreenKind, Sms

PROBLEM = "Problème de connexion ou code IHM non valide."
LONGEST_ANSWER = 182  # what a USSD string can carry
LONGEST_SMS = 612  # four parts
MOST_PHONES = 12


def dial(sim: Simulation, phone_id: int, typed: str = "") -> None:
    """Call the service: with nothing typed its code is dialled. An open call is hung up first."""
    with sim.line(phone_id) as phone:
        if not phone.is_on:
            return
        if phone.is_calling:
            _end(sim, phone, "Incomplete")
        if not _is_service_code(sim, typed.strip()):
            _hint(sim, phone, f"{PROBLEM}\nLe service a le code {sim.service_code}")
            return
        session = f"ATUid_{uuid4().hex}"
        _ask(sim, replace(phone, session_id=session, is_calling=True, text="", hops=1, dialled_at=real_now()))


def answer(sim: Simulation, phone_id: int, typed: str) -> None:
    """Send an answer to the screen. With no call open, a code is dialled and anything else gets a hint."""
    with sim.line(phone_id) as phone:
        if phone.is_on and phone.is_calling:
            # The carrier hands over all answers joined by '*'; a '*' that was typed looks just the same.
            text = typed if phone.hops == 1 else f"{phone.text}*{typed}"
            _ask(sim, replace(phone, text=text, hops=phone.hops + 1))
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


def hang_up(sim: Simulation, phone_id: int) -> None:
    with sim.line(phone_id) as phone:
        if phone.is_calling:
            _end(sim, phone, "Incomplete")
        sim.state.change_phone(phone.id, screen="", screen_kind="idle", session_id="")


def turn(sim: Simulation, phone_id: int, on: bool) -> None:
    """Turn the phone on or off. Off, its SMS wait; on again, they arrive."""
    with sim.line(phone_id) as phone:
        if phone.is_calling:
            _end(sim, phone, "Incomplete")
        sim.state.change_phone(phone.id, screen="", screen_kind="idle", session_id="")
        receipt = {"status": "Success", "networkCode": NETWORK_CODE}
        sim.state.switch(phone.id, on, sim.watch.now(), real_now() + sim.receipt_delay_ms, receipt)
    sim.postman.hurry()


def remove(sim: Simulation, phone_id: int) -> None:
    """Take the phone off the page."""
    with sim.line(phone_id) as phone:
        if phone.is_calling:
            _end(sim, phone, "Incomplete")
        sim.state.hide_phone(phone.id)
    sim.postman.hurry()


def write_sms(sim: Simulation, phone_id: int, text: str) -> None:
    """Send an SMS to the service. Raises ProductProblem if it was not taken at once; it is then tried again."""
    with sim.line(phone_id) as phone:
        if not phone.is_on:
            raise ProductProblem("Ce téléphone est éteint.")
        now, message_id = sim.watch.now(), str(uuid4())
        form = {
            "date": _carrier_date(now),
            "from": phone.number,
            "id": message_id,
            "linkId": "",
            "text": text,
            "to": sim.short_code,
            "networkCode": NETWORK_CODE,
        }
        sms = Sms(message_id, phone.number, sim.short_code, text, now, is_received=False)
        callback = sim.state.send_sms(sms, form, real_now() + LEASE_MS)
    try:
        sim.postman.post(callback)
    finally:
        sim.postman.hurry()


def _is_service_code(sim: Simulation, typed: str) -> bool:
    """The service's code, or one that goes on from it: '*384*223*1#' reaches it too, with an empty text."""
    return typed in ("", sim.service_code) or (
        typed.startswith(sim.service_code.removesuffix("#") + "*") and typed.endswith("#")
    )


def _ask(sim: Simulation, phone: Phone) -> None:
    """Post the phone's step and show what comes back; an END or a failure closes the call, a failure is raised."""
    form = {
        "sessionId": phone.session_id,
        "phoneNumber": phone.number,
        "networkCode": NETWORK_CODE,
        "serviceCode": sim.service_code,
        "text": phone.text,
    }
    try:
        response = sim.hooks.ask_screen(form)
    except ProductProblem as problem:
        _show(sim, phone, PROBLEM, "problem")
        _end(sim, phone, "Failed", error=str(problem))
        raise
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


def _end(sim: Simulation, phone: Phone, status: str, response: str | None = None, error: str = "") -> None:
    """Close the call, if it is open, and let the product know in the background."""
    form = {
        "date": _carrier_date(sim.watch.now()),
        "sessionId": phone.session_id,
        "serviceCode": sim.service_code,
        "networkCode": NETWORK_CODE,
        "phoneNumber": phone.number,
        "status": status,
        "cost": "0.00",
        "durationInMillis": str(real_now() - phone.dialled_at),
        "hopsCount": str(phone.hops),
        "input": phone.text,
        "lastAppResponse": f"CON {phone.screen}" if response is None else response,
        "errorMessage": error,
    }
    if sim.state.end_call(phone.id, form, real_now() + sim.receipt_delay_ms):
        sim.postman.hurry()


def _hint(sim: Simulation, phone: Phone, text: str) -> None:
    sim.state.change_phone(phone.id, screen=text, screen_kind="hint", session_id="")


def _carrier_date(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
