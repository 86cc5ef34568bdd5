"""The whole demo as its README says it: web, worker and phones in a real browser, with and without JavaScript."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from service.simulator.scripts import SAMPLES, load_script
from tests.browser.conftest import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install -y chromium"),
]


FRESH = (f"+223 70 00 05 {n:02d}" for n in itertools.count(1))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo in its own folder, on its own ports; gives the address that it prints."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "scheduler", "demo", "--folder", str(folder / "demo")]
    command += ["--port", str(free_port()), "--sim-port", str(free_port())]
    log = (folder / "log").open("w+")
    demo = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    try:
        yield _printed_address(demo, folder / "log")
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0, (folder / "log").read_text()
        log.close()


def _printed_address(demo: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+/sim", log.read_text())
        if found:
            return found[0]
        assert demo.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError("no address within a minute: " + log.read_text())


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def has_script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def page(browser: Browser, has_script: bool) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=has_script)
    yield context.new_page()
    context.close()


def answer(page: Page, phone: Locator, typed: str) -> None:
    phone.get_by_placeholder("Réponse").fill(typed)
    before = phone.inner_text()
    phone.get_by_role("button", name="Envoyer", exact=True).click()
    expect(phone).not_to_have_text(before, use_inner_text=True)


def test_a_child_is_enrolled_recalled_and_vaccinated(page: Page, address: str, has_script: bool) -> None:
    page.goto(address)
    phone = page.locator(".phone").nth(0 if has_script else 1)
    phone.get_by_role("button", name="Appeler").click()
    expect(phone).to_contain_text("Langue / Kan")
    for typed in ("1", "1", "1", "1", "Awa Diarra"):
        answer(page, phone, typed)
    six_weeks_less_three_days_ago = time.gmtime(time.time() - 39 * 86400)
    answer(page, phone, time.strftime("%d%m%Y", six_weeks_less_three_days_ago))
    for typed in ("1", "7", "1", "1"):
        answer(page, phone, typed)
    expect(phone).to_contain_text(re.compile(r"Code \d{4} \d{4}"))
    expect(phone).to_contain_text(re.compile(r"\d+/160 · GSM-7"))

    page.get_by_role("button", name="+7 jours").click()
    expect(phone.get_by_text("rendez-vous").first).to_be_visible(timeout=40_000)
    expect(phone).to_contain_text("CSCom ASACODAR")
    expect(phone).not_to_contain_text("Awa")

    code = re.search(r"Code (\d{4} \d{4})", phone.inner_text())
    assert code
    card = page.get_by_role("listitem").filter(has_text=f"Code {code[1]}")
    expect(card).to_contain_text("PENTA")
    card.get_by_role("button", name="Dose reçue").click()
    expect(card).not_to_contain_text("PENTA")


def a_new_phone(page: Page, address: str) -> Locator:
    """A phone that never called. The page holds twelve at most, so the one added before goes."""
    page.goto(address)
    while page.locator(".phone").count() > 3:
        count = page.locator(".phone").count()
        page.locator(".phone").nth(2).get_by_role("button", name="Retirer").click()
        expect(page.locator(".phone")).to_have_count(count - 1)
    fresh = next(FRESH)
    page.get_by_label("Un téléphone de plus").fill(fresh)
    page.get_by_role("button", name="Ajouter").click()
    phone = page.locator(".phone", has=page.get_by_role("heading", name=fresh, exact=True))
    expect(phone).to_be_visible()
    return phone


def until_it_shows(page: Page, what: Locator, has_script: bool) -> None:
    """Wait for what the worker brings; without JavaScript somebody loads the page again."""
    deadline = time.monotonic() + 30
    while not what.is_visible():
        assert time.monotonic() < deadline, page.inner_text("main")
        page.wait_for_timeout(1000)
        if not has_script:
            page.reload()


def test_an_sms_begins_the_amv_and_the_answer_is_in_the_inbox(page: Page, address: str, has_script: bool) -> None:
    phone = a_new_phone(page, address)
    for written, answered in (("amv svp", "D'accord ?"), ("1", "Nom et prénom du chef de famille ?")):
        if not phone.get_by_label("Au 36223").is_visible():
            phone.get_by_text("Écrire un SMS").click()
        expect(phone).to_contain_text("Pour commencer : MENU, AMV")
        phone.get_by_label("Au 36223").fill(written)
        phone.get_by_role("button", name="Envoyer le SMS").click()
        newest = phone.locator(".inbox li").first
        until_it_shows(page, newest.get_by_text(answered), has_script)
        expect(newest.locator(".from b")).not_to_have_text("à 36223")


def test_who_never_calls_back_is_on_the_mediators_list(page: Page, address: str, has_script: bool) -> None:
    phone = a_new_phone(page, address)
    number = phone.get_by_role("heading", level=2).inner_text()
    phone.get_by_role("button", name="Appeler").click()
    expect(phone).to_contain_text("Langue / Kan")
    for typed in ("1", "2", "2", "1", "Moussa Keïta", "7"):
        answer(page, phone, typed)
    expect(phone).to_contain_text("Quelle formule ?")
    if not phone.get_by_role("button", name="Couper ici").is_visible():
        phone.get_by_text("Réseau", exact=True).click()
    phone.get_by_role("button", name="Couper ici").click()
    expect(phone).to_contain_text("Appel coupé")
    page.get_by_role("button", name="+1 jour").click()
    line = page.locator("#todo li").filter(has_text=number)
    until_it_shows(page, line, has_script)
    for words in ("Formulaire inachevé", "Adhésion à l'AMV", "Moussa Keïta", "Combien de personnes", "7"):
        expect(line).to_contain_text(words)
    expect(phone).to_contain_text("Adhésion non terminée")


SCRIPTS = [load_script(file).name for file in sorted(SAMPLES.glob("*.yaml"))]
WITHOUT_JAVASCRIPT = {
    load_script(SAMPLES / f"{name}.yaml").name for name in ("arret_par_sms", "la_ligne_est_coupee", "nouveau_numero")
}
"""One of SMS, one that is cut, one of two phones: the others differ from them in their words, not in the page."""


@pytest.mark.parametrize(
    ("has_script", "title"),
    [(script, title) for script in (True, False) for title in SCRIPTS if script or title in WITHOUT_JAVASCRIPT],
    indirect=["has_script"],
)
def test_the_scripts_of_the_product_play_on_a_new_phone_of_the_demo(page: Page, address: str, title: str) -> None:
    phone = a_new_phone(page, address)
    phone.get_by_text("Rejouer un script").click()
    phone.get_by_label("Une conversation écrite d'avance").select_option(title)
    phone.get_by_role("button", name="Rejouer", exact=True).click()
    expect(phone.get_by_text("Tout s'est passé comme écrit.")).to_be_visible(timeout=40_000)
    expect(phone.locator(".played .problem")).to_have_count(0)
