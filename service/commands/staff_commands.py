"""`laseli staff`: who may work on the console, and what they read there (docs/console.md)."""

from __future__ import annotations

import click

from service.clock import DAY_MS, is_demo
from service.commands.opening import changing, opened_runtime

_BY = click.option("--by", required=True, metavar="NAME", help="Who does it.")
_KINDS = {
    "child": "records of children",
    "list": "lists without names",
    "names": "children named on paper",
    "search": "searches",
    "import": "children in lists of doses",
}


@click.group("staff")
def staff() -> None:
    """Staff on the console: supervisors, and people of a health centre (docs/console.md)."""


@staff.command("add")
@click.argument("login")
@click.option("--role", type=click.Choice(["supervisor", "centre"]), required=True, help="Whose children.")
@click.option("--centre", default="", metavar="NAME", help="Name or code; whose children, for the role centre.")
@_BY
def staff_add(login: str, role: str, centre: str, by: str) -> None:
    """Make an account and print, once, a start password and the secret for the app that shows codes."""
    from service.stories.staff import staff_accounts

    with changing(staff_accounts.Refused) as (tx, runtime):
        made = staff_accounts.add(tx, login=login, role=role, centre=centre, by=by, now=runtime.now())
    _tell(made)


@staff.command("list")
@click.option("--all", "with_former", is_flag=True, help="Those revoked too.")
def staff_list(with_former: bool) -> None:
    """One line for each account."""
    from service.store import place_tables, staff_tables

    built = opened_runtime()
    states = ("active", "revoked", "former") if with_former else ("active",)
    with built.database.read() as tx:
        found = staff_tables.all_staff(tx, states)
        centres = {one.centre_id: place_tables.centre_name(tx, one.centre_id) for one in found if one.centre_id}
    for one in found:
        used = str(built.today(one.last_used_at)) if one.last_used_at else "never used"
        waits = "  start password" if one.start_until else ""
        place = centres.get(one.centre_id or 0, "-")
        click.echo(f"{one.login:<20}  {one.state:<7}  {one.role:<10}  {used:<10}  {place}{waits}")
    click.echo(f"{len(found)} accounts" if len(found) != 1 else "1 account")


@staff.command("revoke")
@click.argument("login")
@_BY
def staff_revoke(login: str, by: str) -> None:
    """The account opens nothing any more; whoever is on the console with it is out at once."""
    from service.stories.staff import staff_accounts

    with changing(staff_accounts.Refused) as (tx, runtime):
        staff_accounts.revoke(tx, login, by, runtime.now())
    click.echo(f"{login} is revoked. `laseli staff reads {login}` shows what was read lately.")


@staff.command("reset")
@click.argument("login")
@_BY
def staff_reset(login: str, by: str) -> None:
    """Another start password and another secret, after a lost phone or a forgotten password; sessions end."""
    from service.stories.staff import staff_accounts

    with changing(staff_accounts.Refused) as (tx, runtime):
        made = staff_accounts.reset(tx, login, by, runtime.now())
    _tell(made)


@staff.command("reads")
@click.argument("login")
@click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True, help="So far back.")
def staff_reads(login: str, days: int) -> None:
    """How many people's pages this account opened lately: how often, about how many, when last."""
    from service.store import staff_tables

    built = opened_runtime()
    with built.database.read() as tx:
        one = staff_tables.staff_of_login(tx, login)
        if one is None:
            raise click.ClickException(f"there is no account {login}: `laseli staff list --all` shows them")
        found = staff_tables.reads_of(tx, one.id, built.now() - days * DAY_MS)
    for read in found:
        last = f"{built.local(read.last_at):%Y-%m-%d %H:%M}"
        click.echo(f"{_KINDS.get(read.kind, read.kind):<26}  {read.times:>6} times  about {read.about:>6}  last {last}")
    if not found:
        click.echo(f"Nothing in the last {days} days.")


@staff.command("code")
@click.argument("login")
def staff_code(login: str) -> None:
    """The code of six digits of this moment: on a demo only, in the place of an app."""
    from service.stories.staff import staff_accounts

    with changing(staff_accounts.Refused) as (tx, runtime):
        if not is_demo(runtime.database):
            raise click.ClickException("codes are shown by the person's own app; this is for a demo's database only")
        click.echo(staff_accounts.code_now(tx, runtime, login))


def _tell(made: object) -> None:
    from service.stories.staff.staff_accounts import START_DAYS, Opening

    assert isinstance(made, Opening)
    click.echo(f"Start password: {made.password}")
    click.echo(f"For the app:    {made.otpauth}")
    click.echo(f"Shown once. Hand them over within {START_DAYS} days; the first login asks for another password.")
