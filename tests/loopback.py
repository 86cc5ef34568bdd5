"""A carrier on loopback: it speaks Africa's Talking's, Twilio's and Kannel's HTTP, and misbehaves when told to.

    with LoopbackCarrier() as carrier:
        channel = AfricasTalking(base_url=carrier.base_url, ...)
        carrier.next("drop")                      # one call: accepted, then the connection is cut
        carrier.faults = {"500": 0.02, "slow": 0.01}   # from now on, by seeded dice
        ...
        assert carrier.accepted[-1].text == "..."

What it accepted is the truth that a product's own records are compared with: `accepted`, and one JSON line per message
in the `truth` file, on disk (fsync) before the reply leaves. Faults and the moment they happen: see `carrier_answers`.
Receipts are sent back when `receipts` holds a plan, or one by one with `tell`. What people `write` to us stands in its
`inbox`; asked, it lists both (`carrier_lists`), by its own `clock`, and misbehaves when `next_list` says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from twilio.request_validator import RequestValidator

from tests.carrier_answers import (
    ACCOUNT,
    AT,
    FAULTS,
    KANNEL,
    TOKEN,
    TWILIO,
    Accepted,
    Fault,
    at_answer,
    kannel_answer,
    refused,
    twilio_answer,
)
from tests.carrier_lists import Books, list_answer
from tests.receipt_post import PostOffice, Receipts, get_address, post_form

STATUSES = {
    AT: ("Sent", "Success", "Failed"),
    TWILIO: ("sent", "delivered", "undelivered"),
    KANNEL: ("8", "1", "2"),
}
"""The first receipt of a message, and the two that may be its last."""


@dataclass(frozen=True)
class Seen:
    """A request as it came, whether or not it was accepted."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


class LoopbackCarrier(Books):
    """A context manager. Thread-safe; every roll of its dice comes from `seed`."""

    def __init__(
        self,
        *,
        seed: int = 0,
        faults: Mapping[str, float] | None = None,
        truth: Path | None = None,
        receipts: Receipts | None = None,
        username: str = "",
        api_key: str = "",
        account_sid: str = ACCOUNT,
        auth_token: str = TOKEN,
        slow_seconds: float = 1.0,
    ) -> None:
        super().__init__()
        self.faults = dict(faults or {})
        self.receipts = receipts
        self.username, self.api_key = username, api_key
        self.account_sid, self.auth_token = account_sid, auth_token
        self.slow_seconds = slow_seconds
        self.accepted: list[Accepted] = []
        self.requests: list[Seen] = []
        self._dice = random.Random(seed)
        self._orders: list[Fault] = []
        self._lock = threading.Lock()
        self._truth = truth.open("a", encoding="utf-8") if truth else None
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.carrier = self
        self.post_office = PostOffice()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    # -- life

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LoopbackCarrier:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        self.post_office.start()

    def stop(self) -> None:
        """After this the port refuses connections."""
        self.post_office.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        if self._truth:
            self._truth.close()

    def close_idle(self) -> None:
        """Close the connections that clients keep alive, as a router or a tired server does."""
        self._server.hang_up()

    # -- misbehaviour

    def next(self, name: str, times: int = 1, **details: Any) -> None:
        """The coming calls meet this fault; orders are served in turn, before the dice are asked."""
        if name not in FAULTS:
            raise ValueError(f"no fault '{name}'; there is {', '.join(FAULTS)}")
        details.setdefault("seconds", self.slow_seconds)
        with self._lock:
            self._orders += [Fault(name, **details)] * times

    def _next_fault(self) -> Fault | None:
        with self._lock:
            if self._orders:
                return self._orders.pop(0)
            roll = self._dice.random()
            for name, chance in self.faults.items():
                if roll < chance:
                    return Fault(name, seconds=self.slow_seconds)
                roll -= chance
            return None

    def roll(self) -> float:
        with self._lock:
            return self._dice.random()

    # -- the truth

    def _accept(self, message: Accepted) -> None:
        with self._lock:
            self.taken_at[message.id] = self.clock()
            self.accepted.append(message)
            if self._truth:
                self._truth.write(json.dumps(asdict(message), ensure_ascii=False) + "\n")
                self._truth.flush()
                os.fsync(self._truth.fileno())

    # -- receipts

    def tell(self, message: Accepted, status: str, *, plan: Receipts | None = None, **changes: str) -> int:
        """Send one receipt now and return the product's HTTP status. `changes` replaces fields of the form."""
        plan = plan or self.receipts or Receipts()
        if message.protocol == KANNEL:
            return get_address(plan.product_url, kannel_receipt(message, status, **changes))
        address, form, headers = self.receipt(message, status, plan, **changes)
        return post_form(address, form, headers)

    def receipt(
        self, message: Accepted, status: str, plan: Receipts, **changes: str
    ) -> tuple[str, dict[str, str], dict[str, str]]:
        """The address, the form and the headers of a receipt, signed when the protocol signs."""
        if message.protocol == AT:
            form = {"id": message.id, "status": status, "phoneNumber": message.to, "networkCode": "99999"} | changes
            return plan.product_url + plan.at_path, form, {}
        form = {
            "MessageSid": message.id,
            "SmsSid": message.id,
            "MessageStatus": status,
            "SmsStatus": status,
            "To": message.to,
            "From": message.sender,
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
        } | changes
        signature = RequestValidator(self.auth_token).compute_signature(message.callback, form)
        callback = urlsplit(message.callback)
        target = plan.product_url or f"{callback.scheme}://{callback.netloc}"
        path = callback.path + (f"?{callback.query}" if callback.query else "")
        return target + path, form, {"X-Twilio-Signature": signature}

    def _schedule_receipts(self, message: Accepted) -> None:
        plan = self.receipts
        if plan is None or self.roll() >= plan.coverage or (message.protocol != AT and not message.callback):
            return
        first, good, bad = STATUSES[message.protocol]
        statuses = [first, bad if self.roll() < plan.failed else good]
        if self.roll() < plan.shuffle:
            statuses.reverse()
        statuses += [statuses[-1]] if self.roll() < plan.repeat else []
        early = self.roll() < plan.early
        after = 0.0
        for status in statuses:
            after += plan.delay[0] + self.roll() * (plan.delay[1] - plan.delay[0])
            send = partial(self.tell, message, status, plan=plan)
            if early:
                self.post_office.now(send)
            else:
                self.post_office.later(after, plan, send)

    def flush(self, seconds: float = 30.0) -> bool:
        """Wait until every receipt is delivered or given up."""
        return self.post_office.wait(seconds)


