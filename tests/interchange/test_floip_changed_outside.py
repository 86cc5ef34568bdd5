"""Our containers after another tool had them: what it changed comes back changed, and the rest is told."""

import json
import random
from typing import Any

from flows.interchange.floip_in import from_container
from flows.interchange.floip_names import uuid_of
from flows.interchange.floip_out import to_container
from flows.loader import load_library, load_sources
from flows.mistakes import FlowMistake
from flows.model import Menu, Number, When, Words
from tests.interchange.every_kind import AMV, LIBRARY

MADE = load_sources(LIBRARY)
EXAMPLE = load_sources(AMV)


def amv() -> dict[str, Any]:
    return json.loads(json.dumps(to_container(EXAMPLE, "adhesion_amv")))


def named(container: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in container["flows"][0]["blocks"] if each["name"] == name)


def resource(container: dict[str, Any], uuid: str) -> dict[str, Any]:
    return next(each for each in container["flows"][0]["resources"] if each["uuid"] == uuid)


def test_a_text_changed_outside_comes_back_changed() -> None:
    container = amv()
    for value in resource(container, named(container, "chef")["config"]["prompt"])["values"]:
        if value["language_id"] == "fra":
            value["value"] = "Qui est le chef ?"
    sources, report = from_container(container)
    assert 'fr: "Qui est le chef ?"' in sources["adhesion_amv.yaml"]
    assert report == []


def test_a_spelling_changed_only_for_plain_phones_is_told() -> None:
    container = amv()
    for value in resource(container, named(container, "chef")["config"]["prompt"])["values"]:
        if value["modes"] == ["SMS", "USSD"]:
            value["value"] = "Chef ?"
    sources, report = from_container(container)
    assert load_sources(sources).flows == EXAMPLE.flows
    assert len(report) == 1
    assert "a text changed outside came over in part" in report[0]


def test_a_line_of_the_report_stays_one_whatever_the_file_holds() -> None:
    container = amv()
    for value in resource(container, named(container, "chef")["config"]["prompt"])["values"]:
        value["value"] = "Qui ?\n\x1b[2J\u202eest @(contact.a + 1)"
    _, report = from_container(container)
    assert report
    assert all(line.isprintable() for line in report)


def test_a_way_and_a_bound_changed_outside_come_back_changed() -> None:
    container = amv()
    named(container, "personnes")["config"]["validation_maximum"] = 50
    non = next(way for way in named(container, "accord")["exits"] if way["name"] == "non")
    non["destination_block"] = uuid_of("flow", "adhesion_amv", "plus_tard")
    flow = load_sources(from_container(container)[0]).get("adhesion_amv")
    personnes, accord = flow.steps["personnes"], flow.steps["accord"]
    assert isinstance(personnes, Number)
    assert personnes.high == 50
    assert isinstance(accord, Menu)
    assert accord.go == {"non": "plus_tard"}


def test_a_label_changed_in_one_menu_leaves_the_shared_list_to_the_others() -> None:
    container = amv()
    choice = named(container, "accord")["config"]["choices"][0]
    for value in resource(container, choice["prompt"])["values"]:
        value["value"] += " !"
    source = from_container(container)[0]["adhesion_amv.yaml"]
    assert source.count("options: oui_non") == 1
    assert 'fr: "Oui !"' in source


def test_a_branch_changed_outside_comes_back_changed() -> None:
    container = json.loads(json.dumps(to_container(MADE, "tout")))
    named(container, "tri")["exits"][0]["test"] = "flow.pb < 100"
    tri = load_sources(from_container(container)[0]).get("tout").steps["tri"]
    assert isinstance(tri, When)
    assert tri.branches[0].written == "pb < 100"
    assert tri.branches[5].written == "age_months(ne_le)  ==  6"


def test_a_block_put_in_by_another_tool_becomes_a_step() -> None:
    container = amv()
    flow = container["flows"][0]
    new = {
        "uuid": "0", "name": "hello there", "type": "MobilePrimitives.Message", "config": {"prompt": "hello"},
        "exits": [{"uuid": "1", "name": "d", "default": True, "destination_block": flow["first_block_id"]}],
    }  # fmt: skip
    flow["blocks"].append(new)
    flow["resources"].append({"uuid": "hello", "values": [
        {"language_id": "fra", "content_type": "TEXT", "modes": ["USSD"], "value": "Bonjour @(flow.chef)"}
    ]})  # fmt: skip
    flow["first_block_id"] = "0"
    again = load_sources(from_container(container)[0]).get("adhesion_amv")
    assert again.first == "hello_there"
    assert list(again.steps)[1:] == list(EXAMPLE.get("adhesion_amv").steps)


def test_without_our_metadata_the_conversation_still_comes_in() -> None:
    container = amv()
    for block in container["flows"][0]["blocks"]:
        del block["vendor_metadata"]
    del container["flows"][0]["vendor_metadata"]
    sources, report = from_container(container)
    flow = next(iter(load_sources(sources).flows.values()))
    assert {"langue", "accord", "chef", "personnes", "formule", "confirme", "fin"} <= flow.steps.keys()
    chef = flow.steps["chef"]
    assert isinstance(chef, Words)
    assert chef.max == 24
    assert any("block 'devis'" in line and "Webhook" in line for line in report)


def test_random_damage_is_refused_or_read_and_never_breaks_the_reader() -> None:
    luck = random.Random(20)
    strange: list[Any] = [None, 0, "", "x", [], {}, [[]], {"laseli": 1}, "@(", True, ["x"], {"x": {}}]
    for _ in range(60):
        container = json.loads(json.dumps(to_container(MADE, "enfant")))
        for _ in range(luck.randint(1, 3)):
            _damage(container, luck, strange)
        try:
            load_sources(from_container(container)[0])
        except FlowMistake:
            continue


def _damage(container: Any, luck: random.Random, strange: list[Any]) -> None:
    place = container
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = luck.choice(keys)
        if not isinstance(place[key], dict | list) or not place[key] or luck.random() < 0.15:
            place[key] = luck.choice(strange)
            return
        place = place[key]


def test_words_changed_in_a_language_that_a_speaker_had_read_are_read_no_more() -> None:
    library = load_library()
    assert library.get("messages").reviewed["en"] is True
    container = json.loads(json.dumps(to_container(library, "messages")))
    assert load_sources(from_container(container)[0]).get("messages").reviewed["en"] is True
    flow = next(each for each in container["flows"] if each["label"] == "messages")
    english = next(each["id"] for each in flow["languages"] if each["iso_639_3"] == "eng")
    said = next(value for each in flow["resources"] for value in each["values"] if value["language_id"] == english)
    said["value"] = "Another thing"
    sources, report = from_container(container)
    assert load_sources(sources).get("messages").reviewed["en"] is False
    assert any("its 'en' was changed since a speaker had read it" in line for line in report)
    del flow["vendor_metadata"]["laseli"]["read"]
    assert load_sources(from_container(container)[0]).get("messages").reviewed["en"] is False
