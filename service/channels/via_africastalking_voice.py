"""Africa's Talking's calls: its SDK rings, we read its forms and write the XML that it plays.

One address of ours takes every moment of every call, and the secret in it is the only proof, as for its SMS. Our
message's id goes along as `clientRequestId`; where it does not come back, the call is found by its session.
Meanings of hangup causes: its pages on the call handler; which of them blame the number, our judgement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from africastalking.Voice import VoiceService

from flows.phone_numbers import to_e164
from service.channels.base import (
    ID_LIMIT,
    NO_FIELDS,
    NUMBER_LIMIT,
    SESSION_LIMIT,
    Answer,
    Capabilities,
    Fields,
    Outgoing,
    Receipt,
    Unreadable,
    own_id,
)
from service.channels.by_secret import BySecret
from service.channels.calling import CallStep, Saying, first_of, next_address, only_key, times_played
from service.channels.careful_calls import CarefulClient, CarrierAnswer
from service.channels.transport import attempt, checked_address, outcome_of_status, word
from service.channels.via_africastalking import ACCOUNT_FAULTS, E164
from service.domain.message_states import Accepted, Ambiguous, Outcome, ReceiptState, Refused, Scope

LISTENS_S = 8
# `status` of the one entry in the answer to a call. An unknown one is the message's fault, as for SMS.
REFUSALS: dict[str, Scope] = {
    "InvalidPhoneNumber": "person",
    "DestinationNotSupported": "person",
    "InsufficientCredit": "account",
    "InsufficientBalance": "account",
    "InvalidCallerId": "sender",
    "InvalidCallerNumber": "sender",
}
TAKEN = "Queued"

# `hangupCause` at the end of a call. One that is not here is "undelivered" if nobody talked, and "delivered" if so.
NOBODYS_FAULT = {
    "USER_BUSY",
    "NO_ANSWER",
    "NO_USER_RESPONSE",
    "CALL_REJECTED",
    "SUBSCRIBER_ABSENT",
    "NORMAL_TEMPORARY_FAILURE",
    "RECOVERY_ON_TIMER_EXPIRE",
    "ORIGINATOR_CANCEL",
    "LOSE_RACE",
    "USER_NOT_REGISTERED",
    "SERVICE_UNAVAILABLE",
}


class AfricasTalkingVoice(BySecret):
    """`sender` is the number that rings people."""

    name = "africastalking_voice"
    shows_drafts = False

    def __init__(
        self,
        *,
        username: str,
        api_key: str,
        hook_secrets: Sequence[str],
        sender: str,
        base_url: str = "https://voice.africastalking.com",
        country: str = "ML",
        connect_timeout: float = 3.05,
        read_timeout: float = 10.0,
    ) -> None:
        super().__init__(hook_secrets)
        self._sender, self._country = sender, country
        self._service = _Service(username, api_key, base_url, (connect_timeout, read_timeout))
        self.capabilities = Capabilities(two_way=False, receipts=True, voice=True, shows_drafts=self.shows_drafts)

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        """Ring one person, once."""
        if not E164.fullmatch(outgoing.to):
            return Refused("not a number in E.164", "person", opt_out=False)
        return attempt(lambda: self._ring(outgoing))

    def _ring(self, outgoing: Outgoing) -> Outcome:
        # The SDK hands `callback` on to the request untouched: it takes our message's id along.
        answer = self._service.call(outgoing.sender or self._sender, [outgoing.to], callback=outgoing.message_id)
        settled = outcome_of_status(answer.status_code, answer.headers)
        if settled is not None:
            return settled
        status = answer.status_code
        if status in ACCOUNT_FAULTS:
            return Refused(f"HTTP {status}", "account", opt_out=False)
        entries, mistake = _entries(answer)
        if entries is None:
            return Ambiguous(f"HTTP {status}, unreadable answer") if status < 400 else _refused(status, mistake)
        if not entries:
            return _refused(status, mistake)
        ours = next((one for one in entries if to_e164(str(one.get("phoneNumber", "")), self._country)), None)
        if ours is None or to_e164(str(ours.get("phoneNumber")), self._country) != outgoing.to:
            return Ambiguous(f"HTTP {status}, our recipient is not in the answer")
        return _outcome(status, ours)

    # -- in

    def read_call(self, fields: Fields, query: Fields = NO_FIELDS) -> CallStep:
        incoming, played = self._is_incoming(fields), times_played(query)
        pressed = fields.maybe("dtmfDigits", 40)
        return CallStep(
            channel=self.name,
            call_id=fields.filled("sessionId", SESSION_LIMIT),
            phone=self._person(fields, incoming),
            incoming=incoming,
            over=_is_over(fields),
            key=only_key(pressed or "") if played else None,
            played=played,
            message_ref=own_id(query) if played else own_id(fields, "clientRequestId"),
        )

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        """The last request of a call that we made; before the end it tells nothing."""
        cause = word(fields.maybe("hangupCause", 60))
        return Receipt(
            channel=self.name,
            carrier_id=fields.filled("sessionId", ID_LIMIT),
            phone=self._person(fields, self._is_incoming(fields)),
            message_ref=own_id(fields, "clientRequestId"),
            state=_end(fields, cause) if _is_over(fields) else None,
            detail=cause or "no cause told",
            fault="message" if cause in NOBODYS_FAULT or not cause else "person",
        )

    def _is_incoming(self, fields: Fields) -> bool:
        direction = fields.filled("direction", 20).lower()
        if direction not in ("inbound", "outbound"):
            raise Unreadable("direction is neither in nor out")
        return direction == "inbound"

    def _person(self, fields: Fields, incoming: bool) -> str | None:
        """Whose call it is. Of a call that we make, the pages show the person now as the one and now as the other."""
        caller, called = (fields.maybe(name, NUMBER_LIMIT) or "" for name in ("callerNumber", "destinationNumber"))
        written = (caller,) if incoming else (called, caller)
        return first_of((to_e164(number, self._country) for number in written), but=self._sender)

    # -- said

    def say(self, saying: Saying, address: str) -> Answer:
        sounds = "".join(f"<Play url={quoteattr(sound)}/>" for sound in saying.sounds)
        if not saying.listens:
            return _xml(sounds)
        # Only its own last prompt stands in GetDigits: what is played before it is heard to the end.
        *before, prompt = saying.sounds
        goes_to = quoteattr(next_address(address, saying))
        asks = f'<GetDigits timeout="{LISTENS_S}" numDigits="1" callbackUrl={goes_to}><Play url={quoteattr(prompt)}/>'
        return _xml("".join(f"<Play url={quoteattr(sound)}/>" for sound in before) + asks + "</GetDigits>")

    def busy(self) -> Answer:
        return _xml("<Reject/>")


class SimulatorVoice(AfricasTalkingVoice):
    """The pretend handsets' calls: recordings that nobody reviewed may be played there."""

    name = "simulator_voice"
    shows_drafts = True


