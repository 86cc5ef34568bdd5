"""What a carrier's answer to a send looks like in each protocol, and the ways in which it can go wrong.

The shapes follow the two carriers' documentation and recorded sandbox answers; ids and prices are made up.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlsplit

AT, TWILIO, KANNEL = "africastalking", "twilio", "kannel"
AT_CALLS, TWILIO_CALLS = "africastalking_voice", "twilio_voice"
TOKEN = "test-token-not-a-secret"
ACCOUNT = "AC" + "0" * 32

# name -> does the carrier take the message before it misbehaves?
FAULTS: dict[str, bool] = {
    "500": False,
    "500-late": True,  # taken, then an internal error
    "503": False,
    "429": False,  # with Retry-After (`retry_after`)
    "401": False,
    "redirect": False,  # `status` 301, 302, 307, 308 to `location`
    "close": False,  # the connection is closed before the request is read
    "drop": True,  # taken, then cut with RST instead of an answer
    "hang-up": True,  # taken, then closed in good order without an answer
    "slow": True,  # taken, answered after `seconds`
    "drip": True,  # taken, an answer of one octet every `seconds`
    "drip-head": True,  # taken, an answer whose head never ends: an octet every `seconds`
    "empty": True,  # 201 and nothing in it
    "garbage": True,  # 201, JSON by its header, but not in fact
    "other-json": True,  # 201, JSON of another shape
    "noise": True,  # octets that are no HTTP
    "cut": True,  # 201, an answer shorter than its Content-Length
    "huge": True,  # 201, a right answer with a megabyte of blanks behind it
    "charset": True,  # all well, but Content-Type: application/json; charset=utf-8
    "missing": True,  # 201, our recipient is not in the answer
    "sender": False,  # Africa's Talking: 201 InvalidSenderId and nobody; Twilio: 400, 21212; Kannel: 400; Orange: 403
    "say": False,  # `status` and `body`, whatever they are
    "code": False,  # refused with `code`: a recipient's statusCode, or Twilio's error code; Kannel has none
}


@dataclass(frozen=True)
class Fault:
    name: str
    status: int = 302
    code: int = 0
    retry_after: str = "7"
    location: str = "http://127.0.0.1:9/"
    seconds: float = 1.0
    body: bytes = b""


@dataclass(frozen=True)
class Accepted:
    """A message that a real carrier would have sent on. `callback` is the receipt address that came with it."""

    to: str
    text: str
    sender: str
    id: str
    protocol: str
    callback: str = ""


class Keys(Protocol):
    """What the carrier expects of a caller; empty means anything goes."""

    username: str
    api_key: str
    account_sid: str
    auth_token: str


Answer = tuple[int, bytes, list[Accepted]]
"""HTTP status, body, and the messages that a real carrier would now send on."""


def refused(carrier: Keys, protocol: str, headers: Any) -> bool:
    """Whether the caller's key is another than ours."""
    if protocol in (AT, AT_CALLS):
        return bool(carrier.api_key) and headers.get("apiKey") != carrier.api_key
    expected = base64.b64encode(f"{carrier.account_sid}:{carrier.auth_token}".encode()).decode()
    return bool(headers.get("Authorization") != f"Basic {expected}")


