"""`laseli flow show | draw | fmt | diff`: conversations to look at, to compare, and to write in their one form."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flows.loader import DEFINITIONS
from flows.mistakes import FlowMistake
from flows.model import LANGUAGES

if TYPE_CHECKING:
    from flows.model import Flow, Library

# Ten times the longest conversation that is read.
_LARGEST_FILE: Final = 5_000_000
_FILES: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_PLACES: Final = click.Path(exists=True, path_type=Path)
_LIMIT: Final = click.option(
    "--limit", type=click.IntRange(80, 182), default=160, show_default=True, help="Septets of a USSD screen."
)
_LANGUAGE: Final = click.Choice(LANGUAGES)


def library_at(place: Path) -> Library:
    """The flows of a folder or of one file, links that lead nowhere kept; one readable line when they cannot be."""
    files = [place] if place.is_file() else sorted(place.glob("*.yaml"))
    if not files:
        raise click.ClickException(f"there is no .yaml file in {place}")
    return _library({file.name: _source_of(file) for file in files})


@click.command("show")
@click.argument("flow_id", metavar="FLOW")
@click.option("--language", type=_LANGUAGE, help="This language only.")
@click.option("--step", help="This step only, with the help after a wrong answer.")
@_LIMIT
@click.option("--json", "as_json", is_flag=True, help="The same as data.")
def flow_show(flow_id: str, language: str | None, step: str | None, limit: int, as_json: bool) -> None:
    """Every screen and SMS of FLOW (an id, or a file) as the handset gets it, the longest answers in place."""
    from flows import seen_screens
    from flows.show_lines import lines_of_show

    flow, _ = _flow_and_library(flow_id)
    try:
        shown = seen_screens.show(flow, limit=limit, language=language, step=step)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    if as_json:
        click.echo(json.dumps(seen_screens.as_data(shown), ensure_ascii=False, indent=2))
    else:
        _print(lines_of_show(shown))


@click.command("draw")
@click.argument("flow_id", metavar="FLOW")
@click.option("--language", type=_LANGUAGE, default="fr", show_default=True, help="Of the texts in the picture.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the SVG.")
def flow_draw(flow_id: str, language: str, out: Path | None) -> None:
    """A picture of FLOW (an id, or a file) as SVG: its steps, and the ways between them."""
    from flows.drawing import draw

    flow, library = _flow_and_library(flow_id)
    try:
        picture = draw(flow, language, library)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    if out is None:
        click.echo(picture, nl=False)
    else:
        _write_all({out: picture})
        click.echo(f"{flow.id} is drawn in {out}")


@click.command("fmt")
@click.argument("files", nargs=-1, type=_FILES)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if something would change.")
def flow_fmt(files: tuple[Path, ...], only_check: bool) -> None:
    """Write FILES in their one form: by default, all conversations and phrases. One line for each file changed."""
    from flows.phrases import FOLDER

    changed = _in_one_form(files or [*sorted(DEFINITIONS.glob("*.yaml")), *sorted(FOLDER.glob("*.yaml"))])
    if not only_check:
        _write_all(changed)
    for file in changed:
        click.echo(f"{_near(file)} {'is not in its one form' if only_check else 'is now in its one form'}")
    sys.exit(1 if only_check and changed else 0)


@click.command("diff")
@click.argument("old", type=_PLACES)
@click.argument("new", type=_PLACES, default=DEFINITIONS)
def flow_diff(old: Path, new: Path) -> None:
    """What differs between the conversations of OLD and of NEW: folders, or single files.

    Without NEW, our own. Beside a single file only the flow in it is compared.
    """
    from flows.diff import differences, lines_of_diff

    before, after = library_at(old), library_at(new)
    single = [library.flows.keys() for place, library in ((old, before), (new, after)) if place.is_file()]
    if single:
        ids = {flow_id for flows in single for flow_id in flows}
        before, after = _only(before, ids), _only(after, ids)
    _print(lines_of_diff(differences(before, after)))


def _only(library: Library, ids: set[str]) -> Library:
    from flows.model import Library

    return Library({flow_id: flow for flow_id, flow in library.flows.items() if flow_id in ids})


def _flow_and_library(name: str) -> tuple[Flow, Library]:
    """The flow of this id among ours, or the one in this file, its sub-flows taken from ours."""
    from flows.mistakes import nearest

    if not name.endswith(".yaml"):
        library = library_at(DEFINITIONS)
        if name not in library.flows:
            raise click.ClickException(f"there is no flow '{name}'; {nearest(name, library.flows)}")
        return library.flows[name], library
    file = Path(name)
    ours = {each.name: _source_of(each) for each in sorted(DEFINITIONS.glob("*.yaml"))}
    library = _library({**ours, file.name: _source_of(file)})
    return library.flows[file.stem], library


def _library(sources: Mapping[str, str]) -> Library:
    from flows.loader import load_sources

    try:
        return load_sources(sources, strict=False)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None


def _in_one_form(files: Iterable[Path]) -> dict[Path, str]:
    """The files that are not in their one form, with what to write instead. All mistakes are told at once."""
    from flows.fmt import format_source

    changed, mistakes = {}, []
    for file in files:
        source = _source_of(file)
        try:
            neat = format_source(source, file.name)
        except FlowMistake as mistake:
            mistakes.append(str(mistake))
            continue
        if neat != source:
            changed[file] = neat
    if mistakes:
        raise click.ClickException("\n".join(mistakes))
    return changed


def _source_of(file: Path) -> str:
    """The text of a file, its line ends as they are."""
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise click.ClickException(f"{file} is too long for a conversation; cut it into sub-flows")
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise click.ClickException(f"{file}:{line}: these letters are not UTF-8: save the file as UTF-8") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None


def _write_all(texts: Mapping[Path, str]) -> None:
    """Each file whole or not at all: whoever reads meanwhile never finds half of one."""
    for file, text in texts.items():
        target = Path(os.path.realpath(file))
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            beside.write_bytes(text.encode("utf-8"))
            if target.exists():
                beside.chmod(target.stat().st_mode & 0o777)
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None


def _near(file: Path) -> str:
    """The path as one would type it from here."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
