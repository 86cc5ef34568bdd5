"""A phone calls the product: what goes over the wire is Africa's Talking's, what comes back is on the screen."""

import re
import threading

from flask import Flask

from tests.simulator.fake_product import FakeProduct
from tests.simulator.visitors import Visitor


def test_dialling_shows_the_screen_as_it_was_given_with_its_count(visitor: Visitor, product: FakeProduct) -> None:
    screen = visitor.press("dial")
    assert screen == "Suivi vaccinal, Commune III\n1 Inscrire un enfant\n2 Mon enfant\n3 Messages\n0 Quitter"
    assert visitor.count() == "82/160 · GSM-7"
    (first,) = product.of("ussd")
    assert re.fullmatch(r"ATUid_[0-9a-f]{32}", first.pop("sessionId"))
    assert first == {"phoneNumber": "+22370000001", "networkCode": "99999", "serviceCode": "*384*223#", "text": ""}


def test_the_text_grows_answer_by_answer_within_one_session(visitor: Visitor, product: FakeProduct) -> None:
    product.screens = lambda text: f"CON {text}"
    visitor.press("dial")
    visitor.press("press", key="1")
    visitor.press("send", typed="Awa Diarra")
    visitor.press("send", typed="")
    visitor.press("send", typed="*2")
    assert [form["text"] for form in product.of("ussd")] == [
        "", "1", "1*Awa Diarra", "1*Awa Diarra*", "1*Awa Diarra***2",
    ]  # fmt: skip
    assert len({form["sessionId"] for form in product.of("ussd")}) == 1


def test_an_end_closes_the_call_and_tells_the_product(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    visitor.press("press", key="1")
    assert visitor.press("send", typed="Awa") == "Awa est inscrit. Un SMS confirme."
    assert "appel terminé" in visitor.count()
    (end,) = product.wait_for("ussd-end", 1)
    session = product.of("ussd")[0]["sessionId"]
    assert int(end.pop("durationInMillis")) >= 0
    assert re.fullmatch(r"2026-11-20 14:0\d:\d\d", end.pop("date"))
    assert end == {
        "sessionId": session,
        "serviceCode": "*384*223#",
        "networkCode": "99999",
        "phoneNumber": "+22370000001",
        "status": "Success",
        "cost": "0.00",
        "hopsCount": "3",
        "input": "1*Awa",
        "lastAppResponse": "END Awa est inscrit. Un SMS confirme.",
        "errorMessage": "",
    }
    assert "Appelez d'abord" in visitor.press("press", key="1")
    assert len(product.of("ussd")) == 3


def test_hanging_up_ends_the_call_as_incomplete(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    assert "Composez" in visitor.press("hang-up")
    visitor.press("hang-up")
    (end,) = product.wait_for("ussd-end", 1)
    assert (end["status"], end["input"], end["hopsCount"]) == ("Incomplete", "", "1")
    assert end["lastAppResponse"] == product.screens("")


def test_dialling_again_hangs_up_first_and_opens_another_session(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    visitor.press("dial")
    first, second = (form["sessionId"] for form in product.of("ussd"))
    assert first != second
    assert [end["sessionId"] for end in product.wait_for("ussd-end", 1)] == [first]


def test_the_network_may_present_a_step_twice(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    visitor.press("press", key="1")
    visitor.press("repeat")
    visitor.press("send", typed="Awa")
    visitor.press("repeat")
    forms = product.of("ussd")
    assert [form["text"] for form in forms] == ["", "1", "1", "1*Awa", "1*Awa"]
    assert forms[1] == forms[2]
    product.wait_for("ussd-end", 1)
    assert [end["hopsCount"] for end in product.of("ussd-end")] == ["3"], "a repeat is no hop and no second end"


def test_an_answer_that_is_no_screen_is_a_connection_problem(visitor: Visitor, product: FakeProduct) -> None:
    for answer in ("Hello", "CONTINUE", "END", "", "con 1"):
        product.screens = lambda text, answer=answer: answer
        assert visitor.press("dial").startswith("Problème de connexion"), answer
        assert "ni CON, ni END" in visitor.notices()
    assert {end["status"] for end in product.wait_for("ussd-end", 5)} == {"Failed"}


def test_a_refusal_is_told_kindly_and_ends_the_call(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    product.refuse["ussd"] = 1
    assert visitor.press("press", key="1").startswith("Problème de connexion")
    assert "réponse 503" in visitor.notices()
    assert product.wait_for("ussd-end", 1)[0]["status"] == "Failed"
    visitor.press("dial")
    assert visitor.notices() == ""


def test_only_the_code_of_the_service_is_answered(visitor: Visitor, product: FakeProduct) -> None:
    assert "*384*223#" in visitor.press("dial", typed="*123#")
    assert product.of("ussd") == []
    visitor.press("send", typed="*384*223#")
    visitor.press("dial", typed="*384*223*1#")
    assert [form["text"] for form in product.of("ussd")] == ["", "1"]


def test_two_phones_do_not_wait_for_each_other(app: Flask, product: FakeProduct) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(text: str) -> str:
        if not inside.is_set():
            inside.set()
            assert leave.wait(10)
        return "CON ok"

    product.screens = slow
    product_is_busy = threading.Thread(target=Visitor(app).press, args=("dial", 1))
    product_is_busy.start()
    assert inside.wait(10)
    assert Visitor(app).press("dial", 2) == "ok"
    leave.set()
    product_is_busy.join()


def test_a_screen_outside_the_alphabet_is_counted_and_marked(visitor: Visitor, product: FakeProduct) -> None:
    product.screens = lambda text: "CON Kɛnɛya <b>&amp;</b>\n" + "a" * 70
    assert visitor.press("dial") == "Kɛnɛya <b>&amp;</b>\n" + "a" * 70
    assert visitor.count() == "90/80 · UCS-2"
    page = visitor.page()
    assert 'class="count over"' in page
    assert page.count(">ɛ</mark>") == 2
    assert "<b>&amp;" not in page
