"""`laseli keys status|rotate`: which key stands for what, and doing everything anew with the first one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from service.commands.opening import opened_runtime


@click.command("status")
def keys_status() -> None:
    """How many values and numbers stand under each key, and which keys may be left out of the settings."""
    from service.stories.keeping import key_rotation

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        found = key_rotation.status(tx, runtime)
    click.echo(f"LASELI_KEYS__IDENTITY: key {runtime.vault.writing} writes")
    for place, by_key in found.sealed.items():
        click.echo(f"  {place:<24} {_by_key(by_key)}")
    click.echo(f"LASELI_KEYS__INDEX: key {runtime.vault.index_writing} writes")
    click.echo(f"  {'phones':<24} {_by_key(found.phones)}")
    click.echo(f"  {'refusals':<24} {_by_key(found.refusals)}")
    click.echo(f"  {'refusals of the erased':<24} {_by_key(found.refusals_of_erased)}")
    for key in found.needed:
        click.echo(f"  key {key.number} {_need(key)}")


def _by_key(counts: dict[int, int]) -> str:
    return ", ".join(f"key {key}: {rows}" for key, rows in sorted(counts.items())) or "-"


def _need(key: object) -> str:
    from service.stories.keeping.key_rotation import Needed

    assert isinstance(key, Needed)
    if key.may_go:
        return "is needed no more: `laseli keys rotate` once, then leave it out of the settings"
    day = datetime.fromtimestamp(key.events_until / 1000, UTC).date()
    return (
        f"must stay, after the first one: {key.refusals} refusals of people who were erased can be found by nothing "
        f"else (they go after five years), and {key.events} events are known by it until {day}"
    )


@click.command("rotate")
def keys_rotate() -> None:
    """Seal every value and index every number with the first key, while everything runs; may be stopped and repeated.

    First every process must have both keys, then every process the new one first: docs/keys-and-retention.md.
    """
    from service.stories.keeping import key_rotation

    runtime = opened_runtime()
    done = key_rotation.rotate(runtime, _tell)
    click.echo(f"{done.sealed} values sealed with key {runtime.vault.writing}.")
    click.echo(f"{done.moved} numbers moved to index key {runtime.vault.index_writing}.")
    for number in key_rotation.withdraw_index_keys(runtime):
        click.echo(f"Index key {number} is needed no more: leave it out of LASELI_KEYS__INDEX.")
    if done.closed:
        click.echo(
            f"{done.closed} values open with no key of the ring: `laseli keys status` shows which key.", err=True
        )
    if done.left:
        click.echo(
            f"{done.left} rows are left: somebody holds them, or a process still writes with an old key.", err=True
        )
        click.echo("See that every process has the new key first, and run this again.", err=True)
        sys.exit(1)
    click.echo("Nothing stands under an older identity key: it may be left out of LASELI_KEYS__IDENTITY.")


def _tell(place: str, so_far: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{place}: {so_far}", err=True, nl=False)
