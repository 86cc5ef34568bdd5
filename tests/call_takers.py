"""People who take a call, or do not: each moment of it is posted as the carrier does, over real HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests
from twilio.request_validator import RequestValidator

from tests.conftest import HOOK_SECRET, TWILIO_SID, TWILIO_TOKEN
from tests.loopback import Accepted

HOME = "https://alertes.example.org"
OUR_NUMBER = "+22320000001"


@dataclass
class Taker:
    """One call on Africa's Talking's protocol: what was played, in order, and where a key would go."""

    product: str
    call: Accepted
    brings_our_id: bool = True
    heard: list[str] = field(default_factory=list)
    asks_at: str = ""

    def take(self) -> list[str]:
        """Take the call; gives what is played now."""
        return self._step(f"{HOME}/hooks/africastalking/voice/{HOOK_SECRET}")

    def press(self, key: str) -> list[str]:
        assert self.asks_at, "no key is waited for"
        return self._step(self.asks_at, dtmfDigits=key)

    def end(self, cause: str = "NORMAL_CLEARING", lasted: int = 20, **changes: str) -> int:
        about = {"durationInSeconds": str(lasted), "hangupCause": cause, "amount": "12", "currencyCode": "XOF"}
        address = f"{self.product}/hooks/africastalking/voice/{HOOK_SECRET}"
        return requests.post(address, data=self.form(isActive="0", **(about | changes)), timeout=10).status_code

    def form(self, **changes: str) -> dict[str, str]:
        form = {
            "isActive": "1",
            "sessionId": self.call.id,
            "direction": "Outbound",
            "callerNumber": OUR_NUMBER,
            "destinationNumber": self.call.to,
        }
        return form | ({"clientRequestId": self.call.text} if self.brings_our_id else {}) | changes

    def post(self, address: str, **changes: str) -> requests.Response:
        return requests.post(self.product + address.removeprefix(HOME), data=self.form(**changes), timeout=10)

    def _step(self, address: str, **changes: str) -> list[str]:
        answer = self.post(address, **changes)
        assert answer.status_code == 200, answer.text
        said = ElementTree.fromstring(answer.text)
        asks = said.find("GetDigits")
        self.asks_at = asks.attrib["callbackUrl"] if asks is not None else ""
        played = [one.attrib["url"] for one in said.iter("Play")]
        self.heard += names(played)
        return names(played)


@dataclass
class TwilioTaker:
    """The same on Twilio's, signed."""

    product: str
    call: Accepted
    asks_at: str = ""

    def take(self) -> list[str]:
        return self._step(self.call.text.partition("#")[0])

    def press(self, key: str) -> list[str]:
        return self._step(self.asks_at, Digits=key)

    def end(self, status: str, **changes: str) -> int:
        return self.post(self.call.callback, CallStatus=status, CallDuration="20", **changes).status_code

    def post(self, address: str, **changes: str) -> requests.Response:
        form = {
            "CallSid": self.call.id,
            "AccountSid": TWILIO_SID,
            "From": OUR_NUMBER,
            "To": self.call.to,
            "CallStatus": "in-progress",
            "Direction": "outbound-api",
            "ApiVersion": "2010-04-01",
        } | changes
        return post_signed(self.product, address, form)

    def _step(self, address: str, **changes: str) -> list[str]:
        answer = self.post(address, **changes)
        assert answer.status_code == 200, answer.text
        said = ElementTree.fromstring(answer.text)
        gather = said.find("Gather")
        self.asks_at = gather.attrib["action"] if gather is not None else ""
        return names([one.text or "" for one in said.iter("Play")])


def post_signed(product: str, address: str, form: dict[str, str], token: str = TWILIO_TOKEN) -> requests.Response:
    """As Twilio posts to this address of ours."""
    signature = RequestValidator(token).compute_signature(address, form)
    parts = urlsplit(address)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return requests.post(product + path, data=form, headers={"X-Twilio-Signature": signature}, timeout=10)


def names(addresses: list[str]) -> list[str]:
    found = [re.fullmatch(rf"{HOME}/recordings/(\w+)\.fr\.wav", address) for address in addresses]
    assert all(found), addresses
    return [one[1] for one in found if one]
