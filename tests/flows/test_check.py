"""Each check finds the fault it is there for, names the place, and says what to do; a sound flow has none."""

from pathlib import Path

import pytest

from flows import check
from flows.check import Finding, Signature
from flows.findings import CHECKS
from flows.loader import load_sources
from flows.model import Library
from tests.flows.callers import CONTRACT, amv, source_of

FIN = '  - id: fin\n    end: {all: "Fin."}\n'
NOM = '  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n'
OUI_NON = '    options:\n      oui: {all: "Oui"}\n      non: {all: "Non"}\n'
BOTH = {"languages": "[fr, bm]", "reviewed": "{bm: true}"}
ACTIONS = {
    **CONTRACT,
    "keep": Signature({"name": "text"}, {"number": "text"}),
    "look": Signature({"day": "date?"}, {"many": "number"}, writes=False),
    "lieux": Signature({"ne": "date"}, options=True, writes=False),
}


def planted(steps: str, **around: str) -> list[Finding]:
    """What is found in a flow of these steps. Other keywords are sub-flows by name."""
    own = {key: around.pop(key) for key in ("top", "languages", "reviewed") if key in around}
    sources = {"essai.yaml": source_of(steps, **own)}
    sources |= {f"{name}.yaml": source_of(inner, name) for name, inner in around.items()}
    return check.check(load_sources(sources, strict=False), ACTIONS)


def told(findings: list[Finding], number: int, level: str = "error") -> list[str]:
    return [f"{each.step}: {each.message}" for each in findings if (each.check, each.level) == (number, level)]


def only(findings: list[Finding], number: int, level: str = "error") -> str:
    """The one thing told by this check, and no other error beside it."""
    errors = {each.check for each in findings if each.level == "error"} - {number}
    assert not errors, [str(each) for each in findings]
    messages = told(findings, number, level)
    assert len(messages) == 1, [str(each) for each in findings]
    return messages[0]


def test_a_sound_flow_has_no_errors_and_says_how_long_it_is() -> None:
    findings = check.check(Library({"adhesion_amv": amv()}), ACTIONS)
    assert {each.level for each in findings} == {"note"}
    assert told(findings, 18, "note") == [": at most 6 questions before the first writing"]
    assert len(told(findings, 23, "note")) == 2


