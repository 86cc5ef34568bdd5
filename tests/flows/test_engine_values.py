"""Sub-flows, the rarer questions, and what the engine promises to whoever calls it."""

from datetime import UTC, date, datetime

import pytest

from flows import engine
from flows.engine import Outcome
from flows.mistakes import FlowMistake
from tests.flows.callers import FACTS, TODAY, Caller, a_flow, amv, ours

FIN = '\n  - id: fin\n    end: {all: "Fin."}\n'


class TestSubFlows:
    IDENTITE = (
        '  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n  - id: ne\n    number: {all: "An ?"}\n'
        "    from: 2000\n    to: 2030\n"
        '  - id: fin\n    end: {all: "Bien."}'
    )

    def test_its_answers_are_known_under_its_name_and_its_last_words_flow_on(self) -> None:
        flow = a_flow(
            '  - id: qui\n    run: identite\n  - id: ok\n    menu: {all: "{qui.nom}, {qui.ne} ?"}\n    options:\n'
            '      oui: {all: "Oui"}\n      non: {all: "Non"}\n    go: {non: qui}\n    again: 3' + FIN,
            identite=self.IDENTITE,
        )
        caller = Caller(flow)
        assert caller.press("Awa", "2020") == "Bien.\nAwa, 2020 ?\n1 Oui\n2 Non\n0 Retour 00 Menu"
        assert caller.press("0").startswith("An ?")
        assert caller.press("2021", "2", "Moussa", "2022").startswith("Bien.\nMoussa, 2022 ?")
        assert caller.press("1") == "Fin."

    def test_the_same_sub_flow_may_run_twice(self) -> None:
        flow = a_flow(
            "  - id: pere\n    run: identite\n  - id: mere\n    run: identite\n"
            '  - id: fin\n    end: {all: "{pere.nom} et {mere.nom}"}',
            identite=self.IDENTITE,
        )
        assert Caller(flow).press("Moussa", "2000", "Awa", "2001").endswith("Moussa et Awa")

    def test_a_flow_that_ends_without_words_says_what_its_sub_flow_said(self) -> None:
        flow = a_flow("  - id: qui\n    run: identite\n  - id: fin\n    end:", identite=self.IDENTITE)
        assert Caller(flow).press("Awa", "2020") == "Bien."

    def test_an_end_without_any_words_still_says_goodbye(self) -> None:
        assert Caller(a_flow("  - id: fin\n    end:")).screen == "Merci. Au revoir."


class TestOtherQuestions:
    def test_several_can_be_picked_at_once(self) -> None:
        steps = (
            '  - id: quoi\n    pick: {all: "Lesquels ?"}\n    options:\n      a: {all: "Un"}\n      b: {all: "Deux"}\n'
            '      c: {all: "Trois"}\n  - id: fin\n    end: {all: "{quoi}"}'
        )
        for typed in ("13", "1 3", "3,1", "1, 3 1"):
            assert Caller(a_flow(steps)).press(typed) == "Un, Trois"
        assert Caller(a_flow(steps)).press("4").startswith("Tapez 1 à 3.\nLesquels ?")
        assert Caller(a_flow(steps)).press("").startswith("Tapez 1 à 3.")

    def test_a_line_is_named_by_its_words_without_accents_where_only_one_can_be_meant(self) -> None:
        steps = (
            '  - id: q\n    menu: {all: "?"}\n'
            '    options: {oui: {all: "Awɔ"}, mur: {all: "Mûr"}, mere: {all: "mère"}, mer: {all: "méré"}}\n'
            '  - id: fin\n    end: {all: "{q}."}\n'
        )
        for typed in ("awo", "AWƆ", "AWÒ", " Awò ", "awɔ"):
            assert Caller(a_flow(steps)).press(typed) == "Awò."
        assert Caller(a_flow(steps)).press("MUR") == "Mur."
        assert Caller(a_flow(steps)).press("mère") == "mère."
        assert not Caller(a_flow(steps)).press("mere").endswith("re.")

    def test_a_phone_number_is_read_kindly_and_shown_in_full(self) -> None:
        flow = a_flow(
            '  - id: tel\n    phone: {all: "Numéro ?"}\n    country: ML\n  - id: fin\n    end: {all: "{tel}"}'
        )
        assert Caller(flow).press("70 00 00 01.") == "+223 70 00 00 01"
        assert Caller(flow).press("12").startswith("Un numéro de mobile")

    def test_a_numbered_way_out_stands_under_a_typed_question(self) -> None:
        flow = a_flow(
            '  - id: ne\n    date: {all: "Né le ?"}\n    from: -5y\n    to: today\n    or:\n'
            '      inconnu: {all: "Je ne sais pas"}\n'
            '    go: {inconnu: tant_pis}\n  - id: fin\n    end: {all: "Le {ne}."}\n  - id: tant_pis\n'
            '    end: {all: "Tant pis."}'
        )
        assert Caller(flow).screen == "Né le ?\n1 Je ne sais pas"
        assert Caller(flow).press("1") == "Tant pis."
        assert Caller(flow).press("050326") == "Le 05/03/2026."

    def test_a_single_choice_from_data_need_not_be_asked(self) -> None:
        steps = (
            '  - id: enfant\n    menu: {all: "Quel enfant ?"}\n    options_from: my_children\n    skip_if_one: true\n'
            "    show: 24\n"
            '    empty: aucun\n    fails: aucun\n  - id: fin\n    end: {all: "{enfant}"}\n  - id: aucun\n'
            '    end: {all: "Aucun."}'
        )
        one = Outcome(True, options=(("c1", {"fr": "Enfant 1, né 03/2026"}),))
        assert Caller(a_flow(steps), {"my_children": one}).screen == "Enfant 1, né 03/2026"
        assert Caller(a_flow(steps), {"my_children": Outcome(True)}).screen == "Aucun."
        assert Caller(a_flow(steps), {"my_children": Outcome(False)}).screen == "Aucun."
        assert Caller(a_flow(steps)).press("2") == "Enfant 2, née 11/2024"

    def test_a_choice_from_data_keeps_its_words_under_another_name(self) -> None:
        flow = a_flow(
            '  - id: lieu\n    menu: {all: "Lieu ?"}\n    options_from: quartiers\n    show: 24\n    empty: fin\n'
            "    fails: fin\n"
            "  - id: garder\n    set: {ici: lieu, mot: '\"oui\"', nombre: 3}\n"
            '  - id: fin\n    end: {all: "{ici} {mot} {nombre}"}'
        )
        assert Caller(flow).press("1") == "Badialan 1 oui 3"


