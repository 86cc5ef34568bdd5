"""Twilio's forms, read so strictly that a valid signature cannot be put on another meaning.

Twilio signs address + name + value + name + value ... in the order of the names, with nothing between them. So the
octets of one genuine request can be cut into other names and values ("From" + "City", or the end of a text as the
name of a field) and the signature still fits. Every such cut leaves a trace: a known field is gone or has another
shape, a name is none that Twilio would choose, or a value holds another field's name. Each trace is refused here.
New fields with a sensible name are welcome: Twilio adds them without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.channels.base import TEXT_LIMIT, Fields, Unreadable

_SID = r"(?:SM|MM)[0-9a-f]{32}"
_ADDRESS = r"(?:whatsapp:)?\+[0-9]{6,15}"
# An incoming text may come from a short code or from letters as well.
_SENDER = rf"{_ADDRESS}|[0-9]{{3,8}}|[A-Za-z0-9 ._&+-]{{1,11}}"
_PLACE = r"[^\x00-\x1f]{0,100}"

_COMMON = {"AccountSid": r"AC[0-9a-fA-F]{32}", "MessageSid": _SID}
_MORE = {
    "ApiVersion": r"[0-9-]{10}",
    "SmsSid": _SID,
    "SmsStatus": r"[a-z_]{1,30}",
    "MessagingServiceSid": r"MG[0-9a-f]{32}",
    "ChannelPrefix": r"[a-z]{1,20}",
    "ChannelMetadata": r".{0,2000}",
    "ChannelInstallSid": r"XE[0-9a-f]{32}",
}
SMS_NEEDS = _COMMON | {"Body": rf"(?s:.{{0,{TEXT_LIMIT}}})", "From": _SENDER, "To": _SENDER}
SMS_MAY_HAVE = (
    _MORE
    | {"SmsMessageSid": _SID, "NumMedia": r"[0-9]{1,2}", "NumSegments": r"[0-9]{1,2}", "OptOutType": r"STOP|START|HELP"}
    | {
        end + place: _PLACE if place != "Country" else r"(?:[A-Z]{2})?"
        for end in ("From", "To")
        for place in ("City", "State", "Zip", "Country")
    }
    | {f"MediaUrl{n}": r"\S{1,1000}" for n in range(10)}
    | {f"MediaContentType{n}": r"\S{1,100}" for n in range(10)}
    # WhatsApp's.
    | {"ButtonText": _PLACE, "ButtonPayload": r".{0,500}", "Forwarded": r"[a-z]{4,5}", "WaId": r"[0-9]{6,15}"}
    | {"ProfileName": _PLACE, "MessageType": r"[a-z_]{1,30}", "FrequentlyForwarded": r"[a-z]{4,5}"}
)
STATUS_NEEDS = _COMMON | {"MessageStatus": r"[a-z_]{1,30}", "To": _ADDRESS}
STATUS_MAY_HAVE = _MORE | {
    "From": _SENDER,
    "ErrorCode": r"[0-9]{1,6}",
    "RawDlrDoneDate": r"[0-9]{10,12}",
    "EventType": r"[A-Z_]{1,30}",
    "ChannelToAddress": rf"{_ADDRESS}|[+0-9X]{{1,20}}",
    "ChannelStatusCode": r"[0-9A-Za-z_-]{1,30}",
    "ChannelStatusMessage": _PLACE,
}

_NAME = re.compile(r"(?=.*[a-z])[A-Z][A-Za-z0-9_]{3,59}")
# Beside free text a new name must have two humps, or the end of somebody's sentence could be one.
_TWO_HUMPS = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+")


def check(fields: Fields, account_sid: str, needs: Mapping[str, str], may_have: Mapping[str, str]) -> None:
    """Raise Unreadable unless every field stands once, in its shape, for our account, and nothing looks shifted."""
    given = dict(fields)
    known = {**needs, **may_have}
    if len(given) != sum(1 for _ in fields):
        raise Unreadable("a field comes twice")
    for name in needs:
        if name not in given:
            raise Unreadable(f"{name} is missing")
    for name, shape in known.items():
        if name in given and not re.fullmatch(shape, given[name]):
            raise Unreadable(f"{name} has another form than Twilio's")
    if given["AccountSid"] != account_sid:
        raise Unreadable("AccountSid is not ours")
    _check_nothing_shifted(given, known)


def _check_nothing_shifted(given: Mapping[str, str], known: Mapping[str, str]) -> None:
    missing = [name for name in known if name not in given]
    unknown = [name for name in given if name not in known]
    # Short names are words of people too; with a sign or a digit behind them they are a field.
    marks = [name for name in known if len(name) > 4]
    for name, value in given.items():
        if name != "Body" and (any(mark in value for mark in marks) or re.search(r"(?:From|To)[+0-9]", value)):
            raise Unreadable("a value holds the name of another field")
    for gone in missing:
        if any(gone.startswith(name) and value.startswith(gone[len(name) :]) for name, value in given.items()):
            raise Unreadable(f"{gone} seems to be cut in two")
        if any(name.startswith(gone) for name in unknown):
            raise Unreadable(f"{gone} seems to be renamed")
    for name in unknown:
        beside_text = "Body" in given and "Body" < name < "FromCity"
        if not (_TWO_HUMPS if beside_text else _NAME).fullmatch(name) or (beside_text and not given[name]):
            raise Unreadable("a field has a name that Twilio would not choose")
