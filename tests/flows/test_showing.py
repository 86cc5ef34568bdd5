"""An author sees what callers will see: every screen and SMS, folded, at its widest, in every language."""

import json

import pytest

from flows import check
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Ask, End, Flow, Say
from flows.seen_screens import Picture, Shown, as_data, show
from flows.show_lines import lines_of_show
from flows.sms_text import is_gsm7, units
from tests.flows.callers import Caller, a_flow, amv, ours, source_of
from tests.flows.planted import FIN, NOM, OUI_NON

EVERY = [*ours().flows.values(), amv()]


def pictures(flow: Flow, **how: object) -> list[Picture]:
    return [each for shown in show(flow, **how) for each in shown.pictures]  # type: ignore[arg-type]


def of_step(flow: Flow, step: str, **how: object) -> Picture:
    found = [each for each in pictures(flow, **how) if each.step == step and each.what != "wrong"]
    assert len(found) == 1
    return found[0]


def page(flow: Flow, step: str, **how: object) -> str:
    return of_step(flow, step, **how).pieces[0].text


def terminal(shown: list[Shown]) -> str:
    lines = lines_of_show(shown)
    assert all(len(line) <= 80 for line in lines)
    return "\n".join(lines)


def test_a_question_stands_as_on_the_handset() -> None:
    assert page(amv(), "formule", language="fr") == (
        "Quelle formule ?\n1 Communautaire et public\n2 Public et privé\n0 Retour"
    )
    assert page(amv(), "langue", language="bm") == (
        "Langue / Kan / Language\n1 Francais\n2 Bamanankan\n3 English\n0 Kòfè"
    )


def test_the_longest_answers_stand_in_their_places() -> None:
    text = page(amv(), "confirme", language="fr")
    assert text.startswith(f"{'m' * 24}, 30 pers., Communautaire et public, {'m' * 7} F par mois.")
    assert of_step(amv(), "confirme", language="fr").pieces[0].units == units(text) == 113


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.id)
@pytest.mark.parametrize("limit", [140, 160, 182])
def test_everything_that_is_said_is_shown_in_every_language_and_fits(flow: Flow, limit: int) -> None:
    for shown in show(flow, limit=limit):
        found = {(each.step, each.language) for each in shown.pictures}
        known = {flow.id: flow, **{child.id: child for child in _all_children(flow)}}[shown.flow]
        for step in known.steps.values():
            says = isinstance(step, Ask | Say) or (isinstance(step, End) and step.text is not None)
            assert {language for id, language in found if id == step.id} == (set(known.languages) if says else set())
        for each in shown.pictures:
            for piece in each.pieces:
                assert is_gsm7(piece.text)
                assert piece.units == units(piece.text) <= piece.limit
        assert {each.name for each in shown.pictures if not each.step} == set(known.texts)


def _all_children(flow: Flow) -> list[Flow]:
    return [each for child in flow.children.values() for each in (child, *_all_children(child))]


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.id)
def test_nothing_shown_is_wider_than_what_the_checker_tells(flow: Flow) -> None:
    widest = check.widest(_library(flow))[flow.id]
    for seen in widest:
        own = [each for each in show(flow)[0].pictures if each.language == seen.language and each.what == "screen"]
        shown = max(each.units for each in own if not each.follows)
        # Words before a question are shown with it, turned over pages where both do not fit on one.
        assert shown <= seen.units if isinstance(flow.steps[seen.step], Say) else shown == seen.units


def _library(flow: Flow) -> object:
    from flows.model import Library

    return Library({flow.id: flow})


def test_the_widest_screen_of_each_language_is_marked() -> None:
    marked = [(each.language, each.step) for each in pictures(amv()) if each.widest]
    assert marked == [("fr", "confirme"), ("bm", "confirme"), ("en", "confirme")]
    assert terminal(show(amv())).count("<-- widest in") == 3


def test_a_real_caller_gets_what_was_shown() -> None:
    caller = Caller(amv())
    caller.press("1", "1")
    assert caller.screen.removesuffix(" 00 Menu") == page(amv(), "chef", language="fr")
    caller.press("Awa Keita")
    assert caller.screen.removesuffix(" 00 Menu") == page(amv(), "personnes", language="fr")
    wrong = next(each for each in pictures(amv(), language="fr") if each.what == "wrong")
    assert (
        caller.press("beaucoup").removesuffix(" 00 Menu")
        == wrong.pieces[0].text
        == ("Un nombre de 1 à 30.\nCombien de personnes dans la famille ?\n0 Retour")
    )


