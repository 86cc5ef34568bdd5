"""Flows of RapidPro become conversations: what is carried over, what is told, and that people get to the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flows import check
from flows.interchange.rapidpro_in import from_rapidpro
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Day, End, Flow, Library, Menu, Number, Phone, Run, When, Words
from tests.flows.callers import Caller
from tests.interchange.rapidpro_samples import export, flow, node, registration, router, said


def imported(data: bytes) -> tuple[Library, list[str]]:
    """The flows, as the strict loader reads them, and the report."""
    sources, report = from_rapidpro(data, "flux.json")
    return load_sources(sources), report


def only(*nodes: Any, **more: Any) -> tuple[Flow, list[str]]:
    """One flow of these nodes."""
    library, report = imported(export(flow("Essai", *nodes, **more)))
    return library.get("essai"), report


def told(report: list[str], *words: str) -> str:
    """The one line of the report that holds all these words."""
    found = [line for line in report if all(word in line for word in words)]
    assert len(found) == 1, report
    return found[0]


def errors(library: Library | Flow) -> list[str]:
    whole = library if isinstance(library, Library) else Library({library.id: library})
    return [str(each) for each in check.check(whole, {}) if each.level == "error"]


def asks(text: str, *cases: tuple[str, str, list[str]], ways: dict[str, str | None] | None = None, **more: Any) -> Flow:
    """A flow of one question whose ways lead to thanks and, by default, back."""
    usual = {category: "merci" for category, _, _ in cases} | {"Other": "q"}
    inner = router(*cases, ways=ways or usual, result="Reponse", **more)
    made, _ = only(node("q", said(text), router=inner), node("merci", said("Merci."), to=None))
    return made


# --- a whole export ---------------------------------------------------------------------------------------------------


def test_a_registration_loads_and_passes_the_checks() -> None:
    library, report = imported(registration())
    assert errors(library) == []
    assert not [line for line in report if "to mend" in line]
    main = library.get("inscription_meres")
    assert (main.languages, main.start["sms"]) == (("fr", "en"), ("MERE",))
    assert isinstance(main.steps["lieu"], Run)
    told(report, "node 8", "add_contact_groups")
    told(report, "node 14", "send_email")
    told(report, "node 4", "time-out")
    told(report, "'spa'")
    told(report, "campaigns (1)")
    told(report, "'Expired'")
    told(report, "nobody comes to", "node 3")


def test_a_mother_registers_to_the_end() -> None:
    caller = Caller(imported(registration())[0].get("inscription_meres"))
    assert caller.screen.startswith("Bonjour, ici le service de santé.\nAcceptez-vous de vous inscrire ?\n1 Oui\n2 Non")
    assert "Awa, quel age" in caller.press("1", "Awa")
    assert "Tapez un age de 12 à 60." in caller.press("9")
    assert "Etes-vous enceinte ?\n1 Oui" in caller.press("25")
    assert "Votre village" in caller.press("1", "2")
    assert caller.press("Dogofry") == "Bien noté.\nNous suivrons votre grossesse à Dogofry.\nMerci Awa, 25 ans."
    assert caller.is_over


def test_a_woman_who_is_not_pregnant_and_one_who_refuses_take_other_ways() -> None:
    main = imported(registration())[0].get("inscription_meres")
    assert "suivrons" not in Caller(main).press("1", "Awa", "25", "2", "Dogofry")
    assert Caller(main).press("2") == "D'accord, au revoir."


def test_the_flow_speaks_its_translations() -> None:
    caller = Caller(imported(registration())[0].get("inscription_meres"), language="en", speaks=("fr", "en"))
    assert "Do you agree to register?\n1 Yes\n2 No" in caller.screen
    assert "Are you pregnant?\n1 Yes" in caller.press("1", "Awa", "25")


# --- questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Votre choix ?\n1. Oui\n2. Non",
        "Votre choix ?\n(1) Oui\n(2) Non",
        "Votre choix ?\n1 - Oui\n2 - Non\n",
        "Votre choix ? 1) Oui 2) Non",
    ],
)
def test_numbered_lines_become_the_choices(text: str) -> None:
    made = asks(text, ("A", "has_number_eq", ["1"]), ("B", "has_any_word", ["2 non"]))
    assert Caller(made).screen == "Votre choix ?\n1 Oui\n2 Non"
    assert errors(made) == []


def test_choices_without_lines_are_called_like_their_quick_replies_or_categories() -> None:
    inner = router(
        ("Rouge", "has_any_word", ["red rouge"]),
        ("Bleu", "has_only_phrase", ["bleu"]),
        ways={"Rouge": "m", "Bleu": "m", "Other": "q"},
    )
    made, _ = only(node("q", said("Couleur ?", {"type": "text", "text": "ROUGE"}), router=inner), node("m", said("Ok")))
    assert Caller(made).screen == "Couleur ?\n1 ROUGE\n2 Bleu"


def test_choices_with_gaps_are_numbered_again_and_told() -> None:
    inner = router(
        ("A", "has_number_eq", ["9"]), ("B", "has_number_eq", ["1"]), ways={"A": "m", "B": None, "Other": "q"}
    )
    made, report = only(node("q", said("Choix ?\n1. Un\n9. Neuf"), router=inner), node("m", said("Neuf, donc.")))
    assert Caller(made).screen == "Choix ?\n1 Un\n2 Neuf"
    assert Caller(made).press("2") == "Neuf, donc."
    told(report, "numbered from 1")


def test_everything_else_is_a_choice_beside_the_only_one_named() -> None:
    made = asks("Une mère ?", ("Oui", "has_any_word", ["oui"]), ways={"Oui": "merci", "Other": None})
    assert Caller(made).screen == "Une mère ?\n1 Oui\n2 Other"
    assert Caller(made).press("2") == "Merci. Au revoir."


def test_a_choice_of_language_sets_it() -> None:
    inner = router(
        ("Français", "has_any_word", ["1"]), ("English", "has_any_word", ["2"]),
        ways={"Français": "fr", "English": "en", "Other": "q"},
    )  # fmt: skip
    made, report = only(
        node("q", said("Langue / Language\n1. Français\n2. English"), router=inner),
        node("fr", {"type": "set_contact_language", "language": "fra"}, to="m"),
        node("en", {"type": "set_contact_language", "language": "eng"}, to="m"),
        node("m", said("Bienvenue.", name="m1")),
        localization={"eng": {"m1": {"text": ["Welcome."]}}},
    )
    step = made.steps[made.first]
    assert isinstance(step, Menu)
    assert step.sets_language
    assert Caller(made, speaks=("fr", "en")).press("2") == "Welcome."
    assert not [line for line in report if "set_contact_language" in line]
    assert errors(made) == []


@pytest.mark.parametrize(
    ("cases", "low", "high"),
    [
        ([("A", "has_number_between", ["1", "30"])], 1, 30),
        ([("A", "has_number", [])], 0, 9999),
        ([("A", "has_number_gte", ["18"])], 18, 9999),
        ([("A", "has_number_lt", ["10"])], 0, 9),
        ([("A", "has_number_between", ["1", "5"]), ("B", "has_number_between", ["6", "12"])], 1, 12),
    ],
)
def test_numbers_have_the_limits_of_their_tests(cases: list[Any], low: int, high: int) -> None:
    step = asks("Combien ?", *cases).steps["reponse"]
    assert isinstance(step, Number)
    assert (step.low, step.high) == (low, high)


def test_ranges_of_a_number_part_the_ways() -> None:
    inner = router(
        ("Rouge", "has_number_lt", ["115"]),
        ("Jaune", "has_number_lt", ["125"]),
        ways={"Rouge": "r", "Jaune": "j", "Other": "v"},
        result="PB",
    )
    made, _ = only(
        node("q", said("Tour de bras en mm ?"), router=inner),
        *(node(key, said(text)) for key, text in (("r", "Allez au CSCom."), ("j", "Revenez."), ("v", "Tout va bien."))),
    )
    assert [Caller(made).press(typed) for typed in ("100", "120", "150")] == [
        "Allez au CSCom.", "Revenez.", "Tout va bien.",
    ]  # fmt: skip
    assert errors(made) == []


@pytest.mark.parametrize(
    ("test", "kind", "typed"),
    [("has_text", Words, "Awa"), ("has_phone", Phone, "70000001"), ("has_date", Day, "05032026")],
)
def test_what_is_typed_is_asked_as_what_it_is(test: str, kind: type, typed: str) -> None:
    made = asks("Et ?", ("A", test, []))
    assert isinstance(made.steps["reponse"], kind)
    assert Caller(made).press(typed) == "Merci."


def test_words_beside_a_text_are_a_way_out_under_it() -> None:
    made = asks(
        "Nom ?",
        ("Stop", "has_any_word", ["stop"]),
        ("Nom", "has_text", []),
        ways={"Stop": None, "Nom": "merci", "Other": "q"},
    )
    assert "1 Stop" in Caller(made).screen
    assert Caller(made).press("Awa") == "Merci."
    assert Caller(made).press("1") == "Merci. Au revoir."


def test_a_pattern_is_told_and_every_text_taken() -> None:
    inner = router(("Code", "has_pattern", ["^[A-Z]{3}$"]), ways={"Code": "m", "Other": "q"})
    made, report = only(node("q", said("Code ?"), router=inner), node("m", said("Ok.")))
    assert Caller(made).press("quelque chose") == "Ok."
    told(report, "has_pattern", "every text is taken")


@pytest.mark.parametrize(("pattern", "typed"), [(r"^\d{8}$", "70000001"), ("[0-9]+", "2014")])
def test_a_pattern_of_digits_is_asked_as_something_that_takes_them(pattern: str, typed: str) -> None:
    assert Caller(asks("Code ?", ("Code", "has_pattern", [pattern]))).press(typed) == "Merci."


def test_where_an_answer_that_is_not_understood_went_at_once_it_is_asked_again_first() -> None:
    inner = router(
        ("A", "has_number_between", ["1", "2"]), ("T", "has_number", []), ways={"A": "m", "T": "m", "Other": "aide"}
    )
    made, report = only(
        node("q", said("1 ou 2 ?"), router=inner), node("m", said("Ok.")), node("aide", said("On vous appelle."))
    )
    assert Caller(made).press("?", "?", "?") == "On vous appelle."
    told(report, "asked again twice before")


# --- splits, results, fields ------------------------------------------------------------------------------------------


def a_split(test: tuple[str, list[str]], operand: str, question: tuple[str, list[str]]) -> tuple[Flow, list[str]]:
    inner = router(
        ("Cat", *question), ("Chat", "has_number_eq", ["77"]), ways={"Cat": "s", "Chat": "s", "Other": "q"}, result="X"
    )
    splits = router(("Match", *test), ways={"Match": "oui", "Other": "non"}, operand=operand, wait=False)
    return only(
        node("q", said("X ?"), router=inner),
        node("s", router=splits),
        node("oui", said("oui")),
        node("non", said("non")),
    )


@pytest.mark.parametrize(
    ("test", "operand", "question", "condition"),
    [
        (("has_number_lt", ["18"]), "@results.x", ("has_number_between", ["1", "60"]), "x <= 17"),
        (
            ("has_number_between", ["18", "20"]),
            "@results.x.value",
            ("has_number_between", ["1", "60"]),
            "x >= 18 and x <= 20",
        ),
        (("has_category", ["Cat"]), "@results.x", ("has_number_between", ["1", "60"]), "x >= 1 and x <= 60"),
        (("has_only_text", ["Cat"]), "@results.x.category", ("has_any_word", ["chien"]), 'x == "cat"'),
        (("has_any_word", ["chien"]), "@(results.x)", ("has_any_word", ["chien"]), 'x == "cat"'),
        (("has_only_phrase", ["Awa"]), "@results.x", ("has_text", []), 'x == "Awa"'),
        (("has_text", []), "@results.x", ("has_text", []), "x"),
    ],
)
def test_a_split_on_an_answer_is_a_when(test: Any, operand: str, question: Any, condition: str) -> None:
    made, _ = a_split(test, operand, question)
    step = made.steps["x_si"]
    assert isinstance(step, When)
    assert [branch.written for branch in step.branches] == [condition]


@pytest.mark.parametrize(
    "operand", ["@contact.groups", "@fields.inconnu", "@(now() - 3)", "@webhook.status", "", "x" * 3000]
)
def test_a_split_on_something_else_is_told_and_goes_the_default_way(operand: str) -> None:
    made, report = a_split(("has_text", []), operand, ("has_text", []))
    assert Caller(made).press("Awa") == "non"
    told(report, "node 2", "all go to 'Other'")
    told(report, "nobody comes to any more")
    assert errors(made) == []


def test_a_random_split_is_told() -> None:
    splits = {**router(ways={"A": "a", "B": "b"}, other="A", wait=False), "type": "random"}
    made, report = only(node("s", router=splits), node("a", said("a")), node("b", said("b")))
    assert Caller(made).screen == "a"
    told(report, "random split", "everybody goes to 'A'")


def test_results_and_fields_are_set_and_shown() -> None:
    made, report = only(
        node(
            "n",
            {"type": "set_run_result", "name": "Zone Santé", "value": "Kayes", "category": ""},
            {"type": "set_contact_field", "field": {"key": "zone", "name": "Zone"}, "value": "@results.zone_sante"},
            {"type": "set_contact_field", "field": {"key": "loin", "name": "Loin"}, "value": "@(upper(input.text))"},
            said("Zone @results.zone_sante, @fields.zone, @(title(fields.zone)), @fields.loin, a@@b.ml, @who"),
        )
    )
    assert Caller(made).screen == "Zone Kayes, Kayes, Kayes, ..., a@b.ml, @who"
    told(report, "'loin' set to")
    told(report, "@fields.loin", "not asked above")
    assert errors(made) == []


def test_an_answer_some_callers_never_gave_is_not_said() -> None:
    inner = router(
        ("A", "has_number_lt", ["5"]),
        ("B", "has_number_lt", ["9"]),
        ways={"A": "n", "B": "m", "Other": "q"},
        result="X",
    )
    name = router(ways={"All": "m"}, other="All", result="Nom")
    made, report = only(
        node("q", said("X ?"), router=inner),
        node("n", said("Nom ?"), router=name),
        node("m", said("Merci @results.nom !")),
    )
    assert Caller(made).press("6") == "Merci ... !"
    told(report, "{nom} became '...'")


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_a_loop_back_asks_again_without_old_answers() -> None:
    sure = router(
        ("Oui", "has_any_word", ["1"]), ("Non", "has_any_word", ["2"]), ways={"Oui": "m", "Non": "q", "Other": "c"}
    )
    name = router(ways={"All": "c"}, other="All", result="Nom")
    made, _ = only(
        node("q", said("Nom ?"), router=name),
        node("c", said("@results.nom : sûre ?\n1. Oui\n2. Non"), router=sure),
        node("m", said("Merci @results.nom.")),
    )
    caller = Caller(made)
    assert "Binta : sure ?" in caller.press("Awa", "2", "Binta")
    assert caller.press("1") == "Merci Binta."
    assert errors(made) == []


def test_flows_that_run_each_other_are_cut_once_and_told() -> None:
    one = flow("Un", node("a", said("Un."), {"type": "enter_flow", "flow": {"uuid": "flow:Deux", "name": "Deux"}}))
    two = flow("Deux", node("b", said("Deux."), {"type": "enter_flow", "flow": {"uuid": "flow:Un", "name": "Un"}}))
    library, report = imported(export(one, two))
    assert Caller(library.get("un")).screen == "Un.\nDeux."
    told(report, "'Deux' node 1", "entering the flow 'Un'")


def test_a_node_that_only_leads_on_and_a_ring_of_such_nodes_are_passed() -> None:
    made, _ = only(node("a", to="b"), node("b", said("B."), to="c"), node("c", to="d"), node("d", to="c"))
    assert Caller(made).screen == "B."
    assert isinstance(made.steps[made.first], End)
    made, _ = only(node("a", to="a"))
    assert Caller(made).screen == "Merci. Au revoir."


def test_who_is_never_understood_comes_to_an_end() -> None:
    one = router(("A", "has_number", []), ways={"A": "m", "Other": "y"}, result="X")
    two = router(("A", "has_number", []), ways={"A": "m", "Other": "x"}, result="Y")
    made, report = only(
        node("x", said("X ?"), router=one), node("y", said("Y ?"), router=two), node("m", said("Merci."))
    )
    assert errors(made) == []
    caller = Caller(made)
    while not caller.is_over:
        caller.press("?")
    assert [line for line in report if "go round for ever" in line]


def test_long_messages_are_said_in_pieces() -> None:
    made, report = only(node("a", said("Le lait maternel suffit au bébé jusqu'à six mois. " * 8)))
    assert errors(made) == []
    told(report, "said in pieces")
    caller = Caller(made)
    while not caller.is_over:
        assert "maternel" in caller.screen
        caller.press("9")


def test_words_of_two_flows_with_one_name_go_to_two_files() -> None:
    library, report = imported(
        export(flow("A b", node("x", said("1.")), uuid="1"), flow("a-B", node("x", said("2.")), uuid="2"))
    )
    assert set(library.flows) == {"a_b", "a_b_2"}
    told(report, "flows have ids here")


def test_flows_wrapped_with_their_keywords_are_read_too() -> None:
    wrapped = {"keywords": ["sante", "deux mots"], "definition": flow("Santé", node("x", said("Ok.")), language="base")}
    library, report = imported(json.dumps({"flows": [wrapped]}).encode())
    assert library.get("sante").start["sms"] == ("SANTE",)
    told(report, "'deux mots'")
    told(report, "'base'", "under 'fr'")


def test_a_voice_flow_is_left_out() -> None:
    library, report = imported(
        export(flow("Voix", node("x", said("1.")), type="voice"), flow("Texte", node("x", said("2."))))
    )
    assert set(library.flows) == {"texte"}
    told(report, "'Voix'", "'voice'")


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "no export of flows"),
        (b'{"flows": {}}', "no export of flows"),
        (b'{"flows": []}', "no flow in this export"),
        (b'{"version": "11.12", "flows": []}', "version 11.12"),
        (b'{"version": "99", "flows": []}', "version 99"),
        (b'{"flows": [{"name": "x", "rule_sets": []}]}', "before 13"),
        (b'{"flows": [null, 3, "x"]}', "no list of nodes"),
        (b'{"flows": [' + b"[" * 100_000, "nested too deep"),
        (b'{"flows": [' + b"1" * 10_000 + b"]}", "numbers too long"),
        (export(flow("A", node("x"), uuid="1"), flow("B", node("x"), uuid="1")), "two flows have the uuid"),
        (export(flow("A", *(node(f"n{each}") for each in range(600)))), "600 nodes"),
        (export(flow("A", node("n", *({"type": "x"} for _ in range(300))))), "300 actions"),
        (export(flow("A", node("n", router=router(*[("C", "has_text", [])] * 300, ways={"C": None})))), "300 cases"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_export_is_one_readable_line(data: bytes, words: str) -> None:
    with pytest.raises(FlowMistake) as caught:
        from_rapidpro(data, "flux.json")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whatever_stands_in_the_place_of_a_value_is_a_flow_or_a_readable_line() -> None:
    """One value of a whole export after the other becomes something of another shape."""
    whole = json.loads(registration())
    strange: list[Any] = [None, 7, True, "x", [], {}, [[]], {"uuid": {}}, "@(" * 500, "{" * 50]
    places = list(_places(whole))
    for turn, place in enumerate(places[::19]):
        changed = json.loads(registration())
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = strange[turn % len(strange)]
        lines: list[str] = []
        try:
            lines = from_rapidpro(json.dumps(changed).encode(), "flux.json")[1]
        except FlowMistake as mistake:
            lines = [str(mistake)]
        assert lines
        assert not any("\n" in line for line in lines)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Any:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*place, key)
        yield from _places(each, (*place, key))
