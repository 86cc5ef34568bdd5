"""A player finds out what a broken product does wrong; the product here is made to do it."""

from __future__ import annotations

import itertools
import threading

import pytest
from flask import Flask

from service.simulator.phone_app import simulation_of
from service.simulator.script_run import Player, holds, key_before, key_of_more
from service.simulator.scripts import Step
from service.simulator.tried_phone import tried_phone
from tests.simulator.fake_product import FakeProduct
from tests.simulator.visitors import Carrier


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.simulator.tried_phone.ARRIVE_S", 0.2)


@pytest.fixture
def player(app: Flask) -> Player:
    return Player(tried_phone(simulation_of(app), 1, "ussd"))


def test_two_answers_to_one_answer_are_found(player: Player, product: FakeProduct) -> None:
    player.play(Step("dial"))
    numbers = itertools.count(1)
    product.screens = lambda _: f"CON {next(numbers)}"
    outcome = player.play(Step("twice", ("1",)))
    assert outcome.why == "two_screens"
    assert {outcome.expected, outcome.seen} == {"1", "2"}
    forms = product.of("ussd")
    assert forms[1] == forms[2]
    assert forms[1]["text"] == "1"


def test_the_two_requests_are_on_their_way_at_the_same_time(player: Player, product: FakeProduct) -> None:
    player.play(Step("dial"))
    both = threading.Barrier(2)

    def together(text: str) -> str:
        both.wait(5)  # one alone would wait in vain
        return f"CON {text}"

    product.screens = together
    assert player.play(Step("twice", ("1",))).is_well


def test_a_repeated_step_that_is_answered_otherwise_is_found(player: Player, product: FakeProduct) -> None:
    player.play(Step("dial"))
    product.screens = lambda _: "END Trop tard."
    outcome = player.play(Step("repeat"))
    assert (outcome.why, outcome.seen) == ("other_screen", "Trop tard.")
    assert outcome.expected.startswith("Suivi vaccinal")


def test_a_cut_and_a_time_out_are_told_as_a_carrier_tells_them(player: Player, product: FakeProduct) -> None:
    before = product.now
    for do in ("cut", "timeout"):
        player.play(Step("dial"))
        assert player.play(Step(do)).is_well  # type: ignore[arg-type]
    ends = product.wait_for("ussd-end", 2)
    assert [end["status"] for end in ends] == ["Incomplete", "Incomplete"]
    assert int(ends[1]["durationInMillis"]) >= 180_000
    assert (product.now - before).total_seconds() == 180, "the demonstration's clock goes on as well"
    assert player.play(Step("cut")).why == "no_call"


def test_the_end_of_a_call_is_known_before_time_goes_on(player: Player, product: FakeProduct) -> None:
    player.play(Step("dial"))
    player.play(Step("cut"))
    assert len(product.of("ussd-end")) == 1


def test_an_end_too_early_and_a_call_that_goes_on_are_found(player: Player, product: FakeProduct) -> None:
    player.play(Step("dial"))
    assert player.play(Step("over")).why == "is_open"
    player.play(Step("press", ("9",)))
    assert player.play(Step("open")).why == "is_over"
    assert player.play(Step("press", ("1",))).why == "no_call"
    assert player.play(Step("twice", ("1",))).why == "no_call"


def test_a_product_that_is_down_fails_the_step_in_a_sentence(player: Player, product: FakeProduct) -> None:
    product.refuse["ussd"] = 1
    outcome = player.play(Step("dial"))
    assert (outcome.why, outcome.seen) == (
        "no_answer", "Le service a refusé ou s'est trompé (réponse 503).",
    )  # fmt: skip
    product.close()
    assert player.play(Step("dial")).why == "no_answer"


def test_another_code_than_ours_is_not_answered(player: Player) -> None:
    assert player.play(Step("dial", ("*123#",))).why == "no_answer"


def test_a_path_is_handed_over_as_the_first_text_and_goes_on_from_there(player: Player, product: FakeProduct) -> None:
    assert player.play(Step("dial", ("*384*223*1#",))).seen == "Prénom de l'enfant ?"
    assert player.play(Step("press", ("Awa",))).seen.startswith("Awa est inscrit")
    player.play(Step("dial", ("2*1",)))
    assert [form["text"] for form in product.of("ussd")] == ["1", "1*Awa", "2*1"]


def test_an_sms_that_nobody_expected_is_found(player: Player, carrier: Carrier) -> None:
    assert player.play(Step("inbox")).is_well
    carrier.send("+22370000001", "Bonjour Awa")
    assert player.play(Step("inbox")).why == "unwanted_sms"
    assert player.play(Step("inbox")).is_well, "it was looked at"
    assert player.play(Step("inbox", ("Moussa",))).why == "other_sms"
    assert player.play(Step("inbox", ("bonjour", "AWA"))).is_well


