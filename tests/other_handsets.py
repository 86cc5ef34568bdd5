"""The same phone behind other gateways: one that sends the last key in XML, one that fetches our pages.

Everything is sent as often as `times` says, and has to get the very same answer each time.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.sax.saxutils import escape

import requests

from tests.people import Handset, TestClock


class OtherHandset(Handset):
    """A handset of `people`, on another gateway. It takes a person two seconds to press a key."""

    def __init__(self, product: str, number: str, secret: str, clock: TestClock, times: int = 1) -> None:
        self.product, self.number, self.secret, self.clock, self.times = product, number, secret, clock, times
        self.session, self.screen, self.open, self.calls = "", "", False, 0
        self.answers: list[requests.Response] = []

    @property
    def inbox(self) -> list[str]:
        raise NotImplementedError("no SMS here")

    def same(self, method: str, address: str, **options: Any) -> str:
        """Send it, again and again; gives the one answer."""
        self.clock.advance(seconds=2)
        found = [requests.request(method, address, timeout=10, **options) for _ in range(self.times)]
        assert [answer.status_code for answer in found] == [200] * self.times, found[0].text
        assert len({answer.text for answer in found}) == 1, "the same step gets the same screen"
        self.answers.append(found[0])
        return found[0].text


class LastKeyHandset(OtherHandset):
    """On TruRoute."""

    def dial(self) -> str:
        self.calls += 1
        self.session = str(1000 + self.calls)
        return self._read(self.xml(1, "*123#"))

    def press(self, *answers: str) -> str:
        for answer in answers:
            assert self.open, f"the session is over: {self.screen}"
            self._read(self.xml(2, answer))
        return self.screen

    def xml(self, kind: int, msg: str = "") -> str:
        step = f"<sessionid>{self.session}</sessionid><type>{kind}</type><msg>{escape(msg)}</msg>"
        body = f"<ussd><msisdn>{self.number.removeprefix('+')}</msisdn>{step}</ussd>"
        address = f"{self.product}/hooks/truroute/ussd/{self.secret}"
        return self.same("POST", address, data=body.encode(), headers={"Content-Type": "text/xml; charset=UTF-8"})

    def _read(self, xml: str) -> str:
        found = re.fullmatch(r"<ussd><type>([23])</type><msg>(.*)</msg></ussd>", xml, re.DOTALL)
        assert found, xml
        self.open, self.screen = found[1] == "2", unescape(found[2])
        return self.screen


class PagesHandset(OtherHandset):
    """On a gateway that fetches pages; it adds the number to every address, as the only one who knows it."""

    page = ""

    def dial(self) -> str:
        """Once: two first pages are two calls, which differ in their links alone."""
        often, self.times = self.times, 1
        self.fetch({})
        self.times = often
        return self.screen

    def press(self, *answers: str) -> str:
        for answer in answers:
            assert self.open, f"the session is over: {self.screen}"
            link = self.links.get(answer)
            self.fetch(link if link is not None else {"s": self.hidden, "k": answer})
        return self.screen

    def fetch(self, query: dict[str, str]) -> str:
        asked = urlencode({"msisdn": self.number.removeprefix("+")} | query)
        self.page = self.same("GET", f"{self.product}/hooks/pages/ussd/{self.secret}?{asked}")
        words = self.page.partition("<form")[0].replace("<br/>", "\n")
        self.screen = unescape(re.sub("<[^>]*>", "", words))
        self.open = "<a " in self.page or "<form" in self.page
        return self.screen

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """What each key of this page fetches."""
        found = re.findall(r'<a href="\?([^"]*)" accesskey="(\d+)">', self.page)
        return {key: {name: value[0] for name, value in parse_qs(unescape(link)).items()} for link, key in found}

    @property
    def hidden(self) -> str:
        found = re.search(r'<input type="hidden" name="s" value="([^"]+)"/>', self.page)
        assert found, f"no form: {self.page}"
        return unescape(found[1])
