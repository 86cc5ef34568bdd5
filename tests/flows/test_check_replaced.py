"""Check 19: an id that is kept for another question is told before it is published over callers on their way."""

import pytest

from flows import check, fmt
from flows.check import Finding
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Library
from tests.flows.callers import amv, source_of
from tests.flows.planted import FIN, NOM, OUI_NON, only, planted, told

MENU = '  - id: q\n    menu: {all: "?"}\n' + OUI_NON
NUMBER = '  - id: pb\n    number: {all: "Tour de bras ?"}\n    from: 50\n    to: 250\n'
DAY = '  - id: jour\n    date: {all: "Quand ?"}\n    from: -5y\n    to: today\n'
DO = '  - id: chercher\n    do: look\n    with: {day: "3"}\n    gives: {many: 3}\n    reads: true\n    fails: fin\n'
RUN = "  - id: qui\n    run: identite\n"
DATA = '  - id: lieu\n    menu: {all: "Où ?"}\n    options_from: quartiers\n    empty: fin\n    fails: fin\n'
OTHERS = {"identite": NOM + FIN, "personne": NOM + FIN}


def version(number: int, steps: str) -> Library:
    sources = {f"{name}.yaml": source_of(inner, name) for name, inner in OTHERS.items()}
    source = source_of(steps + FIN).replace("version: 1\n", f"version: {number}\n")
    return load_sources({"essai.yaml": source, **sources})


def published(before: str, after: str, number: int = 5) -> list[Finding]:
    """What is told when `after` is to follow version 4, `before`."""
    return check.check_against(version(4, before), version(number, after))


class TestChangedSteps:
    @pytest.mark.parametrize(
        ("before", "after", "why"),
        [
            (NOM, NOM.replace("text", "pick").replace("    max: 9\n", OUI_NON), "it was a text and is a pick"),
            (NOM, '  - id: nom\n    say: {all: "Nom."}\n', "it was a text and is a say"),
            (MENU, MENU.replace("non:", "plus_tard:"), "choice 'non' is gone and choice 'plus_tard' is new"),
            (MENU, MENU + '      peut_etre: {all: "Peut-être"}\n', "choice 'peut_etre' is new"),
            (DAY + '    or:\n      inconnu: {all: "?"}\n', DAY, "choice 'inconnu' is gone"),
            (DAY, DAY.replace("-5y", "2020-01-01"), "`from` was counted from today and is a fixed day"),
            (DAY, DAY.replace("to: today", "to: 2030-01-01"), "`to` was counted from today and is a fixed day"),
            (DO, DO.replace("do: look", "do: quote"), "many came from look and comes from quote"),
            (RUN, RUN.replace("identite", "personne"), "it ran identite and runs personne"),
            (DATA, DATA.replace("quartiers", "lieux"), "its choices came from quartiers and come from lieux"),
            (DATA.replace("lieu", "q", 1), MENU, "its choices were written in the flow, or are now"),
        ],
    )
    def test_19_another_meaning_says_what_it_replaces(self, before: str, after: str, why: str) -> None:
        message = only(published(before, after), 19)
        step = after.split("id: ")[1].split("\n")[0]
        assert message == (
            f"{step}: {why}, and callers may stand inside version 4: write `replaces: 4` under `id: {step}`"
        )
        mended = after.replace(f"id: {step}\n", f"id: {step}\n    replaces: 4\n")
        assert published(before, mended) == []

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (MENU, MENU.replace('"Oui"', '"Je veux bien"')),
            (MENU, MENU.replace('      oui: {all: "Oui"}\n', "") + '      oui: {all: "Oui"}\n'),
            (MENU, MENU.replace('"?"', '"Alors ?"')),
            (NOM, NOM.replace("9", "24")),
            (NUMBER, NUMBER.replace("50", "60")),
            (DAY, DAY.replace("-5y", "-2y")),
            (DO, DO.replace("gives: {many: 3}\n", "gives: {many: 4}\n")),
            (DO.replace("    gives: {many: 3}\n", ""), DO.replace("look", "quote")),
            (NOM, NUMBER),
        ],
        ids=["words", "order", "question", "length", "bounds", "days", "width", "no result kept", "another id"],
    )
    def test_19_what_means_the_same_needs_no_word(self, before: str, after: str) -> None:
        assert published(before, after) == []

    def test_19_replacing_an_older_version_is_not_enough(self) -> None:
        after = MENU.replace("non:", "plus_tard:").replace("id: q\n", "id: q\n    replaces: 3\n")
        assert "write `replaces: 4` under `id: q`" in only(published(MENU, after), 19)

    def test_19_what_once_replaced_may_stay_for_good(self) -> None:
        after = MENU.replace("id: q\n", "id: q\n    replaces: 2\n")
        assert published(after, after.replace("Oui", "Si")) == []

    def test_19_numbers_that_share_nothing_may_be_another_unit(self) -> None:
        findings = published(NUMBER, '  - id: pb\n    number: {all: "En cm ?"}\n    from: 5\n    to: 25\n')
        assert told(findings, 19, "warning") == [
            "pb: no number is taken both before and now: if the unit changed, write `replaces: 4` under `id: pb`"
        ]