def _xml(inside: str) -> Answer:
    return Answer(200, f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>', "application/xml")


def _is_over(fields: Fields) -> bool:
    written = fields.filled("isActive", 10).lower()
    if written not in ("0", "1", "true", "false"):
        raise Unreadable("isActive is neither yes nor no")
    return written in ("0", "false")


def _end(fields: Fields, cause: str) -> ReceiptState:
    """Whether somebody took the call: there is no other word for it than how long it lasted."""
    lasted = fields.maybe("durationInSeconds", 10) or "0"
    talked = lasted.isascii() and lasted.isdigit() and int(lasted) > 0
    return "delivered" if talked and cause not in NOBODYS_FAULT else "undelivered"


def _entries(answer: CarrierAnswer) -> tuple[list[dict[str, Any]] | None, str]:
    """The lines of the answer, and its error in a word; None when there is no such table."""
    try:
        data = json.loads(answer.content)
        entries, mistake = data["entries"], word(data.get("errorMessage"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, ""
    whole = isinstance(entries, list) and all(isinstance(one, dict) for one in entries)
    return (entries if whole else None), mistake


def _refused(status: int, mistake: str) -> Outcome:
    return Refused(f"HTTP {status}, no call {mistake}".rstrip(), REFUSALS.get(mistake, "message"), opt_out=False)


def _outcome(status: int, entry: Mapping[str, Any]) -> Outcome:
    said, session = word(entry.get("status")), entry.get("sessionId")
    if said != TAKEN:
        return _refused(status, said)
    has_id = isinstance(session, str) and 0 < len(session) <= ID_LIMIT and session != "None"
    return Accepted(carrier_id=str(session) if has_id else None, parts=1, detail=said)


class _Service(VoiceService):  # type: ignore[misc]  # the SDK has no types
    """The SDK's calls with our own HTTP under them: no redirect with the key in hand, and the status is kept."""

    def __init__(self, username: str, api_key: str, base_url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(username, api_key)
        if not api_key.isascii() or not api_key.isprintable():
            raise ValueError("an API key is printable ASCII")
        self._baseUrl = address = checked_address(base_url)
        self._client = CarefulClient(address, timeouts)

    def _make_request(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str],
        data: Mapping[str, object],
        params: Mapping[str, str] | None,
        callback: object = None,
        timeout: object = None,
    ) -> CarrierAnswer:
        return self._client.post(url, {**data, "clientRequestId": str(callback)}, headers)
