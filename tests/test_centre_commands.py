"""`laseli centre ...`: what a centre says of its days, looked at, foreseen, and refused in one clear line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from click.testing import CliRunner

from service.cli import main
from service.runtime import Runtime
from tests.backups import environment

DARSALAM = "GY73"
WHO = ("--by", "Awa", "--why", "dit par le centre")


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sends logs to the standard error of its run, which is gone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def centre(runtime: Runtime, *words: str, fails: bool = False) -> str:
    result = CliRunner().invoke(main, ["centre", *words], env=environment(runtime.config))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code != 0) == fails, result.output
    return result.output


def test_days_are_told_shown_and_told_again_in_vain(runtime: Runtime) -> None:
    assert "GY73  ASACODAR: days not known\n" in centre(runtime, "list")
    week = ("days", DARSALAM, "mon", "TUE:bcg,mr", *WHO)
    assert centre(runtime, *week) == "0 families got another day; 0 SMS ask pardon.\n"
    shown = centre(runtime, "list")
    assert "    mon, " in shown
    assert "    tue BCG, MR, " in shown
    assert "until further notice (Awa: dit par le centre)" in shown
    assert centre(runtime, *week).startswith("This was known already. ")


def test_a_stock_out_foreseen_written_down_and_over(runtime: Runtime) -> None:
    assert centre(runtime, "stock", DARSALAM, "BCG", "out", "--dry-run").endswith("Nothing was changed.\n")
    assert "without BCG" not in centre(runtime, "list")
    centre(runtime, "stock", DARSALAM, "BCG", "out", *WHO)
    assert "without BCG" in centre(runtime, "list")
    centre(runtime, "stock", DARSALAM, "BCG", "back", *WHO)
    assert "without BCG" not in centre(runtime, "list")


def test_a_day_cancelled_and_back(runtime: Runtime) -> None:
    coming = (date.today() + timedelta(30)).isoformat()  # the command's clock is the true one
    centre(runtime, "cancel", DARSALAM, coming, *WHO)
    assert f"no vaccination, {coming} (Awa" in centre(runtime, "list")
    centre(runtime, "extra", DARSALAM, coming, *WHO)
    assert "no vaccination" not in centre(runtime, "list")


def test_nobody_changes_a_centres_days_without_a_name_and_a_reason(runtime: Runtime) -> None:
    assert "say who decides it, and why" in centre(runtime, "stock", DARSALAM, "BCG", "out", fails=True)
    assert "no centre has the code 'XY'" in centre(runtime, "stock", "XY", "BCG", "out", *WHO, fails=True)
    assert "--until goes with `out`" in centre(
        runtime, "stock", DARSALAM, "BCG", "back", "--until", "2030-01-01", *WHO, fails=True
    )
