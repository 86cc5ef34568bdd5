"""The page itself: phones, the clock, the children, and what it says when the product does not."""

import gzip
import html
import re
from pathlib import Path

import pytest
from flask import Flask

from service.simulator.phone_app import create_simulator, simulation_of
from tests.simulator.fake_product import SECRET, FakeProduct, a_child, a_task
from tests.simulator.visitors import Carrier, Visitor

KB = 1000


def test_the_front_door_leads_to_the_phones(app: Flask) -> None:
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.location) == (303, "/sim")
    assert app.test_client().get("/health").text == "ok\n"


def test_it_says_that_the_numbers_are_invented(visitor: Visitor) -> None:
    assert "Numéros inventés" in visitor.page()


def test_phones_are_added_with_the_proposed_number_and_removed(visitor: Visitor) -> None:
    assert 'value="+223 70 00 00 03"' in visitor.page()
    page = visitor.post("phones", number="+223 70 00 00 03")
    assert 'id="phone-3"' in page
    assert 'value="+223 70 00 00 04"' in page
    page = visitor.post("phones/1/remove")
    assert 'id="phone-1"' not in page
    assert 'value="+223 70 00 00 01"' in page
    visitor.post("phones/1/dial")
    assert visitor.notices() == "Ce téléphone n'est plus sur la page."


@pytest.mark.parametrize("number", ["76 12 34 56", "+33612345678", "LASELI", "", "+223 20 22 11 00"])
def test_only_invented_numbers_get_a_phone(visitor: Visitor, number: str) -> None:
    page = visitor.post("phones", number=number)
    assert "numéros inventés" in visitor.notices()
    assert page.count('<section class="phone"') == 2


def test_the_clock_goes_on(visitor: Visitor, product: FakeProduct) -> None:
    assert "vendredi 20 novembre 2026 <b>14:00</b>" in visitor.page()
    page = visitor.post("clock", days="28")
    assert "vendredi 18 décembre 2026" in page
    assert visitor.notices() == "L'horloge a avancé de 28 jours."
    assert visitor.client.post("/sim/clock", data={"days": "365"}).status_code == 400


def test_sms_are_dated_in_the_demonstrations_time_and_place(
    visitor: Visitor, carrier: Carrier, product: FakeProduct
) -> None:
    product.zone = "Asia/Tokyo"
    visitor.post("clock", days="7")
    carrier.send("+22370000001", "Bonjour")
    assert "<time>27/11/2026 23:0" in visitor.page()


def test_a_dose_is_received(visitor: Visitor, product: FakeProduct) -> None:
    page = visitor.page()
    assert "Enfant de +22370000001, né 03/2026" in page
    assert "<b>12/12/2026</b>" in page
    page = visitor.post("dose", code="4821 7730")
    assert visitor.notices() == "Dose reçue, 4821 7730 : PENTA1, VPO1."
    assert "Rien à recevoir aujourd'hui" in page
    visitor.post("dose", code="0000 0000")
    assert visitor.notices() == "Aucun enfant n'a ce code."


def test_children_of_the_phones_on_the_page_come_first(visitor: Visitor, product: FakeProduct) -> None:
    others = [a_child(f"{n:04d} 0000", "+22360000001", [], None) for n in range(60)]
    product.children = [*others, *product.children]
    page = visitor.page()
    assert page.index("4821 7730") < page.index("0000 0000")
    assert "et 21 autres" in page


def test_the_mediators_list_stands_under_the_children(visitor: Visitor, product: FakeProduct) -> None:
    assert "Rien pour l'instant." in _todo(visitor)
    product.tasks = [
        *(a_task("Plainte", None, "avis: 481902") for _ in range(60)),
        a_task("Formulaire inachevé", "+22370000001", "Adhésion à l'AMV", "Combien ? 7", zone="Darsalam"),
    ]
    product.tasks.insert(3, product.tasks.pop())
    todo = _todo(visitor)
    assert todo.startswith(
        "À faire (médiateurs) Formulaire inachevé Darsalam · +223 70 00 00 01 Depuis le 20/11/2026 13:05 "
        "Adhésion à l'AMV Combien ? 7 Plainte sans téléphone"
    ), "the phones of the page come first"
    assert todo.endswith("et 41 autres")
    assert todo.count("Plainte") == 19
    assert '<a href="#todo">À faire (médiateurs)&nbsp;: 61</a>' in visitor.page(), "a long list of children is above it"


def _todo(visitor: Visitor) -> str:
    simulation_of(visitor.client.application).watch.forget()
    found = re.search(r'id="todo">(.*?)</section>', visitor.page(), re.S)
    assert found
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", found[1])).split())


def test_the_words_to_begin_with_stand_below_the_sms_to_be_written(visitor: Visitor, product: FakeProduct) -> None:
    assert "Pour commencer" not in visitor.page()
    product.words = ["MENU", "AMV"]
    simulation_of(visitor.client.application).watch.forget()
    assert "Pour commencer&nbsp;: MENU, AMV. Pour revenir" in visitor.page()


