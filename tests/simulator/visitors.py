"""Those who use the simulator: somebody at the page without JavaScript, and the product that sends SMS."""

from __future__ import annotations

import html
import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse


class Visitor:
    """Somebody who presses the buttons of the page; the phone is the first one unless said otherwise."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def page(self) -> str:
        answer = self.client.get("/sim")
        assert answer.status_code == 200
        return answer.text

    def post(self, address: str, **form: str) -> str:
        """Submit a form as a browser does, and read the page that comes back."""
        answer = self.client.post(f"/sim/{address}", data=form, headers={"Origin": "http://localhost"})
        assert answer.status_code == 303, answer.text
        return self.page()

    def press(self, action: str, phone: int = 1, **form: str) -> str:
        self.post(f"phones/{phone}/{action}", **form)
        return self.screen(phone)

    def screen(self, phone: int = 1) -> str:
        return _text(self._part(f'id="screen-{phone}"'))

    def count(self, phone: int = 1) -> str:
        found = re.search(r'<p class="count[^"]*">(.*?)</p>', self._part(f'id="screen-{phone}"'))
        assert found
        return html.unescape(found[1])

    def inbox(self, phone: int = 1) -> list[str]:
        found = re.search(rf'id="inbox-{phone}">(.*?)</ol>', self.page(), re.S)
        assert found
        return [_text(item) for item in re.findall(r"<li(?! class=\"none).*?</li>", found[1], re.S)]

    def notices(self) -> str:
        found = re.search(r'id="notices"[^>]*>(.*?)</div>', self.page(), re.S)
        assert found
        return html.unescape(re.sub("<[^>]*>", "", found[1])).strip()

    def _part(self, mark: str) -> str:
        return self.page().split(mark)[1].split("</p>")[0] + "</p>"


class Carrier:
    """The simulator as the product sees it."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def send(self, to: str, message: str, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        fields = {"username": "simulator", "to": to, "message": message, "from": "LASELI", "enqueue": "1", **form}
        return self.client.post(
            "/version1/messaging", data=fields, headers={"apiKey": "any"} if headers is None else headers
        )

    def recipients(self, to: str, message: str, **form: str) -> list[dict[str, Any]]:
        answer = self.send(to, message, **form)
        assert answer.status_code == 201
        found = answer.get_json()["SMSMessageData"]["Recipients"]
        assert isinstance(found, list)
        return found


def _text(part: str) -> str:
    found = re.search(r'<div class="text">(.*?)</div>', part, re.S)
    assert found
    return html.unescape(re.sub("</?mark[^>]*>", "", found[1]))
