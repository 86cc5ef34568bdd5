"""The list of late children in a real browser: as many sheets of paper as pages, and nothing is cut off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from service.stories.recall.late_page import page_of
from service.stories.recall.late_sheet import Sheet
from tests.browser.conftest import CHROMIUM
from tests.test_late_page import a_sheet

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install -y chromium"),
]
CASES = {
    "nobody": a_sheet(0),
    "a page": a_sheet(9, 5),
    "many": a_sheet(40, 0, 2, 45),
    "all doses due": a_sheet(30, 30, doses=10),
    "names": a_sheet(40, 30, names=True),
    "long names and all doses": a_sheet(40, names=True, doses=10, name="Fatoumata Binta Traoré Diallo Ouattara"),
    "capitals": a_sheet(30, names=True, name="MAMADOU LAMINE COULIBALY DIT MAMA"),
    "a name without a blank": a_sheet(30, names=True, name="KOUMBAMAMADOUWANGRINCOULIBALYDEMBELE"),
    "all quartiers": a_sheet(*[2] * 24),
}
CUT_OFF = """() => [...document.querySelectorAll(".page, td, th, footer p, header p")]
    .filter(one => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)
    .map(one => one.className + ": " + one.innerText.slice(0, 60))"""
OUTSIDE = """() => [...document.querySelectorAll("tr, footer")].filter(one => {
    const its = one.getBoundingClientRect(), page = one.closest(".page").getBoundingClientRect();
    return its.bottom > page.bottom + 1 || its.top < page.top - 1;
}).length"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 900, "height": 1200})


@pytest.mark.parametrize("name", CASES)
def test_it_prints_on_as_many_sheets_as_it_has_pages(page: Page, name: str, tmp_path: Path) -> None:
    sheet: Sheet = CASES[name]
    asked: list[str] = []
    file = tmp_path / "liste.html"
    file.write_text(page_of(sheet), "utf-8")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1043})  # 190 by 276 mm
    sections = page.locator(".page").count()
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(OUTSIDE) == 0
    assert page.locator("tr.child").count() == sheet.children
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == sections
    assert {url.partition(":")[0] for url in asked} == {"file"}, "nothing is asked of anybody"
