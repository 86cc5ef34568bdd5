"""The side that the product calls: Africa's Talking's way of sending an SMS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from flows.sms_text import measure
from service.simulator.postman import real_now
from service.simulator.simulation import NETWORK_CODE, Simulation
from service.simulator.state import Sms

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
MOST_RECIPIENTS = 1000
# Statuses of one recipient, as Africa's Talking numbers them.
PROCESSED, QUEUED, INVALID_NUMBER = 101, 102, 403


def carrier_pages(sim: Simulation) -> Blueprint:
    blueprint = Blueprint("carrier", __name__)

    @blueprint.post("/version1/messaging")
    def messaging() -> tuple[Response, int]:
        """Take an SMS for one or more numbers; it is on the disk before we say so."""
        if not request.headers.get("apiKey"):
            return _plain("The supplied authentication is invalid"), 401
        missing = [name for name in ("username", "to", "message") if not request.form.get(name)]
        if missing:
            return _plain(f"The request is missing required form field '{missing[0]}'."), 400
        numbers = [_e164(written) for written in request.form["to"].split(",") if written.strip()]
        if not 0 < len(numbers) <= MOST_RECIPIENTS:
            return _plain("The request needs between 1 and 1000 recipients in 'to'."), 400
        return jsonify(_send(sim, numbers, request.form)), 201

    return blueprint


def _send(sim: Simulation, numbers: list[str], form: Mapping[str, str]) -> dict[str, Any]:
    taken = QUEUED if form.get("enqueue") == "1" else PROCESSED
    text, sender, now = form["message"], form.get("from") or "AFRICASTKNG", sim.watch.now(exactly=True)
    recipients = [_take(sim, number, sender, text, now, taken) for number in numbers]
    sim.postman.hurry()
    accepted = sum(recipient["statusCode"] == taken for recipient in recipients)
    summary = f"Sent to {accepted}/{len(numbers)} Total Cost: XOF 0 Message parts: {measure(text).parts}"
    return {"SMSMessageData": {"Message": summary, "Recipients": recipients}}


def _take(sim: Simulation, number: str, sender: str, text: str, now: int, taken: int) -> dict[str, Any]:
    """Keep the SMS with its receipt to come, and describe that in Africa's Talking's words."""
    if not NUMBER.fullmatch(number):
        # "None" is a text there.
        return _recipient(number, INVALID_NUMBER, "InvalidPhoneNumber", "None")
    message_id = f"ATXid_{uuid4().hex}"
    receipt = {"id": message_id, "phoneNumber": number, "networkCode": NETWORK_CODE}
    receipts = {True: {**receipt, "status": "Success"}, False: {**receipt, "status": "AbsentSubscriber"}}
    sms = Sms(message_id, number, sender, text, now, is_received=True)
    sim.state.take_sms(sms, receipts, real_now() + sim.receipt_delay_ms)
    return _recipient(number, taken, "Success", message_id)


def _recipient(number: str, code: int, status: str, message_id: str) -> dict[str, Any]:
    cost = "XOF 0" if status == "Success" else "0"
    return {"statusCode": code, "number": number, "status": status, "cost": cost, "messageId": message_id}


def _e164(written: str) -> str:
    """' 22370000001' is what becomes of '+22370000001' in a form that was not encoded."""
    number = written.strip()
    return f"+{number}" if number.isascii() and number.isdigit() else number


def _plain(text: str) -> Response:
    return Response(text, mimetype="text/plain")
