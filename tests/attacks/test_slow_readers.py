"""Somebody sends a text that is cheap to write and dear to read: a sheet, a form, a container, an SMS."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from flows.floip.floip_parser import parse_template
from flows.interchange.rapidpro_words import numbered_lines
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.sms_text import fold
from service.simulator.script_run import key_before
from tests.test_house_rules import modules, name_of

LONG = 20_000
# Twice what one pass over so long a text costs on a busy machine; the square of its length costs seconds.
MOST_S = 0.1
AT_THE_START = ("", "1", "a", "(", "{", "@a", "a=", "1.", "«", '"', "-1", "${")
AGAIN_AND_AGAIN = (*"a1 \n.(){},'\"-_\\=", "a ", "1 ", "a.")
ANYWHERE = {"search", "findall", "finditer", "sub", "split"}


def seconds(run: Callable[[], object]) -> float:
    """The best of three: the machine may be busy, a slow reader always is."""
    best = 60.0
    for _ in range(3):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        if best < MOST_S:
            break
    return best


def patterns() -> Iterator[tuple[str, re.Pattern[str], set[str]]]:
    """(where, pattern, how it is used) of every pattern of ours that has a name of its own."""
    for file in modules():
        name, tree = name_of(file), ast.parse(file.read_text("utf-8"))
        if "re." not in file.read_text("utf-8") or ".migrations." in name or name.endswith("__main__"):
            continue
        used: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used.setdefault(node.value.id, set()).add(node.attr)
        for key, value in vars(importlib.import_module(name)).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str) and key in used:
                yield f"{name}.{key}", value, used[key]
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                flags = re.MULTILINE if "MULTILINE" in ast.unparse(node) else 0
                yield f"{name}:{node.lineno}", re.compile(node.args[0].value, flags), {node.func.attr}


def what_is_slow(pattern: re.Pattern[str], used: set[str]) -> tuple[str, str] | None:
    """(how it begins, what follows again and again) of a text that this pattern is slow to read, if there is one."""
    reads = [pattern.search] if used & ANYWHERE else [pattern.match, pattern.fullmatch]
    for start, again, read in itertools.product(AT_THE_START, AGAIN_AND_AGAIN, reads):
        text = (start + again * LONG)[:LONG] + "\x00"
        if seconds(partial(read, text)) > MOST_S:
            return start, again
    return None


def test_no_pattern_takes_the_square_of_a_long_text() -> None:
    found = [(where, what_is_slow(pattern, used)) for where, pattern, used in patterns()]
    assert len(found) > 100
    assert [one for one in found if one[1]] == []


@pytest.mark.parametrize(
    "read",
    [
        lambda: numbered_lines("1" + " " * LONG, {1, 2}),
        lambda: fold(" " * LONG + "«é"),
        lambda: parse_template("@@ " * 1_000_000),
        lambda: key_before("Oui", "1" + ")" * LONG),
    ],
    ids=["a numbered line", "blanks and a quote", "a template of signs", "a screen of brackets"],
)
def test_a_long_text_is_read_in_one_pass(read: Callable[[], object]) -> None:
    assert seconds(read) < 30 * MOST_S


def nested(flows: int, runs: int) -> dict[str, str]:
    """So many flows, each of which runs the next so many times."""
    head = 'version: 1\ntitle: {fr: "T"}\nlanguages: [fr]\nsteps:\n'
    sources = {}
    for number in range(flows):
        steps = "".join(f"  - id: r{run}\n    run: f{number + 1}\n" for run in range(runs if number + 1 < flows else 0))
        end = '  - id: fin\n    end: {fr: "Merci."}\n'
        sources[f"f{number}.yaml"] = f"flow: f{number}\n{head}{steps}{end}"
    return sources


@pytest.mark.parametrize(("flows", "runs"), [(25, 2), (3000, 1), (4, 90)])
@pytest.mark.parametrize("turned", [False, True])
def test_conversations_nested_without_end_are_refused_in_one_line(flows: int, runs: int, turned: bool) -> None:
    sources = nested(flows, runs)
    ordered = dict(reversed(sources.items())) if turned else sources
    start = time.perf_counter()
    with pytest.raises(FlowMistake, match="conversations run inside"):
        load_sources(ordered)
    assert time.perf_counter() - start < 10
