"""`laseli outbox ...`: what waits, what nobody knows the fate of, and what people decide about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

import click

from flows.phone_numbers import mask
from service import logs
from service.commands.opening import opened_runtime
from service.domain.message_states import State
from service.runtime import Runtime

if TYPE_CHECKING:
    from service.store.outbox_views import Line
    from service.stories.delivery.outbox_care import Heap, Release, Shown

_STATES = click.Choice(get_args(State))
_BY = click.option("--by", required=True, metavar="NAME", help="Who decides it.")
_BY_WHO_DOES = click.option("--by", default="", metavar="NAME", help="Who decides it; not needed for a dry run.")
_DRY = click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_PURPOSE = click.option("--purpose", default="", help="reminder, reply, notice, campaign, staff ...")
_REASON = click.option("--reason", default="", help="The reason that `list` shows, word for word: restored.")
SHOWN = 100


@click.group()
def outbox() -> None:
    """Messages out: list them, decide about those that machines gave up, stop and start everything."""


@outbox.command("list")
@click.option("--state", "states", type=_STATES, multiple=True, help="Only these; may be repeated.")
@_PURPOSE
@_REASON
@click.option("--older", metavar="SPAN", help="In their state for longer than that: 6h, 3d.")
@click.option("--limit", default=SHOWN, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def outbox_list(
    states: tuple[str, ...], purpose: str, reason: str, older: str | None, limit: int, as_json: bool
) -> None:
    """How many by state and purpose, and each one when it is said which. Numbers are masked."""
    from service.store import outbox_views
    from service.store.outbox_views import Wanted

    built = opened_runtime()
    now = built.now()
    wanted = Wanted((), states, purpose, reason, now - _span(older) if older else None)
    with built.database.read() as tx:
        heaps = outbox_views.heaps(tx, wanted)
        found = outbox_views.lines(tx, wanted, limit) if any(wanted) else []
    if as_json:
        _as_json({"counts": [heap._asdict() for heap in heaps], "messages": [_masked(line) for line in found]})
        return
    if not heaps:
        click.echo("0 messages")
    for heap in heaps:
        oldest = _when(built, heap.oldest)
        click.echo(f"{heap.number:>8}  {heap.state:<12} {heap.purpose:<10} the oldest since {oldest}")
    for line in found:
        click.echo(_told(built, line))
    if len(found) == limit:
        click.echo(f"... the first {limit}; --limit shows more")


@outbox.command("show")
@click.argument("message_id", type=int)
@click.option("--text", "with_text", is_flag=True, help="Its words as well: for your eyes, not for a file or a ticket.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def outbox_show(message_id: int, with_text: bool, as_json: bool) -> None:
    """One message: each try, each receipt that did not fit, each decision, and whether it may be sent again."""
    from service.store import outbox_views
    from service.stories.delivery import outbox_care

    built = opened_runtime()
    with built.database.read() as tx:
        shown = _or_refused(lambda: outbox_care.show(tx, message_id))
        text = outbox_views.text_of(tx, message_id) if with_text else ""
    if as_json:
        _as_json(_all_of(shown) | ({"text": text} if with_text else {}))
        return
    click.echo(_told(built, shown.line))
    click.echo("\n".join(f"    {line}" for line in _details(built, shown)))
    if with_text:
        click.echo(text)


@outbox.command("retry")
@click.argument("ids", type=int, nargs=-1)
@click.option("--state", "states", type=_STATES, multiple=True, help="All of this state; may be repeated.")
@_PURPOSE
@_REASON
@click.option("--useful-for", default="24h", show_default=True, metavar="SPAN", help="Not sent later than that.")
@_BY_WHO_DOES
@_DRY
@_YES
def outbox_retry(
    ids: tuple[int, ...],
    states: tuple[str, ...],
    purpose: str,
    reason: str,
    useful_for: str,
    by: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Send again what a machine gave up: unknown, unresolved, failed, expired. Who decides is written down."""
    from service.store.outbox_views import Wanted
    from service.stories.delivery import outbox_care

    _named(by, dry_run)
    useful_ms = _span(useful_for)
    built = opened_runtime()
    with built.database.read() as tx:
        again = _or_refused(lambda: outbox_care.look_at_again(tx, Wanted(ids, states, purpose, reason)))
    _tell_lines(built, again.may)
    for line, why in again.not_these[:SHOWN]:
        click.echo(f"not {line.id}: {why}")
    for risk, number in again.risks.items():
        click.echo(f"{number} of them: {risk}.")
    parts = sum(line.parts for line in again.may)
    if _goes_on(f"Send {len(again.may)} messages ({parts} parts) again", again.may, dry_run, yes):
        with built.database.begin() as tx:
            done = outbox_care.send_again(tx, again.may, by, useful_ms, built.now())
        click.echo(f"{done} are queued.")