def test_a_menu_turns_its_pages() -> None:
    options = "".join(f'      o{place}: {{all: "Le choix numéro {place} de tous"}}\n' for place in range(1, 13))
    flow = a_flow(f'  - id: q\n    menu: {{all: "Lequel ?"}}\n    options:\n{options}{FIN}')
    found = of_step(flow, "q")
    assert len(found.pieces) > 1
    assert found.pieces[0].text.endswith("9 Suite 0 Retour")
    assert found.pieces[0].text.startswith("Lequel ?\n1 Le choix numéro 1 de tous\n2 ")
    assert found.pieces[1].text.startswith("1 Le choix")
    assert found.true == ""
    assert f"page 1 of {len(found.pieces)}" in terminal(show(flow))


def test_pages_of_data_that_are_alike_are_drawn_once() -> None:
    steps = '  - id: lieu\n    menu: {all: "Votre quartier ?"}\n    options_from: quartiers\n    show: 24\n'
    flow = a_flow(steps + "    empty: fin\n    fails: fin\n" + FIN)
    drawn = terminal(show(flow, step="lieu"))
    assert len(of_step(flow, "lieu").pieces) == 6
    assert drawn.count("+---") == 2 * (3 + 1)
    assert "and 3 more like this one" in drawn


def test_words_said_stand_above_what_follows() -> None:
    flow = a_flow('  - id: mot\n    say: {all: "Bonjour."}\n  - id: mot2\n    say: {all: "Garçon ?"}\n' + NOM + FIN)
    found = of_step(flow, "mot")
    assert (found.pieces[0].text, found.follows) == ("Bonjour.\nGarcon ?\nNom ?\n0 Retour", "nom")
    assert found.true == "Bonjour.\nGarçon ?\nNom ?"
    last = a_flow('  - id: mot\n    say: {all: "Bonjour."}\n' + FIN)
    assert page(last, "mot") == "Bonjour.\nFin."
    alone = a_flow(
        '  - id: mot\n    say: {all: "Bonjour."}\n    next: qui\n  - id: qui\n    run: autre\n' + FIN, autre=FIN
    )
    assert page(alone, "mot") == "Bonjour."


def test_words_that_go_round_are_shown_once() -> None:
    steps = '  - id: a\n    say: {all: "A"}\n    next: b\n  - id: b\n    say: {all: "B"}\n    next: a\n' + FIN
    flow = load_sources({"essai.yaml": source_of(steps)}, strict=False).get("essai")
    assert page(flow, "a") == "A\nB"


class TestSms:
    def test_a_text_by_sms_has_its_parts(self) -> None:
        found = of_step(amv(), "recu", language="bm")
        assert (found.what, found.encoding, len(found.pieces)) == ("sms", "gsm7", 1)
        assert found.pieces[0].text.startswith(f"Nimòrò {'m' * 10}: mògò 30, Forobako ni kèrènkèrènnen")
        assert found.true.startswith(f"Nimɔrɔ {'m' * 10}: mɔgɔ 30, Forobako ni kɛrɛnkɛrɛnnen")
        assert "SMS in gsm7, 84 of 160 septets, 1 part" in terminal(show(amv(), language="bm"))

    def test_a_long_one_travels_in_several(self) -> None:
        flow = a_flow(f'  - id: lettre\n    say: {{all: "{"Bonjour. " * 20}"}}\n    by: sms\n    parts: 2\n' + FIN)
        found = of_step(flow, "lettre")
        assert [(each.units, each.limit) for each in found.pieces] == [(153, 153), (27, 153)]
        assert "".join(each.text for each in found.pieces) == "Bonjour. " * 20
        assert "27 of 153 septets, part 2 of 2" in terminal(show(flow))

    def test_the_text_after_a_cut_is_one_of_them(self) -> None:
        found = [each for each in pictures(amv()) if each.name == "rappel"]
        assert [each.language for each in found] == ["fr", "bm", "en"]
        assert found[0].pieces[0].text == f"Adhésion non terminée. Faites {'m' * 12} pour continuer."
        assert "rappel (text of the flow)" in terminal(show(amv()))