class TestWays:
    def test_2_a_link_that_leads_nowhere(self) -> None:
        message = only(planted(NOM.rstrip() + "\n    give_up: finn\n" + FIN), 2)
        assert message == "nom: `give_up` leads to 'finn', which does not exist; did you mean 'fin'?"

    def test_2_a_go_for_a_choice_that_is_not_there(self) -> None:
        steps = f'  - id: q\n    menu: {{all: "?"}}\n    go: {{nom: fin}}\n{OUI_NON}{FIN}'
        assert only(planted(steps), 2) == "q: `go` names 'nom', which is no choice here; did you mean 'non'?"

    def test_2_a_sub_flow_that_does_not_exist(self) -> None:
        assert "runs 'identite', which does not exist" in only(planted("  - id: qui\n    run: identite\n" + FIN), 2)

    def test_2_a_text_that_does_not_exist(self) -> None:
        findings = planted(FIN, top="if_dropped: {after: 3m, sms: rappel}")
        assert "if_dropped sends 'rappel'" in only(findings, 2)

    def test_3_a_step_nobody_can_reach(self) -> None:
        steps = NOM.rstrip() + "\n    next: fin\n" + '  - id: perdu\n    say: {all: "Ici ?"}\n' + FIN
        assert only(planted(steps), 3).startswith("perdu: nobody can get here")

    def test_4_a_flow_that_falls_off_its_last_line(self) -> None:
        assert only(planted(NOM), 4).startswith("nom: the flow falls off its last line here")

    def test_4_a_menu_whose_choices_all_go_elsewhere_does_not_fall(self) -> None:
        steps = FIN + f'  - id: q\n    menu: {{all: "?"}}\n    go: {{oui: fin, non: fin}}\n{OUI_NON}'
        first = '  - id: d\n    say: {all: "Oui."}\n    next: q\n'
        assert told(planted(first + steps), 4) == []
        assert told(planted(first + steps.replace("{oui: fin, non: fin}", "{non: fin}")), 4)[0].startswith("q: ")

    def test_4_a_way_that_never_reaches_an_end(self) -> None:
        steps = NOM + '  - id: age\n    number: {all: "Âge ?"}\n    from: 1\n    to: 5\n    next: nom\n' + FIN
        findings = planted(steps)
        assert [message.split(":")[0] for message in told(findings, 4)] == ["nom", "age"]
        assert told(findings, 3) == ["fin: nobody can get here: lead a `go` or `next` to it, or take it away"]

    def test_4_whoever_is_not_understood_is_sent_round_for_ever(self) -> None:
        steps = (
            NOM.rstrip()
            + "\n    give_up: age\n"
            + '  - id: age\n    text: {all: "?"}\n    max: 5\n    give_up: nom\n'
            + FIN
        )
        assert "whoever cannot be understood goes round for ever (nom > age > nom)" in only(planted(steps), 4)

    def test_5_a_loop_without_a_question(self) -> None:
        steps = (
            '  - id: a\n    say: {all: "A"}\n  - id: b\n    when:\n      - {if: "pb < 3", go: fin}\n      - {else: a}\n'
            + FIN
        )
        assert "(a > b > a)" in only(planted(steps, top="facts: {pb: number}"), 5)

    def test_5_a_menu_that_answers_itself_is_no_question(self) -> None:
        steps = (
            '  - id: a\n    menu: {all: "?"}\n    options_from: quartiers\n    skip_if_one: true\n    empty: fin\n'
            '    fails: fin\n    next: b\n  - id: b\n    when:\n      - {if: "x", go: fin}\n      - {else: a}\n' + FIN
        )
        assert "(a > b > a)" in only(planted(steps, top="facts: {x: yes_no}"), 5)

    def test_5_a_sub_flow_that_asks_breaks_the_loop(self) -> None:
        steps = (
            '  - id: a\n    run: b\n  - id: t\n    when:\n      - {if: "a.nom == \\"x\\"", go: fin}\n'
            "      - {else: a}\n" + FIN
        )
        assert told(planted(steps, b=NOM + FIN), 5) == []
        assert "(a > t > a)" in told(planted(steps, b="  - id: nom\n    set: {nomm: 3}\n" + FIN), 5)[0]


class TestTexts:
    def test_6_a_missing_language(self) -> None:
        findings = planted('  - id: fin\n    end: {fr: "Fin."}', **BOTH)
        assert only(findings, 6).startswith("fin: end: nothing is written in 'bm'")
        assert findings[0].language == "bm"
        assert str(findings[0]).startswith("essai.yaml:8: step 'fin' [bm] error (every text in every language):")

    def test_6_an_empty_text(self) -> None:
        assert only(planted('  - id: fin\n    end: {fr: "Fin.", bm: " "}', **BOTH), 6).startswith("fin: end: nothing")

    def test_6_words_that_were_not_translated(self) -> None:
        findings = planted('  - id: fin\n    end: {fr: "Fin.", bm: "Fin."}', **BOTH)
        assert "the same words as 'fr'" in only(findings, 6, "warning")

    def test_6_a_name_that_one_language_forgot(self) -> None:
        findings = planted(NOM + '  - id: fin\n    end: {fr: "Merci {nom}.", bm: "I ni ce."}', **BOTH)
        assert "{nom} is in one language and not in" in only(findings, 6)

    def test_6_a_choice_without_its_language(self) -> None:
        steps = '  - id: q\n    menu: {all: "?"}\n    options:\n      a: {fr: "Un"}\n      b: {all: "Deux"}\n' + FIN
        assert only(planted(steps, **BOTH), 6).startswith("q: choice a: nothing is written in 'bm'")

    def test_6_a_sub_flow_that_speaks_fewer_languages(self) -> None:
        findings = planted("  - id: a\n    run: b\n" + FIN, b=FIN, **BOTH)
        assert only(findings, 6).startswith("a: sub-flow 'b' has no 'bm'")

    def test_8_letters_no_plain_phone_shows(self) -> None:
        assert "'😀' (U+1F600)" in only(planted('  - id: fin\n    end: {all: "Merci 😀"}'), 8)
        assert told(planted('  - id: fin\n    end: {all: "Ça va ? « Œuf » ɛɔɲŋ?"}'), 8) == []

    def test_13_two_choices_that_look_alike(self) -> None:
        steps = '  - id: q\n    menu: {all: "?"}\n    options:\n      a: {all: "Côté"}\n      b: {all: "Coté"}\n' + FIN
        assert only(planted(steps), 13) == "q: 'a' and 'b' read the same on a screen: give them other words"

    def test_21_a_dialling_code_written_out(self) -> None:
        assert "'*123*4#' is a dialling code" in only(planted('  - id: fin\n    end: {all: "Faites *123*4# ici."}'), 21)

    def test_22_words_that_are_wrong_tomorrow(self) -> None:
        steps = '  - id: sms\n    say: {all: "Rendez-vous demain."}\n    by: sms\n' + FIN
        assert "'demain' is wrong when it is read late" in only(planted(steps), 22)
        assert told(planted('  - id: fin\n    end: {all: "À demain."}'), 22) == []

    def test_23_a_language_no_speaker_has_read(self) -> None:
        findings = planted(FIN, languages="[fr, bm]", reviewed="{bm: false}")
        assert only(findings, 23, "note").startswith(": no speaker has read these texts")


