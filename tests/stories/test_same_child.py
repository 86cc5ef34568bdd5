"""One child enrolled at two calls, on the same day of birth, is no pair of twins without a word."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from service.runtime import Runtime
from service.store.people_tables import child, person
from service.store.task_tables import task
from service.stories.homes import families
from service.stories.homes.same_child import LINE, may_be_one_name
from tests.cover import rows_of
from tests.people import TestClock
from tests.stories.test_recalls import enrol


@pytest.mark.parametrize(
    ("one", "other", "may_be"),
    [
        ("Awa", "AWA Traoré", True),
        ("Fanta", "Fànta", True),
        ("Awa", "Adama", False),
        ("Awa", None, True),
        (None, None, False),
        ("", "", False),
        ("...", "!!", False),
    ],
)
def test_names_that_may_be_one(one: str | None, other: str | None, may_be: bool) -> None:
    assert may_be_one_name(one, other) is may_be


def test_a_child_enrolled_twice_is_asked_about_and_after_its_death_its_copy_is_held(
    runtime: Runtime, clock: TestClock
) -> None:
    first = enrol(runtime, clock)
    enrol(runtime, clock, born="2026-10-13")
    assert rows_of(runtime, task) == []
    copy = enrol(runtime, clock)
    [line] = rows_of(runtime, task)
    assert (line.kind, line.person_id) == (LINE, copy.child_id)
    assert json.loads(line.details)["Autre code"] == first.code
    assert [row.status for row in rows_of(runtime, child)] == ["followed"] * 3, "nothing is decided by a machine"
    with runtime.database.begin() as tx:  # a twin, whose name is another
        tx.execute(update(person).where(person.c.id == copy.child_id).values(name="Adama"))
    twin = enrol(runtime, clock)
    assert len(rows_of(runtime, task)) == 2, "with the first one alone"
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, first.child_id, clock.now(), "dead")
    quiet = {row.person_id: row.quiet_why for row in rows_of(runtime, child)}
    assert (quiet[twin.child_id], quiet[copy.child_id]) == ("doubt", None)
