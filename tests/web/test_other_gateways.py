"""USSD gateways of other kinds need a channel and no more: one sends the last key in XML, one fetches pages by links.

Both are made up here, as small as they can be: the stories behind the doors know nothing of them.
"""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urlencode

import pytest
import requests
from sqlalchemy import select

from service.channels.base import Answer, Capabilities, Fields, Keystroke, Outgoing, SessionEnd
from service.channels.by_secret import BySecret
from service.channels.raw_request import Raw
from service.domain.message_states import Outcome, Refused
from service.runtime import Runtime
from service.store.conversation_tables import conversation
from tests.conftest import HOOK_SECRET
from tests.web.test_webhooks import rows


class NoSms(BySecret):
    capabilities = Capabilities(two_way=False, receipts=False)

    def send(self, outgoing: Outgoing) -> Outcome:
        return Refused("no SMS here", "account")


class LastKey(NoSms):
    """XML by POST; `type` 1 dials, 2 answers, 3 hangs up, 4 waits no longer, all at one address."""

    name = "lastkey"

    def fields(self, raw: Raw) -> Fields:
        return raw.xml_fields()

    def read_keystroke(self, fields: Fields) -> Keystroke | SessionEnd:
        kind, session, phone = fields.one("type"), fields.filled("sessionid"), f"+{fields.filled('msisdn')}"
        if kind in ("3", "4"):
            return SessionEnd(self.name, session, phone, "cut", "")
        text = "" if kind == "1" else fields.one("msg")
        return Keystroke(self.name, session, phone, "*123#", text, "", whole=False)

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        kind = 2 if more else 3
        return Answer(200, f"<ussd><type>{kind}</type><msg>{escape(text)}</msg></ussd>", "text/xml; charset=utf-8")


class Pages(NoSms):
    """Pages by GET. The gateway knows no session: the links carry all that was chosen, and the person's own digits."""

    name = "pages"
    methods = frozenset({"GET"})

    def fields(self, raw: Raw) -> Fields:
        return raw.query_fields()

    def read_keystroke(self, fields: Fields) -> Keystroke:
        phone = f"+{fields.filled('msisdn')}"
        return Keystroke(self.name, fields.maybe("s") or "s1", phone, "#303#", fields.maybe("t") or "", "")

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        lines = [self._line(keystroke, line) if more else escape(line) for line in text.split("\n")]
        return Answer(200, f"<html><body>{'<br/>'.join(lines)}</body></html>", "text/html; charset=utf-8")

    def _line(self, keystroke: Keystroke, line: str) -> str:
        found = re.match(r"(\d+)[ .)]", line)
        if not found:
            return escape(line)
        typed = f"{keystroke.text}*{found[1]}" if keystroke.text else found[1]
        link = urlencode({"msisdn": keystroke.phone[1:], "s": keystroke.session, "t": typed})
        return f'<a href="?{escape(link)}">{escape(line)}</a>'


@pytest.fixture(autouse=True)
def _connected(runtime: Runtime) -> None:
    for gateway in (LastKey([HOOK_SECRET]), Pages([HOOK_SECRET])):
        runtime.channels[gateway.name] = gateway


def step(product: str, kind: int, msg: str = "") -> str:
    body = f"<ussd><msisdn>22370000001</msisdn><sessionid>1001</sessionid><type>{kind}</type><msg>{msg}</msg></ussd>"
    address = f"{product}/hooks/lastkey/ussd/{HOOK_SECRET}"
    answer = requests.post(address, data=body.encode(), headers={"Content-Type": "text/xml; charset=UTF-8"}, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_gateway_that_sends_the_last_key_in_xml(product: str, runtime: Runtime) -> None:
    first = step(product, 1, "*123#")
    assert first.startswith("<ussd><type>2</type><msg>Langue")
    assert step(product, 1, "*123#") == first, "the first request once more"
    assert "Mon enfant" in step(product, 2, "1")
    assert step(product, 3) == step(product, 4) == "", "who hangs up is shown nothing"
    assert rows(runtime, conversation) == 1


def test_a_gateway_that_fetches_pages_by_links(product: str, runtime: Runtime) -> None:
    address = f"{product}/hooks/pages/ussd/{HOOK_SECRET}"
    start = requests.get(f"{address}?msisdn=22370000001", timeout=5)
    links = [unescape(link) for link in re.findall(r'href="([^"]+)"', start.text)]
    assert len(links) >= 2, start.text
    menu = requests.get(address + links[0], timeout=5)
    assert "Mon enfant" in menu.text
    assert requests.get(address + links[0], timeout=5).text == menu.text, "a page fetched again is the same page"
    assert requests.post(f"{address}?msisdn=22370000001", timeout=5).status_code == 405
    assert rows(runtime, conversation) == 1
    with runtime.database.read() as tx:
        assert tx.execute(select(conversation.c.channel)).scalars().all() == ["pages"]
