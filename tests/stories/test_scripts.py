"""Conversations written as scripts, each held with the real product on both databases.

A file in `tests/scripts` is a test; `laseli sim ussd --record` writes such files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scheduler.timetable import one_round
from service.rehearsal import Rehearsal, rehearse
from service.simulator.script_run import Outcome, Player, play
from service.simulator.scripts import SAMPLES, Script, Step, load_script, read_script
from service.store.people_tables import child
from tests.conftest import a_config
from tests.people import TestClock

FOLDER = Path(__file__).parent.parent / "scripts"
SCRIPTS = [*sorted(FOLDER.glob("*.yaml")), *sorted(SAMPLES.glob("*.yaml"))]
USUAL_START = "2026-11-20T10:00"
UNTIL_THE_LAST_QUESTION = ("1", "1", "1", "1", "Awa", "12102026", "1", "7", "1")


@contextmanager
def rehearsed(database_url: str, folder: Path, at: str = USUAL_START) -> Iterator[Rehearsal]:
    settings = a_config(database_url, sender_threads=1)
    with rehearse(settings, TestClock(at), one_round, folder) as rehearsal:
        yield rehearsal


@pytest.fixture
def rehearsal(database_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearsed(database_url, tmp_path) as found:
        yield found


def on_stage(script: Script, database_url: str, folder: Path) -> AbstractContextManager[Rehearsal]:
    return rehearsed(database_url, folder, script.at.isoformat() if script.at else USUAL_START)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_the_conversation_goes_as_written(file: Path, database_url: str, tmp_path: Path) -> None:
    script = load_script(file)
    with on_stage(script, database_url, tmp_path) as rehearsal:
        outcomes = list(play(script, rehearsal.phone(script.phone, script.way)))
    last = outcomes[-1]
    assert last.is_well, f"{file.name}:{last.step.line}: {last.step}: {last.why} {last.expected!r}, seen {last.seen!r}"
    assert len(outcomes) == len(script.steps)


@pytest.mark.parametrize("place", [0, 1])
def test_the_documentations_examples_go_as_written(place: int, database_url: str, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    script = read_script(re.findall(r"```yaml\n(.*?)```", page, re.S)[place], "simulator.md")
    with on_stage(script, database_url, tmp_path) as rehearsal:
        outcomes = list(play(script, rehearsal.phone(script.phone, script.way)))
    assert outcomes[-1].is_well, outcomes[-1]


def a_player(rehearsal: Rehearsal, *answers: str) -> Player:
    """A father's phone, after these answers."""
    player = Player(rehearsal.phone("+22370000061", "ussd"))
    assert player.play(Step("dial")).is_well
    for answer in answers:
        assert player.play(Step("press", (answer,))).is_well
    return player


def children(rehearsal: Rehearsal) -> int:
    with rehearsal.runtime.database.read() as tx:
        return tx.execute(select(func.count()).select_from(child)).scalar_one()


def test_the_answer_that_writes_sent_twice_at_once_enrols_one_child(rehearsal: Rehearsal) -> None:
    player = a_player(rehearsal, *UNTIL_THE_LAST_QUESTION)
    assert children(rehearsal) == 0
    outcome = player.play(Step("twice", ("1",)))
    assert outcome.is_well
    assert outcome.seen.startswith("Code ")
    assert children(rehearsal) == 1
    again = player.play(Step("repeat"))
    assert (again.is_well, again.seen) == (True, outcome.seen)
    assert children(rehearsal) == 1


def test_every_step_repeated_gets_the_same_screen(rehearsal: Rehearsal) -> None:
    player = a_player(rehearsal)
    for answer in (*UNTIL_THE_LAST_QUESTION, "1"):
        assert player.play(Step("press", (answer,))).is_well
        assert player.play(Step("repeat")).is_well
    assert children(rehearsal) == 1


def test_a_cut_call_is_over_and_a_new_one_is_another_session(rehearsal: Rehearsal) -> None:
    player = a_player(rehearsal, "1", "1", "1", "1")
    assert player.play(Step("cut")).seen == "Appel coupé par le réseau."
    assert player.play(Step("press", ("Awa",))).why == "no_call"
    assert "ce n'était pas fini" in player.play(Step("dial")).seen
    assert player.play(Step("open")).is_well


def test_a_time_out_takes_three_minutes_and_ends_the_call(rehearsal: Rehearsal) -> None:
    player = a_player(rehearsal, "1")
    before = rehearsal.clock.moment
    assert player.play(Step("timeout")).seen.startswith("Délai dépassé")
    assert rehearsal.clock.moment - before == 180_000
    assert player.play(Step("open")).why == "is_over"


def test_a_call_does_not_stay_open_while_hours_pass(rehearsal: Rehearsal) -> None:
    player = a_player(rehearsal, "1")
    before = rehearsal.clock.moment
    assert player.play(Step("wait", seconds=60)).is_well
    assert player.play(Step("open")).is_well
    assert player.play(Step("wait", seconds=7200)).is_well
    assert player.play(Step("open")).why == "is_over"
    assert rehearsal.clock.moment - before == 7260 * 1000


def test_an_sms_presented_twice_is_answered_once(rehearsal: Rehearsal) -> None:
    player = Player(rehearsal.phone("+22370000062", "sms"))
    for step in (Step("twice", ("ARRET",)), Step("repeat"), Step("see", ("plus de SMS",)), Step("inbox")):
        assert player.play(step).is_well, step
    assert len(player.phone.inbox()) == 1


def test_what_fails_is_told_with_what_was_seen(rehearsal: Rehearsal) -> None:
    player = a_player(rehearsal, "1")
    assert player.play(Step("see", ("Laseli", "Bonjour"))) == Outcome(
        Step("see", ("Laseli", "Bonjour")), "not_seen", "Bonjour", player.phone.screen().text
    )
    assert player.play(Step("inbox", ("Bonjour",))).why == "no_sms"
    assert player.play(Step("choose", ("Bonjour",))).why == "no_choice"
