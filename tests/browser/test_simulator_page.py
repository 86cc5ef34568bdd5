"""The simulator's page in a real browser, with JavaScript and without: a call, keys, an SMS, the clock.

SIM_URL=http://127.0.0.1:8001 points these tests at a running demonstration instead of a pretend product.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from service.simulator.phone_app import create_simulator, simulation_of
from tests.browser.conftest import CHROMIUM
from tests.simulator.fake_product import SECRET, FakeProduct

LIVE = os.environ.get("SIM_URL")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install -y chromium"),
]
only_pretend = pytest.mark.skipif(LIVE is not None, reason="needs the pretend product's screens")


@dataclass
class Site:
    """A simulator to open; `product` is the pretend one behind it, None behind a live one."""

    url: str
    product: FakeProduct | None

    def send_sms(self, to: str, text: str) -> None:
        """What the product does when it sends an SMS."""
        form = {"username": "simulator", "to": to, "message": text, "from": "LASELI", "enqueue": "1"}
        answer = requests.post(f"{self.url}/version1/messaging", data=form, headers={"apiKey": "any"}, timeout=10)
        assert answer.status_code == 201


class QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: the test's own output is what counts."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if LIVE:
        yield Site(LIVE.rstrip("/"), None)
        return
    product = FakeProduct()
    app = create_simulator(product.url, SECRET, tmp_path / "sim.db", product_control=product.control, receipt_delay=0)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", product)
    server.shutdown()
    thread.join()
    server.server_close()
    simulation_of(app).close()
    product.close()


@pytest.fixture(params=[True, False], ids=["with-js", "without-js"])
def has_script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def page(browser: Browser, site: Site, has_script: bool) -> Iterator[Page]:
    """The page of the phones, opened. It may complain of nothing and ask no other host."""
    context = browser.new_context(java_script_enabled=has_script, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(site.url) else complaints.append(asked.url))
    page.goto(site.url + "/")
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def phone(page: Page) -> Locator:
    """The first phone, with no call open."""
    phone = page.locator(".phone").first
    press(phone, "Raccrocher")
    expect(phone.locator("form[aria-busy]")).to_have_count(0)
    expect(phone.locator(".screen")).to_have_class(re.compile("idle"))
    return phone


def press(phone: Locator, name: str) -> None:
    phone.get_by_role("button", name=name, exact=True).click()


def answer_by_keys(phone: Locator, digits: str, has_script: bool) -> None:
    """With JavaScript keys type and Envoyer sends; without, each key is an answer of its own."""
    for digit in digits:
        press(phone, digit)
        if has_script:
            expect(phone.get_by_label("Réponse")).to_have_value(digit)
            press(phone, "Envoyer")


def test_a_call_by_keys_alone(page: Page, phone: Locator, has_script: bool) -> None:
    text, count = phone.locator(".screen .text"), phone.locator(".screen .count")
    press(phone, "Appeler")
    expect(phone.locator(".screen")).to_have_class(re.compile(r"\b(more|last)\b"))
    expect(count).to_have_text(re.compile(r"^\d+/160 · GSM-7"))
    welcome = text.inner_text()
    assert int(count.inner_text().split("/")[0]) >= len(welcome)
    answer_by_keys(phone, "1", has_script)
    expect(text).not_to_have_text(welcome, use_inner_text=True)
    expect(count).to_have_text(re.compile(r"^\d+/160 · GSM-7"))
    expect(phone.get_by_label("Réponse")).to_have_value("")
    press(phone, "Raccrocher")
    expect(phone.locator(".screen")).to_have_class(re.compile("idle"))


@only_pretend
def test_the_screen_is_exactly_what_the_service_said(site: Site, page: Page, phone: Locator, has_script: bool) -> None:
    assert site.product
    press(phone, "Appeler")
    screen = phone.locator(".screen .text")
    expect(screen).to_have_text(site.product.screens("").removeprefix("CON "), use_inner_text=True)
    expect(phone.locator(".count")).to_have_text("82/160 · GSM-7")
    answer_by_keys(phone, "1", has_script)
    expect(screen).to_have_text("Prénom de l'enfant ?")
    phone.get_by_label("Réponse").fill("Awa")
    phone.get_by_label("Réponse").press("Enter")
    expect(screen).to_have_text("Awa est inscrit. Un SMS confirme.")
    expect(phone.locator(".count")).to_have_text("33/160 · GSM-7 · appel terminé")
    assert [form["text"] for form in site.product.of("ussd")] == ["", "1", "1*Awa"]


def test_an_sms_appears_and_what_is_typed_stays(site: Site, page: Page, phone: Locator, has_script: bool) -> None:
    number = phone.locator("h2").inner_text().replace(" ", "")
    typing = phone.get_by_label("Réponse")
    typing.fill("050326")
    site.send_sms(number, "Kɛnɛya <b>Darsalam</b>")
    if not has_script:
        page.reload()
    newest = phone.locator(".inbox li").first
    expect(newest.locator(".text")).to_have_text("Kɛnɛya <b>Darsalam</b>", timeout=10_000)
    expect(newest.locator(".from b")).to_have_text("LASELI")
    expect(newest.locator(".size")).to_have_text("1 SMS · 22 unités · UCS-2")
    assert newest.locator("mark").all_inner_texts() == ["ɛ", "ɛ"]
    if has_script:
        expect(typing).to_have_value("050326")


def test_the_clock_goes_on_by_a_week(site: Site, page: Page) -> None:
    clock = page.locator("#clock")
    before = clock.inner_text()
    page.get_by_role("button", name="+7 jours").click()
    expect(page.locator("#notices")).to_contain_text("avancé de 7 jours", timeout=60_000)
    expect(clock).not_to_have_text(before)
    if site.product:
        expect(clock).to_contain_text("vendredi 27 novembre 2026")


@only_pretend
def test_a_dose_is_received(site: Site, page: Page) -> None:
    page.get_by_role("button", name="Dose reçue").click()
    expect(page.locator("#notices")).to_contain_text("PENTA1, VPO1")
    expect(page.locator("#children")).to_contain_text("Rien à recevoir aujourd'hui")


def test_a_phone_writes_is_turned_off_and_on(site: Site, page: Page, phone: Locator) -> None:
    number = phone.locator("h2").inner_text().replace(" ", "")
    phone.get_by_text("Écrire un SMS").click()
    phone.get_by_label("Au 36223").fill("Bonjour ça va ?")
    press(phone, "Envoyer le SMS")
    expect(phone.locator(".inbox .sent .text").first).to_have_text("Bonjour ça va ?")
    press(phone, "Éteindre")
    expect(phone.locator(".screen .text")).to_have_text("Éteint")
    site.send_sms(number, "Plus tard")
    press(phone, "Allumer")
    expect(phone.locator(".inbox li").first.locator(".text")).to_have_text("Plus tard")


def test_a_phone_is_added_and_removed(page: Page, has_script: bool) -> None:
    count = page.locator(".phone").count()
    proposed = page.get_by_label("Un téléphone de plus").input_value()
    page.get_by_role("button", name="Ajouter").click()
    expect(page.locator(".phone")).to_have_count(count + 1)
    added = page.locator(".phone", has=page.get_by_role("heading", name=proposed, exact=True))
    expect(page.get_by_label("Un téléphone de plus")).not_to_have_value(proposed)
    press(added, "Appeler")
    expect(added.locator(".count")).to_have_text(re.compile(r"/160"))
    press(added, "Retirer")
    expect(page.locator(".phone")).to_have_count(count)


@only_pretend
def test_a_service_that_is_down_is_told_on_the_page(site: Site, page: Page, phone: Locator) -> None:
    assert site.product
    site.product.close()
    press(phone, "Appeler")
    expect(phone.locator(".screen .text")).to_contain_text("Problème de connexion")
    expect(page.locator("#notices")).to_contain_text("Le service ne répond pas")


SCRIPT = """
script: Awa est inscrite
steps:
  - dial
  - see: "Suivi vaccinal"
  - choose: "Inscrire un enfant"
  - twice: "Awa"
  - see: "Awa est inscrit"
  - over
