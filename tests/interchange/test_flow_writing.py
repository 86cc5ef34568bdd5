"""The writer of flows from values: one form, and reading it gives the same flow."""

import pytest

from flows.conditions import parse
from flows.fmt import format_source
from flows.interchange.flow_writing import draft_of, expression_text, flow_dict, yaml_of
from flows.loader import load_library, load_sources, read_flow
from flows.mistakes import FlowMistake
from flows.model import Flow
from tests.interchange.every_kind import AMV, LIBRARY

FLOWS = [*load_library().flows.values(), *load_sources(LIBRARY).flows.values(), *load_sources(AMV).flows.values()]


@pytest.mark.parametrize("flow", FLOWS, ids=[flow.id for flow in FLOWS])
def test_what_is_written_is_the_flow_in_its_one_form(flow: Flow) -> None:
    written = flow_dict(flow)
    source = yaml_of(written)
    assert read_flow(source, flow.file) == read_flow(flow.source, flow.file) == draft_of(written)
    assert format_source(source, flow.file) == source
    assert flow_dict(read_flow(source, flow.file)) == written


def test_an_importer_writes_a_flow_from_a_plain_dict() -> None:
    flow = {
        "flow": "bonjour",
        "version": "1",
        "title": {"fr": 'Dire « bonjour » : "oui" \\ #1', "bm": "I ni ce"},
        "languages": ["fr", "bm"],
        "reviewed": {"bm": "false"},
        "steps": [
            {"id": "a", "say": {"fr": "true", "bm": "null"}},
            {"id": "b", "when": [{"if": 'a == "x"', "go": "fin"}, {"else": "fin"}]},
            {"id": "fin", "end": None},
        ],
    }
    source = yaml_of(flow, ["From a spreadsheet\nof yesterday"])
    assert source.startswith("# From a spreadsheet of yesterday\nflow: bonjour\n")
    assert "reviewed: {bm: false}" in source
    assert flow_dict(read_flow(source, "bonjour.yaml")) == flow


def test_what_is_no_flow_is_refused_by_its_step_and_without_a_line_of_a_text_nobody_sees() -> None:
    flow = {"flow": "x", "version": "1", "title": {"all": "X"}, "languages": ["fr"], "steps": [{"id": "a", "sya": {}}]}
    with pytest.raises(FlowMistake, match=r"^x\.yaml: step 'a': a step has exactly one of"):
        yaml_of(flow)


@pytest.mark.parametrize(
    ("written", "again"),
    [
        ("a and b or c", "a and b or c"),
        ("a and (b or c)", "a and (b or c)"),
        ("a or (b or c)", "a or (b or c)"),
        ("not (a and b)", "not (a and b)"),
        ("not a == 1", "not a == 1"),
        ("not x in (1)", "x not in (1)"),
        ("(a == 'b')", 'a == "b"'),
        ("a == 'say \"b\"'", "a == 'say \"b\"'"),
    ],
)
def test_conditions_are_written_with_the_brackets_they_need(written: str, again: str) -> None:
    assert expression_text(parse(written)) == again
    assert parse(again) == parse(written)
