"""`laseli sim ...`: a conversation is tried in the terminal, by hand or from a script, on its own Laseli."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flows.model import Library
    from service.rehearsal import Rehearsal, Round
    from service.simulator.scripts import Script, Way

ZONE = "Africa/Bamako"


def sim_group(one_round: Round) -> click.Group:
    """The commands. What a worker does in one round belongs to the scheduler, which hands it over."""

    @click.group()
    @click.pass_context
    def sim(context: click.Context) -> None:
        """Try conversations: a phone in the terminal, no settings, no network, nothing kept."""
        context.obj = one_round

    sim.add_command(ussd)
    sim.add_command(sms)
    return sim


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both ways of trying have in common."""
    file = click.Path(path_type=Path, dir_okay=False)
    folder = click.Path(path_type=Path, file_okay=False, exists=True)
    moment = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
    for option in (
        click.option("--at", type=moment, metavar="ISO-TIME", help="The moment it begins, 2026-12-09T09:30; else now."),
        click.option("--limit", type=click.IntRange(80, 182), default=160, show_default=True, help="Septets a screen."),
        click.option("--flows", type=folder, help="Definitions that are not published yet."),
        click.option("--record", type=file, help="Write what was done as a script, ready to be a test."),
        click.option("--script", type=file, help="Play this script; exit 1 at the first step that fails."),
        click.option("--phone", metavar="NUMBER", help="An invented number, as in +223 70 00 00 42."),
    ):
        command = option(command)
    return command


@click.command()
@_options
@click.option("--dial", metavar="CODE", default="", help="Go straight to what *384*223*2*1# or 2*1 leads to.")
@click.pass_obj
def ussd(one_round: Round, /, dial: str, **chosen: Any) -> None:
    """Dial and answer. /help tells how to cut the line, repeat a request, send it twice, wait."""
    from service.simulator.scripts import is_path

    if dial and not is_path(dial):
        raise click.BadParameter("write a code, *384*223*2*1#, or what stands behind it, 2*1", param_hint="--dial")
    _try_out("ussd", one_round, dial=dial, **chosen)


@click.command()
@_options
@click.pass_obj
def sms(one_round: Round, /, **chosen: Any) -> None:
    """Write SMS to the service and read what comes back."""
    _try_out("sms", one_round, **chosen)


def _try_out(
    way: Way,
    one_round: Round,
    phone: str | None,
    script: Path | None,
    record: Path | None,
    flows: Path | None,
    limit: int,
    at: datetime | None,
    dial: str = "",
) -> None:
    from service.sim_terminal import Terminal, replay
    from service.simulator.recording import Recorder
    from service.simulator.script_run import Player

    written = _script(script, way) if script else None
    number = _number(phone) if phone else written.phone if written else _number("")
    if record and record.exists():
        raise click.ClickException(f"{record} exists already; delete it first, or record under another name")
    begins = at or (written.at if written else None) or datetime.now().replace(second=0, microsecond=0)
    with _rehearsal(one_round, begins, _library(flows, limit) if flows else None, limit) as rehearsal:
        player = Player(rehearsal.phone(number, way), written.phone if written else number)
        recorder = Recorder(player, number, way, begins)
        if written:
            went_well = replay(written.steps, player, recorder, click.echo, limit)
        else:
            went_well = True
            Terminal(player, way, limit, recorder, _reader(), click.echo, _words(rehearsal)).run(dial)
        if record:
            _write(record, recorder.script(written.name if written else record.stem))
    sys.exit(0 if went_well else 1)


@contextmanager
def _rehearsal(one_round: Round, begins: datetime, library: Library | None, limit: int) -> Iterator[Rehearsal]:
    """A new Laseli in a temporary folder, which is gone at the end."""
    from service import logs
    from service.clock import FixedClock
    from service.domain import local_time
    from service.rehearsal import a_config, rehearse
    from service.runtime import build_runtime
    from service.stories.keeping import setup

    logs.configure("ERROR")
    with TemporaryDirectory(prefix="laseli-") as folder:
        settings = a_config(f"sqlite:///{folder}/laseli.db", screen_limit=limit, timezone=ZONE)
        clock = FixedClock(local_time.instant(begins, ZONE))
        runtime = build_runtime(settings, at=clock)
        setup.prepare(runtime, rehearsal=True)
        runtime.database.close()
        with rehearse(settings, clock, one_round, Path(folder), library) as rehearsal:
            yield rehearsal


def _library(folder: Path, limit: int) -> Library:
    """The conversations with those of the folder; what the checker finds in these is told, one line each."""
    from flows import check
    from flows.findings import ERROR
    from flows.mistakes import FlowMistake
    from service.rehearsal import library_with
    from service.stories.talk.effects import SIGNATURES

    try:
        library = library_with(folder)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    tried = {file.name for file in folder.glob("*.yaml")}
    for finding in check.check(library, SIGNATURES, limit):
        if finding.level == ERROR and finding.file in tried:
            click.echo(str(finding), err=True)
    return library


def _words(rehearsal: Rehearsal) -> list[tuple[str, str]]:
    """What begins a conversation by SMS: (words, title of the conversation)."""
    from flows.sms_keywords import openings
    from service.stories.talk import releases

    with rehearsal.runtime.database.read() as tx:
        found = openings(releases.library(rehearsal.runtime, tx))
    return [(", ".join(words), title) for words, title in found]


def _script(file: Path, way: Way) -> Script:
    from flows.mistakes import FlowMistake
    from service.simulator.scripts import load_script

    try:
        script = load_script(file)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    if script.way != way:
        raise click.ClickException(f"{file.name} has `way: {script.way}`: play it with `laseli sim` {script.way}")
    return script


def _number(typed: str) -> str:
    from service.simulator.scripts import SOME_PHONE, invented_number

    number = invented_number(typed or SOME_PHONE)
    if number is None:
        raise click.BadParameter("only invented numbers: write one like +223 70 00 00 42", param_hint="--phone")
    return number


def _reader() -> Callable[[], str | None]:
    """The next line of standard input; at a terminal with a prompt, piped with an echo, None at the end."""
    stdin = sys.stdin
    if stdin.isatty():
        return _asked

    if isinstance(stdin, io.TextIOWrapper):
        stdin.reconfigure(errors="replace")  # a file in another encoding is shown with its odd letters, not refused

    def next_line() -> str | None:
        line = stdin.readline()
        if line:
            click.echo(f"> {line.rstrip()}")
        return line.rstrip("\r\n") if line else None

    return next_line


def _asked() -> str | None:
    try:
        return input("> ")
    except (EOFError, KeyboardInterrupt):
        return None


def _write(file: Path, script: Script) -> None:
    from service.simulator.scripts import write_script

    if not script.steps:
        click.echo("Nothing was done, so nothing was recorded.")
        return
    try:
        file.write_text(write_script(script), "utf-8")
    except OSError as reason:
        raise click.ClickException(f"{file} cannot be written ({reason.strerror})") from None
    click.echo(f"Recorded in {file}; in tests/scripts it is a test.")
