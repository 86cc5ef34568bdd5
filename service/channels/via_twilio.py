"""Twilio: SMS out and in, receipts. No USSD. Its SDK sends and checks signatures; `twilio_forms` reads its forms.

Every send carries its own callback address with our message id, so a receipt finds its message even when we never
saw Twilio's answer. Codes: Twilio's error dictionary; what class each is in, our judgement.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from urllib3 import make_headers

from flows.phone_numbers import to_e164
from service.channels import twilio_forms as forms
from service.channels import twilio_lists
from service.channels.base import (
    ID_LIMIT,
    NO_FIELDS,
    TEXT_LIMIT,
    Answer,
    CannotAsk,
    Capabilities,
    Event,
    Fields,
    IncomingSms,
    Keystroke,
    Listed,
    OptOut,
    Outgoing,
    Pulled,
    Receipt,
    SessionEnd,
    Unreadable,
    own_id,
)
from service.channels.careful_calls import CarefulClient
from service.channels.raw_request import Raw
from service.channels.transport import Decided, ask, attempt, checked_address, outcome_of_status, word
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, ReceiptState, Refused, Scope

STATUS_PATH = "/hooks/twilio/status"
# Twilio's overrides stand behind the `#`, which never travels: three more tries on any failure, our 5xx included.
# (Without them it repeats only when no connection came about.)
INSIST = "#rc=3&rp=all"

LISTED_LATE_MS = 3_600_000
"""A text may stand in its list a while after it came: each pull looks back an hour more."""
OPTED_OUT = 21610
NOT_NOW = {14107, 20429, 21611, 30001, 30017, 30022, 30023, 63018}  # surely not sent; later it may be
MAYBE_TAKEN = {20500, 20503, 30008, 30410, 30500}
# Codes that blame the route between our sender and this number. Abroad that is no fault of our account: one foreign
# number must not stop the messages to everybody else.
BY_COUNTRY = {21408, 21606, 21612}
AT_FAULT: dict[Scope, set[int]] = {
    "account": {20003, 20005, 20404, 21219, 21408, 21607, 21608, 21609, 30002},
    "sender": {21212, 21601, 21603, 21606, 21612, 21703, 21704, 21705, 30018, 30024, 30034},
    "person": {21211, 21214, 21217, OPTED_OUT, 21614, 21635, 30004, 30005, 30006},
}
SCOPES: dict[int, Scope] = {code: scope for scope, codes in AT_FAULT.items() for code in codes}
ACCOUNT_FAULTS = {401, 402, 403, 404, 405, 407}  # HTTP statuses, when no listed code says better

# `MessageStatus`. Others change nothing.
RECEIPTS: dict[str, ReceiptState] = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "partially_delivered": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
    "canceled": "undelivered",
}


class Twilio:
    """`sender` is a number or a name; a messaging service, when given, chooses among its own senders instead."""

    name = "twilio"
    methods = frozenset({"POST"})

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        public_url: str,
        sender: str | None = None,
        messaging_service_sid: str | None = None,
        base_url: str = "https://api.twilio.com",
        country: str = "ML",
        home_prefix: str = "+223",
        connect_timeout: float = 3.05,
        timeout: float = 10.0,
    ) -> None:
        if not auth_token:
            raise ValueError("without Twilio's auth token anybody could sign")
        if not sender and not messaging_service_sid:
            raise ValueError("Twilio needs a sender or a messaging service")
        self._account_sid = account_sid
        self._sender, self._service_sid = sender, messaging_service_sid
        self._country, self._home_prefix = country, home_prefix
        self._public_url = checked_address(public_url)
        self._validator = RequestValidator(auth_token)
        self._client = _client(account_sid, auth_token, checked_address(base_url), (connect_timeout, timeout))
        number = (sender or "").lstrip("+").isdigit()
        # A name cannot be written to; behind a messaging service there may be numbers.
        self._written_to = sender if number else None
        answered = number or bool(messaging_service_sid)
        self.capabilities = Capabilities(two_way=number, receipts=True, own_id=True, lists=True, pulls=answered)

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message to one person, in one call."""
        return attempt(lambda: self._send(outgoing))

    def send_many(self, letters: Sequence[Outgoing]) -> list[Outcome]:
        return [self.send(letter) for letter in letters]

    def _send(self, outgoing: Outgoing) -> Outcome:
        try:
            message = self._client.messages.create(
                to=outgoing.to,
                body=outgoing.text,
                status_callback=f"{self._public_url}{STATUS_PATH}?m={outgoing.message_id}{INSIST}",
                **self._from(outgoing.sender),
            )
        except TwilioException as refusal:
            # Its text repeats the number it was about, so only its codes are kept.
            status, code = getattr(refusal, "status", None), getattr(refusal, "code", None)
            return self._refusal(_number(status), _number(code), outgoing.to)
        if not isinstance(message.sid, str) or not message.sid:
            return Ambiguous("an answer without a message id")
        parts = str(message.num_segments or "")
        return Accepted(
            carrier_id=message.sid[:100],
            parts=int(parts) if re.fullmatch("[1-9][0-9]?", parts) else None,
            cost=None,  # known later, if at all
            detail=message.status if message.status in RECEIPTS else "",
        )

    def _from(self, sender: str | None) -> dict[str, str]:
        if sender is None and self._service_sid:
            return {"messaging_service_sid": self._service_sid}
        return {"from_": sender or self._sender or ""}

    def _refusal(self, status: int, code: int, to: str) -> Outcome:
        if not 400 <= status < 500:
            return Ambiguous("an error without a status")
        detail = f"HTTP {status}" if code in (0, status) else f"HTTP {status}, code {code}"
        if code in NOT_NOW:
            return NotSent(detail, None)
        if code in MAYBE_TAKEN:
            return Ambiguous(detail)
        if code in BY_COUNTRY and not to.startswith(self._home_prefix):
            return Refused(detail, "person", opt_out=False)
        unlisted: Scope = "account" if status in ACCOUNT_FAULTS else "message"
        return Refused(detail, SCOPES.get(code, unlisted), opt_out=code == OPTED_OUT)

    # -- asked

    def reconcile(self, to: str, text: str, since: int, until: int) -> list[Listed]:
        """What it took from us to this number, letter for letter this text, between these moments."""
        records = ask(lambda: twilio_lists.sent(self._client, to, since, until))
        return [_listed(one) for one in records if one.body == text]

    def pull(self, cursor: str, now: int) -> Pulled:
        """What people wrote since the last time. The cursor is a moment; the first time, nothing but that moment."""
        if not cursor:
            return Pulled((), str(now), whole=True)
        since = int(cursor) - LISTED_LATE_MS
        records = ask(lambda: twilio_lists.received(self._client, self._written_to, since))
        texts = (self._as_by_webhook(one) for one in records)
        return Pulled(tuple(one for one in texts if one is not None), str(now), whole=True)

    def _as_by_webhook(self, record: Any) -> IncomingSms | None:
        """A listed text, read by the same rules and under the same id; None when its webhook would be refused."""
        names = {"AccountSid": self._account_sid, "MessageSid": record.sid, "From": record.from_, "To": record.to}
        try:
            fields = Fields([*names.items(), ("Body", record.body or "")])
            return replace(self.read_sms(fields), at=twilio_lists.taken_at(record))
        except (Unreadable, TypeError):
            return None

    # -- in

    def fields(self, raw: Raw) -> Fields:
        return raw.form_fields()

    def read_sms(self, fields: Fields) -> IncomingSms:
        """A text; of a picture message, its caption. START and HELP are in the text like any other word."""
        forms.check(fields, self._account_sid, forms.SMS_NEEDS, forms.SMS_MAY_HAVE)
        sender = fields.filled("From").strip()
        phone = to_e164(sender, self._country)
        return IncomingSms(
            channel=self.name,
            event_id=fields.one("MessageSid"),
            phone=phone,
            sender=phone or sender,
            text=fields.one("Body", TEXT_LIMIT),
            to=fields.one("To"),
            opt_out=fields.maybe("OptOutType") == "STOP",
        )

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        forms.check(fields, self._account_sid, forms.STATUS_NEEDS, forms.STATUS_MAY_HAVE)
        status, code = fields.one("MessageStatus"), fields.maybe("ErrorCode")
        return Receipt(
            channel=self.name,
            carrier_id=fields.one("MessageSid", ID_LIMIT),
            phone=to_e164(fields.one("To"), self._country),
            message_ref=own_id(query),
            state=RECEIPTS.get(status),
            detail=f"{status} {code}" if code else status,
            opt_out=code == str(OPTED_OUT),
        )

    def read_keystroke(self, fields: Fields) -> Keystroke:
        raise Unreadable("Twilio has no USSD")

    def read_session_end(self, fields: Fields) -> SessionEnd:
        raise Unreadable("Twilio has no USSD")

    def read_opt_out(self, fields: Fields) -> OptOut:
        raise Unreadable("Twilio tells of a STOP in the message itself")

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        raise NotImplementedError("Twilio has no USSD")

    def thanks(self, event: Event) -> Answer:
        """After a text, a document that says nothing: anything else would be sent to the person."""
        return Answer(200, "<Response/>", "text/xml") if event == "sms-in" else Answer()

    # -- proof

    def knows_secret(self, secret: str) -> bool:
        return False

    def is_genuine(self, path_and_query: str, pairs: Iterable[tuple[str, str]], signature: str | None) -> bool:
        """Whether Twilio signed these pairs for this path of our public address.

        `path_and_query` is what stands in the request line, undecoded; `pairs` are all fields, decoded, as they came.
        A valid signature alone proves little about the fields' borders: `read_*` checks those.
        """
        if not signature or not path_and_query.startswith("/"):
            return False
        try:
            return bool(self._validator.validate(self._public_url + path_and_query, _Pairs(pairs), signature))
        except Exception:
            # The SDK raises on what no carrier sends: half characters, broken addresses. None of it is genuine.
            return False


