"""`laseli --settings FILE`: what systemd gives to the services, a person and a timer have as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scheduler.__main__ import main
from service import settings_file
from tests.test_config import GOOD

SECRET = "hunter2 hunter2"


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """The file goes into the environment of the process, which is that of all tests."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def checked(file: Path, **environ: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(file), "config", "check"], env=environ)


def written(folder: Path, *lines: str) -> Path:
    file = folder / "laseli.env"
    file.write_text("\n".join([*(f"{name}={value}" for name, value in GOOD.items()), *lines]))
    return file


def test_a_file_as_systemd_reads_it(tmp_path: Path) -> None:
    file = written(
        tmp_path, "# ours", "", '  LASELI_ORGANISATION="Suivi, Commune III"', "LASELI_PORT='8010'", "HOME=/x"
    )
    found = settings_file.read(file)
    assert found["LASELI_ORGANISATION"] == "Suivi, Commune III"
    assert found["LASELI_PORT"] == "8010"
    assert found["LASELI_KEYS__IDENTITY"] == GOOD["LASELI_KEYS__IDENTITY"], "a = within a value is its own"
    assert checked(file).exit_code == 0


def test_what_the_environment_says_wins(tmp_path: Path) -> None:
    file = written(tmp_path, "LASELI_PORT=8010")
    said = checked(file, LASELI_PORT="abc")
    assert said.exit_code == 78
    assert "LASELI_PORT" in said.output
    environment = {"LASELI_PORT": "9000"}
    settings_file.use(file, environment)
    assert environment["LASELI_PORT"] == "9000"


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (f"export LASELI_METRICS_TOKEN={SECRET}", "without `export`"),
        (f"LASELI_METRICS_TOKEN = {SECRET}", "blanks around ="),
        (f"{SECRET}", "write NAME=value"),
        (f'LASELI_METRICS_TOKEN="{SECRET}', "quotes of LASELI_METRICS_TOKEN"),
        (f'LASELI_METRICS_TOKEN="{SECRET}" # the token', "quotes of LASELI_METRICS_TOKEN"),
        (f"LASELI_METRICS_TOKEN={SECRET} # the token", "a remark on a line of its own"),
        (f"LASELI_METRICS_TOKEN={SECRET} \\", "LASELI_METRICS_TOKEN into quotes"),
    ],
)
def test_a_wrong_line_is_named_and_its_secret_is_not(line: str, remedy: str, tmp_path: Path) -> None:
    said = checked(written(tmp_path, line))
    assert said.exit_code == 78
    assert "line 3" in said.output
    assert remedy in said.output
    assert "hunter2" not in said.output


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    said = checked(tmp_path / "none.env")
    assert said.exit_code == 78
    assert said.output.splitlines() == [
        f"{tmp_path}/none.env: No such file or directory; run this as its owner, or name another with --settings"
    ]
    (tmp_path / "raw.env").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in checked(tmp_path / "raw.env").output
