"""`laseli experiment`: a hold-out or other words on a share of the families, declared, stopped and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from service.commands.days import DAY
from service.commands.opening import opened_runtime, refusals_told
from service.domain.experiments import NotSound

if TYPE_CHECKING:
    from service.stories.recall.trial_readings import ArmFound, Reading
    from service.stories.recall.trials import Asked

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("experiment")
def experiment() -> None:
    """Experiments on reminders: off unless allowed, approved by an ethics committee (docs/experiments.md)."""


def _what_is_tried(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.argument("name"),
            click.option("--hold-out", "steps", default="", metavar="STEPS", help="Early steps left out: J-3,J-1,J."),
            click.option("--wording", default="", metavar="WORDS", help="Other words (flows/phrases): plan, expected."),
            click.option(
                "--share", required=True, type=click.IntRange(1, 99), help="On so many families of a hundred."
            ),
            click.option("--from", "first", required=True, type=DAY, help="The first day whose doses are counted."),
            click.option("--until", "last", required=True, type=DAY, help="The last one, at most 12 months later."),
            click.option(
                "--within", type=click.IntRange(0, 120), help="On time: so many days; the calendar's if unset."
            ),
            click.option("--programme", default="suivi-vaccinal", show_default=True, help="Whose families."),
        )
    ):
        command = option(command)
    return command


def _asked(
    name: str,
    steps: str,
    wording: str,
    share: int,
    first: date,
    last: date,
    within: int | None,
    programme: str,
) -> Asked:
    from service.stories.recall.trials import Asked

    named = tuple(dict.fromkeys(step.strip() for step in steps.split(",") if step.strip()))
    return Asked(name, programme, share, first, last, named, wording.strip(), within)


@experiment.command("plan")
@_what_is_tried
@click.option("--power", type=click.IntRange(50, 99), default=80, show_default=True, help="Times of a hundred.")
def experiment_plan(power: int, **asked: Any) -> None:
    """How small an effect such an experiment could show; changes nothing."""
    from service.commands import experiment_words as words
    from service.stories.recall import trial_readings

    built = opened_runtime()
    with refusals_told(NotSound):
        found = trial_readings.forecast(built, _asked(**asked), power, built.now())
    click.echo(f"{found.experiment.name} : {words.what_is_tried(found.experiment)}")
    click.echo("\n".join(_wrapped(words.forecast(found))))


@experiment.command("start")
@_what_is_tried
@click.option("--by", default="", metavar="NAME", help="Who declares it.")
@click.option("--approved-by", default="", metavar="COMMITTEE", help="The ethics committee.")
@click.option("--approval-reference", default="", metavar="NUMBER", help="Of its decision; kept with the record.")
@click.option("--dry-run", is_flag=True, help="Only say how the families would be parted.")
def experiment_start(by: str, approved_by: str, approval_reference: str, dry_run: bool, **asked: Any) -> None:
    """Declare an experiment; it runs from its first day on, by itself, until its last or until it is stopped."""
    from service.commands import experiment_words as words
    from service.stories.recall import trials

    built = opened_runtime()
    now = built.now()
    wanted = _asked(**asked)
    approval = trials.Approval(by, approved_by, approval_reference)
    with refusals_told(NotSound):
        if dry_run:
            one = trials.look(built, wanted, now)
            found = trials.shares(built, one)
        else:
            with built.database.begin() as tx:
                one = trials.begin(tx, built, wanted, approval, now)
            found = trials.count_arms(built, one)
    for arm, share in one.arms:
        homes, children = found[arm, trials.HOUSEHOLDS], found[arm, trials.CHILDREN]
        click.echo(f"{words.arm_name(one, arm)} ({share} %) : {homes} familles, {children} enfants")
    if dry_run:
        click.echo("Nothing was written; the draw of a real start is another one.")
    else:
        click.echo(
            f"Declared. It runs from {one.starts_on} to {one.ends_on}; `laseli experiment stop {one.name}` ends it."
        )


@experiment.command("stop")
@click.argument("name")
@click.option("--by", required=True, metavar="NAME", help="Who does it.")
@click.option("--why", required=True, metavar="REASON", help="Kept with the record; name nobody.")
def experiment_stop(name: str, by: str, why: str) -> None:
    """End it at once: from now on everybody gets everything."""
    from service.stories.recall import trials

    built = opened_runtime()
    with refusals_told(NotSound), built.database.begin() as tx:
        back = trials.stop(tx, built, name, by, why, built.now())
    click.echo("It was stopped before." if back is None else f"Stopped. Steps given back to families: {back}.")


@experiment.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def experiment_list(as_json: bool) -> None:
    """Every experiment there was, with who approved it."""
    from service.commands import experiment_words as words
    from service.store import experiment_tables

    built = opened_runtime()
    today = built.today(built.now())
    with built.database.read() as tx:
        found = experiment_tables.records(tx)
    if as_json:
        click.echo(json.dumps([record_data(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        state = "stopped" if one.stopped_at else "over" if one.experiment.ends_on < today else "declared"
        days = f"{one.experiment.starts_on}..{one.experiment.ends_on}"
        by = f"{one.approved_by}, {one.approval_reference}"
        click.echo(f"{one.experiment.name}  {state:<8}  {days}  {words.what_is_tried(one.experiment)}  ({by})")
    click.echo(f"{len(found)} experiments" if len(found) != 1 else "1 experiment")
    if not built.config.experiment.allowed:
        click.echo("Experiments are not allowed here: everybody gets everything.")


@experiment.command("report")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the terminal.")
@click.option("--xlsx", type=_FILE, help="Write a workbook.")
def experiment_report(name: str, as_json: bool, xlsx: Path | None) -> None:
    """What came of it: shares on time, the difference with its interval, the cost of a further dose. Names nobody."""
    from service.commands import experiment_files
    from service.stories.recall import trial_readings

    built = opened_runtime()
    with refusals_told(NotSound):
        found = trial_readings.read(built, name, built.now())
    if xlsx is not None:
        try:
            experiment_files.write_xlsx(xlsx, found)
        except OSError as error:
            raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}") from None
        click.echo(f"{xlsx} is written", err=True)
    if as_json:
        click.echo(json.dumps(as_data(found), ensure_ascii=False, indent=2))
    elif xlsx is None:
        click.echo("\n".join(lines_of(found)))


# --- for machines -----------------------------------------------------------------------------------------------


def record_data(record: Any) -> dict[str, Any]:
    """The record as it was declared. The seed is in it: with it anybody can check the draw."""
    one = record.experiment
    declared: dict[str, Any] = one._asdict() | record._asdict()
    for name in ("experiment", "id", "programme_id"):
        del declared[name]
    return declared | {"starts_on": one.starts_on.isoformat(), "ends_on": one.ends_on.isoformat()}


def as_data(found: Reading) -> dict[str, Any]:
    """The report as plain data; null where a group is too small to be shown or nothing can be estimated."""
    effect, price = found.found.effect, found.found.price
    return {
        "record": record_data(found.record),
        "counted_until": found.last.isoformat(),
        "complete_from": found.judged_from.isoformat(),
        "too_early": found.too_early,
        "hidden": found.hidden,
        "arms": [_arm_data(arm) for arm in found.arms],
        "effect_points": effect and effect._asdict(),
        "fcfa_per_extra_dose": price and price._asdict(),
        "not_estimable": found.found.unpriced or None,
    }


def _arm_data(arm: ArmFound) -> dict[str, Any]:
    if arm.sums is None:
        return {"arm": arm.arm, "share": arm.share}
    counted = {"families_counted": arm.sums.families, "doses": arm.sums.due, "on_time": arm.sums.on_time}
    told = {key: value for key, value in asdict(arm).items() if key != "sums"}
    return told | counted | {"cost_fcfa": arm.sums.cost / 100}


# --- for people -------------------------------------------------------------------------------------------------


def table(found: Reading) -> list[list[str | float | None]]:
    """A header and a row for each arm; numbers are numbers, None where the groups are too small."""
    from service.commands import experiment_words as words

    rows: list[list[str | float | None]] = [
        ["groupe", "familles", "doses", "à temps", "%", "rappels", "coût F", "F par dose"]
    ]
    for arm in found.arms:
        name, sums = words.arm_name(found.record.experiment, arm.arm), arm.sums
        if sums is None:
            rows.append([name, *[None] * 7])
            continue
        share = round(100 * sums.share, 1) if sums.due else None
        each = round(sums.cost_of_a_dose / 100, 2) if sums.due else None
        rows.append([name, sums.families, sums.due, sums.on_time, share, arm.messages, sums.cost / 100, each])
    return rows


def lines_of(found: Reading) -> list[str]:
    """The report as a page of text."""
    from service.commands import experiment_words as words

    record, one = found.record, found.record.experiment
    return [
        f"{one.name} : {words.what_is_tried(one)}",
        f"Approuvée par {record.approved_by}, {record.approval_reference} ; déclarée par {record.declared_by}.",
        *_wrapped(words.warnings(found)),
        "",
        *_columns(found),
        "",
        *_wrapped(words.result(found)),
        *_wrapped([words.withheld(found.arms[1])] if one.steps and not found.hidden else []),
        *_wrapped([f"Compté : {words.outcome(found)}", f"Méthode : {words.METHOD}"]),
    ]


def _columns(found: Reading) -> list[str]:
    from service.commands.report_commands import french

    blank = f"<{found.smallest}" if found.hidden else "-"
    cells = [
        [blank if cell is None else cell if isinstance(cell, str) else french(cell) for cell in row]
        for row in table(found)
    ]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    ]


def _wrapped(sentences: list[str]) -> list[str]:
    return [
        line
        for one in sentences
        for line in wrap(one, 100, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    ]
