"""Our own conversations: sound, discreet, and heard as the people hear them."""

from datetime import date

import pytest

from flows import check
from flows.checks.words_said import texts_of
from flows.engine import FlowEnded, LanguageChosen, Outcome
from tests.flows.callers import CONTRACT, FACTS, Caller, ours

NEW = {**FACTS, "langue_connue": False, "enfants": 0}
INSCRIRE = ("1", "1", "1", "Awa Keïta")  # my child, register, I agree


def enrolling(*typed: str, **answers: Outcome) -> Caller:
    caller = Caller(ours().get("accueil"), answers)
    caller.press(*INSCRIRE, *typed)
    return caller


def test_nothing_is_to_be_mended() -> None:
    findings = check.check(ours(), CONTRACT)
    assert [str(each) for each in findings if each.level != "note"] == []


def test_every_screen_of_every_flow_is_proved() -> None:
    for seen in check.widest(ours()).values():
        assert {each.language for each in seen} == {"fr", "bm", "en"}
        assert all(each.units <= 160 for each in seen)


def test_the_bambara_is_marked_as_a_draft() -> None:
    for flow in ours().flows.values():
        assert flow.reviewed == {"fr": True, "bm": False, "en": True}
        assert flow.speakable(drafts=False) == ("fr", "en")


# The same for everybody who asks, whoever reads it over their shoulder: what a centre does on which day.
# And in the question itself whether reminders may say it.
SAYS_VACCINATION = {"centre_sante", "mots_des_sms"}


def test_no_screen_names_an_illness_or_puts_blame() -> None:
    for flow in ours().flows.values():
        for _, _, text in texts_of(flow):
            for words in text.written.values():
                for word in ("vaccin", "malad", "rougeole", "polio", "retard", "oubli", "manqu", "demain", "aujourd"):
                    if word == "vaccin" and flow.id in SAYS_VACCINATION:
                        continue
                    assert word not in words.casefold()


class TestAccueil:
    def test_a_first_call_asks_for_the_language_and_remembers_it(self) -> None:
        caller = Caller(ours().get("accueil"), facts=NEW, speaks=("fr", "bm", "en"))
        assert caller.screen == "Langue / Kan / Language\n1 Francais\n2 Bamanankan\n3 English"
        assert caller.press("2").startswith("Laseli, dubaw ka kènèya\n1 Ne den")
        assert caller.events == [LanguageChosen("bm")]

    def test_whoever_is_known_begins_at_the_menu(self) -> None:
        caller = Caller(ours().get("accueil"))
        assert caller.screen == (
            "Laseli, santé des familles\n1 Mon enfant\n2 Mutuelle et RAMED\n3 Centre de santé, urgence\n"
            "4 Conseil, écoute\n5 Langue, SMS, mes données"
        )

    def test_the_language_can_be_changed(self) -> None:
        caller = Caller(ours().get("accueil"))
        assert caller.press("5", "3").startswith("Langue / Kan / Language")
        assert caller.press("2").startswith("Laseli, dubaw ka kènèya")

    @pytest.mark.parametrize("choice", ["2", "3"])
    def test_without_a_child_it_says_so_kindly_and_how_to_enrol_one(self, choice: str) -> None:
        caller = Caller(ours().get("accueil"), facts={**FACTS, "enfants": 0})
        assert caller.press("1", choice) == (
            "Aucun enfant n'est encore inscrit avec ce téléphone. Pour en inscrire un, faites *000*1#, puis 1 et 1."
        )
        assert caller.asked == []


