"""TruRoute's USSD: XML in and out at one address, and only the last key each time.

Nothing is signed: a secret in our address. What was dialled behind the code is not told apart from the code, so a call
always begins at the first screen.
"""

from __future__ import annotations

from html import escape

from service.channels.base import (
    SESSION_LIMIT,
    TEXT_LIMIT,
    Answer,
    EndStatus,
    Fields,
    Keystroke,
    SessionEnd,
    Unreadable,
)
from service.channels.by_secret import ScreensOnly
from service.channels.raw_request import Raw

DIALLED, TYPED = "1", "2"
ENDS: dict[str, tuple[EndStatus, str]] = {
    "3": ("cut", "released"),
    "4": ("cut", "timed out"),
    "10": ("failed", "charging failed"),
}
GOES_ON, IS_OVER = 2, 3


class TruRoute(ScreensOnly):
    name = "truroute"

    def fields(self, raw: Raw) -> Fields:
        return raw.xml_fields()

    def read_keystroke(self, fields: Fields) -> Keystroke | SessionEnd:
        kind = fields.filled("type", 4).strip()
        session, phone = fields.filled("sessionid", SESSION_LIMIT), self.phone_of(fields)
        if kind in ENDS:
            return SessionEnd(self.name, session, phone, *ENDS[kind])
        if kind not in (DIALLED, TYPED):
            raise Unreadable("type is none that we know")
        said = fields.maybe("msg", TEXT_LIMIT) or ""
        code, text = (said, "") if kind == DIALLED else ("", said)
        return Keystroke(self.name, session, phone, code, text, network="", whole=False)

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        kind = GOES_ON if more else IS_OVER
        body = f"<ussd><type>{kind}</type><msg>{escape(text, quote=False)}</msg></ussd>"
        return Answer(200, body, "text/xml; charset=utf-8")