"""


@only_pretend
def test_the_network_fails_on_demand(site: Site, page: Page, phone: Locator, has_script: bool) -> None:
    assert site.product
    screen = phone.locator(".screen .text")

    def on_the_network(button: str) -> None:
        if not phone.get_by_role("button", name=button).is_visible():
            phone.get_by_text("Réseau", exact=True).click()
        press(phone, button)

    press(phone, "Appeler")
    expect(screen).to_contain_text("Suivi vaccinal")
    if not has_script or not phone.get_by_label("Ce qui part deux fois").is_visible():
        phone.get_by_text("Réseau", exact=True).click()
    phone.get_by_label("Ce qui part deux fois").fill("1")
    on_the_network("Envoyer deux fois en même temps")
    expect(page.locator("#notices")).to_contain_text("le même écran")
    expect(screen).to_have_text("Prénom de l'enfant ?")
    on_the_network("Couper ici")
    expect(screen).to_have_text("Appel coupé par le réseau.")
    press(phone, "Appeler")
    on_the_network("Attendre la fin du délai")
    expect(screen).to_contain_text("Délai dépassé")
    assert [form["text"] for form in site.product.of("ussd")] == ["", "1", "1", ""]


@only_pretend
def test_a_script_is_replayed_on_a_phone(site: Site, page: Page, phone: Locator, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "awa.yaml").write_text(SCRIPT, "utf-8")
    page.reload()
    phone.get_by_text("Rejouer un script").click()
    choice, steps = phone.get_by_label("Une conversation écrite d'avance"), phone.locator(".played li")
    choice.select_option("Awa est inscrite")
    press(phone, "Pas à pas")
    expect(steps).to_have_count(1)
    expect(phone.locator(".screen .text")).to_contain_text("Suivi vaccinal")
    press(phone, "Étape suivante")
    expect(steps).to_have_count(2)
    press(phone, "Jusqu'au bout")
    expect(steps).to_have_count(6)
    expect(phone.locator(".screen .text")).to_contain_text("Awa est inscrit")
    expect(page.locator("#notices")).to_contain_text("tout s'est passé comme écrit")

    choice.select_option("Une mère inscrit son enfant")
    press(phone, "Rejouer")
    expect(phone.locator(".played .problem")).to_contain_text("Attendu à l'écran")
    expect(phone.locator(".played .problem")).to_contain_text("1 Inscrire un enfant", use_inner_text=True)
    press(phone, "Effacer")
    expect(steps).to_have_count(0)


@pytest.mark.parametrize("has_script", [True], indirect=True, ids=["with-js"])
def test_nothing_is_loaded_again_and_the_focus_stays(page: Page, phone: Locator) -> None:
    page.evaluate("() => { window.sameDocument = true }")
    typing = phone.get_by_label("Réponse")
    typing.fill("*384*223#")
    typing.press("Enter")
    expect(phone.locator(".screen")).to_have_class(re.compile(r"\b(more|last)\b"))
    expect(typing).to_be_focused()
    page.get_by_role("button", name="+1 jour").click()
    expect(page.locator("#notices")).to_contain_text("avancé de 1 jour", timeout=60_000)
    assert page.evaluate("() => window.sameDocument") is True


@pytest.mark.parametrize("has_script", [False], indirect=True, ids=["without-js"])
def test_without_javascript_the_page_comes_back_to_the_same_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    second = page.locator(".phone").nth(1)
    press(second, "Appeler")
    expect(second.locator(".screen .text")).to_be_in_viewport()
    press(second, "Raccrocher")


def test_it_fits_a_small_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    for part in ("header", "main", ".phone", ".pad", "#add", "#children"):
        box = page.locator(part).first.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360, part
    for key in page.locator(".phone").first.locator(".handset button").all():
        box = key.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 40


@pytest.mark.parametrize("has_script", [True], indirect=True, ids=["with-js"])
def test_the_first_load_weighs_little(page: Page, site: Site) -> None:
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        "() => performance.getEntries().filter(e => e.transferSize && !e.name.includes('/parts'))"
        ".map(e => [e.name, e.transferSize])"
    )
    assert sum(size for _, size in sizes) <= 25_000, sizes
