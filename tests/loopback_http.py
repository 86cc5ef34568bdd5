"""The HTTP of the carrier on loopback: what it reads, what it answers, and how it misbehaves on the wire."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.carrier_answers import (
    AT,
    AT_CALLS,
    KANNEL,
    TWILIO,
    TWILIO_CALLS,
    Fault,
    at_answer,
    at_call_answer,
    kannel_answer,
    kannel_form,
    refused,
    twilio_answer,
    twilio_call_answer,
)
from tests.carrier_lists import list_answer
from tests.orange_answers import DESK_PATH, ORANGE, SEND_PATH, orange_answer, orange_form

if TYPE_CHECKING:
    from tests.loopback import LoopbackCarrier


@dataclass(frozen=True)
class Seen:
    """A request as it came, whether or not it was accepted."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


ANSWERS = {
    AT: at_answer,
    TWILIO: twilio_answer,
    KANNEL: kannel_answer,
    ORANGE: orange_answer,
    AT_CALLS: at_call_answer,
    TWILIO_CALLS: twilio_call_answer,
}


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


class CarrierServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    carrier: LoopbackCarrier

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close what clients keep alive, so that a stopped carrier answers nobody."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients of a misbehaving carrier hang up; that is no news


class CarrierHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave in two pieces; waiting between them costs 40 ms
    server: CarrierServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        """A question: what was taken, or what people wrote."""
        carrier, protocol = self.server.carrier, self._protocol()
        self._note(dict(parse_qsl(urlsplit(self.path).query)))
        if not protocol:
            return self._reply(404, b"")
        fault = carrier.next_list_fault()
        if fault and fault.name == "close":
            return self._cut()
        if refused(carrier, protocol, self.headers):
            return self._reply(401, b"{}")
        return self._misbehave(fault, *list_answer(carrier, protocol, self.path, fault))

    def do_POST(self) -> None:
        carrier = self.server.carrier
        if self.path == DESK_PATH:
            return self._give_token()
        with carrier.at_work():
            return self._take(carrier)

    def _take(self, carrier: LoopbackCarrier) -> None:
        protocol = self._protocol()
        fault = carrier.next_fault() if protocol else None
        if fault and fault.name == "close":
            return self._cut()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(carrier.think)
        form = self._form(protocol, body)
        self._note(form)
        if not protocol:
            return self._reply(404, b"")
        status, payload, messages = ANSWERS[protocol](carrier, form, self.headers, fault)
        carrier.accept(messages)
        for message in messages:
            carrier._schedule_receipts(message)
        return self._misbehave(fault, status, payload)

    def _give_token(self) -> None:
        carrier = self.server.carrier
        form = _form(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        answer = carrier.desk.answer(carrier, form, self.headers)
        return self._reply(*answer, {"Content-Type": "application/json"}) if answer else self._cut()

    def _form(self, protocol: str, body: bytes) -> dict[str, str]:
        if protocol == KANNEL:
            return kannel_form(self.headers, body)
        return orange_form(self.path, body) if protocol == ORANGE else _form(body)

    def _protocol(self) -> str:
        path = urlsplit(self.path).path
        if path == "/version1/messaging":
            return AT
        if path == "/cgi-bin/sendsms":
            return KANNEL
        if SEND_PATH.fullmatch(path):
            return ORANGE
        if path == "/call":
            return AT_CALLS
        account = f"/2010-04-01/Accounts/{self.server.carrier.account_sid}"
        return {f"{account}/Messages.json": TWILIO, f"{account}/Calls.json": TWILIO_CALLS}.get(path, "")

    def _note(self, form: dict[str, str]) -> None:
        self.server.carrier.requests.append(Seen(self.command, self.path, dict(self.headers), form))

    def _misbehave(self, fault: Fault | None, status: int, payload: bytes) -> None:
        name = fault.name if fault else ""
        headers = {"Content-Type": "application/json" if payload.startswith(b"{") else "text/plain"}
        if fault is None:
            return self._reply(status, payload, headers)
        match name:
            case "say":
                status, payload = fault.status, fault.body
            case "429":
                headers["Retry-After"] = fault.retry_after
            case "redirect":
                headers["Location"] = fault.location
            case "drop":
                return self._cut(reset=True)
            case "hang-up":
                return self._cut()
            case "slow":
                time.sleep(fault.seconds)
            case "drip":
                return self._drip(status, payload, fault.seconds)
            case "drip-head":
                return self._trickle(b"HTTP/1.1 201 Created\r\n" + b"X-Wait: yes\r\n" * 50, fault.seconds)
            case "noise":
                self.wfile.write(bytes(range(256)))
                return self._cut()
            case "cut":
                self._head(status, headers, len(payload) + 100)
                self.wfile.write(payload)
                return self._cut()
            case "empty":
                payload = b""
            case "garbage":
                payload = b'{"SMSMessageData": {"Recipients": [\xff\xfe'
            case "other-json":
                payload = b'[{"sid": 1}]'
            case "huge":
                payload += b" " * 1_000_000
            case "charset":
                headers["Content-Type"] = "application/json; charset=utf-8"
        return self._reply(status, payload, headers)

    def _reply(self, status: int, payload: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, headers or {}, len(payload))
        self.wfile.write(payload)

    def _head(self, status: int, headers: Mapping[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _drip(self, status: int, payload: bytes, pause: float) -> None:
        self._head(status, {"Content-Type": "application/json"}, len(payload))
        self._trickle(payload, pause)

    def _trickle(self, octets: bytes, pause: float) -> None:
        for octet in octets:
            self.wfile.write(bytes([octet]))
            time.sleep(pause)

    def _cut(self, *, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            # A linger of zero turns the close into a reset, which may overtake what was written before it.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
