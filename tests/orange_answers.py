"""What Orange's API looks like on the loopback: the desk that gives tokens, the answer to a send, a receipt."""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from tests.carrier_answers import Answer, Fault, Keys

ORANGE = "orange"
DESK_PATH = "/oauth/v3/token"
SEND_PATH = re.compile(r"/smsmessaging/v1/outbound/(tel%3A%2B[0-9]{6,15})/requests")


@dataclass
class TokenDesk:
    """Gives tokens for a client's key and knows which of them hold. `asked` are the requests it had.

    `orders` are answers for the coming requests: (status, body), a number of seconds to be slow, or "cut".
    """

    life: object = "3600"
    orders: list[tuple[int, bytes] | float | str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    holding: set[str] = field(default_factory=set)
    locked_out: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, keys: Keys, form: Mapping[str, str], headers: Any) -> tuple[int, bytes] | None:
        """Status and body; None for a connection that is cut."""
        with self._lock:
            self.asked.append(dict(form))
            order = self.orders.pop(0) if self.orders else None
            locked = self.locked_out > 0
            self.locked_out -= locked
        if isinstance(order, tuple):
            return order
        if isinstance(order, str):
            return None
        time.sleep(order or 0)
        shown = base64.b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()
        name, _, key = shown.partition(":")
        wrong = keys.username not in ("", name) or keys.api_key not in ("", key)
        if locked or wrong or form.get("grant_type") != "client_credentials":
            return 401, b'{"error": "invalid_client", "error_description": "The requested service needs credentials"}'
        token = secrets.token_urlsafe(24)
        self.holding.add(token)
        return 200, json.dumps({"token_type": "Bearer", "access_token": token, "expires_in": self.life}).encode()

    def end_all(self) -> None:
        """From now on every token given so far gets a 401."""
        self.holding.clear()


def orange_answer(carrier: Any, form: Mapping[str, str], headers: Any, fault: Fault | None) -> Answer:
    """What Orange says to a send. A "401" is a lock-out: the desk refuses the next request for a token as well."""
    from tests.carrier_answers import FAULTS, Accepted, _http_status

    name = fault.name if fault else ""
    if name == "401":
        carrier.desk.locked_out += 1
        carrier.desk.end_all()
    if headers.get("Authorization", "").removeprefix("Bearer ") not in carrier.desk.holding:
        return 401, b'{"code": 42, "message": "Expired credentials", "description": "The token has expired"}', []
    if not form.get("to") or "text" not in form:
        return 400, refusal("serviceException", "SVC0002", "Invalid input value for message part %1", "address"), []
    if name == "sender":
        return 403, refusal("policyException", "POL0001", "A policy error occurred", "senderName not allowed"), []
    if name == "code" and fault:
        return 400, refusal("serviceException", f"SVC{fault.code % 10_000:04}", "%1 was refused", form["to"]), []
    if fault and not FAULTS[name]:
        return _http_status(fault), b"", []
    message = Accepted(form["to"], form["text"], form["from"], secrets.token_hex(16), ORANGE)
    place = f"https://api.orange.com/smsmessaging/v1/outbound/{form['senderAddress']}/requests/{message.id}"
    told = {} if name == "missing" else {"resourceURL": place}
    answer = {"outboundSMSMessageRequest": {"address": [f"tel:{message.to}"], "senderName": message.sender} | told}
    return 500 if name == "500-late" else 201, json.dumps(answer).encode(), [message]


def refusal(kind: str, code: str, text: str, *variables: str) -> bytes:
    """The body of an error as GSMA's OneAPI writes it."""
    return json.dumps({"requestError": {kind: {"messageId": code, "text": text, "variables": variables}}}).encode()


def orange_form(path: str, body: bytes) -> dict[str, str]:
    """The request under short names; nothing where it is not what Orange reads."""
    found = SEND_PATH.fullmatch(path)
    try:
        asked = json.loads(body)["outboundSMSMessageRequest"]
        form = {
            "to": asked["address"].removeprefix("tel:"),
            "text": asked["outboundSMSTextMessage"]["message"],
            "from": asked.get("senderName", ""),
            "senderAddress": asked["senderAddress"],
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return form if found and unquote(found[1]) == form["senderAddress"] else {}


def orange_receipt(carrier_id: str, to: str, status: str) -> bytes:
    told = {"callbackData": carrier_id, "deliveryInfo": {"address": f"tel:{to}", "deliveryStatus": status}}
    return json.dumps({"deliveryInfoNotification": told}).encode()
