"""Out to FLOIP and in again: every flow comes back equal, and is written out again as the same document."""

import json
import re
from dataclasses import fields
from types import SimpleNamespace

import pytest

from flows.conditions import parse
from flows.interchange.floip_expressions import condition, read_back
from flows.interchange.floip_in import from_container
from flows.interchange.floip_names import ISO, Paths, step_parts
from flows.interchange.floip_out import container_text, only_ours, to_container
from flows.interchange.floip_texts import template_back
from flows.loader import load_library, load_sources, read_flow
from flows.model import Library, Named
from tests.interchange.every_kind import AMV, LIBRARY

DEFINITIONS = load_library()
MADE = load_sources(LIBRARY)
EXAMPLE = load_sources(AMV)
EVERY = [
    *((DEFINITIONS, flow_id) for flow_id in DEFINITIONS.flows),
    *((MADE, flow_id) for flow_id in MADE.flows),
    *((EXAMPLE, flow_id) for flow_id in EXAMPLE.flows),
]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def container_of(library: Library, flow_id: str) -> dict:
    return json.loads(container_text(to_container(library, flow_id)))


@pytest.mark.parametrize(("library", "flow_id"), EVERY, ids=[flow_id for _, flow_id in EVERY])
def test_every_flow_comes_back_equal_and_goes_out_the_same(library: Library, flow_id: str) -> None:
    container = container_of(library, flow_id)
    sources, report = from_container(container)
    assert report == []
    again = load_sources(sources)
    assert again.flows.keys() <= library.flows.keys()
    for flow in again.flows.values():
        assert flow == library.get(flow.id)
        assert read_flow(sources[flow.file], flow.file) == read_flow(library.get(flow.id).source, flow.file)
    assert container_of(again, flow_id) == container
    assert container_text(to_container(again, flow_id)) == container_text(to_container(library, flow_id))


def test_a_list_keeps_its_name_and_one_that_nobody_takes_is_kept_too() -> None:
    sources, _ = from_container(container_of(MADE, "tout"))
    assert "options: oui_non" in sources["tout.yaml"]
    assert "jamais_pris:" in sources["tout.yaml"]


def test_the_address_of_our_actions_is_no_part_of_the_flow() -> None:
    container = to_container(EXAMPLE, "adhesion_amv", "https://mutuelle.example")
    urls = [block["config"]["url"] for block in container["flows"][0]["blocks"] if block["type"] == "Core.Webhook"]
    assert urls == [f"https://mutuelle.example/actions/{name}" for name in ("quote_premium", "enrol_household")]
    assert load_sources(from_container(container)[0]).flows == EXAMPLE.flows


@pytest.mark.parametrize(("library", "flow_id"), EVERY, ids=[flow_id for _, flow_id in EVERY])
def test_the_container_has_the_shape_of_the_specification(library: Library, flow_id: str) -> None:
    """The rules of the JSON schema of 1.0.0-rc4 that a flow of ours could break."""
    container = container_of(library, flow_id)
    assert container["specification_version"] == "1.0.0-rc4"
    for flow in container["flows"]:
        assert len(flow["name"]) >= 3
        assert flow["supported_modes"]
        languages = {language["id"] for language in flow["languages"]}
        assert languages <= set(ISO.values())
        uuids = [block["uuid"] for block in flow["blocks"]]
        exits = [way["uuid"] for block in flow["blocks"] for way in block["exits"]]
        texts = [resource["uuid"] for resource in flow["resources"]]
        every = [*uuids, *exits, *texts]
        assert len(set(every)) == len(every)
        assert all(UUID.fullmatch(each) for each in every)
        assert flow["first_block_id"] in uuids
        for resource in flow["resources"]:
            for value in resource["values"]:
                assert value["value"]
                assert value["language_id"] in languages
        names = [block["name"] for block in flow["blocks"]]
        assert len(set(names)) == len(names)
        for block in flow["blocks"]:
            assert re.fullmatch(r"[a-zA-Z_]\w+", block["name"])
            assert [way for way in block["exits"] if way.get("default")] == block["exits"][-1:]
            assert all(("test" in way) != ("default" in way) for way in block["exits"])
            assert all(way.get("destination_block", uuids[0]) in uuids for way in block["exits"])
            prompts = [block["config"].get(key) for key in ("prompt", "question_prompt")]
            assert all(each in texts for each in prompts if each is not None)