class TestInscrire:
    def test_consent_comes_first_and_a_no_keeps_nothing(self) -> None:
        caller = Caller(ours().get("accueil"))
        assert caller.press("1", "1").startswith("Pour les rappels par SMS, nous gardons votre numéro")
        assert caller.press("2") == "Rien n'est gardé. Merci d'avoir appelé."
        assert caller.asked == []

    def test_a_mother_who_knows_the_day_and_has_the_booklet(self) -> None:
        caller = enrolling("050326", "1", "7", "2")
        assert caller.screen.startswith("Date de ce rendez-vous ?")
        assert caller.press("06032026") == (
            "Awa Keita, Fille, né(e) le 05/03/2026, Darsalam. Carnet : Naissance. Juste ?"
            "\n1 Oui\n2 Corriger\n0 Retour 00 Menu"
        )
        assert caller.press("1").startswith("Code 4821 7730 à garder. Peut-on passer chez vous")
        assert caller.press("4") == (
            "Code 4821 7730. Rendez-vous à partir du 16/04/26, au CSCom ASACODAR, avec le carnet. Gardez ce code."
        )
        assert caller.is_over
        assert caller.asked[-1].args == {"answer": "non"}
        assert caller.asked[-2].args == {
            "name": "Awa Keïta",
            "birth": date(2026, 3, 5),
            "precision": "day",
            "sex": "F",
            "zone": "7",
            "last_visit": "birth",
            "last_visit_on": date(2026, 3, 6),
            "consent": "oui",
        }
        assert caller.events[-1] == FlowEnded("fin")

    @pytest.mark.parametrize(
        ("unit", "age", "told", "precision"),
        [("1", "3", ("weeks", 3), "week"), ("2", "7", ("months", 7), "month"), ("3", "2", ("years", 2), "year")],
    )
    def test_a_mother_who_knows_the_age_only(self, unit: str, age: str, told: tuple[str, int], precision: str) -> None:
        caller = enrolling("1", unit, age)
        assert caller.actions() == ["date_of_age"]
        assert (caller.asked[0].args["unit"], caller.asked[0].args["age"]) == told
        caller.press("2", "1", "1", "1")
        assert caller.asked[-1].args["precision"] == precision
        assert caller.asked[-1].args["birth"] == date(2026, 1, 1)
        assert caller.asked[-1].args["sex"] == "M"

    def test_a_newborn_is_nought_weeks_old(self) -> None:
        assert enrolling("1", "1", "0").screen.startswith("Fille ou garcon ?")

    def test_without_a_visit_its_date_is_not_asked(self) -> None:
        caller = enrolling("050326", "1", "1", "1")
        assert "Carnet : Aucun. Juste ?" in caller.screen
        caller.press("1")
        assert (caller.asked[-1].args["last_visit"], caller.asked[-1].args["last_visit_on"]) == ("none", None)

    def test_a_visit_whose_day_nobody_knows(self) -> None:
        caller = enrolling("050326", "1", "1", "3", "1", "1")
        assert (caller.asked[-1].args["last_visit"], caller.asked[-1].args["last_visit_on"]) == ("w6", None)

    def test_a_visit_is_not_before_the_birth_nor_to_come(self) -> None:
        caller = enrolling("050326", "1", "1", "2")
        assert caller.press("04032026").startswith("Une date du 05/03/2026 au 01/04/2026.")
        assert caller.press("02042026").startswith("Une date du 05/03/2026")

    def test_a_birth_of_more_than_five_years_ago_or_to_come_is_asked_again(self) -> None:
        assert enrolling("31032021").screen.startswith("Une date du 01/04/2021 au 01/04/2026.")
        assert enrolling("02042026").screen.startswith("Une date du")

    def test_a_correction_starts_at_the_name_and_forgets_the_visit(self) -> None:
        caller = enrolling("050326", "1", "1", "2", "06032026", "2")
        assert caller.screen.startswith("Nom et prénom")
        caller.press("Moussa", "050326", "2", "1", "1", "1")
        assert caller.asked[-1].args["name"] == "Moussa"
        assert caller.asked[-1].args["last_visit_on"] is None

    def test_after_two_corrections_it_is_for_later(self) -> None:
        caller = enrolling("050326", "1", "1", "1", "2")
        for _ in range(2):
            caller.press("Awa", "050326", "1", "1", "1", "2")
        assert caller.screen.startswith("Ce n'est pas possible maintenant.")

    def test_every_quartier_is_on_some_page(self) -> None:
        caller = enrolling("050326", "1")
        pages = [caller.screen]
        while "9 Suite" in caller.screen:
            pages.append(caller.press("9"))
        assert "Sokonafing" in pages[-1]
        assert len(pages) <= 4

    def test_a_full_register_is_told_kindly(self) -> None:
        caller = enrolling("050326", "1", "1", "1", "1", enrol_child=Outcome(False))
        assert caller.screen.startswith("Ce n'est pas possible maintenant.")
        assert caller.is_over

    @pytest.mark.parametrize(
        ("due", "centre", "said"),
        [
            ("16/04/26", "", "à partir du 16/04/26, au centre de santé, avec le carnet"),
            ("16/04/26", None, "au centre de santé"),
            ("", "CSCom ASACODAR", "L'enfant est inscrit."),
            (None, None, "L'enfant est inscrit."),
        ],
    )
    def test_without_a_date_or_a_centre_nothing_is_left_blank(
        self, due: str | None, centre: str | None, said: str
    ) -> None:
        told = Outcome(True, {"child_code": "4821 7730", "due": due, "centre": centre})
        assert said in enrolling("050326", "1", "1", "1", "1", enrol_child=told).screen


