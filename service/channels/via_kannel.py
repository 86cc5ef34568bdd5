"""Kannel: SMS through an operator's SMPP server or a modem, by the HTTP of its smsbox. Set-up: docs/kannel.conf.

We post a message with its particulars in X-Kannel headers: by GET the password and the text would stand in the
address, where logs and exceptions quote them. Kannel's answer names no message, so each carries its own receipt
address with our id. What comes in, comes by GET in the form of our own `get-url`; the secret in it is the only proof.
Meanings: Kannel's user guide, SMPP 3.4, and runs of Kannel 1.4.5 (tests/carriers_real).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
    Unreadable,
    own_id,
)
from service.channels.by_secret import BySecret
from service.channels.careful_calls import CarefulClient, CarrierAnswer
from service.channels.raw_request import Raw
from service.channels.transport import attempt, checked_address, outcome_of_status
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, ReceiptState, Refused, Scope

SEND_PATH = "/cgi-bin/sendsms"
EVERY_RECEIPT = "31"  # 1 + 2 + 4 + 8 + 16, see RECEIPTS
GSM_ALPHABET, UCS_2 = "0", "2"

# 202 and one of these words, and the message is on Kannel's disk: "3" while the operator's link is down.
TAKEN = {"0: ": "accepted", "3: ": "queued at Kannel"}
# How other answers begin, and whom they blame. What is not listed blames the message.
REFUSALS: dict[str, Scope] = {
    "Sender missing": "sender",
    "Number(s) has/have been denied": "person",
    "Not routable": "person",
}
NOT_NOW = "Temporal failure"
ACCOUNT_FAULTS = {401, 403, 404, 405, 407}

RECEIPTS: dict[str, tuple[ReceiptState, str]] = {
    "1": ("delivered", "delivered"),
    "2": ("undelivered", "failed"),
    "4": ("accepted", "buffered"),
    "8": ("accepted", "taken by the operator"),
    "16": ("undelivered", "refused by the operator"),
}
# The operator's reason of a "16": the name that SMPP gives the number, and whom it blames. Those that pass (a full
# queue, too many at once) and those that nobody knows blame the message alone: never a number, never the account.
SMPP: dict[int, tuple[str, Scope]] = {
    0x01: ("RINVMSGLEN", "message"),
    0x08: ("RSYSERR", "message"),
    0x0A: ("RINVSRCADR", "sender"),
    0x0B: ("RINVDSTADR", "person"),
    0x0D: ("RBINDFAIL", "account"),
    0x0E: ("RINVPASWD", "account"),
    0x14: ("RMSGQFUL", "message"),
    0x45: ("RSUBMITFAIL", "message"),
    0x58: ("RTHROTTLED", "message"),
}

ALPHABETS = {"UTF-8": "utf-8", "UTF-16BE": "utf-16-be", "UCS-2": "utf-16-be", "ISO-8859-1": "latin-1"}

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_SENDER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9][A-Za-z0-9 ._&-]{0,10}")
# Kannel reads every % in a receipt address as an order to put something there.
_NO_PERCENT = re.compile(r"[A-Za-z0-9_.~-]+")
_WORD = re.compile(r"[!-~]{1,100}")


class Kannel(BySecret):
    """An operator's own line; what it can depends on the contract, and the sender says which way it goes."""

    name = "kannel"
    methods = frozenset({"GET"})

    def __init__(
        self,
        *,
        username: str,
        password: str,
        hook_secrets: Sequence[str],
        callback_url: str,
        sender: str,
        base_url: str = "http://127.0.0.1:13013",
        country: str = "ML",
        connect_timeout: float = 3.05,
        read_timeout: float = 10.0,
    ) -> None:
        super().__init__(hook_secrets)
        if not _NO_PERCENT.fullmatch(hook_secrets[0]) or "%" in callback_url:
            raise ValueError("Kannel's secret and our address for it hold only letters, digits, - and _")
        if not _WORD.fullmatch(username) or not _WORD.fullmatch(password):
            raise ValueError("Kannel's user name and password are printable ASCII without blanks")
        self._user = {"X-Kannel-Username": username, "X-Kannel-Password": password}
        self._sender, self._country = sender, country
        self._receipts = f"{checked_address(callback_url)}/hooks/{self.name}/receipt/{hook_secrets[0]}"
        self._address = checked_address(base_url).removesuffix(SEND_PATH) + SEND_PATH
        self._client = CarefulClient(self._address, (connect_timeout, read_timeout))
        self.capabilities = Capabilities(two_way=sender.lstrip("+").isdigit(), receipts=True, own_id=True)

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message to one person, in one call."""
        sender = outgoing.sender or self._sender
        if not _E164.fullmatch(outgoing.to):
            return Refused("not a number in E.164", "person", opt_out=False)
        if not _SENDER.fullmatch(sender):
            return Refused("not a sender that a phone can show", "sender", opt_out=False)
        return attempt(lambda: self._outcome(self._post(outgoing, sender), outgoing))

    def _post(self, outgoing: Outgoing, sender: str) -> CarrierAnswer:
        # Of a letter outside the alphabet Kannel makes a "?" without a word, unless we ask for UCS-2 ourselves.
        fits = sms_text.measure(outgoing.text).encoding == "gsm7"
        headers = self._user | {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-From": sender,
            "X-Kannel-To": outgoing.to,
            "X-Kannel-Coding": GSM_ALPHABET if fits else UCS_2,
            "X-Kannel-DLR-Mask": EVERY_RECEIPT,
            "X-Kannel-DLR-Url": f"{self._receipts}?m={outgoing.message_id}&type=%d&answer=%A&to=%p",
        }
        if outgoing.useful_for_s is not None:
            # Kannel keeps a message while the operator is away: it may leave only as long as it is of use.
            headers["X-Kannel-Validity"] = str(max(1, outgoing.useful_for_s // 60))
        return self._client.post(self._address, outgoing.text.encode(), headers)

    def _outcome(self, answer: CarrierAnswer, outgoing: Outgoing) -> Outcome:
        status, words = answer.status_code, answer.content[:100].decode("utf-8", "replace")
        if status == 503 and words.startswith(NOT_NOW):
            return NotSent("HTTP 503, not now", None)
        settled = outcome_of_status(status, answer.headers)
        if settled is not None:
            return settled
        if status == 202 and words[:3] in TAKEN:
            parts = sms_text.measure(outgoing.text).parts
            return Accepted(str(outgoing.message_id), parts, cost=None, detail=TAKEN[words[:3]])
        if status < 400:
            return Ambiguous(f"HTTP {status}, unreadable answer")
        for beginning, scope in REFUSALS.items():
            if words.startswith(beginning):
                return Refused(f"HTTP {status}, {beginning.lower()}", scope, opt_out=False)
        return Refused(f"HTTP {status}", "account" if status in ACCOUNT_FAULTS else "message", opt_out=False)

    # -- in

    def fields(self, raw: Raw) -> Fields:
        """The query, whose `raw` is in the alphabet that `coding` and `charset` name; the rest is UTF-8."""
        octets = raw.query_octets()
        named = {name: value.decode("ascii", "replace") for name, value in octets if name in ("coding", "charset")}
        alphabet = {"raw": named, "answer": {}}
        return Fields(
            (name, _text(value, **alphabet[name]) if name in alphabet else value.decode("utf-8", "replace"))
            for name, value in octets
        )

    def read_sms(self, fields: Fields) -> IncomingSms:
        sender = fields.filled("from", NUMBER_LIMIT).strip()
        phone = to_e164(sender, self._country)
        return IncomingSms(
            channel=self.name,
            event_id=fields.maybe("id", ID_LIMIT) or None,
            phone=phone,
            sender=phone or sender,
            text=fields.one("raw", TEXT_LIMIT),
            to=fields.filled("to", NUMBER_LIMIT).strip(),
        )

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        """A "failed" is the last word of the operator, a "refused" its first; neither is tried again by Kannel."""
        message, kind = own_id(fields), fields.filled("type", 4)
        if message is None:
            raise Unreadable("m is missing")
        state, detail = RECEIPTS.get(kind, (None, "unknown status"))
        reason, fault = _reason(kind, fields.maybe("answer", TEXT_LIMIT) or "")
        return Receipt(
            channel=self.name,
            carrier_id=str(message),
            phone=to_e164(fields.maybe("to", NUMBER_LIMIT) or "", self._country),
            message_ref=message,
            state=state,
            detail=f"{detail}, {reason}" if reason else detail,
            fault=fault,
        )


def _text(octets: bytes, coding: str = "", charset: str = "") -> str:
    """Every octet becomes a text, if a poor one: what we refuse, Kannel would bring again for hours and then drop."""
    alphabet = ALPHABETS.get(charset.upper(), "utf-16-be" if coding == UCS_2 else "utf-8")
    try:
        text = octets.decode(alphabet)
    except UnicodeDecodeError:
        text = octets.decode("latin-1" if alphabet == "utf-8" else alphabet, "replace")
    return text.replace("\0", "")[:TEXT_LIMIT]


def _reason(kind: str, answer: str) -> tuple[str, Scope]:
    """The operator's reason in a few letters, and whom it blames.

    The text of an SMPP receipt repeats the beginning of the message: only its two codes are kept.
    """
    if kind == "16" and answer == "NACK/validity expired":
        return "no longer of use", "message"  # by Kannel itself: the operator was away for longer
    if kind == "16":
        found = re.match(r"NACK/0x([0-9a-fA-F]{1,8})(?:/|$)", answer)
        code = int(found[1], 16) if found else 0
        name, fault = SMPP.get(code, ("", "message"))
        return f"SMPP 0x{code:02X} {name}".rstrip() if found else "", fault
    words = re.findall(r"\b(?:stat|err):[A-Za-z0-9]{1,8}\b", answer)[:2] if kind == "2" else []
    return " ".join(words), "message" if "stat:REJECTD" in words else "person"
