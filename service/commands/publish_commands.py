"""`laseli flow publish`, `approve`, `rollback`, `releases`: what callers hear is changed knowingly, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from service.commands.opening import changing, opened_runtime, refusals_told

BY = click.option("--by", required=True, metavar="NAME", help="Who publishes; kept with the release.")


@click.command("publish")
@click.argument("places", nargs=-1, type=click.Path(exists=True, path_type=Path))
@BY
@click.option("--note", default="", help="Why, in a line.")
@click.option(
    "--whole", is_flag=True, help="The files are the whole line: flows that are not among them are withdrawn."
)
@click.option("--dry-run", is_flag=True, help="Check and show the difference; publish nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def flow_publish(places: tuple[Path, ...], by: str, note: str, whole: bool, dry_run: bool, yes: bool) -> None:
    """Let callers hear these conversations: .yaml files or folders; what comes with the program when none is named.

    They are checked, what differs from today's is shown, and you are asked. A call under way ends on the version it
    began with; whoever dials from now on hears the new one, without a restart.
    """
    from flows import check, diff
    from flows.findings import ERROR, WARNING
    from flows.loader import DEFINITIONS
    from flows.model import USSD
    from service.stories.talk import effects, releases

    runtime = opened_runtime()
    given = _sources(places or (DEFINITIONS,))
    with runtime.database.read() as tx:
        heard = releases.heard(runtime, tx)
        current, now_heard = heard.library, releases.published_sources(tx)
    sources = given if whole else {**now_heard, **given}
    try:
        # Where a gateway shows less than 160 septets the engine turns pages; texts are written for 160.
        limit = max(runtime.config.screen_limit, USSD.limit)
        candidate = releases.read_candidate(sources, effects.SIGNATURES, limit)
        with runtime.database.read() as tx:
            releases.check_versions(tx, candidate)
    except releases.Refused as reason:
        raise click.ClickException(f"nothing was published:\n{reason}") from None
    against = check.check_against(current, candidate.library)
    found = diff.differences(current, candidate.library)
    for line in diff.lines_of_diff(found):
        click.echo(line)
    for finding in [*(each for each in candidate.notes if each.level == WARNING), *against]:
        click.echo(str(finding), err=True)
    if any(finding.level == ERROR for finding in against):
        raise click.ClickException("nothing was published: mend what is told above")
    if dry_run or candidate.hash == releases.hash_of(now_heard):
        click.echo("Nothing was published." if dry_run else "Callers hear this already; nothing was published.")
        return
    second = runtime.config.flows_need_second
    if not yes:
        click.confirm("Ask somebody else to approve this?" if second else "Let callers hear this?", abort=True)
    with refusals_told(releases.Refused), runtime.database.begin() as tx:
        now = runtime.now()
        number = releases.publish(tx, candidate, by=by, note=note, now=now, needs_second=second, upon=heard.number)
    if second:
        click.echo(f"Release {number} waits for somebody else: `laseli flow approve {number} --by NAME`.")
    else:
        click.echo(f"Release {number} is heard from now on. `laseli flow rollback --by NAME` takes it back.")


@click.command("approve")
@click.argument("number", type=int)
@click.option("--by", required=True, metavar="NAME", help="Who says yes; somebody else than who published.")
def flow_approve(number: int, by: str) -> None:
    """The second person's yes to a release that waits; shows what it changes and asks."""
    from flows import diff
    from flows.loader import load_sources
    from service.stories.talk import releases

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        current, sources = releases.library(runtime, tx), releases.published_sources(tx, number)
    if not sources:
        raise click.ClickException(f"there is no release {number}: `laseli flow releases` lists them")
    for line in diff.lines_of_diff(diff.differences(current, load_sources(sources))):
        click.echo(line)
    click.confirm("Let callers hear this?", abort=True)
    with refusals_told(releases.Refused), runtime.database.begin() as tx:
        releases.approve(tx, number, by, runtime.now())
    click.echo(f"Release {number} is heard from now on.")


@click.command("rollback")
@click.argument("number", type=int, required=False)
@BY
def flow_rollback(number: int | None, by: str) -> None:
    """Let callers hear release NUMBER again, or the last one that differs from today's. At once; nobody is asked."""
    from service.stories.talk import releases

    with changing(releases.Refused) as (tx, runtime):
        new, earlier = releases.roll_back(tx, number, by, runtime.now())
    click.echo(f"Release {new} is heard from now on: the same as release {earlier}.")


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--release", "number", type=int, help="Another release than the one that callers hear.")
def flow_export(folder: Path, number: int | None) -> None:
    """Write the published conversations into FOLDER, to work on them; nothing there is overwritten."""
    from service.stories.talk import releases

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        sources = releases.published_sources(tx, number)
    if not sources:
        raise click.ClickException(f"there is no release {number}: `laseli flow releases` lists them")
    there = [name for name in sources if (folder / name).exists()]
    if there:
        raise click.ClickException(f"{folder} already holds {', '.join(there)}: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in sources.items():
        (folder / name).write_text(source, encoding="utf-8")
    click.echo(f"{len(sources)} files in {folder}.")


@click.command("releases")
def flow_releases() -> None:
    """Every published set of conversations, latest first: number, day, who, why."""
    from service.store import release_tables

    runtime = opened_runtime()
    zone = ZoneInfo(runtime.zone)
    with runtime.database.read() as tx:
        heard, found = release_tables.current_number(tx), release_tables.releases(tx)
    for one in found:
        day = datetime.fromtimestamp(one.published_at / 1000, zone)
        state = "heard now" if one.number == heard else "waits" if one.approved_at is None else "earlier"
        second = f", approved by {one.approved_by}" if one.approved_by not in (None, one.published_by) else ""
        click.echo(
            f"{one.number:>4}  {day:%Y-%m-%d %H:%M}  {state:<9}  {one.published_by}{second}  {one.note}".rstrip()
        )


def _sources(places: tuple[Path, ...]) -> Mapping[str, str]:
    """The texts of the files, by file name. ClickException names what cannot be read."""
    files = [file for place in places for file in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])]
    if not files:
        raise click.ClickException(f"there is no .yaml file in {', '.join(map(str, places))}")
    sources: dict[str, str] = {}
    for file in files:
        if file.name in sources:
            raise click.ClickException(f"two files are named {file.name}: name one of them")
        try:
            sources[file.name] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise click.ClickException(f"{file} is not in UTF-8: save it as UTF-8") from None
    return sources