@outbox.command("drop")
@click.argument("ids", type=int, nargs=-1)
@click.option("--state", "states", type=click.Choice(["queued", "unknown"]), multiple=True, help="All of this state.")
@_PURPOSE
@_REASON
@click.option("--why", required=True, help="What is written down. No names, no numbers.")
@_BY_WHO_DOES
@_DRY
@_YES
def outbox_drop(
    ids: tuple[int, ...],
    states: tuple[str, ...],
    purpose: str,
    reason: str,
    why: str,
    by: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Give up what waits: a queued message is cancelled, an unknown one stays unresolved and is sent by no machine."""
    from service.store.outbox_views import Wanted
    from service.stories.delivery import outbox_care

    _named(by, dry_run)
    built = opened_runtime()
    with built.database.read() as tx:
        found = _or_refused(lambda: outbox_care.look_at_drop(tx, Wanted(ids, states, purpose, reason)))
    _tell_lines(built, found)
    if _goes_on(f"Drop {len(found)} messages", found, dry_run, yes):
        with built.database.begin() as tx:
            done = outbox_care.drop(tx, found, by, logs.scrub(why), built.now())
        click.echo(f"{done} are dropped.")


@outbox.command("hold")
@click.option("--why", required=True, help="What everybody reads who wonders.")
@_BY
def outbox_hold(why: str, by: str) -> None:
    """Send nothing from now on, on any machine. What is in the air arrives; what waits keeps waiting."""
    from service.stories.delivery import outbox_care

    built = opened_runtime()
    with built.database.begin() as tx:
        outbox_care.hold(tx, by, logs.scrub(why), built.now())
    click.echo("Nothing is claimed any more. `laseli outbox release --by NAME` ends it.")


@outbox.command("release")
@click.option("--reason", "reasons", multiple=True, help="Only this one: restored, clock, person.  [all but moved]")
@_BY_WHO_DOES
@_DRY
@_YES
def outbox_release(reasons: tuple[str, ...], by: str, dry_run: bool, yes: bool) -> None:
    """Let messages leave again, after a restore, a clock that jumped, or a hold."""
    from service.stories.delivery import dispatch_gate, outbox_care

    _named(by, dry_run)
    built = opened_runtime()
    now = built.now()
    with built.database.read() as tx:
        found = outbox_care.look_at_release(tx, built, now)
    if not found.closed:
        click.echo("Nothing is held back: messages leave as they become due.")
        return
    _tell_release(built, found)
    chosen = reasons or tuple(one.reason for one in found.closed if one.reason != dispatch_gate.MOVED)
    if not chosen:
        raise click.ClickException(_MOVED)
    if _goes_on(f"Let messages leave ({', '.join(chosen)})", chosen, dry_run, yes):
        with built.database.begin() as tx:
            _or_refused(lambda: outbox_care.release(tx, chosen, by, now))
            left = dispatch_gate.closed(tx)
        still = f" Still closed: {', '.join(one.reason for one in left)}." if left else ""
        click.echo(f"Released.{still}")


_MOVED = (
    "another database sends what stands here: set LASELI_DATABASE_URL to it, for two that send say everything twice. "
    "Only where that one is given up for good: add --reason moved"
)


# --- words --------------------------------------------------------------------------------------------------


def _tell_release(built: Runtime, found: Release) -> None:
    for one in found.closed:
        click.echo(f"Closed since {_when(built, one.since)} ({one.reason}): {one.detail}.")
    if any(one.reason == "restored" for one in found.closed):
        click.echo(
            "What people wrote between the backup and the restore, a STOP among it, is known only when the carrier "
            "gives it out again; what staff typed in is not. See docs/operations.md before you go on."
        )
    click.echo("Would leave at once (in their hours):")
    _tell_leaving(found.now)
    click.echo("Within a day, those included:")
    _tell_leaving(found.within_a_day)


def _tell_leaving(leaving: Sequence[Heap]) -> None:
    from service.stories.delivery.outbox_care import francs

    for one in leaving:
        click.echo(f"{one.messages:>8}  {one.purpose:<10} {one.parts} parts, about {francs(one.cost)}")
    if not leaving:
        click.echo("       0")


def _tell_lines(built: Runtime, found: Sequence[Line]) -> None:
    for line in found[:SHOWN]:
        click.echo(_told(built, line))
    if len(found) > SHOWN:
        click.echo(f"... and {len(found) - SHOWN} more")


def _told(built: Runtime, line: Line) -> str:
    refused = ", said STOP" if line.refused else ""
    reason = f": {line.reason}" if line.reason else ""
    return (
        f"{line.id}  {mask(line.to)}  {line.state} since {_when(built, line.state_at)}  {line.purpose}, {line.klass}"
        f"{refused}{reason}"
    )


def _details(built: Runtime, shown: Shown) -> list[str]:
    line = shown.line
    told = [
        f"may leave from {_when(built, line.not_before)} until {_when(built, line.useful_until)}; {line.parts} parts; "
        f"{line.attempts} tries, sent once more {line.resends} times"
    ]
    told += [
        f"{_when(built, one.at)}  {one.channel}: {one.outcome} {one.detail or ''}".rstrip() for one in shown.attempts
    ]
    told += [
        f"{_when(built, one.at)}  {one.channel} told {one.state}, not applied: {one.detail}" for one in shown.receipts
    ]
    told += [f"{_when(built, one.at)}  {one.what} by {one.by}: {one.why}" for one in shown.decisions]
    return [*told, f"not to be sent again: {shown.why_not_again}" if shown.why_not_again else "may be sent again"]


def _all_of(shown: Shown) -> dict[str, Any]:
    lists = {name: [one._asdict() for one in getattr(shown, name)] for name in ("attempts", "receipts", "decisions")}
    return _masked(shown.line) | lists | {"why_not_again": shown.why_not_again}


def _masked(line: Line) -> dict[str, Any]:
    return line._asdict() | {"to": mask(line.to)}


def _when(built: Runtime, moment: int) -> str:
    here: datetime = built.local(moment)
    return f"{here:%Y-%m-%d %H:%M}"


def _as_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _named(by: str, dry_run: bool) -> None:
    """Whoever changes something says who decides it; looking is free."""
    if not by and not dry_run:
        raise click.UsageError("Missing option '--by': who decides it is written down.")


def _goes_on(question: str, what: Sequence[object], dry_run: bool, yes: bool) -> bool:
    if not what:
        click.echo("There is nothing to do.")
        return False
    if dry_run:
        click.echo(f"{question}: not done, this was a dry run.")
        return False
    if not yes:
        click.confirm(f"{question}?", abort=True)
    return True


def _or_refused(ask: Any) -> Any:
    from service.stories.delivery.outbox_care import Refused

    try:
        return ask()
    except Refused as reason:
        raise click.ClickException(str(reason)) from None


def _span(text: str) -> int:
    from service.domain.backup_rules import read_span

    try:
        return read_span(text)
    except ValueError as reason:
        raise click.BadParameter(str(reason)) from None
