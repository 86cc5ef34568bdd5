"""Twilio's calls: its SDK rings and writes what is played; forms and signatures are those of its SMS.

Each call carries its own addresses with our message id: for what is said, and for what became of it.
"""

from __future__ import annotations

from typing import Any

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

from flows.phone_numbers import to_e164
from service.channels import twilio_forms as forms
from service.channels.base import (
    ID_LIMIT,
    NO_FIELDS,
    Answer,
    Capabilities,
    Fields,
    IncomingSms,
    Outgoing,
    Receipt,
    Unreadable,
    own_id,
)
from service.channels.calling import CallStep, Saying, next_address, only_key, times_played
from service.channels.transport import attempt
from service.channels.via_twilio import INSIST, Twilio, _number
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, ReceiptState, Refused, Scope

VOICE_PATH, STATUS_PATH = "/hooks/twilio/voice", "/hooks/twilio/voice/status"
RINGS_S, LISTENS_S = 30, 8

NOT_NOW = {10004}  # more calls at once than the account may have
AT_FAULT: dict[int, Scope] = {
    10001: "account",
    10002: "account",
    21201: "person",
    21210: "sender",
    21212: "sender",
    21213: "sender",
    21215: "account",  # calls to this country are not switched on
    21216: "person",
    21219: "account",
    13224: "person",
    13227: "account",
}

# `CallStatus` at the end of a call. Others change nothing.
ENDS: dict[str, ReceiptState] = {
    "queued": "accepted",
    "initiated": "accepted",
    "ringing": "accepted",
    "in-progress": "accepted",
    "completed": "delivered",
    "busy": "undelivered",
    "no-answer": "undelivered",
    "failed": "undelivered",
    "canceled": "undelivered",
}
NOBODYS_FAULT = {"busy", "no-answer", "canceled"}
"""The number lives: these do not count towards a dead one."""

_CALL = r"CA[0-9a-f]{32}"
_NUMBER = r"\+[0-9]{6,15}|[A-Za-z0-9+ .@:_-]{0,60}"
NEEDS = {
    "AccountSid": r"AC[0-9a-fA-F]{32}",
    "CallSid": _CALL,
    "From": _NUMBER,
    "To": _NUMBER,
    "CallStatus": r"[a-z-]{1,20}",
    "Direction": r"inbound|outbound-(?:api|dial)",
}
MAY_HAVE = (
    {
        "ApiVersion": r"[0-9-]{10}",
        "Digits": r"[0-9*#A-Da-d]{0,10}|hangup",
        "FinishedOnKey": r"[0-9*#]?",
        "msg": r"[A-Za-z ]{1,30}",
        "Caller": _NUMBER,
        "Called": _NUMBER,
        "CallerName": r"[^\x00-\x1f]{0,100}",
        "CalledVia": _NUMBER,
        "ForwardedFrom": _NUMBER,
        "ParentCallSid": _CALL,
        "CallDuration": r"[0-9]{1,6}",
        "Duration": r"[0-9]{1,6}",
        "Timestamp": r"[A-Za-z0-9:,+ -]{1,40}",
        "SequenceNumber": r"[0-9]{1,6}",
        "CallbackSource": r"[a-z-]{1,40}",
        "AnsweredBy": r"[a-z_]{1,30}",
        "SipResponseCode": r"[0-9]{3}",
        "ErrorCode": r"[0-9]{1,6}",
        "StirVerstat": r"[A-Za-z0-9-]{1,60}",
        "StirStatus": r"[A-Za-z0-9-]{1,60}",
        "CallToken": r"[^\x00-\x1f]{1,2000}",
    }
    | {end + place: r"[^\x00-\x1f]{0,100}" for end in ("From", "To", "Caller", "Called") for place in ("City", "State")}
    | {f"{end}Zip": r"[^\x00-\x1f]{0,20}" for end in ("From", "To", "Caller", "Called")}
    | {f"{end}Country": r"(?:[A-Z]{2})?" for end in ("From", "To", "Caller", "Called")}
)


class TwilioVoice(Twilio):
    """`sender` is the number that rings people."""

    name = "twilio_voice"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.capabilities = Capabilities(two_way=False, receipts=True, own_id=True, voice=True)

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        """Ring one person, once."""
        return attempt(lambda: self._ring(outgoing))

    def _ring(self, outgoing: Outgoing) -> Outcome:
        about = f"?m={outgoing.message_id}{INSIST}"
        try:
            call = self._client.calls.create(
                to=outgoing.to,
                from_=outgoing.sender or self._sender,
                url=f"{self._public_url}{VOICE_PATH}{about}",
                method="POST",
                status_callback=f"{self._public_url}{STATUS_PATH}{about}",
                timeout=RINGS_S,
            )
        except TwilioException as refusal:
            status, code = getattr(refusal, "status", None), getattr(refusal, "code", None)
            return self._call_refused(_number(status), _number(code), outgoing.to)
        if not isinstance(call.sid, str) or not call.sid:
            return Ambiguous("an answer without a call id")
        return Accepted(call.sid[:ID_LIMIT], parts=1, detail=call.status if call.status in ENDS else "")

    def _call_refused(self, status: int, code: int, to: str) -> Outcome:
        if 400 <= status < 500 and code in NOT_NOW:
            return NotSent(f"HTTP {status}, code {code}", None)
        if 400 <= status < 500 and code in AT_FAULT:
            return Refused(f"HTTP {status}, code {code}", AT_FAULT[code], opt_out=False)
        return self._refusal(status, code, to)

    # -- in

    def read_call(self, fields: Fields, query: Fields = NO_FIELDS) -> CallStep:
        forms.check(fields, self._account_sid, NEEDS, MAY_HAVE)
        incoming, played = fields.one("Direction") == "inbound", times_played(query)
        pressed = fields.maybe("Digits")
        return CallStep(
            channel=self.name,
            call_id=fields.one("CallSid", ID_LIMIT),
            phone=to_e164(fields.one("From" if incoming else "To"), self._country),
            incoming=incoming,
            key=only_key(pressed or "") if played else None,
            played=played,
            message_ref=own_id(query),
        )

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        forms.check(fields, self._account_sid, NEEDS, MAY_HAVE)
        status, code = fields.one("CallStatus"), fields.maybe("ErrorCode")
        return Receipt(
            channel=self.name,
            carrier_id=fields.one("CallSid", ID_LIMIT),
            phone=to_e164(fields.one("To"), self._country),
            message_ref=own_id(query),
            state=ENDS.get(status),
            detail=f"{status} {code}" if code else status,
            fault="message" if status in NOBODYS_FAULT else "person",
        )

    def read_sms(self, fields: Fields) -> IncomingSms:
        raise Unreadable("a call brings no SMS")

    # -- said

    def say(self, saying: Saying, address: str) -> Answer:
        """TwiML: everything is played while a key is waited for, and without one the call ends."""
        said = VoiceResponse()
        place = said
        if saying.listens:
            place = said.gather(
                num_digits=1, timeout=LISTENS_S, method="POST", action=next_address(address, saying), finish_on_key=""
            )
        for sound in saying.sounds:
            place.play(sound)
        said.hangup()
        return Answer(200, str(said), "text/xml")

    def busy(self) -> Answer:
        said = VoiceResponse()
        said.reject(reason="busy")
        return Answer(200, str(said), "text/xml")
