"""Orange's SMS API, "SMS Africa and Middle East": SMS out and in, receipts. Prepaid credit; names approved by hand.

We ask for a token (orange_tokens.py) and post JSON. A 401 was certainly not accepted: one fresh token, one repeat.
Nothing is signed, and the addresses for receipts and incoming SMS are set by Orange's local team: ours hold a secret.
Assumed, because its pages do not say: `callbackData` of a receipt is the id at the end of the send's `resourceURL`.
Meanings: developer.orange.com/apis/sms; GSMA OneAPI 1.0 for the SVC and POL numbers.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from flows import sms_text
from flows.phone_numbers import to_e164
from service.channels.base import (
    ID_LIMIT,
    NO_FIELDS,
    NUMBER_LIMIT,
    TEXT_LIMIT,
    Capabilities,
    Fields,
    IncomingSms,
    Outgoing,
    Receipt,
)
from service.channels.by_secret import BySecret
from service.channels.careful_calls import CarefulClient, CarrierAnswer
from service.channels.orange_tokens import Tokens
from service.channels.raw_request import Raw
from service.channels.transport import (
    attempt,
    checked_address,
    outcome_of_status,
    word,
)
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, ReceiptState, Refused, Scope

DESK_PATH = "/oauth/v3/token"
RECEIPTS: dict[str, ReceiptState] = {
    "DeliveredToTerminal": "delivered",
    "DeliveredToNetwork": "accepted",
    "DeliveryUncertain": "accepted",  # handed to another network that tells nothing: no end of the story
    "MessageWaiting": "accepted",
    "DeliveryImpossible": "undelivered",
}
# Policies that speak of this message or this number; every other one is about our contract.
OF_THE_MESSAGE = {"POL0002", "POL0003"}
ACCOUNT_FAULTS = {401, 402, 403, 404, 405, 407}

SMS_IN = "inboundSMSMessageNotification.inboundSMSMessage."
TOLD = "deliveryInfoNotification."

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_SENDER = re.compile(r"[0-9]{3,11}|[A-Za-z0-9][A-Za-z0-9 ._&-]{0,10}")
_NAME_OF_ONE = re.compile(r".*/requests/([A-Za-z0-9._:-]{1,100})/?", re.DOTALL)


class Orange(BySecret):
    """What is sent costs credit that was bought before and ends after a while."""

    name = "orange"

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        hook_secrets: Sequence[str],
        sender_address: str,
        sender: str | None = None,
        base_url: str = "https://api.orange.com",
        country: str = "ML",
        connect_timeout: float = 3.05,
        read_timeout: float = 10.0,
    ) -> None:
        super().__init__(hook_secrets)
        if not _E164.fullmatch(sender_address):
            raise ValueError("Orange's sender address is the number of the contract, such as +2230000")
        if not client_id or ":" in client_id or not client_secret:
            raise ValueError("Orange's client id and client secret are those of the application, without a colon")
        address = checked_address(base_url)
        self._sender_address, self._sender, self._country = f"tel:{sender_address}", sender, country
        self._address = f"{address}/smsmessaging/v1/outbound/{quote(self._sender_address, safe='')}/requests"
        timeouts = (connect_timeout, read_timeout)
        # A token in half of the time: with the send behind it, a call still ends before its lease does.
        self._half = sum(timeouts) / 2
        self._basic = "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._client = CarefulClient(address, timeouts)
        self._desk = CarefulClient(address, (connect_timeout, read_timeout / 2), self._half)
        self._tokens = Tokens(lambda: self._ask_for_token(address + DESK_PATH))
        self.capabilities = Capabilities(two_way=(sender or "").isdigit(), receipts=True)

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message to one person; where the token was refused, once more with the next one."""
        sender = outgoing.sender or self._sender
        if not _E164.fullmatch(outgoing.to):
            return Refused("not a number in E.164", "person", opt_out=False)
        if sender is not None and not _SENDER.fullmatch(sender):
            return Refused("not a sender that Orange could have approved", "sender", opt_out=False)
        return attempt(lambda: self._sent(outgoing, sender))

    def _sent(self, outgoing: Outgoing, sender: str | None) -> Outcome:
        began = time.monotonic()
        token = self._tokens.current()
        answer = self._post(outgoing, sender, token)
        if answer.status_code == 401:
            token = self._tokens.current(refused=token)
            if time.monotonic() - began > self._half:
                return NotSent("the token had ended", None)
            answer = self._post(outgoing, sender, token)
        return _outcome(answer, sms_text.measure(outgoing.text).parts)

    def _post(self, outgoing: Outgoing, sender: str | None, token: str) -> CarrierAnswer:
        request = {
            "address": f"tel:{outgoing.to}",
            "senderAddress": self._sender_address,
            "outboundSMSTextMessage": {"message": outgoing.text},
        } | ({"senderName": sender} if sender else {})
        return self._client.post(
            self._address,
            json.dumps({"outboundSMSMessageRequest": request}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )

    def _ask_for_token(self, address: str) -> CarrierAnswer:
        return self._desk.post(
            address,
            {"grant_type": "client_credentials"},
            {"Authorization": self._basic, "Accept": "application/json"},
        )

    # -- in

    def fields(self, raw: Raw) -> Fields:
        return raw.json_fields()

    def read_sms(self, fields: Fields) -> IncomingSms:
        sender = _number(fields.filled(f"{SMS_IN}senderAddress", NUMBER_LIMIT))
        phone = to_e164(sender, self._country)
        return IncomingSms(
            channel=self.name,
            event_id=fields.maybe(f"{SMS_IN}messageId", ID_LIMIT) or None,
            phone=phone,
            sender=phone or sender,
            text=fields.one(f"{SMS_IN}message", TEXT_LIMIT),
            to=_number(fields.maybe(f"{SMS_IN}destinationAddress", NUMBER_LIMIT) or ""),
        )

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        """Orange gives no reason for an "impossible", so it may be the number's: it counts as such."""
        status = fields.filled(f"{TOLD}deliveryInfo.deliveryStatus", 60)
        address = fields.filled(f"{TOLD}deliveryInfo.address", NUMBER_LIMIT)
        return Receipt(
            channel=self.name,
            carrier_id=fields.filled(f"{TOLD}callbackData", ID_LIMIT),
            phone=to_e164(_number(address), self._country),
            message_ref=None,
            state=RECEIPTS.get(status),
            detail=word(status) if status in RECEIPTS else "unknown status",
        )


def _number(written: str) -> str:
    return written.strip().removeprefix("tel:")


def _outcome(answer: CarrierAnswer, parts: int) -> Outcome:
    status = answer.status_code
    settled = outcome_of_status(status, answer.headers)
    if settled is not None:
        return settled
    table = _table(answer.content)
    if status >= 400:
        return _refusal(status, table.get("requestError"))
    sent = table.get("outboundSMSMessageRequest")
    found = _NAME_OF_ONE.fullmatch(str(sent.get("resourceURL"))) if isinstance(sent, dict) else None
    if status != 201 or found is None:
        return Ambiguous(f"HTTP {status}, unreadable answer")
    return Accepted(found[1], parts, cost=None, detail="accepted")


def _refusal(status: int, error: object) -> Outcome:
    """Whom the refusal blames: our contract for a policy, our name where it is spoken of, else this message."""
    policy, service = (_told(error, kind) for kind in ("policyException", "serviceException"))
    code, words = policy or service or ("", "")
    scope: Scope = "account" if policy and code not in OF_THE_MESSAGE else "message"
    if not policy and not service and status in ACCOUNT_FAULTS:
        scope = "account"
    if "sender" in words and (policy or service):
        scope = "sender"
    reason = "credit or contract" if scope == "account" and re.search("credit|contract|balance|expired", words) else ""
    return Refused(", ".join(filter(None, (f"HTTP {status} {code}".strip(), reason))), scope, opt_out=False)


def _told(error: object, kind: str) -> tuple[str, str] | None:
    """The code and, in small letters, the words of an exception; None where it is not that kind.

    The words may repeat the number or the text: they are looked at and never kept.
    """
    found = error.get(kind) if isinstance(error, dict) else None
    if not isinstance(found, dict):
        return None
    code = str(found.get("messageId"))
    words = json.dumps([found.get("text"), found.get("variables")]).lower()
    return code if re.fullmatch("[A-Z]{3}[0-9]{4}", code) else "", words


def _table(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
