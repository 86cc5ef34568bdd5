"""The small language of conditions: what it can say, what it refuses, and that it never fails."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.conditions import BadCondition, age_months, evaluate, names_in, parse, parse_operand

TODAY = date(2026, 4, 1)
KNOWN = {
    "pb": 120,
    "sexe": "F",
    "ne": date(2025, 4, 2),
    "lieux": ("a", "b"),
    "deja": True,
    "vide": "",
    "qui.nom": "Awa",
    "jour": date(2026, 3, 1),
}


def holds(written: str) -> object:
    return evaluate(parse(written), KNOWN.get, TODAY)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("pb < 125", True),
        ("pb <= 120 and pb >= 120", True),
        ("pb > 120", False),
        ("115 <= pb", True),
        ("pb != 120", False),
        ('sexe == "F"', True),
        ("sexe == 'M'", False),
        ('sexe != "M"', True),
        ("pb in (115, 120)", True),
        ('sexe not in ("F", "M")', False),
        ("deja", True),
        ("not deja", False),
        ("not not deja", True),
        ("pb < 1 or deja and pb > 1", True),
        ("(pb < 1 or deja) and pb < 1", False),
        ("age_months(ne) == 11", True),
        ("count(lieux) == 2", True),
        ("ne < jour", True),
        ('qui.nom == "Awa"', True),
        ("pb == -1", False),
        # What is not known, or of another kind, compares as false; so does its contrary.
        ("inconnu < 5", False),
        ("inconnu >= 5", False),
        ('inconnu != "x"', False),
        ("age_months(pb) < 5", False),
        ("count(sexe) > 0", False),
        ("sexe < 5", False),
        ("ne < 5", False),
        ("vide and deja", False),
    ],
)
def test_conditions_read_as_they_are_written(written: str, expected: bool) -> None:
    assert bool(holds(written)) is expected


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "expected a name"),
        ("pb <", "at the end"),
        ("pb < 5 5", "nothing more before '5'"),
        ("pb = 5", "cannot read"),
        ("pb < 1.5", "cannot read"),
        ("len(pb) > 1", "there is no 'len(...)'"),
        ("pb in 5", "expected '('"),
        ("(pb < 5", "expected ')'"),
        ("pb < and", "before 'and'"),
        ("age_months(5)", "the name of a date"),
        ("__import__('os')", "cannot read"),
        ("pb.__class__", "cannot read"),
        ("a or " * 40 + "a", "too long"),
        ("(" * 70 + "a" + ")" * 70, "too long"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_reason(written: str, told: str) -> None:
    with pytest.raises(BadCondition) as refused:
        parse(written)
    assert told in str(refused.value)


def test_an_operand_is_one_value() -> None:
    assert evaluate(parse_operand('"jour"'), KNOWN.get, TODAY) == "jour"
    assert evaluate(parse_operand("3"), KNOWN.get, TODAY) == 3
    assert evaluate(parse_operand("age_months(ne)"), KNOWN.get, TODAY) == 11
    with pytest.raises(BadCondition):
        parse_operand("pb < 3")


def test_the_names_of_a_condition_are_known() -> None:
    assert names_in(parse("a < 3 and not age_months(b) in (1, c) or qui.nom")) == {"a", "b", "c", "qui.nom"}


def test_months_are_whole_months() -> None:
    assert age_months(date(2026, 3, 1), TODAY) == 1
    assert age_months(date(2026, 3, 2), TODAY) == 0
    assert age_months(date(2024, 2, 29), date(2025, 2, 28)) == 11
    assert age_months(date(2026, 4, 2), TODAY) == -1


@given(st.text(max_size=60) | st.text(alphabet="ab <>=!()\"',and or not in 12", max_size=60))
def test_any_text_is_a_condition_or_refused(written: str) -> None:
    try:
        tree = parse(written)
    except BadCondition:
        return
    evaluate(tree, KNOWN.get, TODAY)