class TestVersions:
    def test_19_replaces_a_version_that_is_not_past(self) -> None:
        after = NOM.replace("id: nom\n", "id: nom\n    replaces: 5\n")
        message = only(published(NOM, after), 19)
        assert message == (
            "nom: `replaces: 5` names no version before this one, which is 5: write `replaces: 4`, or raise the flow's"
            " version"
        )

    def test_19_is_found_without_an_older_version_too(self) -> None:
        message = only(planted(NOM.replace("id: nom\n", "id: nom\n    replaces: 1\n") + FIN), 19)
        assert message == "nom: `replaces: 1` names no version before this one, which is 1: take it away"

    @pytest.mark.parametrize("number", [4, 3])
    def test_19_a_changed_flow_raises_its_version(self, number: int) -> None:
        findings = published(NOM, NOM.replace("Nom ?", "Votre nom ?"), number)
        assert told(findings, 19, "warning") == [": it differs from the published version 4: raise version to 5"]

    def test_19_moved_steps_are_a_change(self) -> None:
        steps = [NOM + "    next: pb\n", NUMBER + "    next: fin\n"]
        assert len(published("".join(steps), "".join(reversed(steps)), 4)) == 1

    def test_19_a_comment_is_no_change_nor_is_a_sub_flow_of_another_version(self) -> None:
        before, after = version(4, RUN), version(4, "  # Qui ?\n" + RUN)
        assert check.check_against(before, after) == []
        source = source_of(NOM.replace("9", "12") + FIN, "identite").replace("version: 1", "version: 2")
        sources = {flow.file: flow.source for flow in before.flows.values()}
        assert check.check_against(before, load_sources({**sources, "identite.yaml": source})) == []

    def test_19_flows_that_came_or_went_replace_nothing(self) -> None:
        assert check.check_against(Library({"adhesion_amv": amv()}), version(1, NOM)) == []


class TestTheKey:
    def test_it_is_read_on_every_kind_of_step(self) -> None:
        for steps in (NOM, MENU, NUMBER, DAY, DO, RUN, DATA):
            first = steps.split("id: ")[1].split("\n")[0]
            replaced = steps.replace(f"id: {first}\n", f"id: {first}\n    replaces: 3\n")
            assert version(4, replaced).get("essai").steps[first].replaces == 3
            assert version(4, steps).get("essai").steps[first].replaces is None
            assert version(4, steps).get("essai") != version(4, replaced).get("essai")

    @pytest.mark.parametrize("word", ["0", "-1", "quatre", "4.5", "100001", '""'])
    def test_it_is_a_whole_number(self, word: str) -> None:
        with pytest.raises(FlowMistake, match="replaces"):
            version(4, NOM.replace("id: nom\n", f"id: nom\n    replaces: {word}\n"))

    def test_it_is_written_under_the_id(self) -> None:
        source = source_of(NOM + "    replaces: 3\n" + FIN).replace("version: 1", "version: 4")
        neat = fmt.format_source(source, "essai.yaml")
        assert '  - id: nom\n    replaces: 3\n    text: {all: "Nom ?"}\n' in neat
        assert fmt.format_source(neat, "essai.yaml") == neat
