"""What a process loads, it holds for as long as it runs: these are kept out of those that do not need them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import a_config, fresh_sqlite
from tests.faults.supervisor import environment

HERE = Path(__file__).resolve().parent.parent


def loaded_by(code: str, settings: dict[str, str]) -> set[str]:
    """The modules that a fresh process holds after this code."""
    told = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=HERE, env=settings, capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def of(modules: set[str], *packages: str) -> list[str]:
    """Those that are one of these packages or lie in it."""
    return sorted(name for name in modules if any(f"{name}.".startswith(f"{package}.") for package in packages))


IN_NEITHER = (
    *("alembic", "holidays", "openpyxl", "procrastinate", "prometheus_client"),
    *("psycopg", "pyrage", "pyxform", "sqlalchemy.dialects.postgresql", "twilio"),
    *("flows.check", "flows.checks", "flows.drawing", "flows.floip", "flows.interchange"),
    *("service.commands", "service.rehearsing", "service.simulator", "tests"),
)
PROCESSES = {
    "web": ("import wsgi, service.web.server", ("apscheduler", "scheduler")),
    "worker": (
        "from service.config import Config; from service.runtime import build_runtime; from scheduler.worker import "
        "Worker; Worker(build_runtime(Config.from_env()))",
        ("flask", "granian", "jinja2", "service.web", "werkzeug"),
    ),
}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_on_sqlite_loads_nothing_that_only_others_need(
    process: str, sqlite_template: Path, tmp_path: Path
) -> None:
    begin, not_here = PROCESSES[process]
    settings = environment(a_config(fresh_sqlite(sqlite_template, tmp_path)))
    assert of(loaded_by(begin, settings), *IN_NEITHER, *not_here) == []


@pytest.mark.parametrize("country", ["ML", "FR"])
def test_a_country_s_holidays_bring_no_other_country(country: str) -> None:
    ask = "from service.domain.public_holidays import holidays_of\n"
    modules = loaded_by(f"{ask}assert len(holidays_of({country!r}, 2026)) > 9", {})
    assert len(of(modules, "holidays.countries")) == 2