class TestRendezVous:
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("coming", "Enfant 1, né 03/2026 : rendez-vous à partir du 16/04/26, au CSCom ASACODAR, avec le carnet."),
            ("now", "Enfant 1, né 03/2026 : rendez-vous ouvert depuis le 16/04/26, au CSCom ASACODAR, avec le carnet."),
            ("late", "attendu depuis le 16/04/26 (19 jours) au CSCom ASACODAR, avec le carnet. Si c'est fait, merci."),
            ("complete", "tous les rendez-vous prévus sont faits. Merci."),
            ("unknown", "pas de date ici."),
            ("something new", "pas de date ici."),
        ],
    )
    def test_each_state_has_its_words(self, state: str, said: str) -> None:
        found = Outcome(True, {"due": "16/04/26", "centre": "CSCom ASACODAR", "state": state, "days": 19})
        caller = Caller(ours().get("accueil"), {"next_visit": found})
        assert said in caller.press("1", "2", "1")
        assert caller.asked[-1].args == {"child": "c1"}

    def test_without_a_centre_nothing_is_left_blank(self) -> None:
        found = Outcome(True, {"due": "16/04/26", "centre": None, "state": "coming"})
        assert "pas de date ici" in Caller(ours().get("accueil"), {"next_visit": found}).press("1", "2", "1")

    def test_an_only_child_is_not_chosen_from_a_list(self) -> None:
        only = Outcome(True, options=(("c7", {"fr": "Enfant 1, né 03/2026"}),))
        caller = Caller(ours().get("accueil"), {"my_children": only})
        assert caller.press("1", "2").startswith("Enfant 1, né 03/2026 : rendez-vous")
        assert caller.asked[-1].args == {"child": "c7"}


class TestNePlusSuivre:
    def test_the_child_is_named_before_anything_is_stopped(self) -> None:
        caller = Caller(ours().get("accueil"))
        assert caller.press("1", "4", "4", "2").startswith("Enfant 2, née 11/2024 : ne plus envoyer de messages")
        assert "stop_child" not in caller.actions()
        assert caller.press("1").startswith("C'est fait : plus de messages pour cet enfant.")
        assert caller.asked[-1].args == {"child": "c2"}

    def test_whoever_thinks_again_changes_nothing(self) -> None:
        caller = Caller(ours().get("accueil"))
        assert caller.press("1", "4", "4", "2", "2") == "Rien n'est changé. Merci."
        assert "stop_child" not in caller.actions()


MESSAGES = ("5", "1")


class TestMessages:
    def test_stopping_says_for_whom_and_how_to_begin_again(self) -> None:
        caller = Caller(ours().get("accueil"))
        caller.press(*MESSAGES)
        assert "toutes les personnes de ce téléphone" in caller.press("1")
        told = caller.press("1")
        assert told == (
            "C'est fait. Tous les SMS : plus rien pour les personnes de ce téléphone. "
            "Pour recommencer : *000*1#, puis 5 et 1."
        )
        assert caller.actions() == ["my_messages", "stop_messages"]
        assert caller.asked[-1].args == {"purpose": "all"}

    @pytest.mark.parametrize(("key", "purpose"), [("2", "reminder"), ("3", "campaign")])
    def test_one_purpose_is_stopped_by_itself(self, key: str, purpose: str) -> None:
        caller = Caller(ours().get("accueil"))
        assert caller.press(*MESSAGES, key, "1").startswith("C'est fait.")
        assert caller.asked[-1].args == {"purpose": purpose}

    def test_whoever_stopped_may_begin_again(self) -> None:
        none = Outcome(True, {"rappels": False, "infos": False})
        caller = Caller(ours().get("accueil"), {"my_messages": none})
        assert caller.press(*MESSAGES, "1").startswith("Tous les SMS : arretés ici.")
        assert caller.press("1").startswith("C'est fait. Tous les SMS : ils reprennent")
        assert caller.actions() == ["my_messages", "start_messages"]

    def test_what_still_comes_is_stopped_and_what_was_stopped_begins_again(self) -> None:
        half = Outcome(True, {"rappels": False, "infos": True})
        for key, asked in (("1", "les arreter"), ("2", "arretés ici"), ("3", "les arreter")):
            caller = Caller(ours().get("accueil"), {"my_messages": half})
            assert asked in caller.press(*MESSAGES, key), key

    @pytest.mark.parametrize("comes", [True, False])
    def test_a_no_changes_nothing(self, comes: bool) -> None:
        caller = Caller(ours().get("accueil"), {"my_messages": Outcome(True, {"rappels": comes, "infos": comes})})
        assert caller.press(*MESSAGES, "1", "2") == "Rien n'est changé. Merci."
        assert caller.actions() == ["my_messages"]