def _listed(record: Any) -> Listed:
    status, code = str(record.status), _number(record.error_code)
    return Listed(
        carrier_id=str(record.sid)[:ID_LIMIT],
        state=RECEIPTS.get(status, "accepted"),  # it has the message, whatever it calls that
        detail=f"listed as {word(status)}" + (f" {code}" if code else ""),
        fault=SCOPES.get(code, "person"),
    )


def _number(value: object) -> int:
    """A code as the SDK hands it on: a number, digits, or nothing."""
    return int(value) if isinstance(value, (int, str)) and re.fullmatch("[0-9]{1,6}", str(value)) else 0


class _Pairs:
    """The fields in the form in which the SDK's validator reads several values of one name."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[str]:
        return self._values[name]


def _client(account_sid: str, auth_token: str, base_url: str, timeouts: tuple[float, float]) -> Any:
    client = Client(account_sid, auth_token, http_client=_CarefulHttpClient(base_url, timeouts))
    # TWILIO_EDGE or TWILIO_REGION in somebody's environment would rewrite the address we were given.
    client.edge = client.region = None
    client.api.base_url = base_url
    return client


class _CarefulHttpClient(HttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's calls, made by us; statuses that settle the outcome do not reach the SDK."""

    def __init__(self, base_url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), is_async=False)
        self._home = base_url + "/"
        self._client = CarefulClient(base_url, timeouts)

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        if not uri.startswith(self._home):
            raise CannotAsk("its next page is at another address")  # our key would go there
        known = {**(headers or {})} | (make_headers(basic_auth=":".join(auth)) if auth else {})
        get = method == "GET"
        answer = self._client.get(uri, known, params) if get else self._client.post(uri, data or {}, known)
        settled = outcome_of_status(answer.status_code, answer.headers)
        if settled is not None:
            raise Decided(settled)
        if get and answer.status_code != 200:
            raise CannotAsk(f"HTTP {answer.status_code}")
        return Response(answer.status_code, answer.text, answer.headers)