class TestScreens:
    def test_7_a_question_that_is_too_wide_with_the_longest_answer(self) -> None:
        menu = '  - id: q\n    menu: {all: "%s {nom}"}\n' + OUI_NON + FIN
        words = "m" * (160 - len(" 123456789\n1 Oui\n2 Non\n0 Retour"))
        assert told(planted(NOM + menu % words), 7) == []
        assert only(planted(NOM + menu % (words + "m")), 7).startswith("q: 1 septets too many for one screen of 160")

    def test_7_letters_count_after_folding(self) -> None:
        words = "ɲ" * 75
        assert told(planted(f'  - id: fin\n    end: {{all: "{words}"}}'), 7) == []
        assert only(planted(f'  - id: fin\n    end: {{all: "{words * 2}"}}'), 7).startswith("fin: 140 septets too many")

    def test_7_the_longest_choice_in_each_language(self) -> None:
        fr, bm = "m" * 150, "n" * 150
        steps = (
            '  - id: q\n    menu: {all: "?"}\n    options:\n      a: {fr: "Un", bm: "Kelenkelenkelen"}\n'
            '      b: {fr: "Deux", bm: "Fila"}\n'
            f'  - id: fin\n    end: {{fr: "{fr}{{q}}", bm: "{bm}{{q}}"}}'
        )
        findings = planted(steps, **BOTH)
        assert only(findings, 7).startswith("fin: 5 septets too many")
        assert findings[0].language == "bm"

    def test_7_the_limit_of_a_gateway(self) -> None:
        library = load_sources({"essai.yaml": source_of(f'  - id: fin\n    end: {{all: "{"m" * 170}"}}')})
        assert told(check.check(library, {}, 160), 7) == ["fin: 10 septets too many for one screen of 160 with the "
                                                          "longest answers: shorten it"]  # fmt: skip
        assert told(check.check(library, {}, 182), 7) == []

    def test_7_a_question_that_leaves_no_room_for_its_choices(self) -> None:
        steps = (
            f'  - id: q\n    menu: {{all: "{"m" * 150}"}}\n    options_from: quartiers\n    empty: fin\n'
            f"    fails: fin\n{FIN}"
        )
        assert "the question alone takes 150 of 160" in only(planted(steps), 7)

    def test_7_help_that_pushes_the_question_off_the_screen(self) -> None:
        wrong = f'    wrong: {{all: "{"m" * 100}"}}\n'
        steps = f'  - id: q\n    menu: {{all: "{"m" * 60}"}}\n{wrong}{OUI_NON}{FIN}'
        assert "`wrong` and the question are 22 septets too many" in only(planted(steps), 7, "warning")

    def test_7_an_sms_of_more_parts_than_it_says(self) -> None:
        sms = '  - id: sms\n    say: {all: "%s"}\n    by: sms\n' + FIN
        assert only(planted(sms % ("m" * 161)), 7).startswith("sms: 1 septets too many for 1 SMS")
        two = sms.replace("by: sms", "by: sms\n    parts: 2")
        assert told(planted(two % ("m" * 306)), 7) == []
        assert only(planted(two % ("m" * 307)), 7).startswith("sms: 1 septets too many for 2 SMS")

    def test_7_the_text_after_a_dropped_line(self) -> None:
        top = f'texts:\n  rappel: {{all: "{"m" * 161}"}}\nif_dropped: {{after: 3m, sms: rappel}}'
        assert only(planted(FIN, top=top), 7).startswith(": text rappel: 1 septets too many")

    def test_9_a_pick_that_needs_two_pages(self) -> None:
        steps = '  - id: q\n    pick: {all: "?"}\n    options_from: quartiers\n    empty: fin\n    fails: fin\n' + FIN
        assert "a pick stands on one page" in only(planted(steps), 9)

    def test_9_a_menu_of_many_choices_is_told_as_turning_pages(self) -> None:
        options = "".join(f'      o{n}: {{all: "Choix numéro {n}"}}\n' for n in range(12))
        steps = '  - id: q\n    menu: {all: "?"}\n    options:\n' + options + FIN
        assert only(planted(steps), 9, "note") == "q: 12 choices turn over 2 pages"

    def test_9_a_choice_that_no_page_holds(self) -> None:
        options = "".join(f'      o{n}: {{all: "Choix {n} {"m" * 119}"}}\n' for n in range(3, 13))
        steps = '  - id: q\n    menu: {all: "?"}\n    options:\n' + options + FIN
        messages = told(planted(steps), 9)
        assert len(messages) == 10 - 7
        assert messages[0].startswith("q: choice 'o10' takes 128 septets: no page holds it whole")

    def test_9_zero_as_an_answer(self) -> None:
        steps = '  - id: q\n    number: {all: "?"}\n    from: 0\n    to: 5\n' + FIN
        assert only(planted(steps), 9, "note").startswith("q: '0' is an answer here")

    def test_the_widest_screens_are_told(self) -> None:
        seen = check.widest(Library({"adhesion_amv": amv()}))["adhesion_amv"]
        assert [(each.language, each.step, each.units) for each in seen] == [
            ("fr", "confirme", 113),
            ("bm", "confirme", 107),
            ("en", "confirme", 106),
        ]


