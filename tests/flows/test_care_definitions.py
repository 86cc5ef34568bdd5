"""The conversations about a change, an arm, a centre and signs of danger, heard as the people hear them."""

import pytest

from flows.engine import FlowEnded, Outcome
from flows.model import Flow
from tests.flows.callers import CHILDREN, FACTS, Caller, ours

ALONE = Outcome(True, options=CHILDREN[:1])
NO_CHILD = Outcome(True, options=())


def flow(name: str) -> Flow:
    return ours().get(name)


class TestEachStartsByItself:
    @pytest.mark.parametrize("name", ["prochain_rendez_vous", "mesure_bras"])
    @pytest.mark.parametrize(("language", "said"), [("fr", "Aucun enfant"), ("bm", "Den si"), ("en", "No child")])
    def test_without_a_child_it_says_so_kindly(self, name: str, language: str, said: str) -> None:
        spoken = {"language": language, "speaks": ("fr", "bm", "en")}
        caller = Caller(flow(name), {"my_children": NO_CHILD}, **spoken)
        assert caller.screen.startswith(said)
        assert "*000*1#" in caller.screen
        assert caller.is_over

    @pytest.mark.parametrize("word", ["RDV", "VACCIN", "BRAS", "CENTRE", "DANGER", "INSCRIRE", "INSCRIPTION"])
    def test_a_word_starts_one_conversation(self, word: str) -> None:
        assert len([one for one in ours().flows.values() if word in one.start.get("sms", ())]) == 1

    def test_a_form_agreed_to_and_left_is_given_to_somebody(self) -> None:
        form = flow("inscrire_enfant")
        assert form.resume is not None
        assert form.resume.ask
        assert form.unfinished is not None
        assert form.unfinished.consent == "accord"
        assert form.if_dropped is not None
        for words in form.texts[form.if_dropped.sms].written.values():
            assert not any(word in words.casefold() for word in ("enfant", "den ", "child", "sant", "kɛnɛya", "health"))


class TestChangement:
    def test_five_lines_and_no_more(self) -> None:
        assert Caller(flow("changement")).screen == (
            "Qu'est-ce qui change ?\n1 J'ai déménagé\n2 Nouveau numéro\n3 Ce n'est pas mon enfant\n"
            "4 Ne plus suivre un enfant\n5 J'ai le code d'un enfant"
        )

    def test_without_a_child_there_is_the_code_or_the_centre(self) -> None:
        caller = Caller(flow("changement"), facts={**FACTS, "enfants": 0})
        assert caller.screen.startswith("Aucun enfant n'est inscrit avec ce téléphone.")
        assert caller.press("2").startswith("Demandez au centre de santé")


class TestDemenagement:
    def test_one_child_or_everybody(self) -> None:
        caller = Caller(flow("demenagement"))
        assert caller.screen.splitlines()[:3] == ["Qui a déménagé ?", "1 Toute la famille", "2 Enfant 1, né 03/2026"]
        caller.press("2", "7")
        assert caller.screen.startswith("Enfant 1, né 03/2026 : nouveau quartier Darsalam. Juste ?")
        assert (
            caller.press("1")
            == "C'est noté : Darsalam. Les rendez-vous sont maintenant au CSCom ASACODRAB, avec le carnet."
        )
        assert caller.asked[-1].args == {"who": "c1", "zone": "7"}

    def test_an_only_child_is_not_chosen(self) -> None:
        assert Caller(flow("demenagement"), {"my_family": ALONE}).screen.startswith("Nouveau quartier ?")

    def test_nothing_is_changed_by_whoever_thinks_again(self) -> None:
        caller = Caller(flow("demenagement"))
        assert caller.press("1", "7", "3").startswith("Rien n'est changé.")
        assert "move_family" not in caller.actions()

    def test_without_a_known_centre_the_nearest_one_is_named(self) -> None:
        caller = Caller(flow("demenagement"), {"move_family": Outcome(True, {"centre": "", "decide": True})})
        assert "centre de santé le plus proche" in caller.press("1", "1", "1")


class TestNouveauNumero:
    def test_the_new_phone_answers_for_itself(self) -> None:
        caller = Caller(flow("nouveau_numero"))
        assert caller.press("1", "60000002").startswith("+223 60 00 00 02. Juste ?")
        assert caller.actions() == []
        assert "dites oui, avant 14 jours" in caller.press("1")
        assert caller.asked[-1].args == {"number": "+22360000002", "consent": "oui"}

    def test_a_no_writes_to_nobody(self) -> None:
        caller = Caller(flow("nouveau_numero"))
        assert caller.press("2").startswith("Rien n'est changé.")
        assert caller.asked == []

    @pytest.mark.parametrize("typed", ["+33612345678", "20200001", "15", "80000001"])
    def test_only_a_mobile_of_this_country(self, typed: str) -> None:
        caller = Caller(flow("nouveau_numero"))
        caller.press("1", typed)
        assert not caller.is_over
        assert caller.screen.endswith("Nouveau numéro ?\n0 Retour")

    @pytest.mark.parametrize(
        ("done", "said"),
        [("enough", "Trop de numéros"), ("same", "Rien n'est changé"), ("none", "Rien n'est changé")],
    )
    def test_what_came_of_it(self, done: str, said: str) -> None:
        caller = Caller(flow("nouveau_numero"), {"announce_phone": Outcome(True, {"done": done})})
        assert caller.press("1", "60000002", "1").startswith(said)


