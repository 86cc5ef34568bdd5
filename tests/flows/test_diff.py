"""Somebody who is to say yes to a new version sees all that it says otherwise, and nothing else."""

from dataclasses import fields, replace
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.conditions import parse
from flows.diff import Difference, differences, lines_of_diff, marked
from flows.loader import load_sources
from flows.model import Flow, Library, Unfinished
from flows.spelled import spelled
from tests.flows.callers import DATA, amv, ours, source_of
from tests.flows.planted import FIN, NOM, OUI_NON

SOURCE = (DATA / "adhesion_amv.yaml").read_text("utf-8")


def library(source: str) -> Library:
    return load_sources({"adhesion_amv.yaml": source}, strict=False)


def changed(*changes: tuple[str, str]) -> list[Difference]:
    """What differs between the form and the same after these words were replaced by those."""
    source = SOURCE
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    return differences(library(SOURCE), library(source))


def told(found: list[Difference]) -> list[tuple[str, ...]]:
    return [(each.step, each.what, each.language, each.before, each.after) for each in found]


def test_nothing_differs_from_itself() -> None:
    assert differences(ours(), ours()) == []
    assert lines_of_diff([]) == ["Nothing differs."]
    assert changed(("steps:", "# Un mot.\nsteps:")) == []


def test_a_word_changed_in_one_language_stands_out() -> None:
    found = changed(("Nom et prénom du chef de famille ?", "Nom et prénom du responsable de famille ?"))
    assert lines_of_diff(found) == [
        "adhesion_amv",
        "  step chef",
        "    text [fr]",
        "      - Nom et prénom du [-chef-] de famille ?",
        "      + Nom et prénom du [+responsable+] de famille ?",
    ]


def test_flows_that_came_and_went() -> None:
    old, new = library(SOURCE), load_sources({"essai.yaml": source_of(NOM + FIN)})
    assert lines_of_diff(differences(old, new)) == [
        "adhesion_amv",
        f"  - flow: version 4, {len(amv().steps)} steps, fr, bm, en",
        "",
        "essai",
        "  + flow: version 1, 2 steps, fr",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 4", "version: 5", ("", "version", "", "4", "5")),
        ("within: 30m", "within: 2h", ("", "resume within", "", "30m", "2h")),
        ("after: 3m", "after: 90s", ("", "if_dropped after", "", "3m", "90s")),
        ("ask: true", "ask: false", ("", "resume ask", "", "true", "false")),
        ("bm: false, en: false", "bm: true, en: false", ("", "reviewed bm", "", "false", "true")),
        ("[AMV, MUTUELLE]", "[AMV]", ("", "start sms", "", "AMV, MUTUELLE", "AMV")),
        ("code: {text: 12}", "code: {text: 14}", ("", "facts code width", "", "12", "14")),
        ("Adhésion à l'AMV", "Adhérer à l'AMV", ("", "title", "fr", "Adhésion à l'AMV", "Adhérer à l'AMV")),
        ("from: 1\n", "from: 2\n", ("personnes", "from", "", "1", "2")),
        ("max: 24", "max: 30", ("chef", "max", "", "24", "30")),
        ("    personal: true\n", "", ("chef", "personal", "", "true", "")),
        ("    sets_language: true\n", "", ("langue", "sets_language", "", "true", "")),
        ("go: {non: refus}", "go: {non: fin}", ("accord", "go non", "", "refus", "fin")),
        ("fails: plus_tard", "fails: refus", ("devis", "fails", "", "plus_tard", "refus")),
        ("give_up: plus_tard", "give_up: refus", ("confirme", "give_up", "", "plus_tard", "refus")),
        ("again: 2", "again: 3", ("confirme", "again", "", "2", "3")),
        ("do: quote_premium", "do: guess", ("devis", "do", "", "quote_premium", "guess")),
        ("scheme: formule, people", "scheme: accord, people", ("devis", "with scheme", "", "formule", "accord")),
        ("{montant: 7}", "{montant: 8}", ("devis", "gives montant", "", "7", "8")),
        ("    by: sms\n", "", ("recu", "by sms", "", "true", "")),
    ],
)
def test_each_setting_is_told_by_its_key(old: str, new: str, expected: tuple[str, ...]) -> None:
    assert told(changed((old, new))) == [expected]


def test_a_step_that_came_is_told_with_its_words() -> None:
    found = changed(
        ("  - id: refus", '  - id: age\n    number: {all: "Âge ?"}\n    from: 1\n    to: 99\n\n  - id: refus')
    )
    assert lines_of_diff(found)[1:] == [
        "  + step age (number)",
        "    text [all]",
        "      + Âge ?",
        "    + from: 1",
        "    + to: 99",
    ]


def test_a_step_that_went_stands_where_it_stood() -> None:
    lines = lines_of_diff(changed((SOURCE[SOURCE.index("  - id: chef") : SOURCE.index("  - id: personnes")], "")))
    assert lines[1] == "  - step chef (text)"
    assert "    - max: 24" in lines


def test_only_the_step_that_moved_is_told() -> None:
    step = SOURCE[SOURCE.index("  - id: chef") : SOURCE.index("  - id: personnes")]
    found = changed((step, ""), ("  - id: devis", step + "  - id: devis"))
    assert told(found) == [("chef", "place", "", "accord", "formule")]
    assert lines_of_diff(found)[2:] == ["    moved: stood after accord, stands after formule"]