def at_answer(carrier: Keys, form: Mapping[str, str], headers: Any, fault: Fault | None) -> Answer:
    wrong_name = carrier.username and form.get("username") != carrier.username
    if refused(carrier, AT, headers) or wrong_name or _is(fault, "401"):
        return 401, b"The supplied authentication is invalid", []
    if not form.get("to") or "message" not in form:
        return 400, b"Bad request", []
    if fault and not FAULTS[fault.name] and fault.name not in {"sender", "code"}:
        return _http_status(fault), b"", []
    if _is(fault, "sender"):
        return 201, _json({"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}), []
    code = fault.code if fault and fault.name == "code" else 102 if form.get("enqueue") else 101
    taken = 100 <= code <= 102
    messages, entries = [], []
    for number in form["to"].split(","):
        name = "ATXid_" + secrets.token_hex(16)
        entry = {"cost": "XOF 12.0000", "messageId": name, "number": number, "status": "Success", "statusCode": code}
        entries.append(entry if taken else entry | {"cost": "0", "messageId": "None", "status": "Refused"})
        if taken:
            messages.append(Accepted(number, form["message"], form.get("from", ""), name, AT))
    if _is(fault, "missing"):
        entries = [entry | {"number": "+22300000000"} for entry in entries]
    count = f"Sent to {len(messages)}/{len(entries)} Total Cost: XOF {12 * len(messages)} Message parts: 1"
    status = 500 if _is(fault, "500-late") else 201
    return status, _json({"SMSMessageData": {"Message": count, "Recipients": entries}}), messages


def twilio_answer(carrier: Keys, form: Mapping[str, str], headers: Any, fault: Fault | None) -> Answer:
    if refused(carrier, TWILIO, headers) or _is(fault, "401"):
        return 401, _twilio_error(401, 20003, "Authenticate"), []
    if fault and not FAULTS[fault.name]:
        number = form.get("To", "")
        if fault.name in {"sender", "code"}:
            code = fault.code or 21212
            return 400, _twilio_error(400, code, f"Permission to send to '{number}' was refused"), []
        return _http_status(fault), b"", []
    if not form.get("To"):
        return 400, _twilio_error(400, 21604, "A 'To' phone number is required."), []
    sender = form.get("From") or form.get("MessagingServiceSid") or ""
    name = "SM" + secrets.token_hex(16)
    callback = form.get("StatusCallback", "").partition("#")[0]
    message = Accepted(form["To"], form.get("Body", ""), sender, name, TWILIO, callback)
    sid: dict[str, str] = {} if _is(fault, "missing") else {"sid": name}
    table = sid | {"to": message.to, "from": sender, "status": "queued", "num_segments": "1", "error_code": None}
    return (500 if _is(fault, "500-late") else 201), _json(table), [message]


def twilio_call_answer(carrier: Keys, form: Mapping[str, str], headers: Any, fault: Fault | None) -> Answer:
    """A call that will be made: its `text` is the address that is asked what to play."""
    status, body, made = twilio_answer(carrier, form, headers, fault)
    if not made:
        return status, body, []
    name = "CA" + secrets.token_hex(16)
    call = Accepted(made[0].to, form.get("Url", ""), made[0].sender, name, TWILIO_CALLS, made[0].callback)
    sid: dict[str, str] = {} if _is(fault, "missing") else {"sid": name}
    return status, _json(sid | {"to": call.to, "from": call.sender, "status": "queued"}), [call]


def at_call_answer(carrier: Keys, form: Mapping[str, str], headers: Any, fault: Fault | None) -> Answer:
    """A call that will be made: its `text` is our id, which comes back with every moment of the call."""
    wrong_name = carrier.username and form.get("username") != carrier.username
    if refused(carrier, AT_CALLS, headers) or wrong_name or _is(fault, "401"):
        return 401, b"The supplied authentication is invalid", []
    if fault and not FAULTS[fault.name] and fault.name not in {"sender", "code"}:
        return _http_status(fault), b"", []
    refusal = "InvalidCallerId" if _is(fault, "sender") else "Rejected" if _is(fault, "code") else ""
    if refusal:
        return 200, _json({"entries": [], "errorMessage": refusal}), []
    name, number = "ATVId_" + secrets.token_hex(16), form["to"]
    call = Accepted(number, form.get("clientRequestId", ""), form["from"], name, AT_CALLS)
    told = "+22300000000" if _is(fault, "missing") else number
    entry = {"phoneNumber": told, "status": "Queued", "sessionId": name}
    return (500 if _is(fault, "500-late") else 201), _json({"entries": [entry], "errorMessage": "None"}), [call]


def kannel_answer(carrier: Keys, form: Mapping[str, str], headers: Any, fault: Fault | None) -> Answer:
    """What smsbox 1.4.5 says; its password is the `api_key`. It names no message: the id is the one in our dlr-url."""
    wrong_key = carrier.api_key and headers.get("X-Kannel-Password") != carrier.api_key
    wrong_name = carrier.username and headers.get("X-Kannel-Username") != carrier.username
    if wrong_key or wrong_name or _is(fault, "401"):
        return 403, b"Authorization failed for sendsms", []
    if not form.get("to"):
        return 400, b"Missing receiver(s) number(s), rejected", []
    if not form.get("from") or _is(fault, "sender"):
        return 400, b"Sender missing and no global set, rejected", []
    if fault and not FAULTS[fault.name]:
        return 400 if fault.name == "code" else _http_status(fault), b"", []
    callback = form.get("dlr-url", "")
    name = dict(parse_qsl(urlsplit(callback).query)).get("m", "")
    message = Accepted(form["to"], form["text"], form["from"], name, KANNEL, callback)
    if _is(fault, "500-late"):
        return 500, b"Sending failed.", [message]
    return 202, b"Sent." if _is(fault, "missing") else b"0: Accepted for delivery", [message]


def kannel_form(headers: Any, body: bytes) -> dict[str, str]:
    """Kannel's headers under the names that its GET has, with the text from the body."""
    names = ("from", "to", "coding", "dlr-mask", "dlr-url", "validity")
    form = {name: value for name in names if (value := headers.get(f"X-Kannel-{name}")) is not None}
    return form | {"text": body.decode("utf-8", "replace")}


def kannel_receipt(message: Accepted, status: str, **changes: str) -> str:
    """The path that Kannel would fetch: the message's dlr-url with its orders filled in."""
    said = {"d": status, "A": "ACK/" if status == "8" else "", "p": message.to} | changes
    callback = urlsplit(message.callback)
    return f"{callback.path}?" + re.sub("%(.)", lambda order: quote(said[order[1]], safe=""), callback.query)


def _is(fault: Fault | None, name: str) -> bool:
    return fault is not None and fault.name == name


def _http_status(fault: Fault) -> int:
    return fault.status if fault.name in {"redirect", "say"} else int(fault.name)


def _twilio_error(status: int, code: int, message: str) -> bytes:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json({"code": code, "message": message, "more_info": more, "status": status})


def _json(table: Mapping[str, Any]) -> bytes:
    return json.dumps(table).encode()