class TestSpelling:
    def test_the_true_spelling_stands_beside_what_folding_made_of_it(self) -> None:
        drawn = terminal(show(amv(), language="bm", step="formule"))
        assert "  | 1 Forobako dòròn                   |  1 Forobako dɔrɔn\n" in drawn

    def test_it_is_left_out_where_folding_changed_nothing(self) -> None:
        assert of_step(amv(), "formule", language="fr").true == ""
        assert "as written" not in terminal(show(amv(), language="fr", step="formule"))

    def test_a_choice_in_a_text_has_it_too(self) -> None:
        steps = (
            '  - id: q\n    menu: {all: "?"}\n    options:\n      a: {all: "Garçon"}\n      b: {all: "Fée"}\n'
            '  - id: fin\n    end: {all: "Alors {q}."}\n'
        )
        assert (page(a_flow(steps), "fin"), of_step(a_flow(steps), "fin").true) == ("Alors Garcon.", "Alors Garçon.")

    def test_signs_that_nobody_sees_do_not_reach_the_terminal(self) -> None:
        flow = a_flow('  - id: fin\n    end: {all: "A\\e[2J\\u202EB"}\n')
        drawn = terminal(show(flow))
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn


class TestWhatIsAsked:
    def test_sub_flows_stand_once_under_their_own_heading(self) -> None:
        steps = "  - id: un\n    run: autre\n  - id: deux\n    run: autre\n" + FIN
        shown = show(a_flow(steps, autre=NOM + FIN))
        assert [each.flow for each in shown] == ["essai", "autre"]
        assert terminal(shown).count("autre, version 1: Essai\n" + "=" * 80) == 1

    def test_a_sub_flow_without_the_language_speaks_its_first(self) -> None:
        sources = {
            "essai.yaml": source_of("  - id: q\n    run: autre\n" + FIN, languages="[fr, en]", reviewed="{en: true}"),
            "autre.yaml": source_of(NOM + FIN, "autre"),
        }
        shown = show(load_sources(sources).get("essai"), language="en")
        assert [{each.language for each in one.pictures} for one in shown] == [{"en"}, {"fr"}]

    def test_one_language(self) -> None:
        assert {each.language for each in pictures(amv(), language="en")} == {"en"}
        with pytest.raises(FlowMistake, match="'essai' does not speak 'en'"):
            show(a_flow(FIN), language="en")

    def test_one_step_with_the_help_after_a_wrong_answer(self) -> None:
        found = pictures(amv(), language="fr", step="chef")
        assert [each.what for each in found] == ["wrong", "screen"]
        assert found[0].pieces[0].text.endswith("\nNom et prénom du chef de famille ?\n0 Retour")
        inside = a_flow("  - id: qui\n    run: autre\n" + FIN, autre=NOM + FIN)
        assert [(each.flow, each.step) for each in pictures(inside, step="nom")] == [("autre", "nom")] * 2

    @pytest.mark.parametrize(
        ("step", "what"), [("cheff", "did you mean 'chef'"), ("devis", "step 'devis' shows nothing")]
    )
    def test_a_step_that_is_not_there_or_says_nothing(self, step: str, what: str) -> None:
        with pytest.raises(FlowMistake, match=what):
            show(amv(), step=step)

    def test_help_that_does_not_fit_above_turns_a_page(self) -> None:
        wrong = f'    wrong: {{all: "{"Non. " * 20}"}}\n'
        flow = a_flow(f'  - id: q\n    menu: {{all: "{"Quoi ? " * 12}"}}\n{wrong}{OUI_NON}{FIN}')
        found = next(each for each in pictures(flow) if each.what == "wrong")
        assert [each.text[:6] for each in found.pieces] == ["Non. N", "Quoi ?"]

    def test_the_same_as_data(self) -> None:
        data = json.loads(json.dumps(as_data(show(amv()))))
        first = data[0]["pictures"][0]
        assert (data[0]["flow"], data[0]["limit"], first["step"], first["what"]) == (
            "adhesion_amv", 160, "langue", "screen",
        )  # fmt: skip
        assert first["pieces"] == [
            {
                "text": "Langue / Kan / Language\n1 Francais\n2 Bamanankan\n3 English\n0 Retour",
                "units": 66,
                "limit": 160,
            }
        ]

    def test_a_flow_without_words_has_no_widest_screen(self) -> None:
        assert terminal(show(a_flow("  - id: fin\n    end:"))).endswith("no screen of its own")
