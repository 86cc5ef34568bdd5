"""Ids as staff type them: the first six digits or more of one that a list has printed."""

from __future__ import annotations

from collections.abc import Callable

import click
from sqlalchemy.engine import Connection

FEWEST = 6
"""Of a million ids two begin with the same six digits; with fewer digits a slip may hit another one."""


class _Id(click.ParamType[int]):
    name = "id"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        digits = "".join(str(value).split())
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
            self.fail(f"'{value}' is no id: write its digits, the first {FEWEST} or more", param, ctx)
        return int(digits)


ID = _Id()


def whole(tx: Connection, starting_with: Callable[[Connection, str], list[int]], typed: int) -> int:
    """The one id that is this, or begins so; what was typed where none is. Raises ClickException when several do."""
    found = starting_with(tx, str(typed)) if len(str(typed)) >= FEWEST else []
    if typed in found or not found:
        return typed
    if len(found) > 1:
        raise click.ClickException(f"several ids begin with {typed}: {', '.join(map(str, found))}; type more digits")
    return found[0]


def account(tx: Connection, typed: int) -> int:
    """The same of a mediator's account."""
    from service.store import mediator_tables

    return whole(tx, mediator_tables.ids_starting_with, typed)