def test_another_kind_keeps_its_words() -> None:
    found = changed(
        ('    text:\n      fr: "Nom', '    say:\n      fr: "Nom'), ("    max: 24\n    personal: true\n", "")
    )
    assert told(found) == [
        ("chef", "kind", "", "text", "say"),
        ("chef", "personal", "", "true", ""),
        ("chef", "max", "", "24", ""),
    ]


def two(before: str, after: str) -> list[tuple[str, ...]]:
    old, new = (load_sources({"essai.yaml": source_of(steps)}, strict=False) for steps in (before, after))
    return told(differences(old, new))


def test_choices_that_came_went_or_have_other_words() -> None:
    menu = '  - id: q\n    menu: {all: "?"}\n' + OUI_NON
    assert two(menu + FIN, menu.replace('"Oui"', '"Si"') + '      si: {all: "Peut-être"}\n' + FIN) == [
        ("q", "options oui", "all", "Oui", "Si"),
        ("q", "options si", "all", "", "Peut-être"),
    ]
    assert two(menu + FIN, menu.replace('      oui: {all: "Oui"}\n', "") + FIN) == [
        ("q", "options oui", "all", "Oui", "")
    ]
    turned = menu.replace('      oui: {all: "Oui"}\n', "") + '      oui: {all: "Oui"}\n'
    assert two(menu + FIN, turned + FIN) == [("q", "options order", "", "oui, non", "non, oui")]


def test_branches_are_told_by_their_conditions() -> None:
    when = NOM + "  - id: tri\n    when:\n      - {if: \"nom == 'x'\", go: fin}\n      - {else: nom}\n" + FIN
    more = when.replace("    when:\n", "    when:\n      - {if: \"nom != 'y'\", go: fin}\n").replace(
        "else: nom", "else: fin"
    )
    assert two(when, more) == [
        ("tri", "when nom != 'y'", "", "", "fin"),
        ("tri", "else", "", "nom", "fin"),
    ]


def test_a_link_to_the_step_below_is_no_link_to_tell_of() -> None:
    assert two(NOM + FIN, NOM + "    next: fin\n" + FIN) == []
    other = '  - id: b\n    say: {all: "B"}\n'
    assert two(NOM + other + FIN, NOM + "    next: fin\n" + other + FIN) == [("nom", "next", "", "", "fin")]


UNFINISHED = Unfinished(3600, "accord")


def test_what_is_added_to_the_model_is_compared_without_a_word_here() -> None:
    """Every field that tells two flows apart is told, but those worked out from the others."""
    worked_out = {"id", "first", "steps", "children", "needs", "names", "position", "below"}
    for each in fields(Flow):
        if each.compare and each.name not in worked_out:
            before = amv()
            value = getattr(before, each.name)
            other = {int: 99, tuple: ("fr",), dict: {}, bool: not value}.get(
                type(value), UNFINISHED if value is None else None
            )
            after = replace(before, **{each.name: other})
            assert differences(Library({"f": before}), Library({"f": after})), each.name


class TestMarkedWords:
    def test_words_that_came_went_and_stayed(self) -> None:
        assert marked("un deux trois", "un quatre trois cinq") == ("un [-deux-] trois", "un [+quatre+] trois [+cinq+]")
        assert marked("", "un") == ("", "un")
        assert marked("a\nb", "a b") == ("a [-⏎-] b", "a b")
        assert marked("a  b", "a b") == ("a  b", "a b")

    def test_signs_that_nobody_sees_do_not_reach_the_terminal(self) -> None:
        found = [Difference("f", "s", "text", "fr", "\x1b[2Ja", "\u202eb")]
        assert not any("\x1b" in line or "\u202e" in line for line in lines_of_diff(found))

    def test_a_text_without_end_is_not_weighed_word_by_word(self) -> None:
        started = perf_counter()
        assert marked("a b " * 50_000, "b a " * 50_000)[0].startswith("a b a")
        assert perf_counter() - started < 1

    @given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
    @settings(max_examples=100)
    def test_taking_the_marks_away_gives_the_texts_again(self, old: list[str], new: list[str]) -> None:
        was, now = marked(" ".join(old), " ".join(new))
        assert was.replace("[-", "").replace("-]", "") == " ".join(old)
        assert now.replace("[+", "").replace("+]", "") == " ".join(new)


def test_steps_all_turned_round_are_compared_at_once() -> None:
    steps = [f'  - id: s{place}\n    say: {{all: "{place}"}}\n' for place in range(1500)]
    old, new = (load_sources({"essai.yaml": source_of("".join(each) + FIN)}) for each in (steps, steps[::-1]))
    started = perf_counter()
    found = differences(old, new)
    assert perf_counter() - started < 2
    assert sum(each.what == "place" for each in found) == 1499


@pytest.mark.parametrize(
    "written",
    [
        "pb < 115",
        'sexe == "F" and not deja',
        "a or b and not c or d",
        "(a or b) and c",
        "not (a and b)",
        "a and (b and c)",
        'age_months(ne_le) in (0, 1) or x not in (\'a"b\', "c")',
        "not not a",
        "count(liste) >= -3",
    ],
)
def test_a_condition_is_spelled_as_it_was_meant(written: str) -> None:
    assert parse(spelled(parse(written))) == parse(written)
