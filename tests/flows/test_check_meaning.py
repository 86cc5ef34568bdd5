"""Checks 10 to 12 and 15 to 18: names, types, branches and actions mean what they say."""

import pytest

from flows.check import Finding
from tests.flows.planted import FIN, NOM, OUI_NON, only, planted, told


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
        menu = '  - id: q\n    menu: {all: "?"}\n    options_from: forget_me\n    empty: fin\n    fails: fin\n'
        assert "forget_me gives no choices: call it in a `do`" in only(planted(menu + FIN), 15)
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
