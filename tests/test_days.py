"""Days as staff write them to commands."""

from __future__ import annotations

from datetime import date

import click
import pytest

from service.commands.days import DAY

TWELFTH = date(2026, 11, 12)


@pytest.mark.parametrize("written", ["2026-11-12", "12/11/2026", " 12.11.2026 "])
def test_a_day_is_read_as_lists_and_messages_write_it(written: str) -> None:
    assert DAY.convert(written, None, None) == TWELFTH


@pytest.mark.parametrize("written", ["12/11", "12/11/26", "12-11", "2026-11", "31/02/2026", "demain", "", "١٢/١١/٢٠٢٦"])
def test_what_is_no_whole_day_is_refused_with_how_to_write_it(written: str) -> None:
    with pytest.raises(click.BadParameter, match="write a day as 12/11/2026"):
        DAY.convert(written, None, None)


@pytest.mark.parametrize("written", ["12/11", "12/11/26", "12-11"])
def test_the_year_that_is_missing_is_asked_for(written: str) -> None:
    with pytest.raises(click.BadParameter, match="lacks its whole year"):
        DAY.convert(written, None, None)
