"""How a conversation goes, told by the people who hold the phone."""

from datetime import date

import pytest

from flows.engine import FlowEnded, Handset, LanguageChosen, Outcome, TextSent
from tests.flows.callers import QUARTIERS, Caller, a_flow, amv, ours

OUI_NON = '\n    options:\n      oui: {all: "Oui"}\n      non: {all: "Non"}\n'
FIN = '\n  - id: fin\n    end: {all: "Fin."}\n'


def test_a_household_joins_the_mutual_in_bambara() -> None:
    caller = Caller(amv(), speaks=("fr", "bm", "en"))
    assert caller.screen == "Langue / Kan / Language\n1 Francais\n2 Bamanankan\n3 English"
    assert caller.press("2").startswith("Mutuelle bè i ka jaabiw mara")
    caller.press("1", "Awa Keïta", "7", "2")
    assert caller.screen == (
        "Awa Keita, mògò 7, Forobako ni kèrènkèrènnen, 12 500 F kalo. Tinyè don?\n1 Awò\n2 Ayi\n0 Kòfè 00 Menu"
    )
    assert caller.press("1") == "I ni ce. SMS bèna ci i ma."
    assert caller.is_over
    assert caller.asked[-1].args == {"head": "Awa Keïta", "size": 7, "scheme": "mixte", "consent": "oui"}
    assert caller.events == [
        LanguageChosen("bm"),
        TextSent("Nimɔrɔ A-2041: mɔgɔ 7, Forobako ni kɛrɛnkɛrɛnnen, 12 500 F kalo. Nin SMS mara."),
        FlowEnded("fin"),
    ]


def test_who_refuses_is_asked_nothing_more() -> None:
    caller = Caller(amv(), language="fr")
    assert caller.press("1", "2") == "Rien n'est gardé. Au revoir."
    assert caller.asked == []


def test_an_action_that_fails_leads_where_the_flow_says() -> None:
    caller = Caller(amv(), {"quote_premium": Outcome(False)})
    assert caller.press("1", "1", "Awa", "7", "1") == "Pas possible maintenant. La mutuelle vous rappelle."
    assert caller.is_over


def test_a_choice_can_be_typed_in_words() -> None:
    caller = Caller(amv())
    assert caller.press("francais", "OUI").startswith("Nom et prénom")


class TestAskingAgain:
    def test_a_wrong_answer_is_asked_again_with_the_words_of_the_step(self) -> None:
        caller = Caller(amv())
        caller.press("1", "1", "Awa")
        assert caller.press("beaucoup").startswith("Un nombre de 1 à 30.\nCombien de personnes")
        assert caller.press("31").startswith("Un nombre de 1 à 30.\nCombien de personnes")
        assert caller.press("3").startswith("Quelle formule ?")

    def test_without_words_of_its_own_the_engine_gives_an_example(self) -> None:
        flow = a_flow('  - id: q\n    date: {all: "Quand ?"}\n    from: -1y\n    to: today' + FIN)
        caller = Caller(flow)
        assert caller.press("31022026") == "Jour, mois, année. Exemple: 05032026.\nQuand ?"
        assert caller.press("01012020") == "Une date du 01/04/2025 au 01/04/2026.\nQuand ?"

    def test_the_third_wrong_answer_leads_where_the_flow_says(self) -> None:
        flow = a_flow(
            '  - id: q\n    number: {all: "Combien ?"}\n    from: 1\n    to: 5\n    give_up: aide\n'
            '  - id: fin\n    end: {all: "Merci."}\n  - id: aide\n    end: {all: "On vous rappelle."}'
        )
        assert Caller(flow).press("a", "b", "c") == "On vous rappelle."

    def test_where_it_led_is_remembered_when_a_later_answer_is_taken_back(self) -> None:
        flow = a_flow(
            '  - id: date\n    number: {all: "Combien ?"}\n    from: 1\n    to: 5\n    give_up: nom\n    next: fin\n'
            '  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n  - id: ou\n    text: {all: "Où ?"}\n    max: 9' + FIN
        )
        caller = Caller(flow)
        name = caller.press("a", "b", "c")
        assert caller.press("Awa").startswith("Où ?")
        assert caller.press("0") == name == "Nom ?\n0 Retour"
        assert caller.press("0") == "Combien ?"

    def test_without_such_a_place_it_ends_with_a_kind_word(self) -> None:
        caller = Caller(amv())
        assert caller.press("x", "", "7").startswith("Ce n'est pas grave.")
        assert caller.is_over
        assert caller.events == [FlowEnded("langue", gave_up=True)]

    def test_a_right_answer_in_between_starts_the_count_afresh(self) -> None:
        caller = Caller(amv())
        caller.press("x", "x", "1", "x", "x", "1")
        assert caller.screen.startswith("Nom et prénom")

    def test_help_that_does_not_fit_above_the_question_stands_on_its_own_page(self) -> None:
        question = "m" * 145
        flow = a_flow(f'  - id: q\n    text: {{all: "{question}"}}\n    max: 5{FIN}')
        caller = Caller(flow)
        assert caller.press("beaucoup trop long") == "5 lettres au plus.\n9 Suite"
        assert caller.press("9") == f"{question}\n0 Retour"
        assert caller.press("ok") == "Fin."


