"""The console in a real browser, as wide as a small phone: in, down the late list, a dose, the paper, and out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from service.app import create_app
from service.runtime import Runtime, build_runtime
from service.stories.recall import recalls
from service.stories.staff import staff_accounts
from tests.browser.conftest import CHROMIUM
from tests.conftest import _Quiet, a_config, fresh_sqlite
from tests.mediators import an_account
from tests.people import TestClock
from tests.staff import code_for
from tests.stories.test_recalls import enrol

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install -y chromium"),
]
SMALL = {"width": 320, "height": 640}
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
TOO_SMALL = """() => [...document.querySelectorAll("button, .button, nav a, .links a, label.tick, summary, select")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 44).map(one => one.innerText)"""


@pytest.fixture
def runtime(sqlite_template: Path, tmp_path: Path, clock: TestClock) -> Iterator[Runtime]:
    """On loopback without https, as a demo."""
    secret = "a-secret-for-the-buttons-of-the-demo"
    settings = a_config(fresh_sqlite(sqlite_template, tmp_path), demo_secret=secret, console={"enabled": True})
    built = build_runtime(settings, at=clock)
    yield built
    built.database.close()


@pytest.fixture
def address(runtime: Runtime) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(runtime), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport=SMALL, locale="fr-FR") as context:  # type: ignore[arg-type]
        yield context.new_page()


def test_a_supervisor_records_a_dose_from_the_late_list(
    runtime: Runtime, clock: TestClock, address: str, page: Page
) -> None:
    clock.set("2026-06-01T10:00")
    child = enrol(runtime, clock, born="2026-04-20")
    clock.set("2026-06-15T10:00")
    recalls.queue_recalls(runtime)
    clock.set("2026-07-06T10:00")
    an_account(runtime)
    with runtime.database.begin() as tx:
        opening = staff_accounts.add(tx, login="fatou", role="supervisor", centre="", by="Awa", now=runtime.now())
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if "favicon" not in said.location["url"] else None)

    def is_well() -> None:
        assert not page.evaluate(TOO_WIDE), page.url
        assert page.evaluate(TOO_SMALL) == [], page.url

    page.goto(f"{address}/console")
    page.get_by_label("Identifiant").fill("fatou")
    page.get_by_label("Mot de passe").fill(opening.password)
    page.get_by_label("Code à six chiffres").fill(code_for(runtime, "fatou"))
    is_well()
    page.get_by_role("button", name="Entrer").click()
    page.get_by_label("Le nouveau").fill("le chat dort sous la charrette")
    page.get_by_label("Encore une fois").fill("le chat dort sous la charrette")
    page.get_by_role("button", name="Garder").click()
    expect(page.get_by_role("heading", name="Enfants à visiter")).to_be_visible()
    is_well()
    page.get_by_role("link", name="Kadia Coulibaly").click()
    is_well()
    page.get_by_role("link", name=child.code).click()
    is_well()
    page.get_by_label("PENTA1").check()
    page.get_by_role("button", name="Voir avant d'écrire").click()
    is_well()
    page.get_by_role("button", name="Écrire 1 dose").click()
    expect(page.get_by_role("status")).to_have_text("C'est écrit.")
    expect(page.locator(".history")).to_contain_text("compte : PENTA1")
    is_well()
    page.goto(f"{address}/console/retards")
    page.get_by_role("link", name="Kadia Coulibaly").click()
    page.get_by_role("link", name="Feuille à imprimer").click()
    expect(page.locator("td.code")).to_have_text(child.code)
    assert page.locator("col").first.evaluate("one => getComputedStyle(one).width") != "auto", "its style was let in"
    page.go_back()
    page.get_by_role("button", name="Sortir").click()
    expect(page.get_by_role("button", name="Entrer")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("button", name="Entrer")).to_be_visible()
    assert problems == [], "not one complaint about the policy"
