"""Days as staff write them to commands."""

from __future__ import annotations

from datetime import date, datetime

import click
import pytest

from service.commands.days import DAY, read_moment

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


HERE = datetime(2026, 11, 12, 17, 30)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("18:00", "2026-11-12T18:00"),
        ("17:30", "2026-11-13T17:30"),  # it has just struck
        ("7:00", "2026-11-13T07:00"),
        ("7h00", "2026-11-13T07:00"),
        ("14/11/2026 18:00", "2026-11-14T18:00"),
        ("2026-11-14T18:00", "2026-11-14T18:00"),
        ("2026-11-14 18:00:00", "2026-11-14T18:00"),
    ],
)
def test_a_moment_is_read_as_staff_write_it(written: str, meant: str) -> None:
    assert read_moment(written, HERE) == datetime.fromisoformat(meant)


@pytest.mark.parametrize("written", ["soon", "25:00", "18", "2026-11-14", "", "18:00+02:00"])
def test_what_is_no_moment_is_refused_with_examples(written: str) -> None:
    with pytest.raises(click.BadParameter, match=r"write 18:00 .*12/11/2026 18:00 or 2026-11-12T18:00"):
        read_moment(written, HERE)


def test_a_moment_has_its_whole_year() -> None:
    with pytest.raises(click.BadParameter, match="lacks its whole year"):
        read_moment("14/11 18:00", HERE)
