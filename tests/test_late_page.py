"""The list on paper: cut into pages that hold together, escaped, and with nothing from elsewhere."""

from __future__ import annotations

import re
from datetime import date

import pytest

from service.stories.recall.late_page import page_of
from service.stories.recall.late_sheet import Line, Sheet

DOSES = ("BCG", "PENTA1", "OPV1", "PCV1", "ROTA1", "IPV1", "MR1", "YF1", "MENA1", "R21_1")


def a_line(place: int, doses: int = 4, name: str = "") -> Line:
    silent = ("", "stopped", "no_phone", "unreachable")[place % 4]
    return Line(f"{place:04d} 7730", "12/10/2026", DOSES[:doses], 400 - place, silent, name)


def a_sheet(*many: int, names: bool = False, doses: int = 4, name: str = "Mamadou Lamine Coulibaly") -> Sheet:
    """A quartier for each number, with so many children."""
    quartiers, place = [], 0
    for number, children in enumerate(many):
        lines = tuple(a_line(place + each, doses, name if names else "") for each in range(children))
        place += children
        quartiers.append((f"Quartier {number}", lines))
    return Sheet("Médiatrice : Kadia" if names else "", date(2026, 11, 30), tuple(quartiers), names, "Laseli", "*1#")


def pages(text: str) -> list[str]:
    return text.split('<section class="page">')[1:]


@pytest.mark.parametrize("many", [(1,), (26,), (27,), (60, 0, 3), (3, 3, 3, 40)])
def test_every_child_is_on_it_once_in_order(many: tuple[int, ...]) -> None:
    text = page_of(a_sheet(*many))
    found = [int(code) for code in re.findall(r'class="code">(\d{4}) 7730', text)]
    assert found == list(range(sum(many)))
    numbers = [int(number) for number in re.findall(r'class="number">(\d+)<', text)]
    assert numbers == list(range(1, sum(many) + 1))


def test_a_page_has_twenty_five_lines_or_more_its_heading_and_its_number() -> None:
    first, second, third = pages(page_of(a_sheet(60)))
    assert 25 <= first.count('class="child"') <= 30
    for place, page in enumerate((first, second, third), 1):
        assert f"page {place} / 3" in page
        assert page.count("<thead>") == 1
        assert "signature" in page
    assert "Quartier 0 : 60 à voir<" in first
    assert "Quartier 0 : 60 à voir (suite)" in second


def test_a_heading_never_stands_alone_at_the_foot_of_a_page() -> None:
    for first in range(20, 32):
        for page in pages(page_of(a_sheet(first, 5))):
            assert re.search(r"</tr>\n</tbody>", page)
            assert not re.search(r'<tr class="quartier">[^\n]*\n</tbody>', page)


def test_whatever_a_family_told_is_words_and_no_markup() -> None:
    text = page_of(a_sheet(1, names=True, name='<script>alert(1)</script> & "Awa"'))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "&amp; &quot;Awa&quot;" in text


def test_nobody_to_visit_is_a_page_that_says_so() -> None:
    [page] = pages(page_of(a_sheet(0, 0)))
    assert "Personne à visiter" in page
    assert "page 1 / 1" in page
    assert "<table" not in page


def test_why_no_sms_reaches_a_family_is_on_the_line() -> None:
    text = page_of(a_sheet(4))
    for words in ("ARRET", "sans tél.", "n° muet"):
        assert f"<small>{words}</small>" in text
