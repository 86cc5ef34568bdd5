"""`laseli consent ...`: what a family said on paper or aloud, written down by the centre; every word it ever said."""

from __future__ import annotations

import re
from datetime import date

import click
from sqlalchemy.engine import Connection

from service.commands.days import DAY
from service.commands.opening import opened_runtime
from service.store.people_tables import Child

ALOUD = {
    "reminder": "Pour les rappels par SMS, nous gardons votre numéro et ce qui concerne l'enfant. D'accord ?",
    "campaign": "Peut-on vous envoyer des infos par SMS ?",
    "follow_up": "Peut-on passer chez vous ?",
}
READ_ALOUD = "laseli consent note, 2"
"""What stands as the words of a spoken answer: the sentences above. In their first form a visit was asked for "si un
rendez-vous est manqué" only."""

SHOWN = 12
"""As many digits of a screen's hash tell it from every other one."""


@click.group("consent")
def consent() -> None:
    """What families agreed to, by the code in the child's booklet (docs/consent.md)."""


@consent.command("note")
@click.argument("code")
@click.option("--purpose", required=True, type=click.Choice(tuple(ALOUD)), help="What it is about.")
@click.option("--yes/--no", "given", default=None, help="What the family said: one of the two.")
@click.option("--how", required=True, type=click.Choice(("paper", "spoken")), help="Signed, or said aloud.")
@click.option("--on", "on", type=DAY, help="The day on which it was said; today when left out.")
@click.option("--words", metavar="FORM", help="On paper: which form was signed, as 'fiche 3'.")
@click.option(
    "--language",
    type=click.Choice(("fr", "bm", "en")),
    default="fr",
    show_default=True,
    help="In which it was read or said.",
)
@click.option("--by", required=True, metavar="NAME", help="Who was there and writes it down.")
def consent_note(
    code: str, purpose: str, given: bool | None, how: str, on: date | None, words: str | None, language: str, by: str
) -> None:
    """Write down a yes or a no that was signed, or said aloud to somebody. It sends nothing."""
    from service.stories.homes import told_consents
    from service.stories.homes.consents import Words

    if given is None:
        raise click.UsageError("say what the family said: --yes or --no")
    if how == told_consents.PAPER and not words:
        raise click.ClickException("say which form was signed: --words 'fiche 3'")
    if how == told_consents.SPOKEN and not click.confirm(f"A-t-on lu à la famille : « {ALOUD[purpose]} » ?", err=True):
        raise click.ClickException("without the question there is no answer: nothing was written down")
    runtime = opened_runtime()
    now = runtime.now()
    day = on or runtime.today(now)
    told = told_consents.Told(purpose, given, day, Words(words or READ_ALOUD, language, how), by[:60])
    try:
        with runtime.database.begin() as tx:
            counts = told_consents.write_down(tx, runtime, _child(tx, code), told, now)
    except told_consents.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo("Written down." if counts else "Written down; a later word of the family stands.")


@consent.command("show")
@click.argument("code")
def consent_show(code: str) -> None:
    """Every word of who cares for this child: on what, yes or no, when, how, in which words, written down by whom."""
    from service.stories.homes import told_consents

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        said = told_consents.words_of(tx, _child(tx, code))
    for one in said:
        answer = "yes" if one.given else "no"
        click.echo(
            f"{runtime.today(one.at)}  {one.purpose:<14}  {answer:<3}  {one.wording:<8}  {one.how:<8}  "
            f"{one.language}  {one.recorded_by}  {_words(one.words_version)}"
        )
    click.echo(f"{len(said)} words" if len(said) != 1 else "1 word")


def _words(version: str) -> str:
    """A screen as its flow and the beginning of its hash, a form as it was named."""
    flow, parted, digest = version.partition(":")
    return f"{flow}:{digest[:SHOWN]}" if parted and re.fullmatch("[0-9a-f]{64}", digest) else version


def _child(tx: Connection, code: str) -> Child:
    from service.store import people_tables

    found = people_tables.children_of_codes(tx, [re.sub(r"\D", "", code)])
    if not found:
        raise click.ClickException("no child has this code; it has eight digits, as on the booklet")
    return found[0]