class TestGoingBack:
    def test_zero_takes_back_one_answer_at_a_time(self) -> None:
        caller = Caller(amv())
        first, second = caller.screen, caller.press("1")
        third = caller.press("1")
        assert caller.press("0") == second
        assert caller.press("0") == first
        assert caller.press("1", "1") == third

    def test_going_back_calls_no_action_again(self) -> None:
        caller = Caller(amv())
        before = caller.press("1", "1", "Awa", "7")
        caller.press("2")
        assert caller.actions() == ["quote_premium"]
        assert caller.press("0") == before
        assert caller.actions() == ["quote_premium"]
        caller.press("1")
        assert caller.actions() == ["quote_premium", "quote_premium"]
        assert caller.asked[-1].args == {"scheme": "public", "people": 7}

    def test_nobody_goes_back_over_what_was_written(self) -> None:
        flow = a_flow(
            f'  - id: a\n    menu: {{all: "A ?"}}{OUI_NON}'
            f"  - id: ecrire\n    do: stop_messages\n    fails: fin\n"
            f'  - id: b\n    menu: {{all: "B ?"}}{OUI_NON}'
            f'  - id: c\n    menu: {{all: "C ?"}}{OUI_NON}{FIN}'
        )
        caller = Caller(flow)
        assert caller.press("1") == "B ?\n1 Oui\n2 Non"
        assert caller.press("0") == "Tapez 1 à 2.\nB ?\n1 Oui\n2 Non"
        assert caller.press("1") == "C ?\n1 Oui\n2 Non\n0 Retour 00 Menu"
        assert caller.press("0") == "B ?\n1 Oui\n2 Non"

    def test_nobody_goes_back_over_an_sms(self) -> None:
        flow = a_flow(
            f'  - id: a\n    menu: {{all: "A ?"}}{OUI_NON}'
            f'  - id: sms\n    say: {{all: "Un SMS."}}\n    by: sms\n  - id: b\n    menu: {{all: "B ?"}}{OUI_NON}{FIN}'
        )
        caller = Caller(flow)
        assert "0 Retour" not in caller.press("1")
        caller.press("0")
        assert caller.events == [TextSent("Un SMS.")]

    def test_each_answer_keeps_the_day_it_was_given(self) -> None:
        flow = a_flow(
            '  - id: ne\n    date: {all: "Né ?"}\n    from: -5y\n    to: today\n'
            '  - id: nom\n    text: {all: "Nom ?"}\n    max: 5\n'
            '  - id: tri\n    when:\n      - {if: "age_months(ne) < 3", go: petit}\n      - {else: grand}\n'
            '  - id: petit\n    text: {all: "Petit ?"}\n    max: 5\n    next: fin\n'
            '  - id: grand\n    text: {all: "Grand ?"}\n    max: 5' + FIN
        )
        caller = Caller(flow)
        assert caller.press("02012026", "Awa").startswith("Petit ?")
        caller.today = date(2026, 4, 3)
        assert caller.press("ok") == "Fin."
        caller = Caller(flow)
        caller.press("02012026", "Awa")
        caller.today = date(2026, 4, 3)
        caller.press("0")
        assert caller.screen.startswith("Nom ?")
        assert caller.press("Awa").startswith("Grand ?")

    def test_where_zero_is_an_answer_it_is_taken_as_one(self) -> None:
        flow = a_flow(
            '  - id: nom\n    text: {all: "Nom ?"}\n    max: 5\n'
            '  - id: combien\n    number: {all: "Combien ?"}\n    from: 0\n    to: 9' + FIN
        )
        caller = Caller(flow)
        assert caller.press("Awa") == "Combien ?"
        assert caller.press("0") == "Fin."

    def test_a_correction_forgets_what_was_said_below(self) -> None:
        """An answer of the first round must not slip into the second, where it was never asked."""
        flow = a_flow(
            f'  - id: carnet\n    menu: {{all: "Un carnet ?"}}\n    go: {{non: juste}}{OUI_NON}'
            '  - id: quand\n    date: {all: "Quand ?"}\n    from: -5y\n    to: today\n'
            '  - id: juste\n    menu: {all: "Juste ?"}\n    options:\n      oui: {all: "Oui"}\n'
            '      corriger: {all: "Corriger"}\n    go: {corriger: carnet}\n    again: 2\n    give_up: fin\n'
            "  - id: garder\n    do: keep\n    with: {quand: quand}\n    fails: fin" + FIN
        )
        caller = Caller(flow, {"keep": Outcome(True)})
        caller.press("1", "01032026", "2", "2", "1")
        assert caller.asked[-1].args == {"quand": None}

    @pytest.mark.parametrize(
        "way_up",
        [
            '  - id: haut\n    say: {all: "Encore."}\n    next: tri\n',
            "  - id: haut\n    set: {x: 3}\n    next: tri\n",
            "  - id: haut\n    run: bref\n    next: tri\n",
            "  - id: haut\n    do: stop_messages\n    fails: fin\n    next: tri\n",
            "  - id: haut\n    when:\n      - {else: tri}\n",
        ],
    )
    def test_every_way_up_the_page_forgets(self, way_up: str) -> None:
        steps = (
            '  - id: tri\n    when:\n      - {if: "nom", go: fin}\n      - {else: nom}\n'
            '  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n' + way_up + '  - id: fin\n    end: {all: "Fin."}'
        )
        caller = Caller(a_flow(steps, bref="  - id: fin\n    end:"))
        assert "Nom ?" in caller.press("Awa")
        assert caller.turn.progress.values.get("nom") is None

    def test_a_question_that_leads_to_itself_is_a_correction_too(self) -> None:
        flow = a_flow(
            f'  - id: q\n    menu: {{all: "?"}}\n    go: {{non: q}}\n    again: 1{OUI_NON}' + FIN.lstrip("\n")
        )
        caller = Caller(flow)
        assert caller.press("2") == "?\n1 Oui\n2 Non\n0 Retour"
        assert caller.press("2").startswith("Ce n'est pas grave.")

    def test_corrections_are_counted(self) -> None:
        caller = Caller(amv())
        caller.press("1", "1")
        for _ in range(2):
            assert caller.press("Awa", "7", "1", "2").startswith("Nom et prénom")
        assert caller.press("Awa", "7", "1", "2") == "Pas possible maintenant. La mutuelle vous rappelle."

    @pytest.mark.parametrize("typed", ["0", " 0 ", "0.", "0#", "０", "0\n"])
    def test_the_key_is_known_however_the_phone_sends_it(self, typed: str) -> None:
        caller = Caller(amv())
        first = caller.screen
        assert caller.press("1", typed) == first

    def test_who_goes_round_and_round_is_let_go_kindly(self) -> None:
        caller = Caller(ours().get("accueil"))
        for _ in range(200):
            if caller.is_over:
                break
            for key in ("5", "3", "1"):
                caller.press(key)  # after the end a key changes nothing
        assert caller.screen.startswith("Ce n'est pas grave.")


