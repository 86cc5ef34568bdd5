"""Africa's Talking: USSD, SMS out and in, receipts, opt-outs. Its SDK sends; we read its forms.

Its callbacks carry no signature: a secret in our address is the only proof (docs: /hooks/{carrier}/{event}/{secret}).
It takes no key against doubles and cannot list what it sent, so an answer we could not read stays ambiguous. What
people wrote to us it gives out again, a hundred at a time.
Meanings of codes: its pages on SMS sending and notifications; recorded sandbox answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from africastalking.SMS import SMSService

from flows.phone_numbers import to_e164
from service.channels import africastalking_inbox
from service.channels.base import (
    ID_LIMIT,
    NO_FIELDS,
    NUMBER_LIMIT,
    SESSION_LIMIT,
    TEXT_LIMIT,
    Answer,
    Capabilities,
    EndStatus,
    Fields,
    IncomingSms,
    Keystroke,
    OptOut,
    Outgoing,
    Pulled,
    Receipt,
    SessionEnd,
    Unreadable,
)
from service.channels.by_secret import BySecret
from service.channels.careful_calls import CarefulClient, CarrierAnswer
from service.channels.transport import attempt, checked_address, outcome_of_status, word
from service.domain.message_states import Accepted, Ambiguous, Outcome, ReceiptState, Refused, Scope

# `statusCode` of a recipient in the answer to a send. There, "Success" means accepted, not delivered.
TAKEN = {100, 101, 102}
MAYBE_TAKEN = {500, 501}
REFUSALS: dict[int, tuple[str, Scope]] = {
    401: ("RiskHold", "account"),
    402: ("InvalidSenderId", "sender"),
    403: ("InvalidPhoneNumber", "person"),
    404: ("UnsupportedNumberType", "person"),
    405: ("InsufficientBalance", "account"),  # the channel waits until credit is bought
    406: ("UserInBlacklist", "person"),
    407: ("CouldNotRoute", "person"),
    409: ("DoNotDisturbRejection", "message"),
    502: ("RejectedByGateway", "message"),
}
OPTED_OUT = 406
CODE_OF = {name: code for code, (name, _) in REFUSALS.items()}

# HTTP answers that say our key, our contract or our address is wrong: no other message would fare better.
ACCOUNT_FAULTS = {401, 402, 403, 404, 405, 407}

# `status` of a receipt. An unknown one changes nothing.
RECEIPTS: dict[str, ReceiptState] = {
    "Sent": "accepted",
    "Submitted": "accepted",
    "Buffered": "accepted",
    "Success": "delivered",
    "Rejected": "undelivered",
    "Failed": "undelivered",
    "AbsentSubscriber": "undelivered",
    "Expired": "undelivered",
}
NO_NETWORK = "99999"
SESSION_ENDS: dict[str, EndStatus] = {"Success": "done", "Incomplete": "cut", "Failed": "failed"}

E164 = re.compile(r"\+[1-9][0-9]{5,14}")


class AfricasTalking(BySecret):
    """The carrier whose protocol is also our simulator's."""

    name = "africastalking"
    shows_drafts = False
    gives_out_again = True

    def __init__(
        self,
        *,
        username: str,
        api_key: str,
        hook_secrets: Sequence[str],
        base_url: str = "https://api.africastalking.com",
        sender: str | None = None,
        country: str = "ML",
        sends_whole: bool = True,
        connect_timeout: float = 3.05,
        read_timeout: float = 10.0,
    ) -> None:
        super().__init__(hook_secrets)
        self._sender = sender
        self._country = country
        self._sends_whole = sends_whole
        self._service = _Service(username, api_key, base_url, (connect_timeout, read_timeout))
        self.capabilities = Capabilities(
            # A name cannot be answered; a number or a short code can, where the operator's contract says so.
            two_way=bool(sender) and (sender or "").lstrip("+").isdigit(),
            receipts=True,
            many=True,
            pulls=self.gives_out_again,
            shows_drafts=self.shows_drafts,
        )

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message to one person, in one call."""
        return self.send_many([outgoing])[0]

    def send_many(self, letters: Sequence[Outgoing]) -> list[Outcome]:
        """One text to many people in one call; each gets what the answer says of its own number."""
        place_of: dict[str, int] = {}
        for place, letter in enumerate(letters):
            if E164.fullmatch(letter.to):
                place_of.setdefault(letter.to, place)
        if not place_of:
            return [Refused("not a number in E.164", "person", opt_out=False)] * len(letters)
        places = list(place_of.values())
        if len(places) < len(letters):
            # A number that comes twice, or is none, would make the answer's lines doubtful: these go alone.
            of_many = dict(zip(places, self.send_many([letters[place] for place in places]), strict=True))
            return [of_many.get(place) or self.send(letter) for place, letter in enumerate(letters)]
        told: dict[str, Outcome] = {}
        whole = attempt(lambda: self._call(letters[0], [letter.to for letter in letters], told))
        # What ended the call itself holds for everybody in it.
        return [told.get(letter.to, whole) for letter in letters]

    def _call(self, letter: Outgoing, numbers: Sequence[str], told: dict[str, Outcome]) -> Outcome:
        """What became of the call; where its answer tells of each number, that is put into `told`."""
        answer = self._service.send(letter.text, numbers, letter.sender or self._sender, True)
        status = answer.status_code
        settled = outcome_of_status(status, answer.headers)
        if settled is not None:
            return settled
        if status in ACCOUNT_FAULTS:
            return Refused(f"HTTP {status}", "account", opt_out=False)
        data = _message_data(answer)
        if data is None:
            return _unreadable(status)
        if not data["Recipients"]:
            return _nobody(status, word(data.get("Message")))
        entries = {self._number_in(each): each for each in reversed(data["Recipients"])}
        summary = str(data.get("Message", ""))
        told |= {number: _recipient(entries[number], summary) for number in numbers if number in entries}
        return Ambiguous(f"HTTP {status}, our recipient is not in the answer")

    def _number_in(self, entry: object) -> str | None:
        # The carrier may write the number another way than we did.
        number = str(entry.get("number", "")) if isinstance(entry, dict) else ""
        return number if E164.fullmatch(number) else to_e164(number, self._country)

    # -- asked

    def pull(self, cursor: str, now: int) -> Pulled:
        """What people wrote after the message with this id; from the first one on when it is empty."""
        return africastalking_inbox.pull(self._service.fetch_messages, self.read_sms, cursor)

    # -- in

    def read_keystroke(self, fields: Fields) -> Keystroke:
        """One USSD step; `text` is the carrier's growing text, untouched, or only the last key where that is sent."""
        return Keystroke(
            channel=self.name,
            session=fields.filled("sessionId", SESSION_LIMIT),
            phone=self._phone(fields.filled("phoneNumber", NUMBER_LIMIT), "phoneNumber"),
            service_code=fields.filled("serviceCode", 40),
            text=fields.one("text", TEXT_LIMIT),
            network=fields.maybe("networkCode", 20) or "",
            whole=self._sends_whole,
        )

    def read_session_end(self, fields: Fields) -> SessionEnd:
        """Every field but the session may be missing; a status we do not know is a session that broke off."""
        status = fields.maybe("status", 40) or ""
        return SessionEnd(
            channel=self.name,
            session=fields.filled("sessionId", SESSION_LIMIT),
            phone=to_e164(fields.maybe("phoneNumber", NUMBER_LIMIT) or "", self._country),
            status=SESSION_ENDS.get(status, "cut"),
            # `input` and `lastAppResponse` hold what the person typed and read: they are not for our notes.
            detail=word(fields.maybe("errorMessage", 500)) or word(status),
        )

    def read_sms(self, fields: Fields) -> IncomingSms:
        sender = fields.filled("from", NUMBER_LIMIT).strip()
        phone = to_e164(sender, self._country)
        return IncomingSms(
            channel=self.name,
            event_id=fields.maybe("id", ID_LIMIT) or None,
            phone=phone,
            sender=phone or sender,
            text=fields.one("text", TEXT_LIMIT),
            to=fields.filled("to", NUMBER_LIMIT).strip(),
        )

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        status = fields.filled("status", 40)
        reason = fields.maybe("failureReason", 100) or ""
        return Receipt(
            channel=self.name,
            carrier_id=fields.filled("id", ID_LIMIT),
            phone=to_e164(fields.maybe("phoneNumber", NUMBER_LIMIT) or "", self._country),
            message_ref=None,
            state=RECEIPTS.get(status),
            detail=" ".join(filter(None, (word(status) or "unknown status", word(reason)))),
            # The same word has a capital L here and a small one in the answer to a send.
            opt_out=reason.lower() == "userinblacklist",
            network=_network(fields.maybe("networkCode", 20)),
        )

    def read_opt_out(self, fields: Fields) -> OptOut:
        return OptOut(
            channel=self.name,
            phone=self._phone(fields.filled("phoneNumber", NUMBER_LIMIT), "phoneNumber"),
            sender=fields.maybe("senderId", 40) or "",
        )

    def _phone(self, written: str, field: str) -> str:
        phone = to_e164(written, self._country)
        if phone is None:
            raise Unreadable(f"{field} is not a telephone number")
        return phone

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        return Answer(200, ("CON " if more else "END ") + text)


