"""`laseli todo`: the mediators' list, until they have a page of their own."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from flows.phone_numbers import show
from service.commands.opening import opened_runtime
from service.commands.short_ids import ID, whole

_STATES = click.Choice(["open", "done", "dropped"])


@click.group("todo")
def todo() -> None:
    """The mediators' list: forms left unfinished, visits asked for, referrals."""


@todo.command("list")
@click.option("--state", type=_STATES, default="open", show_default=True, help="Only these.")
@click.option("--kind", help="Only lines of this kind.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def todo_list(state: str, kind: str | None, as_json: bool) -> None:
    """Every line, oldest first. What is printed names people: not for a file that lies about."""
    from service.store import task_tables
    from service.stories.homes import task_words

    runtime = opened_runtime()
    zone = ZoneInfo(runtime.zone)
    with runtime.database.read() as tx:
        found = [task for task in task_tables.tasks(tx, state=state) if kind in (None, task.kind)]
    if as_json:
        rows = [task._asdict() | {"details": json.loads(task.details or "null")} for task in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return
    for task in found:
        day = datetime.fromtimestamp(task.created_at / 1000, zone)
        who = show(task.number) if task.number else "-"
        head = f"{task.id}  {day:%Y-%m-%d %H:%M}  {task.kind}  {task.zone or '-'}  {who}"
        click.echo(f"{head}  {task_words.title_of(task.kind)}")
        for line in task_words.lines_of(task.details):
            click.echo(f"    {line}")
    click.echo(f"{len(found)} lines" if len(found) != 1 else "1 line")


@todo.command("done")
@click.argument("task_id", type=ID)
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
@click.option("--dropped", is_flag=True, help="Nothing was done, and nothing will be.")
def todo_done(task_id: int, by: str, dropped: bool) -> None:
    """Take a line off the list."""
    from service.store import task_tables

    runtime = opened_runtime()
    with runtime.database.begin() as tx:
        line = whole(tx, task_tables.ids_starting_with, task_id)
        closed = task_tables.close_task(tx, line, "dropped" if dropped else "done", by, runtime.now())
    if not closed:
        raise click.ClickException(f"there is no open line {task_id}: `laseli todo list` shows them")
    click.echo("Taken off the list.")
