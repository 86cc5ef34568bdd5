"""Containers that others made: they come in as far as our format can say them, and every other thing is told."""

import json
from datetime import date
from typing import Any

import pytest

from flows import engine
from flows.interchange.floip_in import from_container
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Flow, Library


def text(uuid: str, **said: str) -> dict[str, Any]:
    """A resource: `fra="..."`, or `fra_audio="..."` for what is no text."""
    values = [
        {
            "language_id": key.removesuffix("_audio"),
            "content_type": "AUDIO" if key.endswith("_audio") else "TEXT",
            "modes": ["IVR"] if key.endswith("_audio") else ["SMS", "USSD"],
            "value": value,
        }
        for key, value in said.items()
    ]
    return {"uuid": uuid, "values": values}


def block(name: str, kind: str, config: dict[str, Any], *exits: tuple[str, str | None]) -> dict[str, Any]:
    """A block; each exit is (test or "", destination or None), no test being the default."""
    ways = [
        {"uuid": f"{name}-{place}", "name": f"e{place}"}
        | ({"test": test} if test else {"default": True})
        | ({"destination_block": to} if to else {})
        for place, (test, to) in enumerate(exits)
    ]
    return {"uuid": name, "name": name, "type": kind, "config": config, "exits": ways}


def container(*blocks: dict[str, Any], texts: tuple[dict[str, Any], ...] = (), **flow: Any) -> dict[str, Any]:
    languages = flow.pop("languages", ["eng", "fra"])
    return {
        "specification_version": "1.0.0-rc4",
        "uuid": "c",
        "name": "Theirs",
        "flows": [
            {
                "uuid": "f",
                "name": "Ice Cream",
                "languages": [{"id": code, "iso_639_3": code} for code in languages],
                "first_block_id": blocks[0]["uuid"] if blocks else "",
                "blocks": list(blocks),
                "resources": list(texts),
                **flow,
            }
        ],
    }


def taken_in(theirs: dict[str, Any]) -> tuple[Flow, list[str], Library]:
    sources, report = from_container(json.loads(json.dumps(theirs)))
    library = load_sources(sources)
    return library.get(next(iter(sources)).removesuffix(".yaml")), report, library


ICE = [
    block(
        "Favorite Ice", "MobilePrimitives.SelectOneResponse",
        {"prompt": "t1", "choices": [
            {"name": "Dark Chocolate", "prompt": "t2", "text_tests": [{"test_expression": "block.response = 1"}]},
            {"name": "vanilla", "prompt": "t3", "test": "block.response = 2"},
        ]},
        ('block.value = "dark chocolate"', "how_many"), ("ISSTRING(block.value)", "bye"), ("", "Favorite Ice"),
    ),
    block(
        "how_many", "MobilePrimitives.NumericResponse",
        {"prompt": "t4", "validation_minimum": 1, "validation_maximum": 9},
        ("block.value > 5", "many"), ("ISNUMBER(block.value)", "bye"), ("", "lost"),
    ),
    block("many", "MobilePrimitives.Message", {"prompt": "t5"}, ("", "bye")),
    block("bye", "MobilePrimitives.Message", {"prompt": "t6"}, ("", None)),
    block("lost", "MobilePrimitives.Message", {"prompt": "t6"}, ("", None)),
]  # fmt: skip
ICE_TEXTS = (
    text(
        "t1", eng="Which ice?\n1 Chocolate\n2 Vanilla", fra="Quelle glace ?\n1 Chocolat\n2 Vanille", fra_audio="g.wav"
    ),
    text("t2", eng="Chocolate", fra="Chocolat"),
    text("t3", eng="Vanilla", fra="Vanille"),
    text("t4", eng="How many @(flow.favorite_ice)?", fra="Combien ?"),
    text("t5", eng="@flow.how_many is a lot, @contact.first_name!", fra="@(flow.how_many * 2) {!}"),
    text("t6", eng="Bye @(PROPER(contact.first_name))", fra="Salut"),
)


