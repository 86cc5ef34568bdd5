"""A USSD gateway that fetches our pages by GET, as Orange's "#303# My Store" does: links for keys, a form for words.

A question may take words and have a numbered way out as well, so every page that goes on has both.

It tells the number and knows no session, so ours travels in the links: sealed, with all that was typed so far, for this
number alone. An address is written into logs on its way: nobody's number, name or date is to be read there. (What a
form sends stands in its own request once: there is no other way by GET.) The same step gives the same page, octet for
octet. A link that does not open, because it is another phone's or too old, begins a new call.
Assumed: the number comes with every request, as `msisdn`, and addresses are completed as a browser does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from service.channels.base import TEXT_LIMIT, Answer, Fields, Keystroke, Unreadable
from service.channels.by_secret import ScreensOnly
from service.channels.raw_request import Raw

LINK_LIMIT = 4 * TEXT_LIMIT
_KEY = re.compile(r"[0-9]{1,2} [^0-9]+")
_FOOT = re.compile(f"({_KEY.pattern})+")


class Pages(ScreensOnly):
    name = "pages"
    methods = frozenset({"GET"})

    def __init__(self, hook_secrets: Sequence[str], *, country: str = "ML") -> None:
        super().__init__(hook_secrets, country=country)
        self._seals = [AESSIV(hashlib.sha256(b"pages:" + one.encode()).digest()) for one in hook_secrets]

    # -- in

    def fields(self, raw: Raw) -> Fields:
        return raw.query_fields()

    def read_keystroke(self, fields: Fields) -> Keystroke:
        phone = self.phone_of(fields)
        link, key = fields.maybe("s", LINK_LIMIT), fields.maybe("k", TEXT_LIMIT)
        session, typed = self._opened(link, phone) or (secrets.token_urlsafe(12), None)
        text = "" if typed is None else typed if key is None else f"{typed}*{key}" if typed else key
        if len(text) > TEXT_LIMIT:
            raise Unreadable("k is too long")
        return Keystroke(self.name, session, phone, "", text, network="")

    def _opened(self, link: str | None, phone: str) -> tuple[str, str] | None:
        """The session and what was typed in it, if the link is ours and this phone's."""
        for seal in self._seals if link else ():
            try:
                plain = seal.decrypt(base64.urlsafe_b64decode(link or ""), [phone.encode()])
            except (InvalidTag, ValueError):
                continue
            session, typed = json.loads(plain)
            return session, typed
        return None

    # -- out

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        plain = json.dumps([keystroke.session, keystroke.text], ensure_ascii=False).encode()
        link = base64.urlsafe_b64encode(self._seals[0].encrypt(plain, [keystroke.phone.encode()])).decode()
        lines = text.split("\n")
        words, choices, foot = _parted(lines) if more else (lines, [], [])
        rows = [*map(escape, words), *[_link(link, line) for line in [*choices, *foot]]]
        form = _form(link) if more else ""
        page = f"<html><body>{'<br/>'.join(rows)}{form}</body></html>"
        return Answer(200, page, "text/html; charset=utf-8")


def _parted(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str], list[str]]:
    """The words of a screen, its choices (counted from 1 to the end), and the keys under it, one by one."""
    words, choices = _choices_at_the_end(lines)
    if choices or not _FOOT.fullmatch(lines[-1]):
        return words, choices, []
    words, choices = _choices_at_the_end(lines[:-1])
    return words, choices, [key.strip() for key in _KEY.findall(lines[-1])]


def _choices_at_the_end(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    for first in range(len(lines)):
        if all(line.startswith(f"{place} ") for place, line in enumerate(lines[first:], 1)):
            return lines[:first], lines[first:]
    return lines, []


def _link(link: str, line: str) -> str:
    key = line.partition(" ")[0]
    address = "?" + urlencode({"s": link, "k": key})
    return f'<a href="{escape(address)}" accesskey="{key}">{escape(line)}</a>'


def _form(link: str) -> str:
    hidden = f'<input type="hidden" name="s" value="{escape(link)}"/>'
    return f'<form action="" method="get">{hidden}<input type="text" name="k"/></form>'