class TestPages:
    STEPS = '  - id: lieu\n    menu: {all: "Votre quartier ?"}\n    options_from: quartiers\n    show: 24\n'
    ENDING = '    empty: fin\n    fails: fin\n  - id: fin\n    end: {all: "Lieu : {lieu}."}'

    def caller(self, **others: object) -> Caller:
        return Caller(a_flow(self.STEPS + self.ENDING), **others)

    def test_a_long_menu_turns_its_pages_both_ways(self) -> None:
        caller = self.caller()
        first = caller.screen
        assert first.startswith("Votre quartier ?\n1 Badialan 1\n")
        assert first.endswith("\n9 Suite")
        second = caller.press("9")
        assert second.startswith("1 ")
        assert second.endswith("\n9 Suite 0 Retour")
        assert caller.press("0") == first

    def test_every_choice_of_a_long_menu_can_be_reached_and_taken(self) -> None:
        seen: list[str] = []
        caller = self.caller()
        while True:
            lines = [line for line in caller.screen.split("\n") if line[0] in "12345678"]
            seen += [line[2:] for line in lines]
            if "9 Suite" not in caller.screen:
                break
            caller.press("9")
        assert tuple(seen) == QUARTIERS
        last = lines[-1][0]
        assert caller.press(last) == f"Lieu : {QUARTIERS[-1]}."

    def test_a_name_typed_is_found_on_whichever_page(self) -> None:
        assert self.caller().press("point g") == "Lieu : Point G."

    def test_a_wrong_answer_shows_the_same_page_again(self) -> None:
        caller = self.caller()
        second = caller.press("9")
        assert caller.press("x").endswith(second)

    def test_a_narrow_screen_has_more_pages(self) -> None:
        caller = self.caller(handset=Handset(limit=80))
        assert caller.press("9", "9", "9", "9").endswith("9 Suite 0 Retour")

    def test_words_that_fit_stand_above_the_next_question(self) -> None:
        flow = a_flow('  - id: a\n    say: {all: "Bonjour."}\n  - id: q\n    text: {all: "Nom ?"}\n    max: 9' + FIN)
        assert Caller(flow).screen == "Bonjour.\nNom ?"

    def test_words_that_do_not_fit_get_pages_before_the_question(self) -> None:
        words = " ".join(f"mot{n:03}" for n in range(40))
        flow = a_flow(f'  - id: a\n    say: {{all: "{words}"}}\n  - id: q\n    text: {{all: "Nom ?"}}\n    max: 9{FIN}')
        caller = Caller(flow)
        read = [caller.screen]
        while "9 Suite" in caller.screen:
            read.append(caller.press("9"))
        body = " ".join(page.split("\n")[0] for page in read[:-1])
        assert body == words
        assert read[-1] == "Nom ?\n0 Retour"
        assert caller.press("0") == read[-2]
        assert caller.press("9", "Awa") == "Fin."

    def test_whatever_is_typed_on_a_page_of_words_turns_it(self) -> None:
        flow = a_flow(
            f'  - id: a\n    say: {{all: "{"mot " * 60}"}}\n  - id: q\n    text: {{all: "Nom ?"}}\n    max: 9{FIN}'
        )
        caller = Caller(flow)
        while "9 Suite" in caller.screen:
            caller.press("hein ?")
        assert caller.screen.startswith("Nom ?")

    def test_long_last_words_turn_their_pages_too(self) -> None:
        words = " ".join(f"mot{n:03}" for n in range(40))
        caller = Caller(a_flow(f'  - id: fin\n    end: {{all: "{words}"}}'))
        read = []
        while not caller.is_over:
            read.append(caller.screen.removesuffix(" 0 Retour").removesuffix("\n9 Suite"))
            caller.press("9")
        assert " ".join([*read, caller.screen]) == words
        assert caller.events == [FlowEnded("fin")]

    def test_a_long_name_never_pushes_a_screen_over_the_limit(self) -> None:
        caller = Caller(amv(), speaks=("bm",), language="bm")
        caller.press("1", "Ɲ" * 24, "30", "2")
        assert caller.screen.startswith("Ny" * 12 + ", mògò 30")