def test_a_questionnaire_of_others_is_held_as_a_conversation_of_ours() -> None:
    theirs = container(*ICE, texts=ICE_TEXTS)
    theirs["flows"][0]["blocks"][0]["name"] = "favorite_ice"
    flow, report, _ = taken_in(theirs)
    assert flow.id == "ice_cream"
    turn = engine.begin(flow, date(2026, 4, 1), language="en", facts={"first_name": "Awa"}, speaks=("en", "fr"))
    assert turn.screen is not None
    assert turn.screen.text == "Which ice?\n1 Chocolate\n2 Vanilla"
    turn = engine.answer(flow, turn.progress, "1", date(2026, 4, 1))
    assert turn.screen is not None
    assert "How many Chocolate?" in turn.screen.text
    turn = engine.answer(flow, turn.progress, "7", date(2026, 4, 1))
    assert turn.screen is not None
    assert "7 is a lot, Awa!" in turn.screen.text
    assert not turn.screen.more
    assert any("audio" in line for line in report)
    assert any("block 'many'" in line and "how_many * 2" in line for line in report)
    assert any("block 'many'" in line and "braces" in line for line in report)
    assert any("'contact.first_name' became the fact 'first_name'" in line for line in report)
    assert any("block 'how_many'" in line and "`give_up`" in line for line in report)


def test_each_kind_that_we_have_no_step_for_is_passed_over_and_told() -> None:
    flow, report, _ = taken_in(
        container(
            block("photo", "SmartDevices.PhotoResponse", {"prompt": "t"}, ("", "groups")),
            block("groups", "Core.SetGroupMembership", {"groups": []}, ("", "call")),
            block("call", "Core.Webhook", {"url": "https://example.org"}, ("block.value < 300", "log"), ("", "log")),
            block("log", "Core.Log", {"message": "hello"}, ("", "bye")),
            block("bye", "MobilePrimitives.Message", {"prompt": "t"}, ("", None)),
            texts=(text("t", eng="Bye", fra="Salut"),),
        )
    )
    turn = engine.begin(flow, date(2026, 4, 1), language="fr")
    assert turn.screen is not None
    assert turn.screen.text == "Salut"
    for name, what in (("photo", "PhotoResponse"), ("groups", "SetGroup"), ("call", "Webhook"), ("log", "logged")):
        assert any(f"block '{name}'" in line and what in line for line in report)


KEPT = {"property_key": "full name", "property_value": "@block.value"}


def test_what_is_kept_decided_and_written_comes_over() -> None:
    flow, report, _ = taken_in(
        container(
            block("lang", "MobilePrimitives.SelectOneResponse",
                  {"question_prompt": "q", "choices": [{"name": "eng", "prompt": "e"}, {"name": "fra", "prompt": "f"}],
                   "set_contact_property": {"property_key": "language", "property_value": "block.value"}},
                  ("", "name")),
            block("name", "MobilePrimitives.OpenResponse",
                  {"prompt": "n", "set_contact_property": [KEPT]},
                  ("", "age")),
            block("age", "MobilePrimitives.NumericResponse", {"prompt": "n"}, ("", "both")),
            block("both", "MobilePrimitives.SelectManyResponses",
                  {"question_prompt": "q", "choices": [{"name": "a", "prompt": "e"}, {"name": "b", "prompt": "f"}]},
                  ("", "note")),
            block("note", "Core.SetContactProperty",
                  {"set_contact_property": [{"property_key": "seen", "property_value": "yes"},
                                            {"property_key": "twice", "property_value": "@(flow.age * 2)"}]},
                  ("", "out")),
            block("out", "Core.Output", {"value": "flow.age"}, ("", "case")),
            block("case", "Core.Case", {},
                  ('AND(flow.age >= 18, contact.seen = "yes")', "bye"), ("OR(flow.out < 3, contact.visits > 2)", "bye"),
                  ("YEAR(contact.born) > 2000", "bye"), ('CONTAINS("a", flow.name)', "age"), ("", "name")),
            block("bye", "MobilePrimitives.Message", {"prompt": "n"}, ("", None)),
            texts=(text("q", eng="Q?"), text("e", eng="English"), text("f", eng="French"), text("n", eng="@flow.out")),
        )
    )  # fmt: skip
    source = flow.source
    assert "sets_language: true" in source
    assert 'fr: {en: "French"}' in source
    assert "set: {full_name: name}" in source
    assert "set: {out: age}" in source
    assert 'set: {seen: "\\"yes\\""}' in source or "set: {seen: '\"yes\"'}" in source
    assert "if: 'age >= 18 and seen == \"yes\"'" in source
    assert 'if: "out < 3 or visits > 2"' in source
    assert "visits: number" in source
    assert any("'twice' is set to a computed value" in line for line in report)
    assert any("YEAR(...)" in line for line in report)
    assert any("CONTAINS(...)" in line for line in report)
    assert any("`max: 160` stands for it" in line for line in report)
    assert any("no largest number; `999999` stands for it" in line for line in report)