def kannel_receipt(message: Accepted, status: str, **changes: str) -> str:
    """The path that Kannel would fetch: the message's dlr-url with its orders filled in."""
    said = {"d": status, "A": "ACK/" if status == "8" else "", "p": message.to} | changes
    callback = urlsplit(message.callback)
    return f"{callback.path}?" + re.sub("%(.)", lambda order: quote(said[order[1]], safe=""), callback.query)


def closed_port() -> int:
    """A port of the loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


ANSWERS = {AT: at_answer, TWILIO: twilio_answer, KANNEL: kannel_answer}


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


class _Server(ThreadingHTTPServer):
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave in two pieces; waiting between them costs 40 ms
    server: _Server

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
        protocol = self._protocol()
        fault = carrier._next_fault() if protocol else None
        if fault and fault.name == "close":
            return self._cut()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = self._kannel_form(body) if protocol == KANNEL else _form(body)
        self._note(form)
        if not protocol:
            return self._reply(404, b"")
        status, payload, messages = ANSWERS[protocol](carrier, form, self.headers, fault)
        for message in messages:
            carrier._accept(message)
            carrier._schedule_receipts(message)
        return self._misbehave(fault, status, payload)

    def _kannel_form(self, body: bytes) -> dict[str, str]:
        """Its headers under the names that its GET has, with the text from the body."""
        names = ("from", "to", "coding", "dlr-mask", "dlr-url", "validity")
        form = {name: value for name in names if (value := self.headers.get(f"X-Kannel-{name}")) is not None}
        return form | {"text": body.decode("utf-8", "replace")}

    def _protocol(self) -> str:
        path = urlsplit(self.path).path
        if path == "/version1/messaging":
            return AT
        if path == "/cgi-bin/sendsms":
            return KANNEL
        return TWILIO if path == f"/2010-04-01/Accounts/{self.server.carrier.account_sid}/Messages.json" else ""

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
