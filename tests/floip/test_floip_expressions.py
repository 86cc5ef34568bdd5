"""Expressions as the specification's page on them gives them, and what we decided where it is silent."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.floip.floip_evaluator import Evaluator
from flows.floip.floip_functions import FUNCTIONS, LAZY
from flows.floip.floip_parser import Piece, parse_expression, parse_template
from flows.floip.floip_values import ExpressionMistake, to_text
from tests.floip.function_examples import EXAMPLES

NOW = datetime(2026, 3, 5, 8, 30, 15)
CONTEXT: dict[str, Any] = {
    "contact": {
        "name": "Awa Keïta",
        "age": 30,
        "jersey": "24",
        "tel": "+22376000001",
        "birthday": "22-04-1986",
        "empty": None,
        "groups": [{"id": "7294", "name": "Relais", "__value__": "Relais"}],
        "__value__": "Awa Keïta",
    },
    "channel": {"name": "Orange 1423", "address": "1423"},
    "block": {"value": "oui", "response": "1"},
    "flow": {"picked": {"value": ["riz", "mil"], "__value__": ["riz", "mil"]}, "1620_3": {"value": 7, "__value__": 7}},
    "date": {"today": NOW.date(), "now": NOW, "__value__": NOW},
}


def evaluator(warnings: list[str] | None = None) -> Evaluator:
    return Evaluator(CONTEXT, NOW, warnings.append if warnings is not None else lambda _: None)


def value(expression: str) -> Any:
    return evaluator().value(parse_expression(expression))


def written(text: str) -> str:
    return evaluator().written(text)


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + (2 - 3) * 4 / 5 ^ 6", 0.999744),
        ("2 + 4 * 2", 10),
        ("10 - 4 - 3", 3),
        ("2 ^ 3 ^ 2", 64),
        ("-2 ^ 2", 4),
        ("-(1 + 2)", -3),
        ("--3", 3),
        ("0.1 + 0.2", 0.3),
        ("7 / 2", 3.5),
        ("6 / 2", 3),
        ('"a" & 1 + 2 & "b"', "a3b"),
        ("1 < 2 = TRUE", True),
        ("'l''eau'", "l'eau"),
        (r"'l\'eau'", "l'eau"),
        ("''", ""),
        ("‘foo’ & “bar”", "foobar"),
        ("@contact.age + 1", 31),
        ("@(contact.age + 1)", 31),
        ("@AND(TRUE, 1 = 1)", True),
        ("sum(1, 2, CONTACT.AGE)", 33),
        ("flow.1620_3.value", 7),
        ("flow.picked.value.1", "mil"),
        ("1 == 1", True),
        ("1 != 1", False),
    ],
)
def test_precedence_and_writing_are_the_spreadsheets(expression: str, expected: object) -> None:
    result = value(expression)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "broken",
    ["", "1 +", "(1", "1)", "IF(1,", "'oui", "18_to_30", "7 days", "a..b", "%", "1 2", "contact.name.(1)", "SUM(1 2)"],
)
def test_what_cannot_be_read_is_said_so(broken: str) -> None:
    with pytest.raises(ExpressionMistake):
        parse_expression(broken)


@given(st.text(max_size=80) | st.text(alphabet="@()'\"&+-*/^<>=,.1a_ é\\", max_size=60))
@example("(" * 5000)
@example("1" + "+1" * 4999)
@example("-" * 9999 + "1")
@example("@" * 9999)
@example("IF(" * 60)
@example("9" * 5000)
@example("²")
@settings(max_examples=150, deadline=None)
def test_the_parser_raises_nothing_but_its_own_mistake(text: str) -> None:
    try:
        node = parse_expression(text)
    except ExpressionMistake:
        node = None
    pieces = parse_template(text)
    if node is not None:
        evaluator().result(text)
    if not any(isinstance(piece, Piece) and piece.node for piece in pieces) and "@@" not in text:
        assert written(text) == text
    else:
        written(text)
    evaluator().holds(text)


# --- templates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hi @contact.name", "Hi Awa Keïta"),
        ("Hi @contact", "Hi Awa Keïta"),
        ("Hi @channel", 'Hi {"name":"Orange 1423","address":"1423"}'),
        ("You can contact us at foo@bar.com", "You can contact us at foo@bar.com"),
        ("You can contact us at foo@contact.com", "You can contact us at foo@contact.com"),
        ("You can contact us at foo@@contact.tel", "You can contact us at foo@contact.tel"),
        ("Next year you will be @(contact.age+1)", "Next year you will be 31"),
        ("Your first name is @(WORD(contact.name, 1))", "Your first name is Awa"),
        ("You are now @(YEAR(NOW()) - YEAR(contact.birthday))", "You are now 40"),
        ("As easy as @CHAR(65), @CHAR(66).", "As easy as A, B."),
        ("@contact.name.", "Awa Keïta."),
        ("Dear @IF(contact.age > 18, 'Madame', 'Awa')!", "Dear Madame!"),
        ("@(TRUE) @(1 = 2)", "TRUE FALSE"),
        ("@flow.picked", "riz, mil"),
        ("@(contact.nothing)", "@(contact.nothing)"),
        ("Rien : @contact.empty", "Rien : NULL"),
        ("a @ b @", "a @ b @"),
        ("@(1 + ", "@(1 + "),
        ("@(1 / 0)", "@(1 / 0)"),
        ("@home(soir)", "@home(soir)"),
        ("@date.today et @date.now", "2026-03-05 et 2026-03-05 08:30:15"),
        (
            "@(date.today + '7 days'), @(date.today + 2), @(date.now + TIME(2, 30, 0))",
            "2026-03-12, 2026-03-07, 2026-03-05 11:00:15",
        ),
    ],
)
def test_texts_are_filled_in(template: str, expected: str) -> None:
    assert written(template) == expected


def test_what_fails_in_a_text_is_told_to_the_author() -> None:
    warnings: list[str] = []
    evaluator(warnings).written("@(1 / 0) @(NOPE(1)) @(")
    assert [" by zero" in warnings[0], "NOPE" in warnings[1], "cannot" in warnings[2] or "early" in warnings[2]] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("male", "male"),
        ("18_to_30", "18_to_30"),
        ("'fra'", "fra"),
        ("block.value", "oui"),
        ("@block.value", "oui"),
        ("@contact.age", 30),
        ("@(contact.age + 1)", 31),
        ("contact.age + 1", 31),
        ("@contact.name, @contact.age", "Awa Keïta, 30"),
        ("@contact.nothing", None),
        ("@nobody", "@nobody"),
        ("2026-01-05", "2026-01-05"),
        ("Bonjour à tous", "Bonjour à tous"),
        ("TRUE", True),
        ("1 / 0", None),
    ],
)
def test_a_property_or_an_output_gets_a_value_of_its_type(expression: str, expected: object) -> None:
    assert evaluator().result(expression) == expected


# --- comparing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "test",
    [
        'contact.name = "AWA KEÏTA"',
        "block.response = 1",
        "block.response = '01'",
        "block.value = oui",
        "block.value <> 'non'",
        "contact.empty = NULL",
        "contact.nothing = NULL",
        "'' = NULL",
        "'true' = TRUE",
        "contact.jersey > 9",
        "contact.birthday < date.today",
        "DATEVALUE('2020-01-15') >= DATEVALUE('01/01/2020')",
        "flow.picked = 'riz,mil'",
        "IN('riz', flow.picked)",
        "contact.name",
        "1",
        "NOT('FALSE')",
        "'oui'",
        "CONTAINS('eï', contact.name)",
        "'22-04-1986' < '01-01-2000'",
        "'b' > 'a'",
        "COUNT(contact.nothing) = 0",
        "NOT(IN('riz', contact.nothing))",
    ],
)
def test_these_hold(test: str) -> None:
    assert evaluator().holds(test)


@pytest.mark.parametrize(
    "test",
    [
        "0",
        "FALSE",
        "NULL",
        "'0'",
        "'false'",
        "contact.empty",
        "contact.nothing",
        "1 = TRUE",
        "0 = TRUE",
        "contact.nothing < 18",
        "contact.name > 3",
        "contact.name = 3",
        "flow.picked = 'riz'",
        "1 / 0",
        "NOPE()",
        "(",
        "contact.age = contact.name",
    ],
)
def test_these_do_not(test: str) -> None:
    assert not evaluator().holds(test)


# --- functions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_functions(expression: str, expected: object) -> None:
    result = value(expression)
    assert (to_text(result) if isinstance(expected, str) else result) == expected
    assert isinstance(result, bool) == isinstance(expected, bool)


def test_every_function_has_an_example() -> None:
    used = " ".join(expression.upper() for expression, _ in EXAMPLES)
    assert [name for name in {**FUNCTIONS, **LAZY} if f"{name}(" not in used] == []


@pytest.mark.parametrize(
    "expression",
    [
        "1 / 0",
        "2 ^ 9999",
        "0 ^ -1",
        "(-8) ^ 0.5",
        "'a' + 1",
        "DATE(2026, 2, 30)",
        "DATE(1, 1, 99999999999)",
        "EDATE(TODAY(), 999999)",
        "TODAY() + 99999999",
        "TODAY() + TODAY()",
        "DATEVALUE('x')",
        "HAS_PHONE('76 00 00 01', 'Mali')",
        "TIMEVALUE('x')",
        "CHAR(0)",
        "CHAR(55296)",
        "CODE('')",
        "LEFT('a', -1)",
        "REPT('x', 99999999)",
        "REPT(REPT('x', 9999), 9999)",
        "WORD('a', 0)",
        "COUNT('a')",
        "IN(1, 2)",
        "SUM()",
        "ABS(1, 2)",
        "NOPE(1)",
        "FIXED(1, 99)",
        "MOD(1, 0)",
        "TIME(99999999999999999999, 0, 0)",
        "SUBSTITUTE(REPT('a', 9999), 'a', 'bb')",
    ],
)
def test_what_cannot_be_worked_out_is_a_mistake_and_nothing_else(expression: str) -> None:
    with pytest.raises(ExpressionMistake):
        value(expression)


_ANYTHING = st.sampled_from(
    [
        "NULL",
        "TRUE",
        "0",
        "-3",
        "1.5",
        "10 ^ 300",
        "''",
        "'oui'",
        "'2026-02-29'",
        "TODAY()",
        "NOW()",
        "TIME(1,2,3)",
        "contact",
        "contact.groups",
        "ARRAY()",
        "ARRAY(1, 'a', NULL)",
        "nobody",
        "'9' & REPT('9', 400)",
    ]
)


@given(st.sampled_from(sorted({**FUNCTIONS, **LAZY})), st.lists(_ANYTHING, max_size=4))
@settings(max_examples=400, deadline=None)
def test_no_function_breaks_on_any_argument(name: str, args: list[str]) -> None:
    expression = f"{name}({', '.join(args)})"
    with suppress(ExpressionMistake):
        to_text(value(expression))
    evaluator().holds(expression)
    written(f"@({expression})")


@given(_ANYTHING, st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">="]), _ANYTHING)
@settings(max_examples=300, deadline=None)
def test_no_operator_breaks_on_any_operand(left: str, sign: str, right: str) -> None:
    evaluator().holds(f"{left} {sign} {right}")
    written(f"@({left} {sign} {right})")