def test_a_sub_flow_is_run_and_a_missing_one_is_told() -> None:
    theirs = container(
        block("go", "Core.RunFlow", {"flow_id": "g"}, ("", "gone")),
        block("gone", "Core.RunFlow", {"flow_id": "nowhere"}, ("", None)),
    )
    inner = container(
        block("hi", "MobilePrimitives.Message", {"prompt": "t"}, ("", None)), texts=(text("t", eng="Hi", fra="Salut"),)
    )["flows"][0]
    theirs["flows"].append(inner | {"uuid": "g"})
    flow, report, library = taken_in(theirs)
    assert sorted(library.flows) == ["ice_cream", "ice_cream_2"]
    turn = engine.begin(flow, date(2026, 4, 1), language="fr")
    assert turn.screen is not None
    assert turn.screen.text == "Salut"
    assert any("block 'gone'" in line and "not in the container" in line for line in report)


def test_languages_that_are_not_ours_are_left_out_and_told() -> None:
    swahili = text("t", eng="Bye", swa="Kwaheri")
    message = block("bye", "MobilePrimitives.Message", {"prompt": "t"}, ("", None))
    flow, report, _ = taken_in(container(message, texts=(swahili,), languages=["swa", "eng"]))
    assert flow.languages == ("en",)
    assert flow.reviewed == {"en": False}
    assert any("'swa' is none of ours" in line for line in report)
    with pytest.raises(FlowMistake, match="none of its languages is ours"):
        from_container(container(message, texts=(swahili,), languages=["swa"]))


@pytest.mark.parametrize(
    "given",
    [None, 3, [], {}, {"flows": 1}, {"flows": [1, "a", None]}, {"flows": [{"uuid": 3}]}, container(),
     {"flows": [{"uuid": "f", "languages": [{"id": "fra", "iso_639_3": "fra"}], "blocks": "x"}]}],
)  # fmt: skip
def test_what_is_no_container_is_refused_in_one_sentence(given: object) -> None:
    with pytest.raises(FlowMistake):
        from_container(given)


def test_a_container_of_nonsense_inside_its_blocks_never_breaks_the_reader() -> None:
    strange: list[Any] = [None, 7, "", "@(", [], {}, {"a": 1}, "@(((((((", -1.5, True]
    for value in strange:
        for kind in ("Message", "SelectOneResponse", "SelectManyResponses", "NumericResponse", "OpenResponse"):
            config = dict.fromkeys(("prompt", "question_prompt", "choices", "validation_minimum", "text"), value)
            first = block("a", f"MobilePrimitives.{kind}", config | {"set_contact_property": value}, ("", None))
            first["exits"] = [value, {"test": value, "name": value, "destination_block": value}]
            more = block("b", "Core.Case", {}, (str(value), "a"), ("", None)) | {"vendor_metadata": value}
            theirs = container(first, more, texts=({"uuid": value, "values": value}, text("t", fra=str(value))))
            try:
                sources, _ = from_container(theirs)
                load_sources(sources)
            except FlowMistake:
                pass