class TestNames:
    def test_10_a_name_nobody_gave(self) -> None:
        assert only(planted(NOM + '  - id: fin\n    end: {all: "{non}"}'), 10).endswith("did you mean 'nom'?")

    def test_10_a_name_that_is_not_known_on_every_way(self) -> None:
        steps = (
            f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: fin}}\n{OUI_NON}{NOM}'
            '  - id: fin\n    end: {all: "Merci {nom}"}'
        )
        assert only(planted(steps), 10).startswith(
            "fin: 'nom' is put into a text, but on some way here it has no value"
        )

    def test_10_a_result_is_not_known_where_its_action_failed(self) -> None:
        steps = (
            NOM + "  - id: d\n    do: keep\n    with: {name: nom}\n    gives: {number: 9}\n    fails: fin\n"
            '  - id: fin\n    end: {all: "{number}"}'
        )
        assert "'number' is put into a text" in only(planted(steps), 10)

    def test_10_an_answer_is_not_known_where_the_caller_gave_up(self) -> None:
        steps = NOM.rstrip() + "\n    give_up: fin\n" + '  - id: fin\n    end: {all: "{nom}"}'
        assert "'nom' is put into a text" in only(planted(steps), 10)

    def test_10_an_answer_is_not_known_on_its_way_out(self) -> None:
        steps = NOM.rstrip() + '\n    or: {rien: {all: "Rien"}}\n  - id: fin\n    end: {all: "{nom}"}'
        assert "'nom' is put into a text" in only(planted(steps), 10)
        elsewhere = (
            steps.replace("  - id: fin", "    go: {rien: sans}\n  - id: fin") + '\n  - id: sans\n    end: {all: "Oh."}'
        )
        assert told(planted(elsewhere), 10) == []

    def test_10_a_correction_forgets(self) -> None:
        steps = (
            '  - id: debut\n    text: {all: "{nom} ?"}\n    max: 5\n' + NOM + f'  - id: q\n    menu: {{all: "?"}}\n'
            f"    go: {{non: debut}}\n{OUI_NON}{FIN}"
        )
        assert "debut: 'nom' is put into a text" in only(planted(steps), 10)

    def test_10_a_way_up_the_page_forgets_even_what_was_asked_first(self) -> None:
        steps = (
            '  - id: tri\n    when:\n      - {if: "deja", go: nom}\n      - {else: nom}\n'
            '  - id: dire\n    end: {all: "Merci {nom}"}\n' + NOM.rstrip() + "\n    next: dire\n"
        )
        message = only(planted(steps, top="facts: {deja: yes_no}"), 10)
        assert message.startswith("dire: 'nom' is put into a text")

    def test_10_a_test_for_a_name_makes_it_known(self) -> None:
        steps = (
            f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: tri}}\n{OUI_NON}{NOM}'
            '  - id: tri\n    when:\n      - {if: "not nom", go: sans}\n      - {else: avec}\n'
            '  - id: avec\n    end: {all: "Merci {nom}"}\n  - id: sans\n    end: {all: "Merci"}'
        )
        assert told(planted(steps), 10) == []

    def test_10_a_comparison_with_what_may_be_unknown(self) -> None:
        steps = (
            f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: tri}}\n{OUI_NON}'
            '  - id: age\n    number: {all: "?"}\n    from: 1\n    to: 9\n'
            '  - id: tri\n    when:\n      - {if: "age < 5", go: fin}\n      - {else: fin}\n' + FIN
        )
        assert told(planted(steps), 10, "warning")[0].startswith("tri: 'age' is compared in \"age < 5\"")
        guarded = steps.replace('"age < 5"', '"age and age < 5"')
        assert told(planted(guarded), 10, "warning") == []

    def test_10_an_argument_that_may_be_unknown_if_the_action_says_so(self) -> None:
        steps = (
            f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: d}}\n{OUI_NON}'
            '  - id: ne\n    date: {all: "?"}\n    from: -5y\n    to: today\n'
            "  - id: d\n    do: look\n    with: {day: ne}\n    reads: true\n    fails: fin\n" + FIN
        )
        assert told(planted(steps), 10) == []

    def test_10_what_a_sub_flow_found_out(self) -> None:
        steps = "  - id: a\n    run: b\n" + '  - id: fin\n    end: {all: "{a.%s}"}'
        inner = f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: fin}}\n{OUI_NON}{NOM}{FIN}'
        assert told(planted(steps % "q", b=inner), 10) == []
        assert "'a.nom' is put into a text, but on some way" in told(planted(steps % "nom", b=inner), 10)[0]
        assert "nothing here is called so" in told(planted(steps % "age", b=inner), 10)[0]

    def test_10_a_limit_of_a_date(self) -> None:
        steps = '  - id: vu\n    date: {all: "?"}\n    from: ne\n    to: today\n' + FIN
        assert "'ne' is a limit of the date, but nothing here is called so" in only(planted(steps), 10)