class TestLanguages:
    def test_a_draft_is_not_offered_where_it_may_not_be_shown(self) -> None:
        caller = Caller(amv(), speaks=("fr", "en"))
        assert caller.screen == "Langue / Kan / Language\n1 Francais\n2 English"
        assert caller.press("2").startswith("The mutual keeps")

    def test_where_one_language_is_left_nobody_is_asked(self) -> None:
        caller = Caller(amv(), speaks=("fr",))
        assert caller.screen.startswith("La mutuelle garde")
        assert caller.events == []
        assert "0 Retour" not in caller.screen

    def test_a_caller_whose_language_may_not_be_shown_reads_french(self) -> None:
        caller = Caller(ours().get("messages"), speaks=("fr",), language="bm")
        assert caller.screen.startswith("Arreter ou reprendre")

    def test_a_known_language_is_spoken_from_the_start(self) -> None:
        caller = Caller(ours().get("messages"), speaks=("fr", "bm"), language="bm")
        assert caller.screen.startswith("Ka dabila walima")

    def test_a_choice_that_only_leads_to_languages_is_hidden_from_who_has_one(self) -> None:
        assert "3 Langue / Kan / Language" in Caller(ours().get("accueil")).press("5")
        assert "Langue /" not in Caller(ours().get("accueil"), speaks=("fr",)).press("5")
