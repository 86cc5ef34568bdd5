"""`laseli follow treat` and its sisters: the weekly visits of malnourished children, for the centre.

A ration is printed here and said nowhere else: it is for who gives it, never for a message.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from service.commands.days import DAY
from service.commands.opening import changing, opened_runtime
from service.domain.treatment_rules import BY_STAFF
from service.runtime import Runtime

if TYPE_CHECKING:
    from service.domain.rations import Ration
    from service.stories.care.treatments import Answer, Seen

MOST_LINES = 500
WORDS = "laseli follow treat, 1"
"""What stands as the words of a consent: those that `follow treat` asks staff to read, in their first form."""
READ_ALOUD = (
    "Lire à qui s'occupe de l'enfant : « Nous gardons les mesures de l'enfant et leurs dates, pour des SMS sans détail "
    "et pour qu'un agent de santé le suive. D'accord ? » A-t-on dit oui ?"
)
by_whom = click.option("--by", required=True, metavar="NAME", help="Who writes it down.")


class _Millimetres(click.ParamType[int]):
    name = "mm"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        written = str(value).strip()
        if not (written.isascii() and written.isdigit()):
            self.fail(f"'{written}' is no whole number of millimetres: 12.5 cm is 125", param, ctx)
        return int(written)


muac = click.option("--muac", type=_Millimetres(), metavar="MM", help="Round the arm, in mm: 12.5 cm is 125.")
oedema = click.option("--oedema", is_flag=True, help="A hollow stays on both feet.")
danger = click.option("--danger", is_flag=True, help="A sign of danger: nothing else is asked, the child is sent on.")
weight = click.option("--weight", type=float, metavar="KG", help="For the ration of OptiMA's table.")
day = click.option("--on", "on", type=DAY, help="The day of the measure; today when left out.")


@click.command("treat")
@click.argument("code")
@muac
@oedema
@danger
@weight
@day
@click.option(
    "--language",
    type=click.Choice(("fr", "bm", "en")),
    default="fr",
    show_default=True,
    help="In which the consent is read and kept.",
)
@by_whom
def follow_treat(
    code: str,
    muac: int | None,
    oedema: bool,
    danger: bool,
    weight: float | None,
    on: date | None,
    language: str,
    by: str,
) -> None:
    """Follow a malnourished child week by week, once its family agreed: laseli follow treat 48217730 --muac 112."""
    from service.stories.care import treatments
    from service.stories.homes.consents import Words

    if danger:
        _send_on(code, by)
        return
    if not click.confirm(READ_ALOUD, err=True):
        raise click.ClickException("without this yes nothing is kept")
    with changing(treatments.Refused) as (tx, runtime):
        child = treatments.find(tx, code)
        told = _seen(runtime, muac, oedema, weight, on)
        consent = Words(WORDS, language, "told")
        answer = treatments.open_treatment(tx, runtime, child, told, consent, by, runtime.now())
    _say(answer)


@click.command("measure")
@click.argument("code")
@muac
@oedema
@danger
@weight
@day
@by_whom
def follow_measure(
    code: str, muac: int | None, oedema: bool, danger: bool, weight: float | None, on: date | None, by: str
) -> None:
    """A weekly visit was made; the same day again corrects it."""
    from service.stories.care import treatments

    if danger:
        _send_on(code, by)
        return
    with changing(treatments.Refused) as (tx, runtime):
        child = treatments.find(tx, code)
        told = _seen(runtime, muac, oedema, weight, on)
        answer = treatments.record_visit(tx, runtime, child, told, by, runtime.now(), at_centre=True)
    _say(answer)


@click.command("discharge")
@click.argument("code")
@click.option("--why", required=True, type=click.Choice(BY_STAFF), help="How it ended.")
@by_whom
def follow_discharge(code: str, why: str, by: str) -> None:
    """The weekly visits end before the child has recovered. (Recovered and defaulted are found by the rules.)"""
    from service.stories.care import treatments

    with changing(treatments.Refused) as (tx, runtime):
        treatments.end(tx, runtime, treatments.find(tx, code), why, by, runtime.now())
    click.echo("Closed. Nothing more is sent for these visits.")


@click.command("treated")
def follow_treated() -> None:
    """One line for each child whose weekly visits are followed: code, quartier, the next one. No name."""
    from service.store import care_tables, treatment_tables
    from service.stories.talk.wording import show_code

    built = opened_runtime()
    today = built.today(built.now())
    with built.database.read() as tx:
        found = [
            (child, zone, care_tables.open_appointments(tx, child.id, care_tables.NUTRITION))
            for _, child, zone in treatment_tables.all_open(tx, MOST_LINES)
        ]
    for child, zone, coming in found:
        due = f"{coming[0].anchor_on}" if coming else "sent on: no visit is asked for"
        late = "  late" if coming and coming[0].anchor_on < today else ""
        click.echo(f"{show_code(child.code)}  {zone or '-'}  {due}{late}")
    click.echo(f"{len(found)} children" if len(found) != 1 else "1 child")


COMMANDS = (follow_treat, follow_measure, follow_discharge, follow_treated)


def _seen(runtime: Runtime, muac: int | None, oedema: bool, weight: float | None, on: date | None) -> Seen:
    from service.stories.care.treatments import Seen

    if muac is None:
        raise click.UsageError("--muac says what the tape shows, in mm; with a sign of danger --danger alone")
    day = on if on else runtime.today(runtime.now())
    return Seen(day, muac, oedema, None if weight is None else round(weight * 1000))


def _send_on(code: str, by: str) -> None:
    from service.stories.care import treatments

    with changing(treatments.Refused) as (tx, runtime):
        found = treatments.send_on(tx, runtime, treatments.find(tx, code), by, runtime.now())
    click.echo(f"To the nearest health centre, now. A mediator sees the child again on {found.seen_again_on}.")


def _say(answer: Answer) -> None:
    from service.domain.rations import Discharge, Referred

    if isinstance(answer, Discharge):
        click.echo("Recovered. The weekly visits end; nothing more is sent for them.")
    elif isinstance(answer, Referred):
        click.echo(f"To be looked at: {answer.referral.to}. A mediator sees the child again on {answer.seen_again_on}.")
    else:
        click.echo(f"Noted. Next visit: {answer.on}. {_ration(answer.ration)}")


def _ration(ration: Ration | None) -> str:
    if ration is None:
        return "The table has no ration for this measure: the health worker decides."
    if ration.sachets is None:
        return f"{ration.product}: {ration.kcal_per_kg_day} kcal per kg and day; with --weight the sachets are told."
    sure = "" if ration.confidence == "high" else f" (hypothesis, {ration.confidence}: the protocol's table decides)"
    return f"{ration.product}: {ration.sachets} sachets until then{sure}."