class TestTypes:
    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ('age < "5"', 'a number is compared with a choice (age < "5")'),
            ("nom < 5", "a text is compared with a number"),
            ('sexe == "H"', "'H' is no choice of sexe; known here: F, M"),
            ('sexe in ("F", "MM")', "'MM' is no choice of sexe"),
            ('sexe < "F"', "`<` compares numbers and dates only, and sexe is a choice"),
            ("age_months(age) < 5", "age_months(age) needs a date, and 'age' is a number"),
            ("count(nom) < 5", "count(nom) needs a list"),
            ("age == deja", "a number is compared with a yes_no"),
        ],
    )
    def test_11_unlike_things_are_compared(self, condition: str, expected: str) -> None:
        written = condition.replace('"', '\\"')
        steps = (
            NOM + '  - id: age\n    number: {all: "?"}\n    from: 1\n    to: 9\n'
            '  - id: sexe\n    menu: {all: "?"}\n    options:\n      F: {all: "Fille"}\n      M: {all: "Garçon"}\n'
            f'  - id: tri\n    when:\n      - {{if: "{written}", go: fin}}\n      - {{else: fin}}\n' + FIN
        )
        messages = told(planted(steps, top="facts: {deja: yes_no}"), 11)
        assert len(messages) == 1
        assert expected in messages[0]

    def test_11_limits_the_wrong_way_round(self) -> None:
        assert "`from` 9 is above `to` 1" in only(
            planted('  - id: q\n    number: {all: "?"}\n    from: 9\n    to: 1\n' + FIN), 11
        )
        dates = '  - id: q\n    date: {all: "?"}\n    from: today\n    to: -5y\n' + FIN
        assert "`from` today is after `to` -5y" in only(planted(dates), 11)

    def test_11_a_limit_that_is_no_date(self) -> None:
        steps = NOM + '  - id: q\n    date: {all: "?"}\n    from: nom\n    to: today\n' + FIN
        assert "`from` is 'nom', which is no date" in only(planted(steps), 11)

    def test_11_a_name_set_to_two_types(self) -> None:
        steps = (
            f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: b}}\n{OUI_NON}  - id: a\n    set: {{x: 3}}\n'
            f"    next: fin\n"
            "  - id: b\n    set: {x: '\"mot\"'}\n" + FIN
        )
        assert "'x' is set to different types" in only(planted(steps), 11)


class TestBranches:
    PB = '  - id: pb\n    number: {all: "?"}\n    from: 50\n    to: 250\n  - id: tri\n    when:\n'

    def test_12_no_else(self) -> None:
        assert "no `else`" in only(planted(self.PB + '      - {if: "pb < 115", go: fin}\n' + FIN), 12)

    @pytest.mark.parametrize("condition", ["pb < 50", "pb > 250", "pb == 300", "pb < 60 and pb > 70", "not pb"])
    def test_12_a_branch_that_is_never_true(self, condition: str) -> None:
        steps = f'{self.PB}      - {{if: "{condition}", go: fin}}\n      - {{else: fin}}\n{FIN}'
        assert f'"{condition}" is never true' in only(planted(steps), 12)

    def test_12_a_branch_that_comes_too_late(self) -> None:
        steps = (
            self.PB
            + '      - {if: "pb < 125", go: fin}\n      - {if: "pb < 115", go: fin}\n      - {else: fin}\n'
            + FIN
        )
        assert '"pb < 115" is true only where a branch above was taken already' in only(planted(steps), 12)

    def test_12_branches_one_inside_the_other_are_the_usual_way(self) -> None:
        steps = (
            self.PB
            + '      - {if: "pb < 115", go: fin}\n      - {if: "pb < 125", go: fin}\n      - {else: fin}\n'
            + FIN
        )
        assert told(planted(steps), 12, "note") == []

    def test_12_branches_that_overlap(self) -> None:
        steps = (
            self.PB
            + '      - {if: "pb < 125", go: fin}\n      - {if: "pb > 115", go: fin}\n      - {else: fin}\n'
            + FIN
        )
        messages = told(planted(steps), 12, "note")
        assert '"pb > 115" overlaps a branch above' in messages[0]
        assert "the `else` is never taken" in messages[1]

    def test_12_ages_in_months(self) -> None:
        steps = (
            '  - id: ne\n    date: {all: "?"}\n    from: -5y\n    to: today\n  - id: tri\n    when:\n'
            '      - {if: "age_months(ne) < 0", go: fin}\n      - {else: fin}\n' + FIN
        )
        assert '"age_months(ne) < 0" is never true' in only(planted(steps), 12)


class TestActions:
    DO = NOM + "  - id: d\n    do: {action}\n    with: {args}\n    fails: fin\n" + FIN

    def do(self, action: str, args: str, more: str = "") -> list[Finding]:
        steps = self.DO.replace("{action}", action).replace("{args}", args)
        return planted(steps.replace("    fails: fin\n", f"    fails: fin\n{more}"))

    def test_15_an_action_nobody_wrote(self) -> None:
        assert only(self.do("kep", "{name: nom}"), 15) == "d: there is no action 'kep'; did you mean 'keep'?"

    def test_15_an_argument_that_is_missing_or_too_many(self) -> None:
        messages = told(self.do("keep", "{nam: nom}"), 15)
        assert messages[0].startswith("d: keep needs `name`, a text")
        assert messages[1] == "d: keep takes no `nam`; did you mean 'name'?"

    def test_15_an_argument_of_the_wrong_type(self) -> None:
        assert only(self.do("keep", "{name: 3}"), 15) == "d: `name` of keep is a text, and this is a number"

    def test_15_a_result_the_action_does_not_give(self) -> None:
        assert "keep gives no 'numbr'; did you mean 'number'?" in only(
            self.do("keep", "{name: nom}", "    gives: {numbr: 3}\n"), 15
        )

    def test_15_an_action_without_a_way_out(self) -> None:
        steps = self.DO.replace("{action}", "keep").replace("{args}", "{name: nom}").replace("    fails: fin\n", "")
        assert "keep may fail: say where to go then" in only(planted(steps), 15)

    def test_15_choices_from_data_need_two_ways_out(self) -> None:
        steps = '  - id: q\n    menu: {all: "?"}\n    options_from: quartiers\n' + FIN
        messages = told(planted(steps), 15)
        assert "`fails: step`" in messages[0]
        assert "`empty: step`" in messages[1]

    def test_15_choices_and_results_are_not_mixed_up(self) -> None:
        menu = '  - id: q\n    menu: {all: "?"}\n    options_from: stop_messages\n    empty: fin\n    fails: fin\n'
        assert "stop_messages gives no choices: call it in a `do`" in only(planted(menu + FIN), 15)
        assert "quartiers gives choices" in told(self.do("quartiers", "{}"), 15)[0]

    def test_16_personal_answers_are_kept_only_after_consent(self) -> None:
        personal = NOM.rstrip() + "\n    personal: true\n"
        keep = "  - id: d\n    do: keep\n    with: {name: nom%s}\n    fails: fin\n"
        assert "personal answers are written without consent" in only(planted(personal + keep % "" + FIN), 16)

    def test_16_a_no_must_lead_elsewhere(self) -> None:
        findings = self.enrolled(f'  - id: accord\n    menu: {{all: "?"}}\n{OUI_NON}')
        assert "whoever says no to 'accord' goes on all the same" in only(findings, 16)

    def test_16_every_way_passes_by_the_consent(self) -> None:
        before = f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: nom}}\n{OUI_NON}'
        findings = self.enrolled(before + self.ACCORD)
        assert any("some way here passes by the consent 'accord'" in message for message in told(findings, 16))

    def test_16_consent_comes_first(self) -> None:
        early = '  - id: tot\n    text: {all: "?"}\n    max: 9\n    personal: true\n'
        assert only(self.enrolled(early + self.ACCORD), 16).startswith(
            "tot: 'tot' is asked before the consent 'accord'"
        )
        assert told(self.enrolled(self.ACCORD), 16) == []

    ACCORD = f'  - id: accord\n    menu: {{all: "?"}}\n    go: {{non: fin}}\n{OUI_NON}'

    def enrolled(self, before: str) -> list[Finding]:
        steps = (
            before + NOM.rstrip() + "\n    personal: true\n"
            "  - id: d\n    do: enrol_household\n"
            "    with: {head: nom, size: 3, scheme: '\"public\"', consent: accord}\n"
            "    fails: fin\n" + FIN
        )
        return planted(steps)

    def test_16_a_personal_answer_in_an_sms(self) -> None:
        steps = NOM.rstrip() + '\n    personal: true\n  - id: sms\n    say: {all: "Merci {nom}"}\n    by: sms\n' + FIN
        assert "{nom} is personal, and an SMS is read by whoever holds the phone" in only(planted(steps), 16)

    def test_17_an_action_that_writes_and_says_it_only_reads(self) -> None:
        assert "keep writes: take `reads: true` away" in only(self.do("keep", "{name: nom}", "    reads: true\n"), 17)

    def test_17_an_action_that_only_reads_need_not_stop_the_way_back(self) -> None:
        steps = '  - id: ne\n    date: {all: "?"}\n    from: -5y\n    to: today\n  - id: d\n    do: look(ne)\n'
        findings = planted(steps.replace("look(ne)", "look\n    with: {day: ne}") + "    fails: fin\n" + FIN)
        assert "look only reads: say `reads: true`" in only(findings, 17, "warning")

    def test_18_too_many_questions_before_anything_is_kept(self) -> None:
        many = "".join(f'  - id: q{n}\n    text: {{all: "?"}}\n    max: 9\n' for n in range(13))
        keep = "  - id: d\n    do: keep\n    with: {name: q0}\n    fails: fin\n"
        findings = planted(many + keep + many.replace("q", "z") + FIN, top="start: {ussd: essai}")
        assert "13 questions before anything is kept" in only(findings, 18, "warning")

    def test_18_questions_of_sub_flows_count(self) -> None:
        findings = planted("  - id: a\n    run: b\n" + NOM + FIN, b=NOM + FIN, top="start: {ussd: essai}")
        assert told(findings, 18, "note") == [": at most 2 questions before the first writing"]