class TestRecevoirMessages:
    EXPECTED = {**FACTS, "passation": True}  # noqa: RUF012  # never changed

    def test_the_expected_phone_is_asked_before_anything_else(self) -> None:
        caller = Caller(ours().get("accueil"), facts=self.EXPECTED)
        assert caller.screen == (
            "Une famille veut recevoir ses messages sur ce téléphone. D'accord ?\n1 Oui\n2 Non\n3 Plus tard"
        )

    @pytest.mark.parametrize(
        ("typed", "action", "said"),
        [
            ("1", ["accept_handover"], "C'est fait : les messages viennent ici. Pour arreter : *000*1#, puis 5 et 1."),
            ("2", ["refuse_handover"], "C'est noté : rien ne sera envoyé ici. Merci."),
            ("3", [], "D'accord. La question revient au prochain appel."),
        ],
    )
    def test_yes_no_or_later(self, typed: str, action: list[str], said: str) -> None:
        caller = Caller(flow("recevoir_messages"))
        assert caller.press(typed) == said
        assert caller.actions() == ["awaited", *action]

    def test_who_is_to_stand_beside_agrees_to_that_and_to_no_more(self) -> None:
        caller = Caller(flow("recevoir_messages"), {"awaited": Outcome(True, {"second": True})})
        assert caller.screen.startswith("Une famille veut ses messages sur ce téléphone quand le sien ne recoit rien.")
        assert "si l'autre téléphone ne recoit rien" in caller.press("1")

    def test_a_yes_where_messages_are_stopped_says_how_to_start_them(self) -> None:
        caller = Caller(flow("recevoir_messages"), facts={**FACTS, "messages_arretes": True})
        assert "les SMS sont arretés sur ce téléphone" in caller.press("1")

    def test_a_request_that_is_over_changes_nothing(self) -> None:
        caller = Caller(flow("recevoir_messages"), {"accept_handover": Outcome(False)})
        assert "n'est plus valable" in caller.press("1")

    def test_no_word_of_a_child_or_of_health(self) -> None:
        for text in (one for step in flow("recevoir_messages").steps.values() if (one := getattr(step, "text", None))):
            for words in text.written.values():
                assert not any(word in words.casefold() for word in ("enfant", "den ", "child", "sant", "health"))


class TestPasMonEnfant:
    def test_no_reason_is_asked(self) -> None:
        caller = Caller(flow("pas_mon_enfant"), {"my_children": ALONE})
        assert caller.screen.startswith("Enfant 1, né 03/2026 : plus de messages pour cet enfant sur ce téléphone ?")
        assert caller.press("1").startswith("C'est fait : plus de messages pour cet enfant sur ce téléphone.")
        assert caller.asked[-1].args == {"child": "c1"}

    def test_a_no_changes_nothing(self) -> None:
        caller = Caller(flow("pas_mon_enfant"), {"my_children": ALONE})
        assert caller.press("2").startswith("Rien n'est changé.")
        assert "not_my_child" not in caller.actions()


class TestCodeEnfant:
    def test_the_code_as_it_is_shown_and_the_month(self) -> None:
        caller = Caller(flow("code_enfant"))
        caller.press("1", "4821 7730", "032026")
        assert caller.asked[-1].args == {"code": 48217730, "birth": 32026, "consent": "oui"}
        assert caller.events[-1] == FlowEnded("fait")

    def test_a_wrong_one_may_be_tried_again(self) -> None:
        answers = iter(["no", "no", "enough"])
        caller = Caller(flow("code_enfant"), {"claim_child": lambda _: Outcome(True, {"done": next(answers)})})
        for _ in range(2):
            caller.press(*(["1"] if caller.screen.startswith("Les messages") else []), "48217730", "3")
            assert caller.screen.startswith("Code ou date : rien de tel. Regardez le carnet.")
            caller.press("1")
        assert caller.press("48217730", "3").startswith("Demandez au centre de santé")

    def test_a_no_keeps_nothing(self) -> None:
        caller = Caller(flow("code_enfant"))
        assert caller.press("2").startswith("Rien n'est changé.")
        assert caller.asked == []


