"""Each check finds the fault it is there for, names the place, and says what to do; a sound flow has none."""

from pathlib import Path

import pytest

from flows import check
from flows.check import Finding
from flows.findings import CHECKS
from flows.loader import load_sources
from flows.model import Library
from tests.flows.callers import amv, source_of
from tests.flows.planted import ACTIONS, BOTH, FIN, NOM, OUI_NON, only, planted, told


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
            ("en", "confirme", 104),
        ]


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
