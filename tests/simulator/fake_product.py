"""A product made of nothing but its edges: it answers the simulator's calls and notes them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

SECRET = "0123456789abcdef0123456789abcdef"
CONTROL = "/demo/demo-secret-0123456789"
WELCOME = "CON Suivi vaccinal, Commune III\n1 Inscrire un enfant\n2 Mon enfant\n3 Messages\n0 Quitter"
ASK_NAME = "CON Prénom de l'enfant ?"


def menu(text: str) -> str:
    """The screens, by all that was answered so far."""
    answers = text.split("*") if text else []
    if not answers:
        return WELCOME
    if answers[0] == "1":
        return ASK_NAME if len(answers) == 1 else f"END {answers[1]} est inscrit. Un SMS confirme."
    return "END Au revoir."


class FakeProduct:
    """Listens on a free port of this machine. `calls` holds (event, form) in the order in which they came."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.screens: Callable[[str], str] = menu
        self.refuse: dict[str, int] = {}  # event -> how many more times it is refused
        self.status = 503
        self.plays = ""  # the XML of a call that was taken
        self.plays_after: dict[str, str] = {}  # and after this key
        self.now = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
        self.zone = "Africa/Bamako"
        self.children = [a_child("4821 7730", "+22370000001", ["PENTA1", "VPO1"], "2026-12-12")]
        self.tasks: list[dict[str, object]] = []
        self.words: list[str] = []
        self.control_broken = False
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def control(self) -> str:
        return self.url + CONTROL

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, event: str) -> list[dict[str, str]]:
        with self._changed:
            return [form for name, form in self.calls if name == event]

    def wait_for(self, event: str, count: int, seconds: float = 10) -> list[dict[str, str]]:
        """The forms of this event, once there are so many of them."""
        end = time.monotonic() + seconds
        with self._changed:
            while len(found := [form for name, form in self.calls if name == event]) < count:
                assert self._changed.wait(end - time.monotonic()), f"{len(found)} of {count} {event} came"
        return found

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, str, str]:
        hook, _, about = path.partition("?")
        if hook.startswith("/hooks/simulator/") and hook.endswith("/" + SECRET) and method == "POST":
            return self._hook(hook.split("/")[3], form | ({"?": about} if about else {}))
        if path.startswith(CONTROL + "/"):
            return self._control(method, path.removeprefix(CONTROL + "/"), form)
        return 404, "text/plain", "not here"

    def _hook(self, event: str, form: dict[str, str]) -> tuple[int, str, str]:
        with self._changed:
            self.calls.append((event, form))
            self._changed.notify_all()
            if self.refuse.get(event, 0) > 0:
                self.refuse[event] -= 1
                return self.status, "text/plain", "later"
        return 200, "text/plain; charset=utf-8", self._said(event, form)

    def _said(self, event: str, form: dict[str, str]) -> str:
        if event == "voice":
            key = form.get("dtmfDigits")
            return "" if form["isActive"] != "1" else self.plays_after.get(key, "") if key else self.plays
        return self.screens(form.get("text", "")) if event == "ussd" else ""

    def _control(self, method: str, what: str, form: dict[str, str]) -> tuple[int, str, str]:
        if self.control_broken:
            return 200, "text/html", "<h1>?</h1>"
        if what == "clock" and method == "POST":
            self.now += timedelta(**{unit: int(count) for unit, count in form.items()})
        elif what == "dose" and method == "POST":
            return self._dose(form)
        state = {
            "now": self.now.isoformat(),
            "zone": self.zone,
            "children": self.children,
            "tasks": self.tasks[:50],
            "tasks_open": len(self.tasks),
            "words": self.words,
        }
        return 200, "application/json", json.dumps(state)

    def _dose(self, form: dict[str, str]) -> tuple[int, str, str]:
        child = next((child for child in self.children if child["code"] == form["code"]), None)
        if child is None:
            return 404, "application/json", json.dumps({"error": "Aucun enfant n'a ce code."})
        recorded, child["due"] = child["due"], []
        return 200, "application/json", json.dumps({"recorded": recorded})


def a_child(code: str, phone: str, due: list[str], next_on: str | None) -> dict[str, object]:
    assert next_on is None or date.fromisoformat(next_on)
    return {"code": code, "label": f"Enfant de {phone}, né 03/2026", "phone": phone, "due": due, "next": next_on}


def a_task(kind: str, phone: str | None, *lines: str, zone: str | None = None) -> dict[str, object]:
    return {"kind": kind, "zone": zone, "phone": phone, "since": "2026-11-20T13:05:00+00:00", "lines": list(lines)}


def _handler_of(product: FakeProduct) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("GET", {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._reply("POST", {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()})

        def _reply(self, method: str, form: dict[str, str]) -> None:
            status, kind, text = product.answer(method, self.path, form)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler
