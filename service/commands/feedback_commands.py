"""`laseli feedback ...`: staff read complaints and suggestions, and answer them."""

from __future__ import annotations

import click

MOST_LINES = 500
BY = "command line"


@click.group()
def feedback() -> None:
    """Complaints and suggestions."""


@feedback.command("list")
def feedback_list() -> None:
    """What waits for an answer, oldest first: number, day, kind, state, words. No phone is shown."""
    from service.commands.opening import opened_runtime
    from service.store import feedback_tables

    built = opened_runtime()
    with built.database.read() as tx:
        found = feedback_tables.unanswered_feedback(tx, MOST_LINES)
    for one in found:
        click.echo(f"{one.number}  {built.today(one.created_at)}  {one.kind}, {one.state}: {one.words}")
    if not found:
        click.echo("Nothing waits for an answer.")


@feedback.command("take")
@click.argument("number")
def feedback_take(number: str) -> None:
    """Somebody works on it: whoever wrote reads so under the number."""
    from service.commands.opening import opened_runtime
    from service.stories.talk import feedback as stories

    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            stories.take_in_hand(tx, number, built.now())
    except stories.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{number} is in hand.")


@feedback.command("answer")
@click.argument("number")
@click.argument("words")
def feedback_answer(number: str, words: str) -> None:
    """Answer in the menu: laseli feedback answer 482177 "Merci. Le centre ouvre aussi le samedi."."""
    from service.commands.opening import opened_runtime
    from service.stories.talk import feedback as stories

    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            told = stories.answer(tx, built, number, words, BY, built.now())
    except stories.Refused as reason:
        raise click.ClickException(str(reason)) from None
    how = "an SMS without content says so" if told else "no SMS says so: the phone refuses messages, or was told before"
    click.echo(f"{number} is answered; {how}.")
