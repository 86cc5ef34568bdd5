"""The whole demo as its README says it: web, worker and phones in a real browser, with and without JavaScript."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.browser.test_simulator_page import CHROMIUM, FLAGS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install -y chromium"),
]


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
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield browser.new_context(java_script_enabled=request.param).new_page()
        browser.close()


def answer(page: Page, phone: Locator, typed: str) -> None:
    phone.get_by_placeholder("Réponse").fill(typed)
    before = phone.inner_text()
    phone.get_by_role("button", name="Envoyer", exact=True).click()
    expect(phone).not_to_have_text(before, use_inner_text=True)


def test_a_child_is_enrolled_recalled_and_vaccinated(page: Page, address: str, request: pytest.FixtureRequest) -> None:
    page.goto(address)
    phone = page.locator(".phone").nth(0 if "with J" in request.node.name else 1)
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


@pytest.mark.parametrize("title", ["Une mère inscrit son enfant", "La ligne est coupée, la mère rappelle",
                                   "Le réseau se répète, un seul enfant est inscrit (téléphone neuf)",
                                   "ARRET et START par SMS"])  # fmt: skip
def test_the_scripts_of_the_product_play_on_a_new_phone_of_the_demo(page: Page, address: str, title: str) -> None:
    page.goto(address)
    proposed = page.get_by_label("Un téléphone de plus").input_value()
    page.get_by_role("button", name="Ajouter").click()
    phone = page.locator(".phone", has=page.get_by_role("heading", name=proposed, exact=True))
    phone.get_by_text("Rejouer un script").click()
    phone.get_by_label("Une conversation écrite d'avance").select_option(title)
    phone.get_by_role("button", name="Rejouer", exact=True).click()
    expect(phone.get_by_text("Tout s'est passé comme écrit.")).to_be_visible(timeout=40_000)
    expect(phone.locator(".played .problem")).to_have_count(0)
