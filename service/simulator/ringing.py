"""The side that the product calls to ring a phone: Africa's Talking's way. What is played stands in its inbox.

A phone that is on takes the call at once, and one of the page may press keys in it (`taken_calls`). One that is off
does not answer.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from service.simulator import taken_calls
from service.simulator.carrier import NUMBER
from service.simulator.postman import real_now
from service.simulator.showing import CALL
from service.simulator.simulation import Simulation
from service.simulator.state import OpenCall, Sms

LASTED_S = "20"


def call_pages(sim: Simulation) -> Blueprint:
    blueprint = Blueprint("calls", __name__)

    @blueprint.post("/call")
    def call() -> tuple[Response, int]:
        """Ring one number; what comes of it is told afterwards."""
        if not request.headers.get("apiKey"):
            return Response("The supplied authentication is invalid", mimetype="text/plain"), 401
        form = request.form
        missing = [name for name in ("username", "from", "to") if not form.get(name)]
        if missing:
            return jsonify(entries=[], errorMessage=f"The request is missing required form field '{missing[0]}'."), 400
        return jsonify(_ring(sim, form["from"], form["to"], form.get("clientRequestId", ""))), 201

    return blueprint


def _ring(sim: Simulation, caller: str, number: str, reference: str) -> dict[str, Any]:
    if not NUMBER.fullmatch(number):
        return {"entries": [{"phoneNumber": number, "status": "InvalidPhoneNumber", "sessionId": "None"}]}
    session = f"ATVId_{uuid4().hex}"
    form = {"sessionId": session, "direction": "Outbound", "callerNumber": caller, "destinationNumber": number}
    form |= {"clientRequestId": reference} if reference else {}
    heard, played = None, taken_calls.Played("", "")
    taken_calls.hang_up(sim, number)  # one call at a time on one phone
    if sim.state.is_on(number):
        played = taken_calls.hear(sim, {**form, "isActive": "1"})
        text = f"{CALL} {played.words}".rstrip()
        heard = Sms(session, number, caller, text, sim.watch.now(exactly=True), is_received=True)
    cause, lasted = ("NORMAL_CLEARING", LASTED_S) if heard else ("NO_ANSWER", "0")
    end = {**form, "isActive": "0", "durationInSeconds": lasted, "hangupCause": cause}
    callback_id = sim.state.take_call(heard, end, real_now() + sim.receipt_delay_ms)
    if played.asks_at:
        taken_calls.keep_open(sim, OpenCall(number, form, played.asks_at, callback_id), played.words)
    sim.postman.hurry()
    return {"entries": [{"phoneNumber": number, "status": "Queued", "sessionId": session}], "errorMessage": "None"}
