"""What commands say when there is no database, or none that answers: one line, and nothing is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import scheduler.__main__  # noqa: F401  # adds the worker's own commands
from service.cli import main
from service.commands.opening import what_to_look_at
from tests.loopback import closed_port
from tests.test_config import GOOD

LOOKING = ["doctor", "db check", "outbox list", "route status", "jobs list", "keys status", "tick", "worker"]
LOOKING.append("tick --at 2026-12-01T10:00 --dry-run")


def asked(words: str, url: str) -> Result:
    return CliRunner().invoke(main, words.split(), env=GOOD | {"LASELI_DATABASE_URL": url})


@pytest.mark.parametrize("words", LOOKING)
def test_who_looks_at_a_database_makes_none(words: str, tmp_path: Path) -> None:
    file = tmp_path / "nowhere.db"
    said = asked(words, f"sqlite:///{file}")
    assert said.exit_code == 1
    assert str(file) in said.output
    assert "`laseli db upgrade`" in said.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [*LOOKING, "db upgrade"])
def test_a_database_that_is_away_is_one_line_and_no_traceback(words: str) -> None:
    said = asked(words, f"postgresql://laseli:hunter2@127.0.0.1:{closed_port()}/laseli")
    assert said.exit_code == 1
    assert "The database does not answer" in said.output.replace("Error: the", "The")
    assert "Traceback" not in said.output
    assert "hunter2" not in said.output
    assert "refused" in said.output, "the doctor says why as well"
    if words != "doctor":
        assert len(said.output.splitlines()) == 1


def test_a_folder_that_is_not_there_is_named_as_what_is_missing(tmp_path: Path) -> None:
    said = asked("db upgrade", f"sqlite:///{tmp_path}/nowhere/laseli.db")
    assert said.exit_code == 1
    assert "the folder that LASELI_DATABASE_URL names must be there" in said.output
    assert len(said.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("database is locked", "another process has been writing"),
        ("attempt to write a readonly database", "run it as the user of the services"),
        ("database or disk is full", "make room"),
        ("unable to open database file", "the folder that LASELI_DATABASE_URL names"),
        ("connection refused", "look at LASELI_DATABASE_URL, at the server"),
    ],
)
def test_what_a_driver_says_becomes_what_to_look_at(reason: str, remedy: str) -> None:
    assert remedy in what_to_look_at(reason)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    place = tmp_path / "nowhere" / "amv.json"
    said = CliRunner().invoke(main, ["flow", "floip-out", "adhesion_amv", "--out", str(place)])
    assert (said.exit_code, said.output) == (1, f"Error: {place} cannot be written: No such file or directory\n")


def test_good_settings_say_what_comes_next() -> None:
    assert asked("config check", "sqlite:///laseli.db").output.splitlines()[-1].startswith("Next: `laseli db upgrade`")
