"""A careless or malicious officer publishes: alone, twice under one number, over a colleague, without consent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows import check
from flows.findings import ERROR
from flows.loader import DEFINITIONS, load_sources
from service.runtime import Runtime
from service.store import release_tables
from service.stories.talk import effects, releases
from tests.people import publish
from tests.stories.forms import SMALL_LINE
from tests.stories.test_releases import FORME_91


@pytest.fixture
def small(runtime: Runtime) -> int:
    return publish(runtime, SMALL_LINE, whole=True)


def candidate(**files: str) -> releases.Candidate:
    sources = SMALL_LINE | {f"{name}.yaml": source for name, source in files.items()}
    return releases.read_candidate(sources, effects.SIGNATURES, 160)


@pytest.mark.parametrize("same", ["awa  traore", "Awa Traoré ", "A.W.A. TRAORE", "Awa\u00a0Traoré", "Ａｗａ Traoré"])
def test_one_person_is_not_two(small: int, runtime: Runtime, same: str) -> None:
    with runtime.database.begin() as tx:
        number = releases.publish(
            tx, candidate(forme=FORME_91), by="Awa Traoré", note="", now=runtime.now(), needs_second=True
        )
    with runtime.database.begin() as tx, pytest.raises(releases.Refused, match="somebody else must approve"):
        releases.approve(tx, number, same, runtime.now())


@pytest.mark.parametrize("nobody", ["", "  ", "...", "laseli", "LASELI", "x" * 61])
def test_nobody_and_the_program_itself_publish_nothing(small: int, runtime: Runtime, nobody: str) -> None:
    """What the program published, its next version replaces without asking."""
    with runtime.database.begin() as tx:
        with pytest.raises(releases.Refused, match="the name of a person"):
            releases.publish(tx, candidate(forme=FORME_91), by=nobody, note="", now=runtime.now())
        with pytest.raises(releases.Refused, match="the name of a person"):
            releases.roll_back(tx, None, nobody, runtime.now())
        assert release_tables.current_number(tx) == small


@pytest.mark.parametrize("written", ['"version": 90', "version : 90", "version:\n  90", "version: 090"])
def test_a_number_written_in_another_way_is_the_same_number(small: int, runtime: Runtime, written: str) -> None:
    changed = candidate(forme=FORME_91.replace("version: 91", written))
    with runtime.database.read() as tx, pytest.raises(releases.Refused, match="version 90 was published with other"):
        releases.check_versions(tx, changed)


def test_a_colleagues_release_is_not_taken_back_unseen(small: int, runtime: Runtime) -> None:
    mine = candidate(simple=SMALL_LINE["simple.yaml"].replace("version: 90", "version: 91"))
    publish(runtime, {"forme.yaml": FORME_91})
    with runtime.database.begin() as tx, pytest.raises(releases.Refused, match="published meanwhile"):
        releases.publish(tx, mine, by="Moussa", note="", now=runtime.now(), upon=small)


def test_a_long_note_is_kept_as_far_as_there_is_room(small: int, runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        number = releases.publish(tx, candidate(forme=FORME_91), by="Awa", note="x" * 5000, now=runtime.now())
        found = release_tables.release(tx, number)
    assert found is not None
    assert len(found.note) == 200


YES = """'"oui"'"""
SOURCES = {file.name: file.read_text("utf-8") for file in Path(DEFINITIONS).glob("*.yaml")}


@pytest.mark.parametrize(
    "flow", ["ramed", "mesure_bras", "recevoir_messages", "inscrire_enfant", "adhesion_amv", "avis"]
)
def test_the_question_of_consent_cannot_be_taken_away(flow: str) -> None:
    source = SOURCES[f"{flow}.yaml"].replace("    personal: true\n", "")
    source = re.sub(r"(\n    with:(?:[^\n]*|(?:\n      [^\n]*)+)consent: )accord\b", rf"\1{YES}", source)
    assert YES in source
    library = load_sources(SOURCES | {f"{flow}.yaml": source})
    found = [str(each) for each in check.check(library, effects.SIGNATURES, 160) if each.level == ERROR]
    assert any("without consent" in each for each in found), found