def test_an_answer_by_sms_that_comes_late_is_waited_for(app: Flask, carrier: Carrier) -> None:
    player = Player(tried_phone(simulation_of(app), 1, "sms"))
    player.play(Step("press", ("AMV",)))
    late = threading.Timer(0.1, lambda: carrier.send("+22370000001", "D'accord ?\n1 Oui\n2 Non"))
    late.start()
    assert player.play(Step("choose", ("Non",))).is_well
    late.join()
    late = threading.Timer(0.1, lambda: carrier.send("+22370000001", "Au revoir."))
    carrier.send("+22370000001", "Rien n'est gardé.")
    late.start()
    assert player.play(Step("see", ("gardé", "Au revoir"))).is_well, "two SMS answer one"
    late.join()


def test_an_answer_that_comes_twice_by_sms_is_found(app: Flask, product: FakeProduct, carrier: Carrier) -> None:
    phone = tried_phone(simulation_of(app), 1, "sms")
    player = Player(phone)
    phone.catch_up = lambda _: [carrier.send("+22370000001", "Merci") for _ in range(2)]  # type: ignore[assignment, method-assign, misc]
    assert player.play(Step("twice", ("AMV",))).why == "two_screens"
    first, second = product.wait_for("sms-in", 2)
    assert first == second, "one SMS with one id, in two requests"


def test_another_phone_acts_and_the_first_one_again(app: Flask, product: FakeProduct, carrier: Carrier) -> None:
    player = Player(tried_phone(simulation_of(app), 1, "ussd"), called="+22370000042")
    player.play(Step("dial"))
    carrier.send("+22370000001", "Bonjour")
    player.play(Step("phone", ("+22370000043",)))
    assert player.play(Step("open")).why == "is_over", "it has a screen of its own"
    assert player.play(Step("inbox")).is_well, "and an inbox of its own"
    player.play(Step("dial"))
    player.play(Step("phone", ("+22370000042",)))
    assert player.play(Step("open")).is_well
    assert player.play(Step("inbox")).why == "unwanted_sms", "what came meanwhile was not looked at"
    assert [form["phoneNumber"] for form in product.of("ussd")] == ["+22370000001", "+22370000043"]


def test_a_page_full_of_phones_takes_no_further_one(player: Player) -> None:
    outcomes = [player.play(Step("phone", (f"+223700005{n:02d}",))) for n in range(12)]
    assert [outcome.why for outcome in outcomes] == [""] * 10 + ["no_answer"] * 2
    assert "retirez-en un" in outcomes[-1].seen


def test_choices_are_found_by_their_words_on_every_page(player: Player, product: FakeProduct) -> None:
    pages = {
        "": "CON Quartier ?\n1 Badialan 1\n2 Bamako-Coura\n9 Suite 0 Retour",
        "9": "CON 1 Bamako-Coura Bolibana\n2 Kouloubléni\n9 Suite 0 Retour",
        "9*9": "CON 1 Koulouniko\n0 Retour",
        "9*9*1": "END Koulouniko",
    }
    product.screens = lambda text: pages[text]
    player.play(Step("dial"))
    assert player.play(Step("choose", ("koulouniko",))).seen == "Koulouniko"
    player.play(Step("dial"))
    assert player.play(Step("choose", ("Ségou",))).why == "no_choice"


def test_a_menu_that_turns_for_ever_is_left(player: Player, product: FakeProduct) -> None:
    numbers = itertools.count(1)
    product.screens = lambda _: f"CON 1 Choix {next(numbers)}\n9 Suite"
    player.play(Step("dial"))
    assert player.play(Step("choose", ("Oui",))).why == "no_choice"
    assert len(product.of("ussd")) < 60


def test_maybe_presses_only_what_is_there(player: Player, product: FakeProduct) -> None:
    player.play(Step("dial"))
    player.play(Step("maybe", ("Recommencer",)))
    player.play(Step("maybe", ("Inscrire",)))
    assert [form["text"] for form in product.of("ussd")] == ["", "1"]


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ("langue", True), ("LANGUE / KAN", True), ("1  français", True), ("kan\n1 Francais", True),
        ("Langue … Bamanankan", True), ("Bamanankan … Langue", False), ("…", True), ("2 Français", False),
        ("Kɛnɛya", True), ("Code … ok", True),
    ],
)  # fmt: skip
def test_words_are_found_however_they_are_spelt(words: str, there: bool) -> None:
    screen = "Langue / Kan\n1 Francais\n2 Bamanankan\nKènèya\nCode 4821 7730 ok"
    assert holds(screen, words) is there


def test_the_whole_label_counts_before_one_that_begins_so() -> None:
    assert key_before("Oui", "D'accord ?\n1 Oui, demain\n2 Oui\n3 Non") == "2"
    assert key_before("Oui, d", "D'accord ?\n1 Oui, demain\n2 Oui") == "1"
    assert key_before("", "1 Oui") is None
    assert key_before("ans", "Age ?\n12 ans") == "12"
    assert key_of_more("Quartier ?\n1 Badialan\n9 Suite 0 Retour") == "9"
    assert key_of_more("Suite\n0 Retour") is None
