"""Flows as RapidPro exports them, built by hand: nodes by short names, everything else as it must be around them."""

import json
from typing import Any


def said(text: str, *replies: Any, name: str = "") -> dict[str, Any]:
    action = {"type": "send_msg", "uuid": name or f"a:{text[:30]}", "text": text, "attachments": []}
    return {**action, "quick_replies": list(replies)} if replies else action


def node(name: str, *actions: dict[str, Any], to: str | None = None, router: dict[str, Any] | None = None) -> Any:
    """A node. With a router its exits are those of the router's categories."""
    made: dict[str, Any] = {"uuid": name, "actions": list(actions)}
    if router is None:
        return {**made, "exits": [{"uuid": f"{name}:exit", "destination_uuid": to}]}
    inner = dict(router)
    ways = inner.pop("_ways")
    exits = [{"uuid": f"e:{category}", "destination_uuid": way} for category, way in ways.items()]
    return {**made, "router": inner, "exits": exits}


def router(
    *cases: tuple[str, str, list[str]],
    ways: dict[str, str | None],
    other: str = "Other",
    result: str = "",
    operand: str = "@input.text",
    wait: bool = True,
    timeout: str = "",
) -> dict[str, Any]:
    """A switch. A case is (category, test, arguments); `ways` leads each category, and the default one, somewhere."""
    made: dict[str, Any] = {
        "type": "switch",
        "operand": operand,
        "cases": [
            {"uuid": f"k{place}:{category}", "type": test, "arguments": args, "category_uuid": f"c:{category}"}
            for place, (category, test, args) in enumerate(cases)
        ],
        "categories": [{"uuid": f"c:{each}", "name": each, "exit_uuid": f"e:{each}"} for each in ways],
        "default_category_uuid": f"c:{other}",
        "_ways": ways,
    }
    if result:
        made["result_name"] = result
    if wait:
        made["wait"] = {"type": "msg"}
        if timeout:
            made["wait"]["timeout"] = {"seconds": 600, "category_uuid": f"c:{timeout}"}
    return made


def flow(name: str, *nodes: Any, language: str = "fra", uuid: str = "", **more: Any) -> dict[str, Any]:
    return {
        "uuid": uuid or f"flow:{name}",
        "name": name,
        "language": language,
        "type": "messaging",
        "spec_version": "13.1.0",
        "nodes": list(nodes),
        "localization": {},
        **more,
    }


def export(*flows: dict[str, Any], **more: Any) -> bytes:
    whole = {"version": "13", "site": "https://example.org", "flows": list(flows), **more}
    return json.dumps(whole, ensure_ascii=False).encode()


def registration() -> bytes:
    """A registration as NGOs write it: language, consent, name, age with a retry, month, place, a sub-flow, thanks."""
    consent = router(
        ("Oui", "has_any_word", ["1 oui"]),
        ("Non", "has_any_word", ["2 non"]),
        ways={"Oui": "nom", "Non": "refus", "Other": "accord"},
        result="Accord",
    )
    name = router(
        ("Nom", "has_text", []),
        ways={"Nom": "age", "Other": "nom", "No Response": None},
        result="Nom",
        timeout="No Response",
    )
    age = router(
        ("Age", "has_number_between", ["12", "60"]), ways={"Age": "enceinte", "Other": "age_faux"}, result="Age"
    )
    pregnant = router(
        ("Oui", "has_only_text", ["1"]),
        ("Non", "has_only_text", ["2"]),
        ways={"Oui": "mois", "Non": "lieu", "Other": "enceinte"},
        result="Enceinte",
    )
    month = router(
        ("Debut", "has_number_lt", ["4"]),
        ("Suite", "has_number_between", ["4", "9"]),
        ways={"Debut": "debut", "Suite": "lieu", "Other": "mois"},
        result="Mois",
    )
    child = router(
        ("Complete", "has_only_text", ["completed"]),
        ("Expired", "has_only_text", ["expired"]),
        ways={"Complete": "tri", "Expired": None},
        other="Complete",
        operand="@child.status",
        wait=False,
    )
    split = router(
        ("Oui", "has_category", ["Oui"]),
        ways={"Oui": "suivi", "Other": "merci"},
        operand="@results.enceinte.category",
        wait=False,
    )
    main = flow(
        "Inscription mères",
        node("accueil", said("Bonjour, ici le service de santé."), to="accord"),
        node("accord", said("Acceptez-vous de vous inscrire ?\n1. Oui\n2. Non", name="q1"), router=consent),
        node("nom_q", said("jamais dit"), to="nom"),
        node("nom", said("Votre nom ?", name="q2"), router=name),
        node("age", said("@results.nom, quel âge avez-vous ?", name="q3"), to="age_w"),
        node("age_w", router=age),
        node("age_faux", said("Tapez un âge de 12 à 60."), to="age_w"),
        node(
            "enceinte",
            {"type": "set_contact_field", "field": {"key": "age_mere", "name": "Age"}, "value": "@results.age"},
            {"type": "add_contact_groups", "uuid": "g1", "groups": []},
            said("Etes-vous enceinte ?", "Oui", "Non", name="q4"),
            router=pregnant,
        ),
        node("mois", said("De combien de mois ?", name="q5"), router=month),
        node("debut", {"type": "set_run_result", "uuid": "s1", "name": "Stade", "value": "debut"}, to="lieu"),
        node("lieu", {"type": "enter_flow", "uuid": "r1", "flow": {"uuid": "flow:Lieu", "name": "Lieu"}}, router=child),
        node("tri", router=split),
        node("suivi", said("Nous suivrons votre grossesse à @child.results.village."), to="merci"),
        node("merci", {"type": "send_email", "uuid": "m1"}, said("Merci @results.nom, @fields.age_mere ans."), to=None),
        node("refus", said("D'accord, au revoir."), to=None),
        keywords=[],
        localization={
            "eng": {
                "q1": {"text": ["Do you agree to register?\n1. Yes\n2. No"]},
                "q2": {"text": ["Your name?"]},
                "q3": {"text": ["@results.nom, how old are you?"]},
                "q4": {"text": ["Are you pregnant?"], "quick_replies": ["Yes", "No"]},
                "q5": {"text": ["How many months?"]},
            },
            "spa": {"q1": {"text": ["..."]}},
        },
    )  # fmt: skip
    place = flow(
        "Lieu",
        node(
            "v",
            said("Votre village ?", name="v1"),
            router=router(ways={"All Responses": "fin"}, other="All Responses", result="Village"),
        ),
        node("fin", said("Bien noté."), to=None),
        localization={"eng": {"v1": {"text": ["Your village?"]}}},
    )
    triggers = [{"trigger_type": "K", "keyword": "mere", "flow": {"uuid": "flow:Inscription mères"}, "groups": []}]
    return export(main, place, triggers=triggers, campaigns=[{"uuid": "x"}])
