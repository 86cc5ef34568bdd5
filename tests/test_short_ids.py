"""Ids typed by staff: the first digits suffice where they are nobody else's."""

from __future__ import annotations

import click
import pytest
from sqlalchemy import update
from sqlalchemy.engine import Connection

from service.commands import short_ids
from service.runtime import Runtime
from service.store import task_tables
from service.store.task_tables import task

ITS = 4821773058213377001


def test_six_digits_suffice_until_two_begin_so(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        for key in ("first", "other"):
            task_tables.add_task(tx, runtime.now(), key=key, kind="complaint")
        named(tx, "first", ITS)
        assert found(tx, ITS) == found(tx, 482177) == ITS
        assert found(tx, 48217) == 48217, "too few digits name nothing"
        assert found(tx, 482178) == 482178
        named(tx, "other", 482177)
        assert found(tx, 482177) == 482177, "a whole one is meant as it stands"
        named(tx, "other", 4821779)
        with pytest.raises(click.ClickException, match=f"several ids begin with 482177: 4821779, {ITS}; type more"):
            found(tx, 482177)


def named(tx: Connection, key: str, id: int) -> None:
    tx.execute(update(task).where(task.c.key == key).values(id=id))


def found(tx: Connection, typed: int) -> int:
    return short_ids.whole(tx, task_tables.ids_starting_with, typed)


@pytest.mark.parametrize(("typed", "read"), [("4821773", 4821773), (" 4821 773 ", 4821773)])
def test_an_id_is_read_with_spaces(typed: str, read: int) -> None:
    assert short_ids.ID.convert(typed, None, None) == read


@pytest.mark.parametrize("typed", ["", "48a", "-4821773", "48.0", "٤٨٢١٧٧", "1" * 20])
def test_what_is_no_id_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="write its digits"):
        short_ids.ID.convert(typed, None, None)
