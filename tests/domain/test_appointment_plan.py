"""What becomes of appointments when a child's plan changes; values in, values out."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from service.domain.appointment_plan import (
    Heard,
    Quiet,
    changes,
    heard_before,
    heard_of,
    step_after,
    told_of,
)
from service.domain.contacts import Contact
from service.domain.reminder_ladder import built_in_ladder, offset_of
from service.domain.vaccination import Given

LADDER = built_in_ladder()
WHATEVER = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
NAMES = [step.name for step in LADDER.steps]
J = date(2026, 4, 16)


class Row(NamedTuple):
    id: int
    doses: str
    anchor_on: date = J
    on: date | None = J
    last_step: str | None = None


def antigen_of(dose: str) -> str:
    return dose.rstrip("0123456789")


def row_of(id: int, contact: Contact) -> Row:
    return Row(id, ",".join(contact.doses), contact.anchor_on, contact.on)


DAYS = st.integers(-5, 5).map(lambda days: J + timedelta(days))
CONTACTS = [
    Contact(doses, J + timedelta(anchor), None, meets_on, awaits_stock)
    for doses in (("PENTA1",), ("MR1", "YF"), ("MR1",), ("OPV1", "PENTA1"))
    for anchor in (0, 28)
    for meets_on, awaits_stock in ((None, False), (J + timedelta(29), False), (None, True))
]
PLANS = st.sets(st.sampled_from(CONTACTS), max_size=6).map(list)


@WHATEVER
@any_of(PLANS, PLANS)
def test_what_is_unchanged_stays_and_the_rest_goes_or_comes(before: list[Contact], wanted: list[Contact]) -> None:
    standing = [row_of(place, contact) for place, contact in enumerate(before)]
    gone, new = changes(standing, wanted)
    kept = [row for row in standing if row not in gone]
    asked = {row_of(0, one) for one in wanted}
    assert {row._replace(id=0) for row in kept} | {row_of(0, one) for one in new} == asked
    assert len(kept) + len(new) == len(wanted), "what stays is not made a second time"
    assert not {row._replace(id=0) for row in gone} & asked
    assert changes(kept + [row_of(99, one) for one in new], wanted) == ([], []), "planned once more, nothing moves"


def test_a_contact_of_which_something_fell_away_goes_on_where_its_ladder_stood() -> None:
    heard = [Heard(frozenset({"OPV1", "PENTA1"}), J, J, "J+2")]
    left = Contact(("PENTA1",), J, None)
    assert told_of(left, heard) == "J+2"
    assert told_of(left._replace(doses=("MR1", "PENTA1")), heard) is None, "of the other dose nothing was heard"
    assert told_of(left._replace(meets_on=J + timedelta(1)), heard) is None, "another day is told from the start"


def test_a_step_that_was_queued_and_not_said_was_not_heard_unless_the_family_has_just_been_there() -> None:
    gone = [Row(1, "OPV1,PENTA1", last_step="J-1"), Row(2, "MR1", last_step="J+2")]
    heard = heard_of(gone, {1: "J-3"}, [], antigen_of, LADDER)
    assert [one.last_step for one in heard] == ["J-3", "J+2"]
    for on, last in ((J - timedelta(3), "J-1"), (J - timedelta(4), "J-3")):
        heard = heard_of(gone[:1], {1: "J-3"}, [Given("OPV", on)], antigen_of, LADDER)
        assert [one.last_step for one in heard] == [last], f"given on {on}"


def test_of_what_was_closed_before_the_last_step_that_left_counts() -> None:
    late, early = Row(1, "PENTA1"), Row(2, "OPV1")
    steps = [(late, "J"), (late, "J-3"), (late, "sorry"), (early, "J-1"), (late, "J+2"), (early, "J+99")]
    assert [one.last_step for one in heard_before(LADDER, steps)] == ["J+2", "J-1"]


HERE = st.builds(
    lambda days, hour: datetime.combine(J + timedelta(days), time(hour)), st.integers(-9, 30), st.integers(0, 23)
)
QUIET = st.none() | st.builds(Quiet, st.none() | DAYS)


@WHATEVER
@any_of(st.none() | st.sampled_from(NAMES), HERE, QUIET, st.none() | DAYS)
def test_no_step_is_said_twice_nor_before_a_silence_ends(
    told: str | None, here: datetime, quiet: Quiet | None, lapses_on: date | None
) -> None:
    said = [told] if told else []
    while found := step_after(LADDER, J, lapses_on, said[-1] if said else None, here, quiet):
        assert not said or offset_of(found.step) > offset_of(said[-1])
        assert quiet is None or (quiet.until is not None and found.on >= quiet.until)
        assert lapses_on is None or found.on < lapses_on
        said.append(found.step)
        here = max(here, found.at)
    assert len(set(said)) == len(said)
    assert step_after(LADDER, None, lapses_on, told, here, quiet) is None, "nobody knows the day"
