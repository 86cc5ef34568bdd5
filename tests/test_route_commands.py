"""`laseli route`: what a sysadmin reads and does about the routes; and the same for a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from click.testing import CliRunner, Result

from scheduler.__main__ import main
from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import message_tables, route_tables
from service.stories.delivery import dispatch_gate, receipts, route_book
from service.stories.delivery.route_book import Sample
from service.stories.talk import opt_outs
from tests.conftest import fresh_sqlite
from tests.loopback import LoopbackCarrier
from tests.two_carriers import FIRST, ORANGE, SECOND, two_carriers

NUMBER = "+22370000001"


@pytest.fixture
def second() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier() as running:
        yield running


@pytest.fixture
def settings(request: pytest.FixtureRequest, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Config:
    url = fresh_sqlite(request.getfixturevalue("sqlite_template"), request.getfixturevalue("tmp_path"))
    return two_carriers(url, carrier, second, pace={FIRST: 10.0}, budget={"day_fcfa": 100})


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    built = build_runtime(settings, at=SystemClock())
    yield built
    built.database.close()


def laseli(settings: Config, *words: str, **more: str) -> Result:
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
        "LASELI_ROUTES": f"{FIRST},{SECOND}",
        "LASELI_PACE": f"{FIRST}=10",
        "LASELI_BUDGET__DAY_FCFA": "100",
        "LASELI_SEND_TIMEOUT": "0.6",
    } | more
    for name, account in ((FIRST, settings.africastalking), (SECOND, settings.simulator)):
        assert account is not None
        environment |= {
            f"LASELI_{name.upper()}__USERNAME": account.username,
            f"LASELI_{name.upper()}__API_KEY": "key",
            f"LASELI_{name.upper()}__BASE_URL": account.base_url,
            f"LASELI_{name.upper()}__HOOK_SECRETS": account.hook_secrets[0],
        }
    return CliRunner().invoke(main, ["route", *words], env=environment)


def row(runtime: Runtime, channel: str = FIRST) -> route_tables.RouteRow:
    with runtime.database.begin() as tx:
        return route_tables.lock_routes(tx, [channel], runtime.now())[channel]


def close_dispatch(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "restored", "a backup was put back", runtime.now())


# --- status -------------------------------------------------------------------------------------------------


def test_status_says_what_is_open_how_well_it_goes_and_what_it_cost(settings: Config, runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        route_book.note_samples(tx, [Sample(FIRST, ORANGE, accepted=40, unknown=2)], runtime.now())
        route_book.note_samples(tx, [Sample(FIRST, ORANGE, delivered=37, delay_ms=4_000)], runtime.now())
    route_book.weigh(runtime)
    page = laseli(settings, "status").output
    assert "africastalking: open, at most 10 parts a second (1 may leave now)" in page
    assert "  Orange Mali              95%     42     37      0      0      2     4s      12" in page
    assert "as it is when all is well" in page
    assert "Spent today: 0 F of 100 F (0 %)" in page
    assert "Prices are an example and decide nothing" in page


def test_status_for_a_machine(settings: Config, runtime: Runtime) -> None:
    route_book.weigh(runtime)
    found = json.loads(laseli(settings, "status", "--json").output)
    assert [(one["channel"], one["state"], one["pace"]) for one in found["routes"]] == [
        (FIRST, "open", 10),
        (SECOND, "open", None),
    ]
    operators = {one["name"]: one["share"] for one in found["routes"][0]["operators"]}
    assert operators == {"all": 95, "Orange Mali": 95, "Moov Africa Malitel": 95, "Telecel Mali": 95}
    assert found["money"] == [
        {"account": "all", "spent_fcfa": 0, "budget_fcfa": 100, "percent": 0, "warned": False, "stopped": False}
    ]


def test_status_shows_a_refused_sender_and_what_to_do(settings: Config, runtime: Runtime) -> None:
    close_dispatch(runtime)
    with runtime.database.begin() as tx:
        route_book.pause(tx, FIRST, "sender", "402 InvalidSenderId", runtime.now())
    page = laseli(settings, "status").output
    assert "DISPATCH IS CLOSED" in page
    assert "africastalking: paused" in page
    assert "because of sender (by carrier): 402 InvalidSenderId; one message tries it at" in page
    assert (
        "have the sender's name or the template approved there, then `laseli route test africastalking NUMBER`" in page
    )


# --- pause and open -----------------------------------------------------------------------------------------


def test_a_person_pauses_and_opens(settings: Config, runtime: Runtime) -> None:
    done = laseli(settings, "pause", FIRST, "--reason", "works at the operator's", "--by", "Awa")
    assert done.stdout == "africastalking is paused: `laseli route open africastalking --by NAME` ends it.\n"
    assert (row(runtime).scope, row(runtime).by, row(runtime).until) == ("person", "Awa", None)
    assert "is open; its share comes back by steps" in laseli(settings, "open", FIRST, "--by", "Awa").output
    assert "was open already" in laseli(settings, "open", FIRST, "--by", "Awa").output


def test_a_pause_may_have_an_end_in_local_time(settings: Config, runtime: Runtime) -> None:
    done = laseli(settings, "pause", FIRST, "--reason", "works", "--by", "Awa", "--until", "2099-01-01T18:00")
    assert "until 2099-01-01 18:00." in done.output
    assert runtime.local(row(runtime).until or 0).isoformat() == "2099-01-01T18:00:00"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("open", "nobody", "--by", "Awa"),
            "nothing leaves by 'nobody' here; there is africastalking, simulator",
        ),
        (
            ("pause", FIRST, "--reason", "x", "--by", "Awa", "--until", "soon"),
            "write 18:00 (the next time it strikes), 12/11/2026 18:00",
        ),
        (("pause", FIRST, "--reason", "x", "--by", "Awa", "--until", "2020-01-01T10:00"), "has passed"),
        (("test", "nobody", NUMBER), "there is no channel 'nobody' set up"),
        (("test", FIRST, "+33612345678"), "no mobile number of ML"),
        (("test", FIRST, "20200001"), "no mobile number of ML"),
        (("test", FIRST, "hello"), "no mobile number of ML"),
    ],
)
def test_a_mistake_is_a_sentence(settings: Config, words: tuple[str, ...], sentence: str) -> None:
    done = laseli(settings, *words)
    assert done.exit_code != 0
    assert sentence in done.output
    assert "Traceback" not in done.output


# --- one message to try a route -----------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(settings: Config, carrier: LoopbackCarrier) -> None:
    page = laseli(settings, "test", FIRST, "70 00 00 01", "--dry-run").output
    assert page == (
        "Would send by africastalking to +223••••••01:\n"
        "    Laseli : essai de la ligne SMS. Rien à faire.\n"
        "    1 part, about 12 F\n"
    )
    assert carrier.requests == []


def test_a_test_sends_one_message_and_tells_the_carriers_answer(
    settings: Config, runtime: Runtime, carrier: LoopbackCarrier, second: LoopbackCarrier
) -> None:
    done = laseli(settings, "test", SECOND, NUMBER)
    assert done.exit_code == 0
    (sms,) = second.accepted
    assert (sms.to, sms.text) == (NUMBER, "Laseli : essai de la ligne SMS. Rien à faire.")
    assert (
        done.stdout
        == f"simulator took it as {sms.id}, at XOF 12.0000.\nLook whether it arrives: taken is not delivered.\n"
    )
    assert carrier.accepted == []
    found = json.loads(laseli(settings, "status", "--json").output)
    assert found["money"][0]["spent_fcfa"] == 12, "what the carrier said, not the estimate of 10"


@pytest.mark.parametrize(
    ("fault", "words", "remedy"),
    [
        (
            "401",
            "Refused, because of our account: HTTP 401.",
            "See to the key, the contract and the credit there, then",
        ),
        ("sender", "Refused, because of our sender: 402 InvalidSenderId.", "Have the sender's name or the template"),
        (
            "429",
            "Not sent: HTTP 429, too many requests. It asks for 7 seconds of patience.",
            "LASELI_AFRICASTALKING__BASE_URL",
        ),
        ("drop", "Nobody knows: no readable answer (ProtocolError).", "It may have left"),
    ],
)
def test_what_a_carrier_answers_in_our_words(
    settings: Config, runtime: Runtime, carrier: LoopbackCarrier, fault: str, words: str, remedy: str
) -> None:
    carrier.next(fault)
    done = laseli(settings, "test", FIRST, NUMBER)
    assert done.exit_code == 1
    assert words in done.output
    assert remedy in done.output
    assert "NUMBER" in done.output or "7000" not in done.output
    assert row(runtime).state == ("paused" if fault in ("401", "sender") else "open")


def test_a_refused_number_is_no_fault_of_the_route(
    settings: Config, runtime: Runtime, carrier: LoopbackCarrier
) -> None:
    carrier.next("code", code=403)
    done = laseli(settings, "test", FIRST, NUMBER)
    assert "Refused for this number or text: 403 InvalidPhoneNumber." in done.output
    assert row(runtime).state == "open"


def test_a_test_that_is_taken_opens_what_the_carrier_had_closed(settings: Config, runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        route_book.pause(tx, FIRST, "account", "HTTP 401", runtime.now())
    assert "The route is open again" in laseli(settings, "test", FIRST, NUMBER).output
    assert row(runtime).state == "open"


def test_a_test_does_not_open_what_a_person_closed(settings: Config, runtime: Runtime) -> None:
    laseli(settings, "pause", FIRST, "--reason", "works", "--by", "Awa")
    assert "took it as" in laseli(settings, "test", FIRST, NUMBER).output
    assert row(runtime).state == "paused"


def test_a_closed_dispatch_is_closed_for_tests_too(
    settings: Config, runtime: Runtime, carrier: LoopbackCarrier
) -> None:
    close_dispatch(runtime)
    assert "In the way: dispatch is closed (restored" in laseli(settings, "test", FIRST, NUMBER, "--dry-run").output
    refused = laseli(settings, "test", FIRST, NUMBER)
    assert refused.exit_code == 1
    assert "dispatch is closed (restored: a backup was put back). Add --even-closed" in refused.output
    assert carrier.requests == []
    assert laseli(settings, "test", FIRST, NUMBER, "--even-closed").exit_code == 0
    assert len(carrier.accepted) == 1


def test_a_spent_day_is_spent_for_tests_too(settings: Config, runtime: Runtime, carrier: LoopbackCarrier) -> None:
    less = {"LASELI_BUDGET__DAY_FCFA": "20"}
    assert laseli(settings, "test", FIRST, NUMBER, **less).exit_code == 0
    assert "the day's budget is spent" in laseli(settings, "test", FIRST, NUMBER, **less).output
    assert len(carrier.accepted) == 1
    assert laseli(settings, "test", FIRST, NUMBER, "--even-closed", **less).exit_code == 0
    page = laseli(settings, "status", **less).output
    assert "Spent today: 24 F of 20 F (120 %)  STOPPED: nothing leaves" in page


def test_who_said_stop_gets_no_test_either(settings: Config, runtime: Runtime, carrier: LoopbackCarrier) -> None:
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, NUMBER, "sms", runtime.now())
    assert "said STOP" in laseli(settings, "test", FIRST, NUMBER, "--even-closed").output
    assert carrier.requests == []


# --- figures ------------------------------------------------------------------------------------------------


def test_the_routes_are_in_the_figures(runtime: Runtime, product: str) -> None:
    with runtime.database.begin() as tx:
        route_book.note_samples(tx, [Sample(FIRST, ORANGE, accepted=3)], runtime.now())
        route_book.pause(tx, SECOND, "person", "works", runtime.now(), "Awa")
    route_book.weigh(runtime)
    page = requests.get(f"{product}/metrics", timeout=5).text
    for line in (
        'laseli_route_open{channel="africastalking"} 1.0',
        'laseli_route_open{channel="simulator"} 0.0',
        'laseli_route_share{channel="africastalking",operator="61002"} 100.0',
        'laseli_route_window{channel="africastalking",operator="all",outcome="sent"} 3.0',
        'laseli_spent_fcfa{account="all"} 0.0',
        'laseli_budget_fcfa{account="all"} 100.0',
    ):
        assert line in page
    assert "Awa" not in page


def test_receipts_of_a_test_fit_no_message_and_do_no_harm(
    settings: Config, runtime: Runtime, carrier: LoopbackCarrier, product: str
) -> None:
    from tests.receipt_post import Receipts

    laseli(settings, "test", FIRST, NUMBER)
    assert settings.africastalking is not None
    path = f"/hooks/africastalking/receipt/{settings.africastalking.hook_secrets[0]}"
    assert carrier.tell(carrier.accepted[0], "Success", plan=Receipts(product, path)) == 200
    receipts.settle(runtime)
    with runtime.database.read() as tx:
        assert message_tables.count_by_state(tx) == {}
