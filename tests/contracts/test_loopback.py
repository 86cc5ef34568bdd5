"""The loopback carrier itself: what it says it accepted is the truth, and its receipts are what carriers send."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from service.channels.base import Fields, Receipt
from service.domain.message_states import Accepted
from tests.contracts.carriers import API_KEY, PHONE, RECIPES, SECRET, a_message, africastalking
from tests.loopback import FAULTS, LoopbackCarrier
from tests.receipt_post import Receipts

AT_PATH = f"/hooks/africastalking/receipt/{SECRET}"


@dataclass
class Product:
    """As much of a product as takes receipts, by our own adapters."""

    address: str = ""
    receipts: list[Receipt] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # statuses to give, then 200 for ever
    forged: int = 0

    def take(self, path: str, body: str, signature: str | None) -> int:
        if self.answers:
            return self.answers.pop(0)
        pairs = parse_qsl(body, keep_blank_values=True)
        channel = RECIPES[path.split("/")[2]]("https://a.org")
        if not channel.is_genuine(path, pairs, signature):
            self.forged += 1
            return 403
        query = parse_qsl(urlsplit(path).query)
        self.receipts.append(channel.read_receipt(Fields(pairs or query), Fields(query)))
        return 200


@pytest.fixture
def product() -> Iterator[Product]:
    taking = Product()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(taking.take(self.path, "", None))
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(taking.take(self.path, body, self.headers.get("X-Twilio-Signature")))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    taking.address = f"http://127.0.0.1:{server.server_port}"
    yield taking
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", RECIPES)
def test_receipts_come_in_order_genuine_and_once(name: str, product: Product) -> None:
    plan = Receipts(product.address, AT_PATH)
    with LoopbackCarrier(receipts=plan) as carrier:
        outcome = RECIPES[name](carrier.base_url).send(a_message(message_id=77))
        assert carrier.flush()
    assert isinstance(outcome, Accepted)
    assert [receipt.state for receipt in product.receipts] == ["accepted", "delivered"]
    assert {receipt.carrier_id for receipt in product.receipts} == {outcome.carrier_id}
    assert {receipt.phone for receipt in product.receipts} == {PHONE}
    assert {receipt.message_ref for receipt in product.receipts} == {77 if name in ("twilio", "kannel") else None}
    assert product.forged == 0


@pytest.mark.parametrize("name", ["africastalking", "twilio", "kannel"])
def test_receipts_may_be_early_shuffled_repeated_failed_or_missing(name: str, product: Product) -> None:
    def states(**plan: float) -> list[str | None]:
        product.receipts.clear()
        with LoopbackCarrier(receipts=Receipts(product.address, AT_PATH, **plan)) as carrier:
            RECIPES[name](carrier.base_url).send(a_message())
            if "early" in plan:
                assert len(product.receipts) == 2, "before our call has returned"
            assert carrier.flush()
        return [receipt.state for receipt in product.receipts]

    assert states(early=1) == ["accepted", "delivered"]
    assert states(shuffle=1) == ["delivered", "accepted"]
    assert states(repeat=1) == ["accepted", "delivered", "delivered"]
    assert states(failed=1) == ["accepted", "undelivered"]
    assert states(coverage=0) == []


@pytest.mark.parametrize("name", ["africastalking", "twilio", "kannel"])
def test_a_lost_answer_still_has_its_receipt(name: str, product: Product) -> None:
    with LoopbackCarrier(receipts=Receipts(product.address, AT_PATH)) as carrier:
        carrier.next("drop")
        RECIPES[name](carrier.base_url).send(a_message(message_id=5))
        assert carrier.flush()
    assert product.receipts[-1].state == "delivered"
    assert product.receipts[-1].message_ref == (None if name == "africastalking" else 5)


def test_a_receipt_that_is_not_taken_comes_again(product: Product) -> None:
    product.answers = [503, 500]
    with LoopbackCarrier(receipts=Receipts(product.address, AT_PATH)) as carrier:
        africastalking(carrier.base_url).send(a_message())
        assert carrier.flush()
        assert (carrier.post_office.delivered, carrier.post_office.given_up) == (2, 0)
    assert len(product.receipts) == 2


def test_a_product_that_never_answers_is_given_up() -> None:
    with LoopbackCarrier(receipts=Receipts("http://127.0.0.1:9", AT_PATH, insist_seconds=0.1)) as carrier:
        africastalking(carrier.base_url).send(a_message())
        assert carrier.flush()
        assert (carrier.post_office.delivered, carrier.post_office.given_up) == (0, 2)


def test_one_receipt_by_hand(product: Product) -> None:
    with LoopbackCarrier() as carrier:
        africastalking(carrier.base_url).send(a_message())
        message = carrier.accepted[0]
        plan = Receipts(product.address, AT_PATH)
        assert carrier.tell(message, "Rejected", plan=plan, failureReason="UserInBlackList") == 200
        assert carrier.tell(message, "Success", plan=plan, phoneNumber="+22360000002") == 200
    assert product.receipts[0].opt_out
    assert product.receipts[1].phone == "+22360000002"


def test_the_truth_is_on_disk_before_the_reply(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    with LoopbackCarrier(truth=truth) as carrier:
        for name, recipe in RECIPES.items():
            carrier.next("hang-up")
            recipe(carrier.base_url).send(a_message(text=f"è via {name}"))
            assert json.loads(truth.read_text("utf-8").splitlines()[-1])["text"] == f"è via {name}"
    assert len(truth.read_text("utf-8").splitlines()) == len(RECIPES)


@pytest.mark.parametrize("name", ["africastalking", "twilio", "kannel"])
def test_a_fault_is_accepted_exactly_when_the_list_says_so(name: str) -> None:
    with LoopbackCarrier(slow_seconds=0, api_key=API_KEY) as carrier:
        channel = RECIPES[name](carrier.base_url)
        for fault, taken in FAULTS.items():
            before = len(carrier.accepted)
            carrier.next(fault, code=21610, status=400)
            channel.send(a_message())
            assert len(carrier.accepted) - before == taken, fault


def test_the_dice_are_seeded_and_orders_come_first() -> None:
    def run(seed: int) -> list[str]:
        with LoopbackCarrier(seed=seed, faults={"500": 0.3, "429": 0.2, "drop": 0.1}) as carrier:
            channel = africastalking(carrier.base_url)
            carrier.next("401", times=2)
            return [repr(type(channel.send(a_message())).__name__) for _ in range(60)]

    first = run(1)
    assert first == run(1)
    assert first != run(2)
    assert first[:2] == ["'Refused'", "'Refused'"]
    assert set(first) == {"'Refused'", "'Accepted'", "'Ambiguous'", "'NotSent'"}


def test_an_unknown_fault_is_named() -> None:
    with LoopbackCarrier() as carrier, pytest.raises(ValueError, match="no fault 'flood'"):
        carrier.next("flood")


def test_a_stopped_carrier_refuses_connections() -> None:
    with LoopbackCarrier() as carrier:
        channel = africastalking(carrier.base_url)
        assert isinstance(channel.send(a_message()), Accepted)
    assert type(channel.send(a_message())).__name__ == "NotSent"


def test_many_threads_are_counted_exactly(tmp_path: Path) -> None:
    with LoopbackCarrier(truth=tmp_path / "truth") as carrier:
        channels = [RECIPES[name](carrier.base_url, **more) for name, more in (("twilio", {}), ("africastalking", {}))]
        threads = [
            threading.Thread(target=lambda c=channel, n=n: [c.send(a_message(text=f"{n}-{i}")) for i in range(20)])
            for n, channel in enumerate(channels * 3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(carrier.accepted) == len({one.text for one in carrier.accepted}) == 120
        assert len({one.id for one in carrier.accepted}) == 120
