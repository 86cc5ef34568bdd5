"""The conversations on the mutual, the RAMED, opinions, listening and one's own data, as callers hear them."""

import pytest

from flows.engine import FlowEnded, Outcome, TextSent
from flows.model import Menu
from tests.flows.callers import CONTRACT, FACTS, Caller, ours

LANGUAGES = ("fr", "bm", "en")
OURS = ("adhesion_amv", "amv_info", "avis", "ecoute", "ma_mutuelle", "mes_donnees", "messages", "ramed")
FORM = ("1", "Moussa Traoré", "7", "1")


def dialled(flow: str, *typed: str, language: str = "fr", **answers: Outcome) -> Caller:
    """A caller who began with the keyword of this flow, or was brought to it."""
    caller = Caller(ours().get(flow), answers, language=language, speaks=LANGUAGES)
    caller.press(*typed)
    return caller


def sent(caller: Caller) -> list[str]:
    return [event.text for event in caller.events if isinstance(event, TextSent)]


@pytest.mark.parametrize("flow", OURS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_flow_can_be_begun_by_itself_in_every_language(flow: str, language: str) -> None:
    assert dialled(flow, language=language).screen


@pytest.mark.parametrize("flow", OURS)
def test_the_bambara_is_a_draft_and_the_english_is_not(flow: str) -> None:
    assert ours().get(flow).reviewed == {"fr": True, "bm": False, "en": True}


class TestAdhesion:
    def test_a_family_asks_and_gets_a_receipt_without_a_name(self) -> None:
        caller = dialled("adhesion_amv", *FORM)
        assert caller.screen == (
            "Moussa Traoré, 7 pers., Communautaire et public, 12 500 F par mois. Confirmer ?"
            "\n1 Oui\n2 Non\n0 Retour 00 Menu"
        )
        assert caller.press("1").startswith("Merci. Demande A-2041, confirmée par SMS.")
        assert caller.asked[-1].args == {
            "head": "Moussa Traoré",
            "size": 7,
            "scheme": "communautaire_public",
            "consent": "oui",
        }
        assert sent(caller) == [
            "Demande A-2041 : 7 pers., Communautaire et public, 12 500 F par mois. "
            "La mutuelle vous appelle. Gardez ce SMS."
        ]

    def test_without_a_confirmed_price_none_is_said_and_the_family_still_asks(self) -> None:
        unknown = Outcome(True, {"montant": "", "carte": ""})
        caller = dialled("adhesion_amv", *FORM, quote_premium=unknown)
        assert "Prix : la mutuelle vous le confirme." in caller.screen
        caller.press("1")
        assert caller.is_over
        assert " F " not in sent(caller)[0]
        assert "vous dit le prix" in sent(caller)[0]

    def test_the_card_is_told_before_anybody_confirms(self) -> None:
        caller = dialled("adhesion_amv", *FORM, quote_premium=Outcome(True, {"montant": "3 850", "carte": "2 500"}))
        assert caller.screen.startswith("Carte de membre : 2 500 F, une seule fois.\nMoussa")

    def test_an_open_request_is_told_and_nothing_is_asked_again(self) -> None:
        open_one = Outcome(True, {"etat": "requested", "numero": "A-482177"})
        caller = dialled("adhesion_amv", my_mutual=open_one)
        assert caller.is_over
        assert "A-482177" in caller.screen
        assert caller.actions() == ["my_mutual"]

    def test_a_member_is_told_so(self) -> None:
        caller = dialled("adhesion_amv", my_mutual=Outcome(True, {"etat": "active", "numero": "A-482177"}))
        assert caller.screen.startswith("Votre famille est déjà à la mutuelle.")

    def test_a_no_keeps_nothing(self) -> None:
        caller = dialled("adhesion_amv", "2")
        assert caller.screen.startswith("Rien n'est gardé.")
        assert caller.actions() == ["my_mutual"]

    def test_after_two_corrections_it_is_for_later(self) -> None:
        caller = dialled("adhesion_amv", "1")
        for _ in range(3):
            caller.press(*FORM[1:], "2")
        assert caller.screen.startswith("Ce n'est pas possible maintenant.")
        assert "enrol_household" not in caller.actions()

    def test_it_is_resumed_told_of_and_left_to_a_mediator(self) -> None:
        flow = ours().get("adhesion_amv")
        assert (flow.resume and flow.resume.within, flow.if_dropped and flow.if_dropped.after) == (1800, 180)
        assert flow.unfinished
        assert flow.unfinished.consent == "accord"
        assert flow.start == {"sms": ("AMV", "MUTUELLE")}


class TestMutual:
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("requested", "Demande A-482177 du 20/11/26, 7 pers. : elle est à la mutuelle, qui vous appelle."),
            ("active", "Mutuelle A-482177, 7 pers. : payé jusqu'au 31/12/26."),
            ("refused", "La mutuelle n'a pas pu donner suite à la demande A-482177."),
            ("none", "Aucune mutuelle ni demande n'est connue pour ce téléphone."),
            ("ended", "Aucune mutuelle ni demande"),
        ],
    )
    def test_each_state_has_its_words(self, state: str, said: str) -> None:
        told = {"etat": state, "numero": "A-482177", "depuis": "20/11/26", "paye": "31/12/26", "membres": 7}
        assert dialled("ma_mutuelle", my_mutual=Outcome(True, told)).screen.startswith(said)

    def test_what_the_amv_is_leads_back_to_the_questions(self) -> None:
        caller = dialled("amv_info", "3")
        assert "consultation" in caller.screen
        while "1 " not in caller.screen:
            caller.press("9")
        assert caller.press("5").startswith("Merci. Pour le prix")
        assert caller.asked == []

    def test_no_price_stands_in_the_words(self) -> None:
        for flow in ("amv_info", "adhesion_amv", "ramed"):
            for digits in ("550", "2500", "2 500"):
                assert digits not in ours().get(flow).source


