"""The side that the product calls to ring a phone: Africa's Talking's way. What is played stands in the phone's inbox.

A phone that is on takes the call, hears it to the end and presses nothing; one that is off does not answer.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import yaml
from flask import Blueprint, Response, jsonify, request

from service.simulator.carrier import NUMBER
from service.simulator.postman import real_now
from service.simulator.product import ProductProblem
from service.simulator.showing import CALL
from service.simulator.simulation import Simulation
from service.simulator.state import Sms

INDEX = Path(__file__).resolve().parents[2] / "flows" / "recordings" / "recordings.yaml"
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
    heard = None
    if sim.state.is_on(number):
        text = f"{CALL} {_heard(sim, {**form, 'isActive': '1'})}".rstrip()
        heard = Sms(session, number, caller, text, sim.watch.now(exactly=True), is_received=True)
    cause, lasted = ("NORMAL_CLEARING", LASTED_S) if heard else ("NO_ANSWER", "0")
    end = {**form, "isActive": "0", "durationInSeconds": lasted, "hangupCause": cause}
    sim.state.take_call(heard, end, real_now() + sim.receipt_delay_ms)
    sim.postman.hurry()
    return {"entries": [{"phoneNumber": number, "status": "Queued", "sessionId": session}], "errorMessage": "None"}


def _heard(sim: Simulation, form: dict[str, str]) -> str:
    """The words of what the product plays; nothing when it says nothing that we know."""
    try:
        said = ElementTree.fromstring(sim.hooks.hear(form))  # noqa: S314  # our own product's
    except (ProductProblem, ElementTree.ParseError):
        return ""
    names = [one.attrib.get("url", "").rpartition("/")[2].removesuffix(".wav") for one in said.iter("Play")]
    return " ".join(_words().get(name, "…") for name in names)


@cache
def _words() -> dict[str, str]:
    """What the recordings that come with the product would say."""
    found = yaml.safe_load(INDEX.read_text("utf-8"))["recordings"]
    return {f"{one['key']}.{one['language']}": str(one["words"]) for one in found}