class TestTheCallerOfTheEngine:
    def test_the_same_turn_again_while_an_action_is_pending(self) -> None:
        turn = engine.begin(ours().get("prochain_rendez_vous"), TODAY, facts=FACTS)
        assert turn.pending is not None
        again = engine.answer(ours().get("prochain_rendez_vous"), turn.progress, "1", TODAY)
        assert again == turn

    def test_a_resume_without_a_pending_action_is_a_mistake(self) -> None:
        turn = engine.begin(amv(), TODAY, facts=FACTS)
        with pytest.raises(ValueError, match="no action is pending"):
            engine.resume(amv(), turn.progress, Outcome(True), TODAY)

    @pytest.mark.parametrize("value", [1.5, b"x", datetime(2026, 4, 1, tzinfo=UTC), ["a"]])
    def test_what_no_flow_can_keep_is_refused_when_an_action_gives_it(self, value: object) -> None:
        with pytest.raises(TypeError, match="an action gave"):
            Caller(amv(), {"quote_premium": Outcome(True, {"montant": value})}).press("1", "1", "Awa", "7", "1")  # type: ignore[dict-item]

    def test_after_the_end_the_last_words_stay(self) -> None:
        caller = Caller(amv())
        last = caller.press("1", "2")
        assert caller.press("1", "0", "9", "bonjour") == last
        assert caller.is_over

    def test_a_dropped_line_finds_the_same_screen_again(self) -> None:
        caller = Caller(amv())
        before = caller.press("1", "1")
        turn = engine.show(amv(), caller.turn.progress, date(2026, 4, 2))
        assert turn.screen is not None
        assert turn.screen.text == before
        assert turn.progress == caller.turn.progress

    def test_a_missing_fact_is_told_at_once(self) -> None:
        with pytest.raises(FlowMistake, match="needs the fact 'enfants'"):
            engine.begin(ours().get("accueil"), TODAY, facts={"langue_connue": True})

    def test_a_fact_of_the_wrong_type_is_told_at_once(self) -> None:
        with pytest.raises(FlowMistake, match="needs the fact 'langue_connue'"):
            engine.begin(ours().get("accueil"), TODAY, facts={**FACTS, "langue_connue": 1})

    def test_a_sub_flow_asks_for_its_facts_through_the_flow_that_runs_it(self) -> None:
        assert set(ours().get("accueil").needs) == set(FACTS)

    def test_progress_of_another_version_is_refused(self) -> None:
        old = engine.begin(amv(), TODAY, facts=FACTS).progress
        with pytest.raises(FlowMistake, match="another version"):
            engine.answer(ours().get("messages"), old, "1", TODAY)

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", "[1]", "null", '[9,"x"]', "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"]
    )
    def test_what_is_no_progress_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            engine.Progress.from_json(text)

    def test_the_same_call_gives_the_same_turn(self) -> None:
        progress = Caller(amv()).turn.progress
        assert engine.answer(amv(), progress, "1", TODAY) == engine.answer(amv(), progress, "1", TODAY)