class TestMesureBras:
    def measured(self, *typed: str, meaning: str = "green", centre: str = "CSCom ASACODAR") -> Caller:
        found = Outcome(True, {"meaning": meaning, "centre": centre})
        caller = Caller(flow("mesure_bras"), {"my_children": ALONE, "screen_arm": found})
        caller.press(*typed)
        return caller

    def test_consent_comes_first_and_a_no_keeps_nothing(self) -> None:
        caller = self.measured()
        assert caller.screen.startswith("Nous gardons la mesure et la date")
        assert caller.press("2").startswith("Rien n'est gardé.")
        assert "screen_arm" not in caller.actions()

    def test_a_colour_is_enough(self) -> None:
        caller = self.measured("1", "2", "2", "2", meaning="yellow")
        args = {"child": "c1", "colour": "yellow", "mm": None, "oedema": "non", "danger": "non", "consent": "oui"}
        assert caller.asked[-1].args == args
        assert caller.screen.startswith("Montrez l'enfant dans la semaine, au CSCom ASACODAR")

    def test_a_width_in_mm(self) -> None:
        caller = self.measured("1", "4", "114", "1", "2", meaning="red")
        args = {"child": "c1", "colour": "mm", "mm": 114, "oedema": "oui", "danger": "non", "consent": "oui"}
        assert caller.asked[-1].args == args
        assert "dans les 24 heures" in caller.screen

    @pytest.mark.parametrize("typed", ["12,5", "12.5", "12", "6", "25", "59", "251", "11 5"])
    def test_centimetres_are_asked_again_with_an_example(self, typed: str) -> None:
        caller = self.measured("1", "4")
        assert caller.press(typed).startswith("Un nombre de 60 à 250, en mm : 12,5 cm font 125.")

    def test_a_sign_of_danger_is_for_now(self) -> None:
        caller = self.measured("1", "3", "2", "1", meaning="danger", centre="centre de santé")
        assert caller.asked[-1].args["danger"] == "oui"
        assert caller.screen.startswith("Allez maintenant")

    def test_at_another_age_the_tape_is_not_asked_for(self) -> None:
        caller = Caller(flow("mesure_bras"), {"my_children": ALONE, "can_be_measured": Outcome(True, {"age": "other"})})
        assert caller.screen.startswith("Le ruban sert de 6 mois à 5 ans.")
        assert caller.is_over

    def test_it_names_no_illness_and_prescribes_nothing(self) -> None:
        for step in flow("mesure_bras").steps.values():
            for words in getattr(getattr(step, "text", None), "written", {}).values():
                for word in ("malnutri", "dénutri", "nutrition", "plumpy", "sachet", "ration", "médicament", "faim"):
                    assert word not in words.casefold()


class TestCentreSante:
    def test_the_childs_own_centre_comes_first(self) -> None:
        mine = Outcome(True, {"centre": "CSCom ASACODAR", "days": "lundi, jeudi", "reference": "PMI"})
        caller = Caller(flow("centre_sante"), {"my_centre": mine})
        assert caller.screen.startswith("Votre centre : CSCom ASACODAR.")
        assert caller.press("1") == "CSCom ASACODAR. Vaccination : lundi, jeudi. Centre de référence : PMI."

    def test_days_that_nobody_told_are_not_invented(self) -> None:
        assert "Jours de vaccination : demandez au centre." in Caller(flow("centre_sante")).press("7")

    def test_another_quartier_than_ones_own(self) -> None:
        mine = Outcome(True, {"centre": "CSCom ASACODES", "days": "", "reference": "PMI"})
        caller = Caller(flow("centre_sante"), {"my_centre": mine})
        assert caller.press("2", "7").startswith("CSCom ASACODAR.")

    def test_where_no_centre_is_known_it_says_so(self) -> None:
        none = Outcome(True, {"centre": "", "days": "", "reference": "PMI"})
        caller = Caller(flow("centre_sante"), {"centre_of_quartier": none})
        assert caller.press("7").startswith("Nous ne connaissons pas de centre pour Darsalam.")


class TestSignesDanger:
    @pytest.mark.parametrize("language", ["fr", "bm", "en"])
    @pytest.mark.parametrize("who", ["1", "2", "3"])
    def test_two_screens_of_signs_and_what_to_do(self, who: str, language: str) -> None:
        caller = Caller(flow("signes_danger"), language=language, speaks=("fr", "bm", "en"))
        said = {
            "fr": ("Un seul signe, et au centre", "Allez maintenant au centre"),
            "bm": ("Taamasyèn kelen, taa kènèyaso la", "Taa sisan kènèyaso"),
            "en": ("One sign, and to the centre", "Go now to the nearest health centre"),
        }[language]
        assert caller.press(who).startswith(said[0]), "whoever reads one screen only knows where to go"
        assert not caller.press("1").startswith(said[1])
        assert caller.press("1").startswith(said[1])
        assert caller.is_over

    def test_what_to_do_is_one_key_away_from_the_signs(self) -> None:
        assert Caller(flow("signes_danger")).press("1", "2") == "Allez maintenant au centre de santé le plus proche."

    def test_the_number_stands_there_only_when_it_is_set(self) -> None:
        assert "Urgence" not in Caller(flow("signes_danger")).press("1", "2")
        assert (
            Caller(flow("signes_danger"), facts={**FACTS, "urgence": "112"}).press("1", "2").endswith("Urgence : 112.")
        )