class TestRamed:
    def test_the_amo_covers_already(self) -> None:
        assert "déjà couverte" in dialled("ramed", "1").screen

    def test_who_can_pay_hears_of_the_amv(self) -> None:
        assert dialled("ramed", "2", "1").screen.startswith("L'AMV, avec une mutuelle, est pour vous.")

    def test_the_mairie_decides_and_nobody_is_called_indigent(self) -> None:
        caller = dialled("ramed", "2", "2")
        assert "Seule la mairie décide" in caller.screen
        assert "indigent" not in ours().get("ramed").source.replace("indigence", "")

    @pytest.mark.parametrize(
        ("key", "paper"),
        [
            ("1", "certificat de résidence"),
            ("2", "Acte de mariage"),
            ("3", "vie collectif"),
            ("4", "scolarité"),
            ("5", "médical"),
        ],
    )
    def test_everybody_has_their_papers(self, key: str, paper: str) -> None:
        caller = dialled("ramed", "2", "2")
        while "1 " not in caller.screen:
            caller.press("9")
        said = caller.press("2", key)
        assert paper in said

    def test_a_visit_is_asked_for_after_consent(self) -> None:
        caller = dialled("ramed", "2", "2")
        while "3 Visite" not in caller.screen:
            caller.press("9")
        assert "D'accord ?" in caller.press("3")
        assert "ask_visit" not in caller.actions()
        caller.press("1", "7")
        assert caller.asked[-1].args == {"zone": "7", "consent": "oui"}
        assert "seule la mairie décide" in caller.screen
        assert "RAMED" not in sent(caller)[0], "whoever holds the phone reads that somebody comes, not why"

    def test_a_visit_asked_for_twice_is_told_so_without_another_sms(self) -> None:
        before = Outcome(True, {"numero": "V-482177", "deja": True})
        caller = dialled("ramed", "2", "2", ask_visit=before)
        while "3 Visite" not in caller.screen:
            caller.press("9")
        assert "V-482177 est déjà notée" in caller.press("3", "1", "7")
        assert sent(caller) == []


