"""What a visit may find: every status has its rule, words are read kindly, and nothing is guessed."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import visit_rules
from service.domain.dose_words import NotRead
from service.domain.visit_rules import RULES, Recalls, Status
from service.domain.visit_words import is_visit, read_visit


def test_every_status_has_a_rule_with_its_reason() -> None:
    assert set(RULES) == set(get_args(Status))
    rules = [*RULES.values(), visit_rules.MOVED_AWAY]
    assert {rule.recalls for rule in rules} == set(get_args(Recalls))
    assert all(rule.why for rule in rules)


def test_what_ends_all_or_leaves_no_phone_needs_a_pin_and_a_death_leaves_no_line() -> None:
    for rule in (*RULES.values(), visit_rules.MOVED_AWAY):
        assert rule.by_sms == (rule.recalls not in ("ended", "no_phone"))
    assert RULES["dead"].line is None
    assert visit_rules.rule_of("moved", elsewhere=True) is visit_rules.MOVED_AWAY
    assert visit_rules.rule_of("moved") is RULES["moved"]


def test_seven_days_are_the_day_itself_and_six_more() -> None:
    assert visit_rules.seen_lately_since(date(2026, 11, 20), 7) == date(2026, 11, 14)
    assert visit_rules.seen_lately_since(date(2026, 11, 20), 1) == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("VISITE 4821 VU", ("4821", "seen", "", "")),
        ("visites: 4821-7730 décédée.", ("48217730", "dead", "", "")),
        ("VISITE 4821 12/11 refus merci", ("4821", "refused", "12/11", "")),
        ("VISITE4821 faux n°", ("4821", "wrong_number", "", "")),
        ("VISITE 4821 est à l'hôpital", None),
        ("VISITE 4821 hospitalisé hier", ("4821", "hospital", "HIER", "")),
        ("VISITE 4821 parti au Quartier du fleuve", ("4821", "moved", "", "QUARTIER DU FLEUVE")),
        ("VISITE 4821 parti N'Tomikorobougou 12/11", ("4821", "moved", "12/11", "N TOMIKOROBOUGOU")),
        ("VISITE 4821 déménagé", ("4821", "moved", "", "")),
    ],
)
def test_words_are_read_as_thumbs_type_them(text: str, read: tuple[str, str, str, str] | None) -> None:
    assert is_visit(text)
    if read is None:
        with pytest.raises(NotRead):
            read_visit(text)
    else:
        assert read_visit(text) == read


@pytest.mark.parametrize("text", ["Visite du maire", "VISITEUR 4821 VU", "VU 4821 BCG", "ma VISITE 4821 VU", ""])
def test_what_merely_looks_like_it_is_no_visit(text: str) -> None:
    assert not is_visit(text)


@given(st.text(max_size=400) | st.from_regex(r"VISITE [0-9A-Z /.\-]{0,380}", fullmatch=True))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    is_visit(text)
    try:
        found = read_visit(text)
    except NotRead:
        return
    assert found.status in RULES
    assert len(found.code) in (4, 8)
