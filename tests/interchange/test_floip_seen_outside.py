"""What callers of our flows met on another platform and not with us; each was seen once, and must not come back."""

from datetime import date
from typing import Any

import pytest

from flows.engine import Outcome
from flows.loader import load_sources
from tests.flows.callers import source_of
from tests.interchange.side_by_side import SideBySide

FIN = '\n  - id: fin\n    end: {all: "Fin."}\n  - id: autre\n    end: {all: "Autre."}\n'


def caller(steps: str, outcomes: dict[str, Outcome] | None = None, **more: Any) -> SideBySide:
    """Somebody who dials a flow of these steps on both sides. `top` and `languages` stand above the steps."""
    around = {key: more.pop(key) for key in ("top", "languages", "reviewed") if key in more}
    return SideBySide(load_sources({"essai.yaml": source_of(steps + FIN, **around)}), "essai", outcomes, **more)


def branch(condition: str) -> str:
    """A step that ends with "Autre." when the condition holds, else with "Fin."."""
    return f"\n  - id: tri\n    when:\n      - {{if: '{condition}', go: autre}}\n      - {{else: fin}}\n"


def question(kind: str, keys: str) -> str:
    return f'  - id: q\n    {kind}: {{all: "?"}}\n    {keys}'


def menu(options: str, go: str) -> str:
    """A menu `m` from "key: label" pairs."""
    pairs = (pair.split(": ") for pair in options.split(", "))
    lines = ", ".join(f'{key}: {{all: "{label}"}}' for key, label in pairs)
    return f'  - id: m\n    menu: {{all: "?"}}\n    options: {{{lines}}}\n    go: {{{go}}}\n'


NUMBER = question("number", "from: 1\n    to: 9\n")
TEXT = question("text", "max: 6\n")
DATE = question("date", "from: -1y\n    to: today\n")
WAY_OUT = '    or: {rien: {all: "Rien"}}\n'
PICK = question("pick", 'options: {a: {all: "A"}, b: {all: "B"}}\n')


def test_half_a_person_is_asked_for_again() -> None:
    assert caller(NUMBER).type("2.5", "0.9", "2").is_over


@pytest.mark.parametrize("key", ["1", " 12 ", "-3", "0.5"])
def test_a_key_pressed_once_too_often_is_no_name(key: str) -> None:
    assert caller(TEXT).type(key, "Awa").is_over


def test_a_day_has_a_bound_that_was_not_told_and_can_still_be_given() -> None:
    steps = '  - id: a\n    date: {all: "?"}\n    from: -1y\n    to: today\n    or: {rien: {all: "Rien"}}\n\n'
    assert (
        caller(f"{steps}  - id: b\n    date: {{all: '?'}}\n    from: a\n    to: today\n")
        .type("1", "01/03/2026")
        .is_over
    )


def test_what_nobody_asked_goes_to_an_action_as_nothing() -> None:
    keep = "\n  - id: garder\n    do: garder\n    with: {n: q, choix: m}\n    fails: autre\n"
    steps = f"{menu('a: A, b: B', 'b: garder')}\n{NUMBER}{keep}"
    assert caller(steps, {"garder": Outcome(True)}).type("2").is_over


def test_a_word_on_two_lines_does_not_break_what_an_action_gets() -> None:
    steps = f"{TEXT}\n  - id: garder\n    do: garder\n    with: {{mot: q}}\n    fails: autre\n"
    pair = caller(steps, {"garder": Outcome(True)}).type('a\\"')
    assert pair.other.state.contact["asked essai garder"] == '{"mot": "a/\'"}'
    body = caller(steps, {"garder": Outcome(True)})
    body._compare = lambda: None  # type: ignore[method-assign]  # the line break itself is not carried
    assert body.type("a\nb").other.state.contact["asked essai garder"] == '{"mot": "ab"}'


