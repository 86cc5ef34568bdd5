"""A carrier on loopback: it speaks the HTTP of Africa's Talking, Twilio, Kannel and Orange, and misbehaves if told to.

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
`think` is how long it takes over each call before anything is accepted: a client that dies meanwhile has sent its
message all the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
    kannel_receipt,
)
from tests.carrier_lists import Books
from tests.loopback_http import CarrierHandler, CarrierServer, Seen
from tests.orange_answers import ORANGE, TokenDesk, orange_receipt
from tests.receipt_post import PostOffice, Receipts, get_address, post_form, post_json

STATUSES = {
    AT: ("Sent", "Success", "Failed"),
    TWILIO: ("sent", "delivered", "undelivered"),
    KANNEL: ("8", "1", "2"),
    ORANGE: ("DeliveredToNetwork", "DeliveredToTerminal", "DeliveryImpossible"),
}
"""The first receipt of a message, and the two that may be its last."""
FIXED_DOORS = (AT, ORANGE)  # where receipts go is agreed beforehand, and not said with each message


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
        think: float = 0.0,
        postmen: int = 1,
    ) -> None:
        super().__init__()
        self.faults = dict(faults or {})
        self.receipts = receipts
        self.username, self.api_key = username, api_key
        self.account_sid, self.auth_token = account_sid, auth_token
        self.slow_seconds, self.think = slow_seconds, think
        self.accepted: list[Accepted] = []
        self.accepted_at: list[float] = []  # seconds since 1970, beside `accepted`
        self.requests: list[Seen] = []
        self.served: Counter[str] = Counter()  # how often each fault was met
        self.without_receipt: set[str] = set()  # ids of accepted messages that no receipt tells of
        self.desk = TokenDesk()  # Orange's; what it is asked is no call for a message and stands in its own list
        self.busy = 0  # calls that it is thinking over, whether or not their callers still live
        self._dice = random.Random(seed)
        self._orders: list[Fault] = []
        self._lock = threading.Lock()
        self._truth = truth.open("a", encoding="utf-8") if truth else None
        self._server = CarrierServer(("127.0.0.1", 0), CarrierHandler)
        self._server.carrier = self
        self.post_office = PostOffice(postmen)
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

    def next_fault(self) -> Fault | None:
        with self._lock:
            fault = self._orders.pop(0) if self._orders else self._thrown()
            if fault:
                self.served[fault.name] += 1
            return fault

    def _thrown(self) -> Fault | None:
        roll = self._dice.random()
        for name, chance in self.faults.items():
            if roll < chance:
                return Fault(name, seconds=self.slow_seconds)
            roll -= chance
        return None

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        with self._lock:
            self.busy += 1
        try:
            yield
        finally:
            with self._lock:
                self.busy -= 1

    def roll(self) -> float:
        with self._lock:
            return self._dice.random()

    # -- the truth

    def accept(self, messages: Sequence[Accepted]) -> None:
        with self._lock:
            for message in messages:
                self.taken_at[message.id] = self.clock()
            self.accepted += messages
            self.accepted_at += [time.time()] * len(messages)
            if self._truth and messages:
                self._truth.writelines(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in messages)
                self._truth.flush()
                os.fsync(self._truth.fileno())

    # -- receipts

    def tell(self, message: Accepted, status: str, *, plan: Receipts | None = None, **changes: str) -> int:
        """Send one receipt now and return the product's HTTP status. `changes` replaces fields of the form."""
        plan = plan or self.receipts or Receipts()
        if message.protocol == KANNEL:
            return get_address(plan.product_url, kannel_receipt(message, status, **changes))
        if message.protocol == ORANGE:
            door = plan.product_url + plan.at_path.replace(AT, ORANGE)
            return post_json(door, orange_receipt(message.id, changes.get("to", message.to), status))
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
        if plan is None or self.roll() >= plan.coverage or not (message.protocol in FIXED_DOORS or message.callback):
            self.without_receipt.add(message.id)
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


def closed_port() -> int:
    """A port of the loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
