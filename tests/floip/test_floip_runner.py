"""A person meets a container: every host rule and every type of block, through the command."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from flows.floip.floip_container import read_container
from flows.floip.floip_runner import answer, begin, end_json
from flows.floip.floip_state import RunState, read_request
from flows.mistakes import FlowMistake
from tests.floip.containers import Flow, Raw, container, invoke, said, talk, text, uid, way

LANGUAGE = {"property_key": "language", "property_value": "block.value"}


def accepted(run: Raw) -> list[bool]:
    return [turn["accepted"] for turn in run["turns"]]


# --- host rules ---------------------------------------------------------------------------------------------------


def test_a_message_asks_nothing_and_the_run_goes_on() -> None:
    run = talk(container(Flow("accueil").say("bonjour", "Bonjour", "encore").say("encore", "Encore")), "trop", "tard")
    assert run["turns"] == [
        {
            "in": None,
            "accepted": True,
            "out": [{"block": "bonjour", "text": "Bonjour"}, {"block": "encore", "text": "Encore"}],
        }
    ]
    assert run["end"] == {
        "finished": True,
        "results": {},
        "contact": {},
        "groups": [],
        "logs": [],
        "path": [{"block": "bonjour"}, {"block": "encore"}],
    }


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("7", 7),
        (" 07\n", 7),
        ("-3", -3),
        ("2.50", 2.5),
        ("3.0", 3),
        ("-0.5", -0.5),
        ("0", 0),
        ("9" * 20, int("9" * 20)),
    ],
)
def test_a_number_is_digits_with_blanks_around(typed: str, number: float) -> None:
    run = talk(container(Flow("compte").number("combien", "Combien ?")), typed)
    assert run["end"]["results"] == {"combien": number}
    assert type(run["end"]["results"]["combien"]) is type(number)
    assert accepted(run) == [True, True]


@pytest.mark.parametrize("typed", ["", " ", "sept", "+7", "1,5", "1.", ".5", "1e3", "7 8", "--1", "٧", "9" * 5000])
def test_what_is_no_number_is_asked_again(typed: str) -> None:
    run = talk(container(Flow("compte").number("combien", "Combien ?")), typed, "8")
    assert accepted(run) == [True, False, True]
    assert said(run) == ["Combien ?", "Combien ?"]
    assert run["end"]["results"] == {"combien": 8}
    assert run["end"]["path"] == [{"block": "combien"}]


def test_a_number_out_of_its_limits_is_refused_and_the_limits_belong_to_it() -> None:
    made = container(Flow("compte").number("age", "Age ?", validation_minimum=0, validation_maximum=5.5))
    run = talk(made, "-1", "6", "5.6", "5.5")
    assert accepted(run) == [True, False, False, False, True]
    assert talk(made, "0")["end"]["results"] == {"age": 0}


def choice(many: bool = False, **more: Any) -> Raw:
    labels = {"riz": {"fra": "Riz", "bam": "Malo"}, "mil": {"fra": "Mil", "bam": "Sanyo"}, "fonio": "Fonio"}
    return container(Flow("repas").choose("plat", "Quel plat ?", labels, many=many, **more))


@pytest.mark.parametrize(("typed", "name"), [("1", "riz"), (" 2 ", "mil"), ("MIL", "mil"), ("03", "fonio")])
def test_a_choice_is_taken_by_the_first_true_test(typed: str, name: str) -> None:
    run = talk(choice(), typed)
    assert run["end"]["results"] == {"plat": name}
    assert run["turns"][0]["out"] == [
        {
            "block": "plat",
            "text": "Quel plat ?",
            "choices": [
                {"name": "riz", "label": "Riz"},
                {"name": "mil", "label": "Mil"},
                {"name": "fonio", "label": "Fonio"},
            ],
        }
    ]


@pytest.mark.parametrize("typed", ["", "   ", "4", "Malo", "riz mil"])
def test_what_takes_no_choice_is_asked_again(typed: str) -> None:
    run = talk(choice(), typed)
    assert accepted(run) == [True, False]
    assert run["turns"][1]["out"] == run["turns"][0]["out"]
    assert run["end"]["finished"] is False
    assert run["end"]["results"] == {}


def test_an_empty_reply_takes_no_choice_even_when_a_test_would_hold() -> None:
    made = choice()
    made["flows"][0]["blocks"][0]["config"]["choices"][0]["text_tests"] = [{"test_expression": "TRUE"}]
    assert accepted(talk(made, "", "x")) == [True, False, True]


def test_the_tests_of_the_other_language_do_not_count() -> None:
    assert talk(choice(), "Malo", language="bam")["end"]["results"] == {"plat": "riz"}
    assert accepted(talk(choice(), "Riz", language="bam")) == [True, False]


@pytest.mark.parametrize(
    ("typed", "names"),
    [("1", ["riz"]), ("3 1", ["fonio", "riz"]), ("3,1;2", ["fonio", "riz", "mil"]), (" 2 ,; 2 mil", ["mil"]), ("", [])],
)
def test_several_choices_keep_the_typed_order_and_twice_is_once(typed: str, names: list[str]) -> None:
    assert talk(choice(many=True), typed)["end"]["results"] == {"plat": names}


def test_one_wrong_word_refuses_all_and_so_do_too_few_or_too_many() -> None:
    assert accepted(talk(choice(many=True), "1 9 2")) == [True, False]
    bounded = choice(many=True, minimum_choices=1, maximum_choices=2)
    assert accepted(talk(bounded, "", "1 2 3", "1 1 2")) == [True, False, False, True]


def test_a_refused_reply_may_leave_by_the_default_exit_with_no_value() -> None:
    flow = Flow("compte").number("age", "Age ?", "autre", [way("age", "bon", "fin", "ISNUMBER(block.value)")])
    made = container(flow.say("fin", "Merci").say("autre", "Sans âge : @(flow.age = NULL)"))
    run = talk(made, "sept", on_invalid="null")
    assert accepted(run) == [True, False]
    assert said(run) == ["Age ?", "Sans âge : TRUE"]
    assert run["end"]["results"] == {"age": None}
    assert said(talk(made, "7", on_invalid="null")) == ["Age ?", "Merci"]


def test_the_property_language_switches_the_language_from_then_on() -> None:
    flow = Flow("accueil").choose(
        "langue", {"fra": "Langue ?", "bam": "Kan ?"}, {"fra": "Français", "bam": "Bamanankan"}, "fin",
        set_contact_property=[LANGUAGE],
    )  # fmt: skip
    flow.say("fin", {"fra": "Merci (@flow.language)", "bam": "I ni ce (@run.language)"})
    run = talk(container(flow), "2")
    assert said(run) == ["Langue ?", "I ni ce (bam)"]
    assert run["end"]["contact"] == {"language": "bam"}


def test_a_language_called_by_a_number_is_spoken_too() -> None:
    flow = Flow("accueil", ("22", "23"))
    flow.choose("langue", {"22": "Langue ?", "23": "Kan ?"}, {"22": "F", "23": "B"}, "suite").case("suite", {}, "note")
    flow.set("note", "fin", language="23").say("fin", {"22": "Merci", "23": "I ni ce"})
    made = container(flow)
    made["flows"][0]["languages"] = [{"id": "22", "iso_639_3": "fra"}, {"id": "23", "iso_639_3": "bam"}]
    run = talk(made, "1", language="22")
    assert (said(run), run["end"]["contact"]) == (["Langue ?", "I ni ce"], {"language": 23})
    assert said(talk(made, language="", contact={"language": 23})) == ["Kan ?"]


def test_a_language_that_the_flow_lacks_is_kept_and_switches_nothing() -> None:
    flow = Flow("accueil").set("note", "fin", language="'eng'").say("fin", {"fra": "Merci", "bam": "I ni ce"})
    run = talk(container(flow))
    assert said(run) == ["Merci"]
    assert run["end"]["contact"] == {"language": "eng"}


def test_replies_that_run_out_leave_the_run_unfinished_with_what_was_said() -> None:
    flow = Flow("deux").open("nom", "Nom ?", "age").number("age", "Age ?")
    run = talk(container(flow), "Awa")
    assert run["end"]["finished"] is False
    assert run["end"]["results"] == {"nom": "Awa"}
    assert run["end"]["path"] == [{"block": "nom"}, {"block": "age"}]


def test_an_open_reply_is_kept_as_it_was_typed_and_an_empty_one_refused() -> None:
    run = talk(container(Flow("avis").open("avis", "Votre avis ?")), "  ", " Très bien, @contact.name ")
    assert accepted(run) == [True, False, True]
    assert run["end"]["results"] == {"avis": " Très bien, @contact.name "}


def test_a_run_survives_json_between_any_two_turns_and_values_are_equal() -> None:
    sub = Flow("identite").open("nom", "Nom ?", "age").number("age", "Age ?")
    main = Flow("accueil").choose(
        "langue", "Langue ?", {"fra": "F", "bam": "B"}, "qui", set_contact_property=[LANGUAGE]
    )
    main.run("qui", "identite", "fin").say("fin", "@flow.nom, @child.results.age ans")
    made = read_container(container(main, sub))
    request = read_request({"language": "fra", "mode": "USSD", "contact": {"a": [1, None]}, "groups": ["g"]}, {})
    turn = begin(made, None or main.uuid, request, datetime(2026, 3, 5))
    for typed in ("x", "2", "", "Awa", "sept", "7"):
        kept = RunState.from_json(turn.state.to_json())
        assert kept == turn.state
        again = answer(made, kept, typed)
        turn = answer(made, turn.state, typed)
        assert again == turn
    assert turn.state.finished
    assert [each.text for each in turn.out] == ["Awa, 7 ans"]
    assert end_json(turn.state)["path"] == [{"block": name} for name in ("langue", "qui", "nom", "age", "fin")]
    with pytest.raises(FlowMistake, match="finished"):
        answer(made, turn.state, "encore")


@pytest.mark.parametrize("kept", ["", "[]", "[2,{}]", '[1,{"frames":[]}]', "null", '[1,{"frames":[{"x":1}]}]'])
def test_what_is_no_run_is_refused(kept: str) -> None:
    with pytest.raises(ValueError):
        RunState.from_json(kept)


# --- words --------------------------------------------------------------------------------------------------------


def spoken(values: list[Raw], **run: Any) -> str:
    flow = Flow("mots").say("mot", "-")
    flow.resources[0]["values"] = values
    return said(talk(container(flow), **run))[0]


def words(language: str, said: str, *modes: str, kind: str = "TEXT") -> Raw:
    return {"language_id": language, "content_type": kind, "modes": list(modes), "value": said}


def test_words_are_chosen_by_language_and_mode() -> None:
    values = [
        words("bam", "bu", "USSD"),
        words("fra", "fs", "SMS"),
        words("fra", "fu", "USSD"),
        words("fra", "fr", "RICH_MESSAGING"),
    ]
    assert spoken(values) == "fu"
    assert spoken(values, mode="sms") == "fs"
    assert spoken(values, mode="RICH_MESSAGING") == "fr"
    assert spoken(values, language="bam") == "bu"


def test_where_a_mode_or_a_language_is_missing_the_nearest_stands_in() -> None:
    assert spoken([words("fra", "sms", "SMS"), words("fra", "text", "TEXT")]) == "text"
    assert spoken([words("fra", "sms", "SMS"), words("fra", "rich", "RICH_MESSAGING")]) == "sms"
    assert spoken([words("fra", "image", "USSD", kind="IMAGE"), words("fra", "mot", "USSD")]) == "mot"
    assert spoken([words("fra", "f", "USSD")], language="bam") == "f"
    assert spoken([words("fra", "la.wav", "IVR", kind="AUDIO"), words("fra", "lu", "IVR")], mode="IVR") == "la.wav"
    assert spoken([words("bam", "b", "USSD")]) == ""


def test_a_language_is_named_by_its_identifier_or_by_its_iso_code() -> None:
    flow = Flow("voix", languages=("fra-homme", "fra-femme")).say("mot", {"fra-homme": "lui", "fra-femme": "elle"})
    assert said(talk(container(flow), language="fra-femme")) == ["elle"]
    assert said(talk(container(flow), language="fra")) == ["lui"]
    assert said(talk(container(flow), language="eng")) == ["lui"]
    assert said(talk(container(flow), language=None, contact={"language": "fra-femme"})) == ["elle"]


def test_question_prompt_goes_before_prompt_and_no_prompt_waits_in_silence() -> None:
    flow = Flow("repas").choose("plat", "Quel plat ?", {"riz": "Riz"})
    config = flow.blocks[0]["config"]
    config["prompt"] = flow.resource("long", "Quel plat ? 1 pour le riz")
    assert said(talk(container(flow))) == ["Quel plat ?"]
    del config["question_prompt"]
    assert said(talk(container(flow))) == ["Quel plat ? 1 pour le riz"]
    del config["prompt"]
    run = talk(container(flow), "1")
    assert run["turns"][0]["out"] == []
    assert run["end"]["results"] == {"plat": "riz"}


def test_labels_may_hold_expressions_and_a_choice_without_words_shows_its_name() -> None:
    flow = Flow("repas").choose("plat", "Quel plat ?", {"riz": "Riz de @contact.name", "mil": "-"})
    del flow.blocks[0]["config"]["choices"][1]["prompt"]
    labels = talk(container(flow), contact={"name": "Awa"})["turns"][0]["out"][0]["choices"]
    assert labels == [{"name": "riz", "label": "Riz de Awa"}, {"name": "mil", "label": "mil"}]


# --- blocks -------------------------------------------------------------------------------------------------------


def test_exits_are_tested_in_order_and_the_default_is_taken_last() -> None:
    exits = [
        way("age", "petit", "a", "block.value < 5"),
        way("age", "moyen", "b", "block.value < 10"),
        way("age", "faux", "a", "block.value / 0"),
    ]
    flow = (
        Flow("compte").number("age", "Age ?", "c", exits).say("a", "petit").say("b", "moyen").say("c", "@flow.age.exit")
    )
    assert [said(talk(container(flow), typed))[-1] for typed in ("4", "9", "10")] == ["petit", "moyen", "default"]


def test_choices_leave_by_name_and_isstring() -> None:
    exits = [way("plat", "riz", "a", 'block.value = "riz"'), way("plat", "autre", "b", "ISSTRING(block.value)")]
    flow = (
        Flow("repas")
        .choose("plat", "Plat ?", {"riz": "Riz", "mil": "Mil"}, "plat", exits)
        .say("a", "du riz")
        .say("b", "@flow.plat")
    )
    assert said(talk(container(flow), "1"))[-1] == "du riz"
    assert said(talk(container(flow), "2"))[-1] == "mil"


def test_a_case_sees_contact_flow_date_and_groups() -> None:
    tests = {
        "contact.age < 18": "mineur",
        "IN('relais', contact.groups)": "relais",
        "AND(flow.nom = 'AWA', date.today = DATE(2026, 3, 5))": "awa",
    }
    flow = Flow("cas").open("nom", "Nom ?", "cas").case("cas", tests, "autre")
    for name in ("mineur", "relais", "awa", "autre"):
        flow.say(name, name)
    made = container(flow)
    assert said(talk(made, "Awa", contact={"age": 17}))[-1] == "mineur"
    assert said(talk(made, "Awa", groups=["relais"]))[-1] == "relais"
    assert said(talk(made, "awa", today="2026-03-05"))[-1] == "awa"
    assert said(talk(made, "Awa", today="2026-03-06"))[-1] == "autre"
    assert said(talk(made, "Ali", now="2026-03-05T10:00:00Z"))[-1] == "autre"


def test_properties_are_set_on_the_way_out_before_the_exits_are_tested() -> None:
    flow = Flow("note").add(
        "Core.SetContactProperty", "note",
        {"set_contact_property": [
            {"property_key": "n", "property_value": "contact.n + 1"},
            {"property_key": "double", "property_value": "@(contact.n * 2)"},
            {"property_key": "genre", "property_value": "female"},
        ]},
        "fin", [way("note", "assez", None, "contact.n > 3")],
    )  # fmt: skip
    flow.say("fin", "encore", "note")
    run = talk(container(flow), contact={"n": 1, "name": "Awa"})
    assert said(run) == ["encore", "encore"]
    assert run["end"]["contact"] == {"n": 4, "name": "Awa", "double": 8, "genre": "female"}


def test_one_property_may_stand_without_a_list_as_in_older_drafts() -> None:
    flow = Flow("note").say("mot", "Bonjour", set_contact_property={"property_key": "vu", "property_value": "TRUE"})
    assert talk(container(flow))["end"]["contact"] == {"vu": True}


def test_outputs_are_results_and_the_last_value_stays() -> None:
    flow = Flow("somme").number("a", "A ?", "b").number("b", "B ?", "somme")
    flow.output("somme", "flow.a + flow.b", "mot").output("mot", "@flow.a et @flow.b", "encore")
    flow.case("encore", {"flow.somme < 10": "a"}, None)
    run = talk(container(flow), "1", "2", "4", "6.5")
    assert run["end"]["results"] == {"a": 4, "b": 6.5, "somme": 10.5, "mot": "4 et 6.5"}
    assert run["end"]["finished"] is True


def test_logs_are_texts_or_resources() -> None:
    flow = Flow("journal")
    flow.add("Core.Log", "un", {"message": "age @contact.age"}, "deux")
    flow.add("Core.Log", "deux", {"message": flow.resource("log", {"fra": "fini", "bam": "banna"})}, None)
    assert talk(container(flow), contact={"age": 3}, language="bam")["end"]["logs"] == ["age 3", "banna"]


def test_groups_are_joined_left_and_cleared() -> None:
    def change(**config: Any) -> list[Any]:
        return talk(container(Flow("groupe").add("Core.SetGroupMembership", "g", config, None)), groups=["a", "b"])[
            "end"
        ]["groups"]  # type: ignore[no-any-return]

    assert change(groups=[{"group_key": "c", "group_name": "C"}, {"group_key": "a"}], is_member=True) == ["a", "b", "c"]
    assert change(groups=[{"group_key": "a"}, {"group_key": "z"}], is_member=False) == ["b"]
    assert change(clear=True) == []
    assert change(groups=[{"group_key": "a"}]) == ["a", "b"]
    assert change(group_key="c", is_member="1 = 1") == ["a", "b", "c"]


def test_a_flow_run_inside_another_comes_back_with_its_results() -> None:
    inner = Flow("dedans").number("taille", "Taille (@parent.results.nom) ?", "fin").say("fin", "Noté, @flow.nom")
    outer = Flow("dehors").open("nom", "Nom ?", "mesure")
    outer.run("mesure", "dedans", "perdu", [way("mesure", "vu", "bien", "child.results.taille > 100")])
    outer.say("bien", "@flow.taille, @flow.mesure.taille, @child.flow").say("perdu", "petit")
    run = talk(container(outer, inner), "Awa", "120")
    assert said(run) == ["Nom ?", "Taille (Awa) ?", "Noté, Awa", "120, 120, dedans"]
    assert run["end"]["results"] == {"nom": "Awa", "taille": 120}
    assert [step["block"] for step in run["end"]["path"]] == ["nom", "mesure", "taille", "fin", "bien"]
    assert said(talk(container(outer, inner), "Awa", "90"))[-1] == "petit"


def test_another_flow_may_name_the_language_differently() -> None:
    inner = Flow("dedans", languages=("bam-1", "fra-1")).say("mot", {"bam-1": "bam", "fra-1": "fra @flow.language"})
    assert said(talk(container(Flow("dehors").run("va", "dedans"), inner))) == ["fra fra-1"]


def test_what_cannot_be_run_here_is_left_by_its_default_exit() -> None:
    for kind, config in (
        ("Core.Webhook", {"url": "https://exemple.ml"}),
        ("com.acme.Magic", {}),
        ("Core.RunFlow", {"flow_id": uid("rien")}),
    ):
        flow = (
            Flow("x")
            .add(kind, "appel", config, "autre", [way("appel", "bon", "fin", "TRUE")])
            .say("fin", "bon")
            .say("autre", "autre")
        )
        assert said(talk(container(flow))) == ["autre"]


def test_an_error_jumps_to_the_exit_block_and_the_calling_flow_takes_its_default_exit() -> None:
    inner = Flow("dedans").say("mot", "un", "nulle_part")
    outer = (
        Flow("dehors")
        .run("va", "dedans", "erreur", [way("va", "bon", "fin", "TRUE")])
        .say("fin", "bon")
        .say("erreur", "erreur")
    )
    made = container(outer, inner)
    assert said(talk(made)) == ["un", "erreur"]
    inner.say("secours", "secours")
    made = container(outer, inner)
    made["flows"][1]["exit_block_id"] = uid("block secours")
    assert said(talk(made)) == ["un", "secours", "bon"]


def test_places_and_photos_are_questions_too() -> None:
    flow = Flow("lieu")
    flow.add("SmartDevices.LocationResponse", "lieu", {"prompt": flow.resource("lieu", "Où ?")}, "photo")
    flow.add("SmartDevices.PhotoResponse", "photo", {"prompt": flow.resource("photo", "Photo ?")}, None)
    run = talk(container(flow), "ici", "12.6, -8.0", "p1.jpg")
    assert accepted(run) == [True, False, True, True]
    assert run["end"]["results"] == {"lieu": [12.6, -8.0, 0.0, 0.0], "photo": "p1.jpg"}


def test_older_drafts_are_understood() -> None:
    made = choice()
    block = made["flows"][0]["blocks"][0]
    block["type"] = "MobilePrimitives\\SelectOneResponse"
    block["config"]["choices"] = [{"name": "riz", "test": "block.value = 'r'"}]
    made["resources"] = made["flows"][0].pop("resources")
    del made["flows"][0]["first_block_id"]
    made["flows"][0]["languages"] = ["fra"]
    assert talk(made, "R")["end"]["results"] == {"plat": "riz"}
    block["config"]["text"] = {"max_response_characters": 3}
    block["type"] = "MobilePrimitives.OpenResponse"
    assert accepted(talk(made, "quatre", "un")) == [True, False, True]


# --- what must not hang or break ----------------------------------------------------------------------------------


def refused(made: object, **run: Any) -> str:
    """The one line that is said; the run must end with status 1 and no trace."""
    result = invoke("run-floip", {"container": made, "run": run, "first_flow": run.pop("first", None)})
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.output.count("\n") == 1
    return result.output


def test_a_circle_without_a_question_is_cut_off() -> None:
    assert "circles" in refused(container(Flow("rond").case("a", {}, "b").case("b", {}, "a")))
    assert "inside itself" in refused(container(Flow("soi").run("encore", "soi")))


def test_growing_values_are_cut_off() -> None:
    run = talk(
        container(Flow("gros").set("x", "fin", a="@contact.a@contact.a@contact.a").say("fin", "fini")),
        contact={"a": "x" * 9000},
    )
    assert run["end"]["contact"] == {"a": None}
    doubling = Flow("liste").set("x", "cas", a="ARRAY(contact.a, contact.a)", n="contact.n + 1")
    doubling.case("cas", {"contact.n < 100": "x"}, None)
    assert talk(container(doubling), contact={"n": 0})["end"]["contact"]["n"] == 100
    loud = Flow("fort").say("cri", "x" * 90_000, "cri")
    assert "characters are said" in refused(container(loud))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda made: made.pop("flows"), "no FLOIP container"),
        (lambda made: made.update(flows=[]), "holds no flow"),
        (lambda made: made["flows"][0].pop("uuid"), "needs a 'uuid'"),
        (lambda made: made["flows"][0].update(blocks={}), "list of 'blocks'"),
        (lambda made: made["flows"][0].update(first_block_id=uid("x")), "first block"),
        (lambda made: made["flows"][0]["blocks"][0].pop("type"), "'type'"),
        (lambda made: made["flows"][0]["blocks"][0].update(exits=None), "'exits'"),
        (lambda made: made["flows"][0]["blocks"][0].update(config=[1]), "'config'"),
        (lambda made: made["flows"][0].update(resources=[]), "which its flow lacks"),
    ],
)
def test_a_broken_container_is_one_readable_line(change: Any, sentence: str) -> None:
    made = container(Flow("accueil").say("bonjour", "Bonjour"))
    change(made)
    assert sentence in refused(made)


def test_a_wrong_request_is_one_readable_line() -> None:
    made = container(Flow("accueil").say("bonjour", "Bonjour"))
    assert "run.mode" in refused(made, mode="FAX")
    assert "run.language" in refused(made, language=3)
    assert "run.contact" in refused(made, contact=[])
    assert "run.groups" in refused(made, groups=[None])
    assert "run.inputs" in refused(made, inputs=[None])
    assert "run.inputs" in refused(made, inputs="1")
    assert "run.today" in refused(made, today="hier")
    assert "year" in refused(made, now="9999-12-31")
    assert "not in the container" in refused(made, first=uid("x"))
    assert "first_flow" in refused(container(Flow("un").say("a", "A"), Flow("deux").say("b", "B")))
    assert "100000" in refused(made, contact={"a": "x" * 100_001})
    result = invoke("run-floip", {"container": made, "host": {"on_invalid": "shout"}})
    assert (result.exit_code, "on_invalid" in result.output) == (1, True)


@pytest.mark.parametrize("given", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b"3", b'{"a":' * 100_000, b"9" * 9999])
def test_what_is_no_request_is_one_readable_line(given: bytes) -> None:
    for command in ("run-floip", "check-floip") if given not in (b"3",) else ("run-floip",):
        result = invoke(command, given)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert result.output.count("\n") == 1


def test_letters_that_no_terminal_can_print_do_not_break_the_output() -> None:
    run = talk(container(Flow("accueil").open("nom", "Nom ?", "fin").say("fin", "Merci @flow.nom")), "\ud800")
    assert said(run)[-1] == "Merci \ud800"


def test_a_resource_written_out_in_the_block_is_said_as_it_is() -> None:
    flow = Flow("accueil").say("bonjour", "-")
    flow.blocks[0]["config"]["prompt"] = "Bonjour @contact.name"
    assert said(talk(container(flow), contact={"name": "Awa"})) == ["Bonjour Awa"]


def test_warnings_go_to_the_author_and_not_into_the_output() -> None:
    made = container(Flow("accueil").say("bonjour", "Un @(1 / 0)"))
    result = invoke("run-floip", {"container": made, "run": {"language": "fra", "mode": "USSD"}})
    assert "division by zero" in result.stderr
    assert "Warning" not in result.stdout
    assert text("x", "y")["uuid"] == uid("text x")