class TestAvis:
    def test_words_are_kept_after_a_yes_and_get_a_number(self) -> None:
        caller = dialled("avis", "1", "1", "Le centre était fermé jeudi")
        assert caller.screen.startswith("Une plainte : l'envoyer ?")
        assert "482177 : gardez ce numéro" in caller.press("1")
        assert caller.asked[-1].args == {
            "kind": "complaint",
            "words": "Le centre était fermé jeudi",
            "consent": "oui",
        }

    def test_a_no_at_the_end_keeps_nothing(self) -> None:
        assert dialled("avis", "2", "1", "Ouvrir le samedi", "3").screen.startswith("Rien n'est gardé.")

    def test_the_words_are_not_shown_again(self) -> None:
        assert "fermé" not in dialled("avis", "1", "1", "Le centre était fermé").screen

    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("received", "Numéro 482177 : bien recu."),
            ("in_hand", "Numéro 482177 : une personne s'en occupe."),
            ("answered", "Réponse : Merci."),
            ("unknown", "Rien à lire ici pour le numéro 482177."),
        ],
    )
    def test_each_state_has_its_words(self, state: str, said: str) -> None:
        found = Outcome(True, {"etat": state, "reponse": "Merci." if state == "answered" else ""})
        caller = dialled("avis", "3", "482177", feedback_state=found)
        assert caller.screen.startswith(said)
        assert caller.asked[-1].args == {"number": 482177}


class TestEcoute:
    def test_two_lines_of_the_menu_lead_to_the_very_same_screens(self) -> None:
        heard = []
        for line in ("2", "3"):
            for choice in ("1", "2"):
                caller = Caller(ours().get("accueil"), speaks=LANGUAGES)
                heard.append((caller.press("4", line), caller.press(choice)))
                assert caller.asked == []
                assert [type(event) for event in caller.events] == [FlowEnded]
        assert len(set(heard)) == 1

    def test_it_first_tells_who_else_sees_what_is_typed(self) -> None:
        assert dialled("ecoute").screen.startswith(
            "L'opérateur peut voir ce numéro, le code appelé et ce qui est tapé ici."
        )

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_help_number_is_told_when_there_is_one(self, language: str) -> None:
        flow = ours().get("ecoute")
        with_number = Caller(flow, facts={**FACTS, "ecoute": "80 00 11 11"}, language=language, speaks=LANGUAGES)
        assert "80 00 11 11" in with_number.press("1")
        assert "80" not in dialled("ecoute", "1", language=language).screen

    def test_nothing_of_it_can_last(self) -> None:
        flow = ours().get("ecoute")
        assert flow.sensitive
        assert not any((flow.resume, flow.if_dropped, flow.unfinished, flow.texts, flow.start))
        assert {step.kind for step in flow.steps.values()} == {"menu", "when", "end"}
        assert all(not isinstance(step, Menu) or step.source is None for step in flow.steps.values())


class TestMyData:
    def test_counts_and_kinds_are_told_and_no_name(self) -> None:
        caller = dialled("mes_donnees")
        assert caller.screen.startswith("Gardé : enfants 2, langue francais, rappels oui, infos non, demandes A-204117")
        assert caller.press("1") == "Rien n'est changé. Merci."

    def test_forgetting_is_asked_twice_after_it_was_explained(self) -> None:
        caller = dialled("mes_donnees", "2")
        assert caller.screen.startswith("Tout ce téléphone sera effacé, pour toutes ses personnes")
        while "2 Oui, tout effacer" not in caller.screen:
            caller.press("9")
        caller.press("2")
        assert "forget_me" not in caller.actions()
        assert caller.press("2").startswith("C'est effacé")
        assert caller.actions()[-1] == "forget_me"

    @pytest.mark.parametrize("answers", [("1",), ("2", "1")])
    def test_a_no_at_either_question_changes_nothing(self, answers: tuple[str, ...]) -> None:
        caller = dialled("mes_donnees", "2")
        while "2 Oui, tout effacer" not in caller.screen:
            caller.press("9")
        assert caller.press(*answers) == "Rien n'est changé. Merci."
        assert "forget_me" not in caller.actions()


def test_the_contract_is_what_the_service_says() -> None:
    from service.stories.talk.effects import SIGNATURES

    ours_too = {name: CONTRACT[name] for name in SIGNATURES if name in CONTRACT}
    assert {name: SIGNATURES[name] for name in ours_too} == ours_too
