"""Check 24: whatever could outlive a call to a sensitive flow is found, and so are words that tell what it is for."""

import pytest

from flows import check
from flows.checks.sensitive import check_sensitive
from flows.loader import load_sources
from flows.model import Flow
from tests.flows.callers import ours, source_of
from tests.flows.planted import ACTIONS, FIN, NOM, OUI_NON, only, planted, told

SENSITIVE = "sensitive: true"
ASK = f'  - id: q\n    menu: {{all: "Ici ?"}}\n{OUI_NON}'


def leading_to_it(menu: str, listen: str = ASK + FIN, title: str = "Essai") -> Flow:
    """A menu whose first choice leads to the sensitive flow `ecouter`."""
    steps = f"{menu}  - id: run\n    run: ecouter\n{FIN}"
    sources = {
        "essai.yaml": source_of(steps).replace('"Essai"', f'"{title}"'),
        "ecouter.yaml": source_of(listen, "ecouter", top=SENSITIVE),
    }
    return load_sources(sources).get("essai")


def choices(first: str, question: str = "?") -> str:
    return (
        f'  - id: q\n    menu: {{all: "{question}"}}\n    options:\n      a: {{all: "{first}"}}\n'
        '      b: {all: "Violence"}\n    go: {b: fin}\n'
    )


def test_a_quiet_flow_is_left_alone() -> None:
    assert told(planted(ASK + FIN, top=SENSITIVE), 24) == []


def test_ours_leave_no_trace() -> None:
    assert [str(each) for each in check.check(ours(), ACTIONS) if each.check == 24] == []


def test_what_others_may_do_a_sensitive_flow_may_not() -> None:
    steps = NOM + '  - id: sms\n    say: {all: "Merci."}\n    by: sms\n' + FIN
    assert told(planted(steps), 24) == []
    assert len(told(planted(steps, top=SENSITIVE), 24)) == 2


class TestTraces:
    def test_an_sms(self) -> None:
        steps = '  - id: sms\n    say: {all: "Merci."}\n    by: sms\n' + FIN
        assert only(planted(steps, top=SENSITIVE), 24).startswith("sms: an SMS stays on the phone")

    @pytest.mark.parametrize(
        ("kind", "question"),
        [
            ("text", 'text: {all: "?"}\n    max: 9'),
            ("phone", 'phone: {all: "?"}'),
            ("date", 'date: {all: "?"}\n    from: -5y\n    to: today'),
        ],
    )
    def test_words_that_are_typed(self, kind: str, question: str) -> None:
        findings = planted(f"  - id: q\n    {question}\n{FIN}", top=SENSITIVE)
        assert only(findings, 24).startswith(f"q: a {kind} that is typed can be read by others")

    def test_an_action_that_writes(self) -> None:
        steps = "  - id: d\n    do: stop_child\n    with: {child: '\"x\"'}\n    fails: fin\n" + FIN
        assert only(planted(steps, top=SENSITIVE), 24).startswith("d: stop_child writes")

    def test_an_action_that_reads_is_none(self) -> None:
        steps = "  - id: d\n    do: my_messages\n    gives: {infos: 3}\n    reads: true\n    fails: fin\n" + FIN
        assert told(planted(steps, top=SENSITIVE), 24) == []

    @pytest.mark.parametrize(
        ("key", "top"),
        [
            ("resume", "resume: {within: 30m, ask: true}"),
            ("start", "start: {sms: [PARLER]}"),
            ("texts", 'texts: {t: {all: "Merci."}}'),
            ("unfinished", "unfinished: {after: 1h, consent: q}"),
        ],
    )
    def test_what_lasts_longer_than_the_call(self, key: str, top: str) -> None:
        steps = ASK.rstrip() + "\n    go: {non: fin}\n" + FIN
        assert only(planted(steps, top=f"{SENSITIVE}\n{top}"), 24) == (
            f": a sensitive flow has no `{key}`: take it away"
        )

    def test_a_text_after_a_dropped_line(self) -> None:
        top = f'{SENSITIVE}\ntexts: {{t: {{all: "Merci."}}}}\nif_dropped: {{after: 3m, sms: t}}'
        assert len(told(planted(ASK + FIN, top=top), 24)) == 2

    def test_the_language_is_chosen_elsewhere(self) -> None:
        steps = '  - id: l\n    menu: {all: "?"}\n    options: {fr: {all: "Français"}}\n    sets_language: true\n' + FIN
        assert "the language chosen is kept" in only(planted(steps, top=SENSITIVE), 24)

    def test_a_sub_flow_that_is_not_sensitive_itself(self) -> None:
        findings = planted("  - id: r\n    run: autre\n" + FIN, top=SENSITIVE, autre=ASK + FIN)
        assert only(findings, 24).startswith("r: runs 'autre', which is not sensitive")


class TestTellingWords:
    @pytest.mark.parametrize("word", ["Violences", "VIOL", "v.i.o.l. ou VBG", "une agression", "Gbv", "harcèlement"])
    def test_in_the_flow_itself(self, word: str) -> None:
        findings = planted(f'  - id: q\n    menu: {{all: "{word} ?"}}\n{OUI_NON}{FIN}', top=SENSITIVE)
        assert "tells over the caller's shoulder" in only(findings, 24)

    @pytest.mark.parametrize("word", ["violet", "un violon", "abusif pour le viole de gambe", "frontière"])
    def test_other_words_are_left_alone(self, word: str) -> None:
        assert told(planted(f'  - id: q\n    menu: {{all: "{word} ?"}}\n{OUI_NON}{FIN}', top=SENSITIVE), 24) == []

    def found(self, flow: Flow) -> list[str]:
        return [f"{each.step} {each.message.split(':')[0]}" for each in check_sensitive(flow, ACTIONS)]

    def test_in_the_choice_that_leads_to_it_and_not_in_the_others(self) -> None:
        assert self.found(leading_to_it(choices("Parler"))) == []
        assert self.found(leading_to_it(choices("Violence conjugale"))) == ["q choice a"]

    def test_in_the_question_above_it_and_in_the_title(self) -> None:
        assert self.found(leading_to_it(choices("Parler", "Agressions"))) == ["q menu"]
        assert self.found(leading_to_it(choices("Parler"), title="VBG")) == [" title"]

    def test_two_menus_higher(self) -> None:
        above = '  - id: p\n    menu: {all: "?"}\n    options:\n      x: {all: "Viol"}\n      y: {all: "Autre"}\n'
        above += "    go: {x: q, y: fin}\n"
        assert self.found(leading_to_it(above + choices("Parler"))) == ["p choice x"]

    def test_the_list_is_the_readers_own(self) -> None:
        flow = leading_to_it(choices("Parler"))
        messages = [each.message for each in check_sensitive(flow, ACTIONS, ["parl*"])]
        assert len(messages) == 1
        assert "'parler' tells" in messages[0]