class TestTheWholeLibrary:
    def test_14_a_keyword_of_two_flows(self) -> None:
        sources = {f"{name}.yaml": source_of(FIN, name, top="start: {sms: [Mutuelle]}") for name in ("a", "b")}
        findings = check.check(load_sources(sources), ACTIONS)
        assert only(findings, 14) == ": 'Mutuelle' starts 'a' already: choose another"

    @pytest.mark.parametrize("word", ["STOP", "Arrêt", "start"])
    def test_14_a_keyword_that_already_means_something(self, word: str) -> None:
        assert "already means" in only(planted(FIN, top=f"start: {{sms: [{word}]}}"), 14)

    def test_1_a_folder_that_cannot_be_read_is_a_finding_too(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("flow: b")
        (tmp_path / "c.yaml").write_text("flow: [")
        findings = check.check_folder(tmp_path)
        assert [(each.file, each.line, each.check) for each in findings] == [("a.yaml", 1, 1), ("c.yaml", 1, 1)]

    def test_a_folder_with_a_broken_link_tells_of_it_and_of_all_the_rest(self, tmp_path: Path) -> None:
        (tmp_path / "essai.yaml").write_text(
            source_of(NOM + '  - id: fin\n    end: {all: "{x}"}\n    ', "essai") + "\n"
        )
        (tmp_path / "essai.yaml").write_text(
            source_of(NOM.rstrip() + '\n    next: f\n  - id: fin\n    end: {all: "{x}"}')
        )
        assert {each.check for each in check.check_folder(tmp_path)} == {2, 3, 4, 10}

    def test_findings_are_told_in_lines_errors_first(self) -> None:
        library = load_sources({"essai.yaml": source_of(FIN, languages="[fr, bm]", reviewed="{bm: false}")})
        findings = [*check.check(library, ACTIONS), Finding("x.yaml", "q", "fr", "error", "Mend it.", 7, 3)]
        lines = check.lines(library, findings)
        assert "x.yaml:3: step 'q' [fr] error (every screen fits): Mend it." in lines
        assert lines[-2] == "essai: widest screen of 160 septets: fr 4 (fin), bm 4 (fin)"
        assert lines[-1] == "1 flows, 1 error, 0 warnings"

    def test_every_check_has_a_name(self) -> None:
        assert all(name for name in CHECKS.values())
