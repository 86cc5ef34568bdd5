"""Check 20 finds a flow that would not survive the journey, and costs little."""

import dataclasses
import time

import pytest

from flows import check
from flows.checks.round_trip import check_round_trip, check_sound
from flows.interchange import floip_blocks, floip_own, flow_writing
from flows.loader import load_library, load_sources
from flows.model import Library
from tests.flows.callers import source_of
from tests.interchange.every_kind import AMV, LIBRARY

MADE = load_sources(LIBRARY)


def found(library: Library, flow_id: str) -> list[str]:
    return [str(each) for each in check_round_trip(library.get(flow_id), library)]


def test_every_flow_of_the_library_survives_and_so_does_one_with_everything() -> None:
    library = load_library()
    for each in (library, MADE, load_sources(AMV)):
        assert [line for flow_id in each.flows for line in found(each, flow_id)] == []
        assert list(check_sound(each)) == []
    assert not [each for each in check.check(MADE, {}) if each.check == 20]


def test_a_key_that_is_lost_on_the_way_out_is_an_error_at_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {**floip_blocks.SAID, "menu": floip_blocks.SAID["menu"] | {"again"}}
    monkeypatch.setattr(floip_blocks, "SAID", said)
    lines = found(MADE, "tout")
    assert len(lines) == 1
    assert "tout.yaml:" in lines[0]
    assert "step 'accord' error (the same again after a journey through FLOIP): `again` does not survive" in lines[0]


def test_a_text_read_back_wrong_is_an_error_at_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(floip_own._OF_KIND, "say", lambda block, own, reading: {"say": {"all": "?"}})
    assert ["step 'recu'" in line or "step 'rouge'" in line for line in found(MADE, "tout")] == [True, True]


def test_a_way_that_leads_nowhere_in_floip_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floip_blocks, "step_parts", lambda flow_id, step: (flow_id, step.id, str(id(object()))))
    assert any("its FLOIP is not sound" in str(each) for each in check_sound(MADE))


def test_what_the_checker_of_strangers_finds_is_told_at_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(floip_blocks.ANSWERED, "number", "ISNUMBER(block.value")
    """In a flow that stands alone, and in one that another runs."""
    sources = {name: LIBRARY[name] for name in ("plus.yaml", "enfant.yaml")}
    for library in (load_sources({"plus.yaml": sources["plus.yaml"]}), load_sources(sources)):
        lines = [str(each) for each in check.check(library, {}) if each.level == "error"]
        assert len(lines) == 1
        assert "plus.yaml:" in lines[0]
        assert "step 'age'" in lines[0]
        assert "is not closed" in lines[0]


def test_two_choices_that_differ_in_their_capitals_only_are_told() -> None:
    steps = """
  - id: quoi
    menu: {all: "?"}
    options: {a: {all: "Un"}, A: {all: "Deux"}, b: {all: "Trois"}}

  - id: fin
    end:
"""
    lines = found(load_sources({"essai.yaml": source_of(steps)}), "essai")
    assert len(lines) == 1
    assert "'a' and 'A' are one choice to FLOIP" in lines[0]


def test_a_field_that_the_writer_forgets_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a key is added to the model and the writer believes it knows it."""
    made = flow_writing.flow_dict
    monkeypatch.setattr(
        "flows.interchange.floip_out.flow_dict", lambda flow: {k: v for k, v in made(flow).items() if k != "resume"}
    )
    monkeypatch.setattr(
        "flows.checks.round_trip.flow_dict", lambda flow: {k: v for k, v in made(flow).items() if k != "resume"}
    )
    assert any("'resume' cannot be written down again" in line for line in found(MADE, "tout"))


def test_two_names_that_would_share_a_property_are_told() -> None:
    steps = """
  - id: a
    run: dedans

  - id: garder
    set: {a__x: '"1"', autre: a.x}

  - id: fin
    end: {all: "{a.x} {a__x}"}
"""
    inner = '  - id: x\n    text: {all: "?"}\n    max: 9\n  - id: fin\n    end:\n'
    library = load_sources({"essai.yaml": source_of(steps), "dedans.yaml": source_of(inner, "dedans")})
    assert any("does not survive the journey to FLOIP" in line for line in found(library, "essai"))


def test_a_flow_with_broken_links_is_left_to_the_other_checks() -> None:
    broken = '  - id: a\n    say: {all: "A"}\n    next: nulle_part\n'
    missing = "  - id: a\n    run: nulle_part\n  - id: fin\n    end:\n"
    for steps in (broken, missing):
        library = load_sources({"essai.yaml": source_of(steps)}, strict=False)
        assert found(library, "essai") == []


def test_sixteen_large_flows_are_checked_within_two_seconds() -> None:
    library = load_sources(AMV)
    flow = library.get("adhesion_amv")
    began = time.process_time()
    for place in range(16):
        assert list(check_round_trip(dataclasses.replace(flow, version=place + 1), library)) == []
    assert time.process_time() - began < 2.0
