"""Ids typed by staff: the first digits suffice where they are nobody else's."""

from __future__ import annotations

import click
import pytest
from sqlalchemy import update

from service.commands import short_ids
from service.runtime import Runtime
from service.store.mediator_tables import mediator
from tests.mediators import an_account
from tests.stories.test_death_is_silence import OUMOU

HERS = 4821773058213377001


def test_six_digits_of_an_account_suffice_until_two_begin_so(runtime: Runtime) -> None:
    first, other = an_account(runtime), an_account(runtime, OUMOU)
    with runtime.database.begin() as tx:
        tx.execute(update(mediator).where(mediator.c.id == first.id).values(id=HERS))
        assert short_ids.account(tx, HERS) == short_ids.account(tx, 482177) == HERS
        assert short_ids.account(tx, 48217) == 48217, "too few digits name nobody"
        assert short_ids.account(tx, 482178) == 482178
        tx.execute(update(mediator).where(mediator.c.id == other.id).values(id=482177))
        assert short_ids.account(tx, 482177) == 482177, "a whole one is meant as it stands"
        tx.execute(update(mediator).where(mediator.c.id == 482177).values(id=4821779))
        with pytest.raises(click.ClickException, match=f"several ids begin with 482177: 4821779, {HERS}; type more"):
            short_ids.account(tx, 482177)


@pytest.mark.parametrize(("typed", "read"), [("4821773", 4821773), (" 4821 773 ", 4821773)])
def test_an_id_is_read_with_spaces(typed: str, read: int) -> None:
    assert short_ids.ID.convert(typed, None, None) == read


@pytest.mark.parametrize("typed", ["", "48a", "-4821773", "48.0", "٤٨٢١٧٧", "1" * 20])
def test_what_is_no_id_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="write its digits"):
        short_ids.ID.convert(typed, None, None)