def test_ids_are_the_same_on_every_machine_and_change_with_what_is_replaced() -> None:
    flow = to_container(EXAMPLE, "adhesion_amv")["flows"][0]
    chef = next(block for block in flow["blocks"] if block["name"] == "chef")
    assert chef["uuid"] == "8e4e7173-3551-54a1-9681-b516bdaf50fe"
    before, after = (SimpleNamespace(id="a", replaces=each) for each in (None, 3))
    assert step_parts("f", before) == ("f", "a")
    assert step_parts("f", after) == ("f", "a", "replaces 3")


def test_a_label_is_shown_in_the_language_and_spelling_of_the_text() -> None:
    flow = to_container(EXAMPLE, "adhesion_amv")["flows"][0]
    confirme = next(block for block in flow["blocks"] if block["name"] == "confirme")
    values = next(r for r in flow["resources"] if r["uuid"] == confirme["config"]["question_prompt"])["values"]
    true = {value["language_id"]: value["value"] for value in values if value["modes"] == ["RICH_MESSAGING"]}
    folded = {value["language_id"]: value["value"] for value in values if value["modes"] == ["SMS", "USSD"]}
    assert 'IF(flow.formule = "public", "Communautaire et public", IF(flow.formule = "mixte"' in true["fra"]
    assert '"Forobako ni kɛrɛnkɛrɛnnen"' in true["bam"]
    assert '"Forobako ni kèrènkèrènnen"' in folded["bam"]


def test_what_only_we_act_on_is_told() -> None:
    told = only_ours(to_container(EXAMPLE, "adhesion_amv"))
    assert "`again`: carried along, but only we act on it (adhesion_amv/confirme)" in told
    assert any(line.startswith("`by`") for line in told)
    assert not any("`to`" in line for line in told)


def test_every_field_of_the_model_is_known_or_written_under_its_own_name() -> None:
    """A key added to the model later is carried along without a word here; this test only says where to look."""
    from flows.interchange import flow_writing
    from flows.linking import Draft
    from flows.model import Resume

    assert {each.name for each in fields(Draft)} >= {"id", "steps", "texts"}
    assert flow_writing._plain_value(Resume(3600, True)) == {"within": "1h", "ask": "true"}


NAMES = {
    "pb": Named("number", 3),
    "sexe": Named("choice", 8),
    "connu": Named("yes_no", 3),
    "ne_le": Named("date", 10),
    "le": Named("date", 10),
    "l": Named("list", 9),
    "r": Named("result", 3),
    "m": Named("mixed", 3),
    "id.nom": Named("text", 3),
}
PATHS = Paths("f", ["pb", "sexe", "l"], ["connu"], ["r", "m", "ne_le", "le"])
LEAVES = [
    "pb", "connu", "ne_le", "l", "r", "m", "id.nom", "sexe", "pb < 115", "pb <= -5", "pb > 3", "pb >= 0", "pb == 1",
    "pb != 0", 'sexe == "F"', 'sexe != ""', "id.nom == 'a \"b\" c'", '"x" == sexe', "ne_le < le", "ne_le != le",
    "age_months(ne_le) == 3", "age_months(le) != 3", "age_months(ne_le) in (0, 1)", "count(l) > 0", "count(l) != 0",
    "count(l)", "age_months(le)", 'sexe in ("F")', 'sexe not in ("F", "M")', "r != m", "0", "7", '"mot"',
    "0 < count(l)",
]  # fmt: skip


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_condition_comes_back_as_the_same_tree_however_it_is_put_together(leaf: str) -> None:
    for other in LEAVES[::4]:
        for written in (
            leaf,
            f"not ({leaf})",
            f"{leaf} and {other}",
            f"{leaf} or {other} and {leaf}",
            f"({leaf} or {other}) and not ({other})",
            f"{other} and ({leaf} and {other}) or ({leaf} or {other})",
        ):
            tree = parse(written)
            assert read_back(condition(tree, PATHS.path, NAMES), PATHS.name) == tree, written


def test_at_signs_of_a_text_are_words_and_those_of_others_are_names() -> None:
    assert template_back("a@@b @(flow.pb). @flow.pb.", PATHS.name) == ("a@b {pb}. {pb}.", [])
    assert template_back("foo@bar.com", PATHS.name) == ("foo…", ["@(bar.com)"])
