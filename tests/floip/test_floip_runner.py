"""A person answers a container through the command: what each host rule takes, asks again, or leaves open."""

from __future__ import annotations

from datetime import datetime

import pytest

from flows.floip.floip_container import read_container
from flows.floip.floip_runner import answer, begin, end_json
from flows.floip.floip_state import RunState, read_request
from flows.mistakes import FlowMistake
from tests.floip.containers import Flow, accepted, choice, container, said, talk, way

LANGUAGE = {"property_key": "language", "property_value": "block.value"}


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