def _network(code: str | None) -> str:
    """The operator's code; its sandbox, which is none, says 99999."""
    return code if code and re.fullmatch("[0-9]{1,12}", code) and code != NO_NETWORK else ""


def _message_data(answer: CarrierAnswer) -> dict[str, Any] | None:
    """The table that describes the send, whatever the content type says; None when it is not there."""
    try:
        data = json.loads(answer.content)["SMSMessageData"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return data if isinstance(data, dict) and isinstance(data.get("Recipients"), list) else None


def _unreadable(status: int) -> Outcome:
    if status >= 400:
        return Refused(f"HTTP {status}", "message", opt_out=False)
    return Ambiguous(f"HTTP {status}, unreadable answer")


def _nobody(status: int, reason: str) -> Outcome:
    """No recipients at all: nothing was sent, though the HTTP status is 201."""
    if reason in CODE_OF:
        return _by_code(CODE_OF[reason])
    return Refused(f"HTTP {status}, no recipients {reason}".rstrip(), "message", opt_out=False)


def _recipient(entry: Mapping[str, Any], summary: str) -> Outcome:
    try:
        code = int(entry["statusCode"])
    except (KeyError, TypeError, ValueError):
        return Ambiguous("a recipient without a status code")
    if code not in TAKEN:
        return _by_code(code)
    carrier_id, cost = str(entry.get("messageId") or ""), str(entry.get("cost", ""))
    parts = re.search(r"Message parts: ([0-9]{1,3})", summary)
    return Accepted(
        # Without an id the carrier writes the word "None".
        carrier_id=carrier_id if 0 < len(carrier_id) <= ID_LIMIT and carrier_id != "None" else None,
        parts=int(parts[1]) if parts else None,
        cost=cost if re.fullmatch(r"[A-Z]{3} [0-9.]{1,12}", cost) else None,
        detail=str(code),
    )


def _by_code(code: int) -> Outcome:
    if code in MAYBE_TAKEN:
        return Ambiguous(f"{code} from the gateway")
    name, scope = REFUSALS.get(code, ("unknown code", "message"))
    return Refused(f"{code} {name}", scope, opt_out=code == OPTED_OUT)


class _Service(SMSService):  # type: ignore[misc]  # the SDK has no types
    """The SDK's SMS service with our own HTTP call under it.

    The SDK's call follows redirects with the key in hand and throws the status away.
    """

    def __init__(self, username: str, api_key: str, base_url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(username, api_key)
        if not api_key.isascii() or not api_key.isprintable():
            raise ValueError("an API key is printable ASCII")
        address = checked_address(base_url).removesuffix("/version1") + "/version1"
        self._baseUrl = self._contentUrl = address
        self._client = CarefulClient(address, timeouts)

    def _make_request(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str],
        data: Mapping[str, object] | None,
        params: Mapping[str, str] | None,
        callback: object = None,
        timeout: object = None,
    ) -> CarrierAnswer:
        """The raw answer, with its status; raises what `transport.attempt` understands."""
        if method == "GET":
            return self._client.get(url, headers, params)
        return self._client.post(url, data or {}, headers)
