"""Every type of block: how it is left, what it keeps, and what it does that we cannot."""

from __future__ import annotations

from typing import Any

from tests.floip.containers import Flow, accepted, choice, container, said, talk, uid, way


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
