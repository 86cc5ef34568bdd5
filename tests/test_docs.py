"""What the pages for people name is there: files, and in the way of a message each function."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent
PAGES = sorted([HERE / "README.md", HERE / "CHANGELOG.md", *(HERE / "docs").glob("*.md")])
LINK = re.compile(r"\[([^\]]*)\]\(([^)#]+)[^)]*\)")
OF_OURS = re.compile(r"`((?:tests|service|flows|scheduler|bench|docs)/[\w./-]+)`")
WAY = HERE / "docs" / "a-message-s-way.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    words = page.read_text("utf-8")
    links = [page.parent / target for _, target in LINK.findall(words) if "://" not in target]
    named = [HERE / path for path in OF_OURS.findall(words) if "NAME" not in path]
    assert [str(path) for path in links + named if not path.exists()] == []


def test_each_function_on_the_way_of_a_message_is_in_its_file() -> None:
    steps = [(name, target) for name, target in LINK.findall(WAY.read_text("utf-8")) if target.endswith(".py")]
    assert len(steps) > 20
    for name, target in steps:
        module, _, wanted = name.strip("`").partition(".")
        file = WAY.parent / target
        assert module == file.stem, f"{name} leads to {target}"
        assert wanted in names_in(file), f"{file.name} has no {wanted}"


def names_in(file: Path) -> set[str]:
    """Whatever a reader finds there by its name: functions, methods, classes, and what stands at the left margin."""
    tree = ast.parse(file.read_text("utf-8"))
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found
