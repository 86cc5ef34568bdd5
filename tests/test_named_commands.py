"""Each `laseli ...` that the docs, the README or one of our sentences names is understood by the real command line."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scheduler.__main__ import main

HERE = Path(__file__).resolve().parent.parent
PAGES = [HERE / "README.md", HERE / "CHANGELOG.md", *sorted((HERE / "docs").glob("*.md"))]
PAGES += sorted((HERE / "docs" / "systemd").iterdir())
OF_DEV = {"test", "lint", "bench", "faults", "lock"}
A_LINE = re.compile(
    r"^(?: {4}|ExecStart=)(?:[^`\n]*? && |(?:\S+ ){5}root )?(?:\S*/bin/)?(?:laseli|python3 dev) ([a-z-].*?)"
    r"(?: {2,}.*| +#.*)?$",
    re.M,
)
IN_A_SENTENCE = re.compile(r"`(?:laseli|python3 dev) ([a-z-][^`]*)`")
OPEN_END = {"...", "…"}


def test_every_command_in_docs_is_one() -> None:
    wrong = []
    for page in PAGES:
        text = page.read_text("utf-8")
        named = [(one, True) for one in A_LINE.findall(text)]
        named += [(one, False) for one in IN_A_SENTENCE.findall(text.replace("\n", " "))]
        assert named or page.name not in ("README.md", "running.md", "operations.md")
        wrong += [f"{page.name}: {reason}" for one, is_whole in named for reason in mistakes(one, is_whole)]
    assert not wrong, "\n".join(wrong)


def test_every_command_in_our_sentences_is_one() -> None:
    wrong = []
    for room in ("service", "scheduler", "flows"):
        for file in (HERE / room).rglob("*.py"):
            for said in sentences(file):
                for one in IN_A_SENTENCE.findall(said.replace("\n", " ")):
                    wrong += [f"{file.name}: {reason}" for reason in mistakes(one, is_whole=False)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    ["outbox lst", "outbox list --colour S", "route test", "db backup A B", "report coverage|nothing", "dose void"],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    assert list(mistakes(line, is_whole=True))


def test_every_command_and_option_says_what_it_does() -> None:
    """`--help` suffices: no command and no option without a sentence."""
    silent = []
    for path, command in every_command(main, "laseli"):
        silent += [] if command.help else [path]
        options = (one for one in command.params if isinstance(one, click.Option) and not one.hidden)
        silent += [f"{path} {one.opts[-1]}" for one in options if not one.help]
    assert not silent, "\n".join(silent)


def every_command(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not command.hidden:
        yield path, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from every_command(below, f"{path} {name}")


def sentences(file: Path) -> Iterator[str]:
    """Every string of a module; what an f-string fills in is X."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def mistakes(written: str, is_whole: bool) -> Iterator[str]:
    """What the parser says against a line; `is_whole`: nothing that is required may be missing."""
    for line in written.split(";"):
        line = re.sub(r"^\s*laseli ", "", line)
        line = re.split(" < | >> | && ", line)[0].strip()
        if line.split()[0] in OF_DEV:
            continue
        for one in alternatives(re.sub(r"[\[\]]", "", line)):
            try:
                parse(main, shlex.split(one), is_whole and " | " not in line)
            except click.UsageError as reason:
                yield f"`{one}`: {reason.format_message()}"


def alternatives(line: str) -> list[str]:
    """`route pause|open CHANNEL` and `mediator add | list` are two lines each."""
    if " | " in line:
        first, *others = line.split(" | ")
        before = first.rpartition(" ")[0]
        return [first, *(f"{before} {other}" for other in others)]
    lines = [""]
    for word in shlex.split(line):
        lines = [f"{line} {shlex.quote(one)}" for line in lines for one in word.split("|") if one not in OPEN_END]
    return lines


def parse(command: click.Command, words: list[str], is_whole: bool) -> None:
    is_open = bool(OPEN_END & set(words))
    words = [word.removesuffix("...") for word in words if word not in OPEN_END]
    context = click.Context(command)
    while isinstance(command, click.Group):
        _, words, _ = command.make_parser(context).parse_args(words)
        if not words:
            return
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command, context = found, click.Context(found, info_name=name, parent=context)
    look_at(command, context, words, is_whole and not is_open)


def look_at(command: click.Command, context: click.Context, words: list[str], is_whole: bool) -> None:
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    if rest:
        raise click.UsageError(f"takes no {' '.join(rest)}")
    for param in command.params:
        value = given.get(param.name or "")
        if is_whole and param.required and not isinstance(value, str | int | tuple | list):
            raise click.UsageError(f"{param.human_readable_name} is missing")
        if isinstance(param.type, click.Choice) and isinstance(value, str) and not value.isupper():
            param.type.convert(value, param, context)
