"""`laseli --demo`: every command on the demo's database, whatever the settings of the shell say."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from service import demo_run
from service.cli import main
from service.config import Config


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command changes the process's settings; this test's go away with it."""
    for name in [name for name in os.environ if name.startswith("LASELI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.chdir(tmp_path)


def test_without_a_demo_it_says_how_to_make_one() -> None:
    done = CliRunner().invoke(main, ["--demo", "flow", "releases"])
    assert done.exit_code == 1
    assert "there is no demo in .demo: `laseli demo` makes one" in done.output


def test_with_one_it_works_there_and_not_on_the_database_of_the_settings(tmp_path: Path) -> None:
    os.environ["LASELI_DATABASE_URL"] = f"sqlite:///{tmp_path / 'real.db'}"
    folder = tmp_path / ".demo"
    folder.mkdir()
    demo_run._prepare(Config.from_env(demo_run._environment(folder, 8000, 8001)))
    done = CliRunner().invoke(main, ["--demo", "flow", "releases"])
    assert done.exit_code == 0, done.output
    assert "comes with the program" in done.output
    assert CliRunner().invoke(main, ["--demo", "todo", "list"]).output.endswith("0 lines\n")
    assert re.fullmatch(r"\d{6}\n", CliRunner().invoke(main, ["--demo", "staff", "code", "demo"]).output)
    folder.rename(tmp_path / "essai")
    assert "there is no demo in .demo" in CliRunner().invoke(main, ["--demo", "todo", "list"]).output
    assert CliRunner().invoke(main, ["--demo-folder", "essai", "todo", "list"]).output.endswith("0 lines\n")
    assert not (tmp_path / "real.db").exists()
