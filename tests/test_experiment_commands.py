"""`laseli experiment ...` as typed at a terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scheduler.__main__ import main
from service.config import Config
from service.runtime import Runtime, build_runtime
from tests.backups import environment
from tests.conftest import fresh_sqlite
from tests.people import TestClock
from tests.stories.test_recalls import enrol
from tests.trials import allowing

NOW = datetime.now(UTC)
FIRST, LAST = ((NOW + timedelta(days=days)).date() for days in (5, 90))
TRY = ("early-2026", "--hold-out", "J-3,J-1", "--share", 20, "--from", FIRST, "--until", LAST)
APPROVED = ("--by", "Awa", "--approved-by", "Comité d'éthique", "--approval-reference", "N 2026/12")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    """Three families, each with a child of four weeks."""
    clock = TestClock(f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    built = build_runtime(allowing(settings), at=clock)
    for place in range(3):
        enrol(built, clock, number=f"+2237000000{place}", born=f"{NOW - timedelta(days=28):%Y-%m-%d}")
    yield built
    built.database.close()


def laseli(runtime: Runtime, *words: object, fails: bool = False, allowed: bool = True) -> Result:
    settings = environment(runtime.config) | {"LASELI_EXPERIMENT__ALLOWED": str(allowed).lower()}
    result = CliRunner().invoke(main, ["experiment", *map(str, words)], env=settings)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code != 0) is fails, result.output
    assert "7000000" not in result.output
    return result


def test_planned_rehearsed_declared_reported_and_stopped(runtime: Runtime, tmp_path: Path) -> None:
    planned = laseli(runtime, "plan", *TRY, allowed=False).output
    assert "early-2026 : sans les rappels J-3 et J-1, sur 20 familles pour cent" in planned
    assert "Hypothèse prudente" in planned
    assert "Aucun effet ne serait visible, si grand soit-il" in planned
    assert "Plus petit effet visible" not in planned, "no share changes by more than a hundred points"
    assert "Nothing was written" in laseli(runtime, "start", *TRY, "--dry-run").output
    assert laseli(runtime, "list").output == "0 experiments\n"
    started = laseli(runtime, "start", *TRY, *APPROVED).output
    assert "comme d'habitude (80 %) : " in started
    assert "`laseli experiment stop early-2026` ends it" in started
    listed = laseli(runtime, "list").output
    assert "declared" in listed
    assert "(Comité d'éthique, N 2026/12)" in listed
    told = json.loads(laseli(runtime, "list", "--json").output)
    assert told[0]["steps"] == ["J-3", "J-1"]
    assert told[0]["approved_by"] == "Comité d'éthique"
    page = laseli(runtime, "report", "early-2026", "--xlsx", tmp_path / "a.xlsx", "--json")
    assert json.loads(page.stdout)["too_early"] is True
    assert (tmp_path / "a.xlsx").exists()
    told_so_far = " ".join(laseli(runtime, "report", "early-2026").output.split())
    assert "TROP TÔT" in told_so_far
    assert "dont ce jour tombe le " in told_so_far, "of a single day nobody says from and until"
    assert "Stopped." in laseli(runtime, "stop", "early-2026", "--by", "Awa", "--why", "asked").output
    assert "It was stopped before." in laseli(runtime, "stop", "early-2026", "--by", "Awa", "--why", "asked").output
    assert "stopped" in laseli(runtime, "list").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("start", *TRY, "--approved-by", "C"), "--by: who declares it; --approved-by: the ethics committee that"),
        (("start", *TRY[:1], "--hold-out", "J+7", *TRY[3:], *APPROVED), "never left out"),
        (("start", *TRY[:3], "--share", 30, *TRY[5:], *APPROVED), "1 to 20 families of a hundred, not 30"),
        (("start", *TRY[:1], *TRY[3:], *APPROVED), "say what is tried"),
        (("stop", "nowhere", "--by", "Awa", "--why", "asked"), "there is no experiment 'nowhere'"),
        (("report", "nowhere"), "there is no experiment 'nowhere'"),
        (("plan", *TRY, "--programme", "nowhere"), "there is no programme 'nowhere'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(runtime: Runtime, words: tuple[object, ...], told: str) -> None:
    result = laseli(runtime, *words, fails=True)
    assert told in result.output
    assert laseli(runtime, "list").output == "0 experiments\n"


def test_nothing_begins_where_experiments_are_not_allowed(runtime: Runtime) -> None:
    assert (
        "LASELI_EXPERIMENT__ALLOWED=true" in laseli(runtime, "start", *TRY, *APPROVED, fails=True, allowed=False).output
    )
    assert "everybody gets everything" in laseli(runtime, "list", allowed=False).output
