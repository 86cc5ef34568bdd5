"""Tests that watch the whole house: who may import whom, no clock below the doors, one name for one thing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "flows": {"flows"},
    "service.domain": {"service.domain"},
    "service.store": {"service.store", "service.domain"},
    "service.channels": {"service.channels", "service.domain", "service.config", "service.carrier_settings", "flows"},
    "service.simulator": {"service.simulator", "flows"},
    "service": {"service", "flows"},
    "scheduler": {"scheduler", "service", "flows"},
}
STORIES_MAY_NOT = {"service.web", "service.app", "service.cli", "service.commands"}


def modules() -> list[Path]:
    return [file for room in ("flows", "service", "scheduler") for file in sorted((HERE / room).rglob("*.py"))]


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(HERE).with_suffix("").parts).removesuffix(".__init__")


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: a relative import; write the whole name"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("flows", "service", "scheduler", "tests", "bench")}


@pytest.mark.parametrize("file", modules(), ids=name_of)
def test_imports_follow_the_map(file: Path) -> None:
    name = name_of(file)
    room = max((room for room in MAY_IMPORT if name == room or name.startswith(room + ".")), key=len)
    for imported in imports_of(file):
        assert any(imported == allowed or imported.startswith(allowed + ".") for allowed in MAY_IMPORT[room]), (
            f"{name} imports {imported}: {room} may import only {sorted(MAY_IMPORT[room])}"
        )
        if name.startswith("service.stories"):
            assert not any(imported.startswith(door) for door in STORIES_MAY_NOT), f"{name} imports an edge: {imported}"


READS_THE_CLOCK = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|\btime\.time(_ns)?\(")


@pytest.mark.parametrize("room", ["flows", "service/domain", "service/stories", "service/store", "service/channels"])
def test_below_the_doors_time_is_an_argument(room: str) -> None:
    for file in (HERE / room).rglob("*.py"):
        assert not READS_THE_CLOCK.search(file.read_text("utf-8")), f"{file} reads the clock"


def test_only_the_store_writes_sql() -> None:
    """Stories, edges and the clock know a transaction's type and its errors, and no statement."""
    for file in modules():
        if not name_of(file).startswith(("service.store", "service.simulator")):
            found = re.findall(r"from sqlalchemy[\w.]* import .*", file.read_text("utf-8"))
            allowed = ("from sqlalchemy.engine import", "from sqlalchemy.exc import")
            assert all(line.startswith(allowed) for line in found), f"{file} writes SQL: {found}"


def test_file_names_are_unique() -> None:
    seen: dict[str, Path] = {}
    for file in modules():
        if file.stem not in ("__init__", "__main__", "env"):
            assert file.name not in seen, f"{file} and {seen[file.name]} have the same name"
            seen[file.name] = file


def test_no_two_rooms_have_an_action_of_the_same_name() -> None:
    from service.stories.talk.effects import DEEDS, ROOMS

    assert len(DEEDS) == sum(len(room.DEEDS) for room in ROOMS)


def test_the_flow_tests_are_told_of_the_actions_as_they_are() -> None:
    from service.stories.talk.effects import SIGNATURES
    from tests.flows.callers import CONTRACT

    for name in CONTRACT.keys() & SIGNATURES.keys():
        assert CONTRACT[name] == SIGNATURES[name], name


def test_every_event_of_the_engine_has_an_effect() -> None:
    from typing import get_args

    from flows.engine import Event
    from service.stories.talk.effects import EVENTS

    assert set(EVENTS) == set(get_args(Event))


def test_every_benchmark_can_be_started() -> None:
    """Nothing else of the suite runs them."""
    from bench.__main__ import BENCHMARKS

    assert all(callable(main) for main in BENCHMARKS.values())