def test_wrong_days_are_counted_anew_after_the_way_out() -> None:
    steps = DATE + '    or: {rien: {all: "Rien"}}\n    give_up: autre\n'
    again = (
        steps
        + '\n  - id: m\n    menu: {all: "?"}\n    options: {non: {all: "Non"}, oui: {all: "Oui"}}\n    go: {non: q}\n'
    )
    assert caller(again).type("x", "y", "1", "non", "x", "y", "1", "oui").is_over


@pytest.mark.parametrize("asked", [TEXT, DATE, question("phone", "country: ML\n")])
def test_what_was_typed_before_giving_up_is_not_known(asked: str) -> None:
    steps = f"{asked}    give_up: tri\n    next: fin\n{branch('q')}"
    assert [each.text for each in caller(steps).type("1234567", "31022026", "1234567").other.out] == ["Fin."]


def test_nothing_picked_is_counted_where_a_host_lets_it_in() -> None:
    pair = caller(f"{PICK}    give_up: autre\n    next: fin\n", on_invalid="null")
    assert [each.text for each in pair.type("x", "y", "z").other.out] == ["Autre."]


@pytest.mark.parametrize("typed", ["1", "2", "3", "0"])
def test_a_number_is_that_of_the_line_before_it_is_a_word(typed: str) -> None:
    assert caller(menu("a: 2, b: 1, c: 0", "a: autre")).type(typed).is_over


@pytest.mark.parametrize("condition", ['x != "ok"', 'not (x == "ok")', "x", 'x == ""', 'x in ("", "non")', "not x"])
@pytest.mark.parametrize("result", ["", None, "ok", "non", 0, 7, True, False])
def test_an_empty_result_is_not_an_unknown_one_and_none_is_nothing(condition: str, result: Any) -> None:
    steps = f"  - id: a\n    do: a\n    gives: {{x: 9}}\n    fails: fin\n{branch(condition)}"
    assert caller(steps, {"a": Outcome(True, {"x": result})}).is_over


@pytest.mark.parametrize(
    "condition",
    [
        "not (age_months(q) == 3)",
        "age_months(q) == 3 or connu",
        "not (q < jour)",
        "q != jour or connu",
        "age_months(q)",
        "not (age_months(q) in (1, 2))",
    ],
)
def test_a_day_that_is_not_known_does_not_decide_the_rest_of_a_condition(condition: str) -> None:
    facts = {"connu": True, "jour": date(2026, 1, 1)}
    assert (
        caller(DATE + WAY_OUT + branch(condition), top="facts: {connu: yes_no, jour: date}", facts=facts)
        .type("1")
        .is_over
    )


@pytest.mark.parametrize("condition", ["not (count(q) > 1)", "not (count(q) == 1) and connu", "count(q) != 1 or connu"])
def test_a_list_that_is_not_known_does_not_either(condition: str) -> None:
    steps = f"{PICK}    give_up: tri\n    next: fin\n{branch(condition)}"
    pair = caller(steps, top="facts: {connu: yes_no}", facts={"connu": True}, on_invalid="null")
    assert pair.type("x", "y", "z").is_over


def test_a_wrong_choice_of_language_changes_nothing() -> None:
    steps = (
        '  - id: langue\n    menu: {fr: "Langue ?", bm: "Kan?"}\n'
        '    options: {fr: {all: "Français"}, bm: {all: "Bamanankan"}}\n    sets_language: true\n'
    )
    more: Any = {"languages": "[fr, bm]", "reviewed": "{bm: true}", "language": "bm", "contact": {"language": "fra"}}
    pair = caller(steps, on_invalid="null", **more).type("9", "x")
    assert pair.other.out[0].text == "Kan?"


@pytest.mark.parametrize("typed", ["AWÒ", "AWƆ", "awɔ", "Awò"])
def test_capitals_of_letters_that_the_wire_has_only_small_name_a_line(typed: str) -> None:
    assert caller(menu("oui: Awɔ, non: Ayi", "non: autre")).type(typed).is_over