def test_what_the_product_says_is_shown_not_obeyed(visitor: Visitor, product: FakeProduct) -> None:
    product.children = [a_child("<u>1", "<script>", ["<i>"], None)]
    product.tasks = [a_task("<u>", "<script>", "<i>", zone="<u>")]
    product.words = ["<u>"]
    page = visitor.page()
    assert not re.search("<u>|<script>|<i>", page)


def test_a_product_that_is_down_is_told_kindly(visitor: Visitor, product: FakeProduct) -> None:
    product.close()
    assert "Le service ne répond pas : est-il démarré ?" in visitor.notices()
    assert visitor.press("dial").startswith("Problème de connexion")
    visitor.post("clock", days="1")
    visitor.post("dose", code="4821 7730")
    visitor.press("sms", text="STOP")
    assert "Le SMS sera présenté de nouveau." in visitor.notices()


def test_a_product_that_says_something_strange_breaks_nothing(visitor: Visitor, product: FakeProduct) -> None:
    product.control_broken = True
    assert "illisible" in visitor.notices()
    product.control_broken = False
    for zone in ("Nowhere/At_all", "../etc", "Africa"):
        product.zone = zone
        simulation_of(visitor.client.application).watch.forget()
        assert "d'une façon inconnue" in visitor.notices(), zone


def test_without_a_demonstration_there_is_no_clock_to_move(product: FakeProduct, tmp_path: Path) -> None:
    app = create_simulator(product.url, SECRET, tmp_path / "new" / "s.db")
    visitor = Visitor(app)
    page = visitor.page()
    assert "+7 jours" not in page
    assert "Enfants suivis" not in page
    assert visitor.client.post("/sim/clock", data={"days": "1"}).status_code == 404
    simulation_of(app).close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 303), ("http://localhost", 303), ("http://evil.example", 403), ("null", 403), ("http://localhost:81", 403)],
)
def test_another_site_cannot_press_our_buttons(app: Flask, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    client = app.test_client()
    assert client.post("/sim/phones/1/off", headers=headers).status_code == status
    assert client.post("/sim/phones", data={"number": "70000009"}, headers=headers).status_code == status


def test_an_unknown_button_is_not_found(app: Flask) -> None:
    assert app.test_client().post("/sim/phones/1/explode").status_code == 404
    assert app.test_client().get("/sim/phones/1/dial").status_code == 405
    assert app.test_client().post("/sim/phones/1/sms", data={"text": "x" * 300_000}).status_code == 413


def test_the_fragment_is_sent_only_when_something_changed(app: Flask, carrier: Carrier) -> None:
    client = app.test_client()
    first = client.get("/sim/parts?seen=")
    assert 'id="inbox-1"' in first.text
    assert "<html" not in first.text
    tag = first.headers["X-Tag"]
    assert client.get(f"/sim/parts?seen={tag}").status_code == 204
    carrier.send("+22370000001", "Bonjour")
    again = client.get(f"/sim/parts?seen={tag}")
    assert (again.status_code, "Bonjour" in again.text) == (200, True)


def test_pages_allow_nothing_foreign(app: Flask) -> None:
    headers = app.test_client().get("/sim").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    page = app.test_client().get("/sim").text
    assert not re.search(r"style=|<style|onclick|//\w", page)


def test_the_first_load_is_small(app: Flask, carrier: Carrier, visitor: Visitor, product: FakeProduct) -> None:
    product.children = [a_child(f"{n:04d} 7730", "+22360000001", ["PENTA1"], "2026-12-12") for n in range(60)]
    answers = ("Nom et prénom du chef de famille ? Moussa Keïta", "Combien de personnes dans la famille ? 7")
    product.tasks = [a_task("Formulaire inachevé", f"+2237000{n:04d}", *answers) for n in range(60)]
    product.words = ["MENU", "AMV", "AVIS", "CENTRE", "INSCRIRE", "MAMUTUELLE", "BRAS", "RDV", "RAMED", "DANGER"]
    for n in range(30):
        carrier.send("+22370000001", f"{n} À partir du 12/12, au CSCom de Darsalam, avec le carnet.")
    client = app.test_client()
    page = client.get("/sim", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    sizes = {"page": len(page.data)}
    for name in re.findall(r'/sim/static/[^"]+', gzip.decompress(page.data).decode()):
        answer = client.get(name, headers={"Accept-Encoding": "gzip"})
        assert "max-age=31536000" in answer.headers["Cache-Control"]
        sizes[name.split("/")[-1].split("?")[0]] = len(answer.data)
        if ".css" in name:
            assert len(gzip.decompress(answer.data)) <= 10 * KB
    assert len(sizes) == 4
    assert sizes["simulator.js"] <= 2 * KB
    assert sum(sizes.values()) <= 25 * KB, sizes
