"""`laseli mediator late` and `page`: who waits for a visit, for a supervisor's screen and for a centre's printer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.commands import short_ids
from service.commands.opening import changing, opened_runtime, refusals_told
from service.commands.short_ids import ID

if TYPE_CHECKING:
    from service.domain.late_order import Band
    from service.stories.recall.late_overview import Overview, Quartier

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("late")
@click.argument("account", type=ID, required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: accounts by number, nobody is named.")
def mediator_late(account: int | None, as_json: bool) -> None:
    """How many children wait for a visit, by mediator and quartier, and the quartiers that nobody serves.

    What is printed names the mediators: close the screen.
    """
    from service.stories.recall import late_overview

    built = opened_runtime()
    found = late_overview.overview(built, built.today(built.now()))
    if account is not None:
        with built.database.read() as tx:
            account = short_ids.account(tx, account)
    if account is not None and account not in {one.id for one in found.mediators}:
        raise click.ClickException(f"there is no account {account}: `laseli mediator list` shows them")
    if as_json:
        click.echo(json.dumps(as_data(found, account), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(lines_of(found, account)))


@click.command("page")
@click.argument("account", type=ID, required=False)
@click.option("--zone", "zones", metavar="NAMES", help="Of these quartiers, with commas: 'Darsalam, Dravela'.")
@click.option("--centre", metavar="NAME", help="The children of this health centre, wherever they live.")
@click.option("--names", "with_names", is_flag=True, help="With the children's names: the paper is to be kept locked.")
@click.option("--out", required=True, type=_FILE, help="The HTML file to write; only its owner may read it.")
def mediator_page(account: int | None, zones: str | None, centre: str | None, with_names: bool, out: Path) -> None:
    """The list as A4 pages to print and tick: of an ACCOUNT, of quartiers or of a centre."""
    from service.stories.recall import late_sheet
    from service.stories.recall.late_page import page_of
    from service.stories.staff.mediator_accounts import Refused

    if sum(one is not None for one in (account, zones, centre)) != 1:
        raise click.UsageError("say whose list: one of ACCOUNT, --zone and --centre")
    built = opened_runtime()
    with refusals_told(Refused), built.database.read() as tx:
        whose = short_ids.account(tx, account) if account is not None else None
        asked = late_sheet.Asked(whose, (zones or "").split(",") if zones is not None else (), centre or "")
        sheet = late_sheet.sheet(tx, built, asked, built.today(built.now()), with_names=with_names)
    try:
        write_private(out, page_of(sheet))
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from None
    click.echo(f"{out} is written: {sheet.children} to visit. Open it in a browser and print it.")


@click.command("reassign")
@click.option("--zone", "zones", required=True, metavar="NAMES", help="Quartiers, with commas: 'Darsalam, Dravela'.")
@click.option("--from", "giver", required=True, type=ID, metavar="ACCOUNT", help="Who serves them now.")
@click.option("--to", "taker", required=True, type=ID, metavar="ACCOUNT", help="Who serves them from now on.")
@click.option("--by", default="", metavar="NAME", help="Who does it; not needed for a dry run.")
@click.option("--dry-run", is_flag=True, help="Say what would change hands; change nothing, tell nobody.")
def mediator_reassign(zones: str, giver: int, taker: int, by: str, dry_run: bool) -> None:
    """Give quartiers of one mediator to another; both are told by a short SMS."""
    from service.stories.staff import reassigning
    from service.stories.staff.mediator_accounts import Refused

    with changing(Refused) as (tx, built):
        giver, taker = short_ids.account(tx, giver), short_ids.account(tx, taker)
        change = reassigning.Change(zones.split(","), giver, taker, by, dry_run)
        found = reassigning.reassign(tx, built, change, built.now())
    moved = f"{', '.join(found.zones)} ({found.followed} children followed, {found.late} to visit)"
    click.echo(f"It would move: {moved}. Nothing was changed." if dry_run else f"Account {taker} serves {moved}.")


def write_private(target: Path, words: str) -> None:
    """Written whole or not at all, and readable by its owner alone, whatever stood there before."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(words)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


# --- the supervisor's table ---------------------------------------------------------------------------------


def as_data(found: Overview, account: int | None = None) -> dict[str, Any]:
    """The overview as plain data, of one account or of all."""
    shown = found.quartiers if account is None else found.served(account)
    return {
        "as_of": found.on.isoformat(),
        "bands": [_band(one) for one in found.bands],
        "mediators": [
            {"account": one.id, "state": one.state, "quartiers": [each.name for each in found.served(one.id)]}
            for one in found.mediators
            if account in (None, one.id)
        ],
        "quartiers": [
            {
                "name": one.name,
                "followed": one.followed,
                "to_visit": sum(one.late),
                "by_days_late": list(one.late),
                "most_days_late": one.oldest,
                "served_by": list(one.served_by),
                "served": one not in found.unserved(),
            }
            for one in shown
        ],
        "followed_without_quartier": found.nowhere,
    }


def lines_of(found: Overview, account: int | None = None) -> list[str]:
    """The overview as a page of text."""
    lines = [f"Enfants à visiter au {found.on:%d/%m/%Y}, par jours de retard"]
    for one in found.mediators:
        if account in (None, one.id):
            state = ", compte bloqué : elle ne reçoit pas la liste" if one.state == "locked" else ""
            lines += ["", f"{one.name or '-'} (compte {one.id}{state})", *_table(found, found.served(one.id))]
    if account is not None:
        return lines
    if found.unserved():
        lines += ["", "!! SANS MÉDIATRICE", *_table(found, found.unserved())]
    lines += ["", "Ensemble", *_table(found, [_sum(found)])]
    if found.nowhere:
        lines.append(f"  Enfants suivis dont le quartier n'est pas connu : {found.nowhere}")
    return lines


def _sum(found: Overview) -> Quartier:
    """All quartiers together: one that two mediators serve counts once."""
    from service.stories.recall.late_overview import Quartier

    every = found.quartiers
    late = tuple(sum(one.late[place] for one in every) for place in range(len(found.bands)))
    oldest = max((one.oldest for one in every), default=0)
    return Quartier(0, "tous", sum(one.followed for one in every), late, oldest, ())


def _table(found: Overview, quartiers: list[Quartier]) -> list[str]:
    if not quartiers:
        return ["  aucun quartier"]
    cells = [["quartier", "suivis", "à voir", *map(_band, found.bands), "le plus tard"]]
    for one in quartiers:
        oldest = f"{one.oldest} j" if one.oldest else "-"
        cells.append([one.name, str(one.followed), str(sum(one.late)), *map(str, one.late), oldest])
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return ["  " + "  ".join([row[0].ljust(max(widths[0], 24)), *map(str.rjust, row[1:], widths[1:])]) for row in cells]


def _band(one: Band) -> str:
    return f"{one.first}+ j" if one.last is None else f"{one.first}-{one.last} j"
