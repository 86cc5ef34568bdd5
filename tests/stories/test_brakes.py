"""What holds a message back: the hour, the day's number of messages to one phone, and numbers nobody writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from scheduler.timetable import one_round
from service.config import Config
from service.domain.hours_file import FOLDER, load_hours
from service.runtime import Runtime, build_runtime
from service.store import message_claims, message_tables, system_tables
from service.store.message_tables import message
from service.stories.delivery import dispatcher
from service.stories.delivery.outbox import Letter, put, put_many
from tests.conftest import a_config
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock, everybody_wants_news
from tests.stories.test_recalls import MOTHER, check_promises, enrol, on_days

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NEIGHBOUR = "+22370000002"


def queue(runtime: Runtime, key: str, purpose: str = "campaign", to: str = MOTHER, **changes: Any) -> int | None:
    now = runtime.now()
    base = {"text": key, "klass": "once", "not_before": now, "useful_until": now + 2 * DAY_MS}
    with runtime.database.begin() as tx:
        return put(tx, now, Letter(to=to, key=key, purpose=purpose, **(base | changes)))


def row(runtime: Runtime, key: str) -> Any:
    with runtime.database.read() as tx:
        return tx.execute(select(message).where(message.c.key == key)).one()


def counted(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return system_tables.counters(tx).get(name, 0)


def sent(carrier: LoopbackCarrier) -> list[str]:
    return [sms.text for sms in carrier.accepted]


@pytest.fixture
def with_settings(settings: Config) -> Iterator[Callable[..., tuple[Runtime, TestClock]]]:
    """A runtime with other settings, at a local moment of its own zone."""
    opened: list[Runtime] = []

    def build(moment: str, **changes: Any) -> tuple[Runtime, TestClock]:
        changed = settings.model_copy(update=changes)
        clock = TestClock(moment, changed.timezone)
        opened.append(build_runtime(changed, at=clock))
        return opened[-1], clock

    yield build
    for one in opened:
        one.database.close()


# --- the hour -----------------------------------------------------------------------------------------------


def test_what_is_written_in_the_evening_leaves_the_next_morning(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    clock.set("2026-11-18T20:00")
    assert queue(runtime, "k", "reminder") is not None
    assert runtime.local(row(runtime, "k").not_before).isoformat() == "2026-11-19T08:00:00"
    for moment in ("2026-11-18T23:00", "2026-11-19T07:59"):
        clock.set(moment)
        assert dispatcher.send_due(runtime) == 0
    clock.set("2026-11-19T08:00")
    assert dispatcher.send_due(runtime) == 1


def test_a_message_that_cannot_leave_in_time_expires_with_its_reason(runtime: Runtime, clock: TestClock) -> None:
    clock.set("2026-11-18T20:00")
    assert queue(runtime, "k", "reminder", useful_until=clock.now() + 11 * HOUR_MS) is None
    assert row(runtime, "k").state == "expired"
    assert "no hour in which it may leave" in row(runtime, "k").reason
    assert counted(runtime, "messages_without_a_good_moment") == 1


def test_at_the_prayer_on_friday_only_answers_leave(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    clock.set("2026-11-20T13:00")
    for place, purpose in enumerate(("reminder", "campaign", "notice", "staff", "reply", "talk")):
        queue(runtime, purpose, purpose, to=f"+2237000010{place}")
    everybody_wants_news(runtime)
    dispatcher.send_due(runtime)
    assert set(sent(carrier)) == {"staff", "reply", "talk"}
    clock.set("2026-11-20T14:30")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 6


@pytest.mark.parametrize("zone", ["Africa/Bamako", "Asia/Tokyo", "America/Bogota"])
def test_the_hours_are_those_of_the_readers(
    with_settings: Callable[..., tuple[Runtime, TestClock]], carrier: LoopbackCarrier, zone: str
) -> None:
    runtime, clock = with_settings("2026-11-18T20:00", timezone=zone)
    queue(runtime, "recall", "reminder")
    queue(runtime, "news", "campaign")
    everybody_wants_news(runtime)
    heard = []
    for _ in range(25):
        before = len(carrier.accepted)
        dispatcher.send_due(runtime)
        heard += [(f"{clock.here:%d %H:%M}", text) for text in sent(carrier)[before:]]
        clock.advance(hours=1)
    assert heard == [("19 08:00", "recall"), ("19 09:00", "news")]


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_the_night_in_which_the_clocks_change_ends_at_eight(
    with_settings: Callable[..., tuple[Runtime, TestClock]], carrier: LoopbackCarrier, day: str
) -> None:
    runtime, clock = with_settings(f"{day}T18:50", timezone="Europe/Paris")
    heard = []
    for number in range(120):  # sixteen hours, eight minutes each
        queue(runtime, f"k{number}", "reminder", to=f"+2237000{number:04d}")
        before = len(carrier.accepted)
        dispatcher.send_due(runtime)
        heard += [f"{clock.here:%d %H:%M}"] * (len(carrier.accepted) - before)
        clock.advance(minutes=8)
    assert [moment[3:] for moment in heard[:2]] == ["18:50", "18:58"]
    assert "08:00" <= heard[2][3:] < "08:08"
    assert all("08:00" <= moment[3:] < "19:00" for moment in heard)
    assert len(sent(carrier)) == len(set(sent(carrier)))


def test_on_a_feast_a_campaign_waits_and_a_recall_goes(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    clock.set("2026-12-25T09:00")  # a Friday
    queue(runtime, "recall", "reminder")
    queue(runtime, "news", "campaign", useful_until=clock.now() + 5 * DAY_MS)
    everybody_wants_news(runtime)
    heard = []
    for _ in range(50):
        before = len(carrier.accepted)
        dispatcher.send_due(runtime)
        heard += [(f"{clock.here:%d %H:%M}", text) for text in sent(carrier)[before:]]
        clock.advance(hours=1)
    assert heard == [("25 10:00", "recall"), ("26 09:00", "news")]


VILLAGE = """zones:
  darsalam:
    market: {weekly: [mon]}
    purposes:
      reminder: {usual: "17:00-19:00", market_day: wait}
"""


@pytest.fixture
def village(with_settings: Callable[..., tuple[Runtime, TestClock]], tmp_path: Any) -> tuple[Runtime, TestClock]:
    """Darsalam has network in the evening only, and its market on Monday, when nobody is told anything."""
    file = tmp_path / "hours.yaml"
    file.write_text((FOLDER / "ml-2026.yaml").read_text("utf-8").replace("zones: {}", VILLAGE), "utf-8")
    assert load_hours(file.read_text("utf-8")).name_for("reminder", "darsalam") == "reminder@darsalam"
    return with_settings("2026-11-20T10:00", hours_file=file)


def test_a_quartier_is_told_in_its_own_hours(village: tuple[Runtime, TestClock], carrier: LoopbackCarrier) -> None:
    runtime, clock = village
    enrol(runtime, clock)
    enrol(runtime, clock, number=NEIGHBOUR, quartier="Koulouba")
    heard: dict[str, list[str]] = {MOTHER: [], NEIGHBOUR: []}
    for _ in range(24 * 6):
        before = len(carrier.accepted)
        one_round(runtime)
        for sms in carrier.accepted[before:]:
            heard[sms.to].append(f"{clock.here:%a %d %H:%M}")
        clock.advance(hours=1)
    assert heard[NEIGHBOUR] == ["Fri 20 10:00", "Sun 22 17:00", "Mon 23 09:00", "Wed 25 09:00"]
    # The message of the day itself would have come on market day: it comes the day after, while it is useful.
    assert heard[MOTHER] == ["Fri 20 17:00", "Sun 22 17:00", "Tue 24 17:00", "Wed 25 17:00"]
    check_promises(runtime)


def test_when_a_step_has_no_good_moment_the_next_useful_one_is_told(
    with_settings: Callable[..., tuple[Runtime, TestClock]], tmp_path: Any, carrier: LoopbackCarrier
) -> None:
    """Koulouba hears on Wednesdays and Fridays only; the steps that fit in no such day are counted."""
    others = ", ".join(("mon", "tue", "thu", "sat", "sun"))
    zone = f"""zones:
  darsalam:
    market: {{weekly: [{others}]}}
    purposes:
      reminder: {{usual: "08:00-19:00", market_day: wait}}
"""
    file = tmp_path / "hours.yaml"
    file.write_text((FOLDER / "ml-2026.yaml").read_text("utf-8").replace("zones: {}", zone), "utf-8")
    runtime, clock = with_settings("2026-11-20T10:00", hours_file=file)
    enrol(runtime, clock)
    heard = on_days(Days(runtime, clock, carrier).until("2026-12-14"))
    assert heard == ["11-20", "11-25", "12-02", "12-09"]
    assert counted(runtime, "recall_steps_without_a_good_moment") == 2  # the eve, and the day itself
    check_promises(runtime)


def test_hours_that_no_file_knows_any_more_do_not_hold_a_message_for_ever(
    village: tuple[Runtime, TestClock], settings: Config, carrier: LoopbackCarrier
) -> None:
    from service.stories.delivery import brakes

    runtime, clock = village
    enrol(runtime, clock)
    one_round(runtime)
    assert [sms.to for sms in carrier.accepted] == []
    changed = build_runtime(settings, at=clock)
    assert dispatcher.send_due(changed) == 0, "held until five in the evening, under a name of the other file"
    clock.set("2026-11-20T17:30")
    assert dispatcher.send_due(changed) == 0
    brakes.know_the_hours(changed)
    assert dispatcher.send_due(changed) == 1
    changed.database.close()


# --- the day's number ---------------------------------------------------------------------------------------


def test_at_most_three_unasked_messages_a_day_reach_a_phone(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for number in range(5):
        queue(runtime, f"r{number}", "reminder")
        queue(runtime, f"n{number}", "reminder", to=NEIGHBOUR)
    dispatcher.send_due(runtime)
    assert sorted(sms.to for sms in carrier.accepted) == [MOTHER] * 3 + [NEIGHBOUR] * 3
    held = [row(runtime, f"r{number}") for number in range(5)]
    waiting = [one for one in held if one.state == "queued"]
    assert len(waiting) == 2
    assert {runtime.local(one.not_before).isoformat() for one in waiting} == {"2026-11-21T08:00:00"}
    assert {one.reason for one in waiting} == {"this phone had 3 messages today"}
    assert {one.attempts for one in waiting} == {0}, "waiting is no try"
    assert counted(runtime, "messages_held_back") == 4
    clock.set("2026-11-21T08:00")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 10


def test_what_is_not_useful_tomorrow_expires(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    for number in range(4):
        queue(runtime, f"r{number}", "reminder", useful_until=clock.now() + 8 * HOUR_MS)
    dispatcher.send_due(runtime)
    states = sorted(row(runtime, f"r{number}").state for number in range(4))
    assert states == ["accepted", "accepted", "accepted", "expired"]
    assert len(carrier.accepted) == 3


def test_answers_and_alarms_neither_count_nor_wait(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for number in range(4):
        for purpose in ("staff", "reply", "talk"):
            queue(runtime, f"{purpose}{number}", purpose)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 12
    for number in range(4):
        queue(runtime, f"r{number}", "reminder")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 15


def test_what_a_call_has_just_led_to_neither_counts_nor_waits(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for number in range(5):
        queue(runtime, f"asked{number}", "notice", hours="any")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 5
    for number in range(5):
        queue(runtime, f"unasked{number}", "notice")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 8


def test_campaigns_leave_the_last_place_of_a_day_to_a_recall(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for number in range(4):
        queue(runtime, f"c{number}")
        if not number:
            everybody_wants_news(runtime)
        dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 2
    queue(runtime, "recall", "reminder")
    dispatcher.send_due(runtime)
    assert sent(carrier)[-1] == "recall"


def test_what_surely_did_not_leave_takes_no_place(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    carrier.next("429", times=2)
    for number in range(3):
        queue(runtime, f"r{number}", "reminder")
        dispatcher.send_due(runtime)
    clock.advance(minutes=2)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 3
    queue(runtime, "fourth", "reminder")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 3


def test_the_day_is_the_readers_day(
    with_settings: Callable[..., tuple[Runtime, TestClock]], carrier: LoopbackCarrier
) -> None:
    """In Tokyo it is a new day at 15:00 UTC."""
    runtime, clock = with_settings("2026-11-18T18:00", timezone="Asia/Tokyo", most_a_day=1)
    queue(runtime, "today", "reminder")
    queue(runtime, "tomorrow", "reminder")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1
    clock.set("2026-11-19T08:00")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 2


def test_two_workers_at_once_do_not_both_send_the_last_one(
    runtime: Runtime, settings: Config, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    now = clock.now()
    letters = [
        Letter(
            to=f"+223700001{phone:02d}", text="x", key=f"{phone}:{number}", purpose="reminder", klass="once",
            not_before=now, useful_until=now + DAY_MS,
        )
        for number in range(6)
        for phone in range(20)
    ]  # fmt: skip
    with runtime.database.begin() as tx:
        put_many(tx, now, letters)
    others = [build_runtime(settings, at=clock) for _ in range(3)]
    for _ in range(4):  # what two wanted at once one of them tries again a moment later
        with ThreadPoolExecutor(4) as workers:
            list(workers.map(dispatcher.send_due, [runtime, *others]))
        clock.advance(seconds=2)
    by_phone = [sum(sms.to == f"+223700001{phone:02d}" for sms in carrier.accepted) for phone in range(20)]
    assert by_phone == [3] * 20
    for other in others:
        other.database.close()


def test_who_asks_the_brakes_waits_for_nobody(runtime: Runtime, settings: Config, clock: TestClock) -> None:
    """Another worker holds the counter and this very phone, and waits for the row that we hold: no circle of two."""
    from service.stories.delivery import brakes

    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    for number in range(5):
        queue(runtime, f"r{number}", "reminder")
        queue(runtime, f"n{number}", "reminder", to=NEIGHBOUR)
    other = build_runtime(settings, at=clock)
    names = runtime.hours.open_names(clock.here)
    with other.database.begin() as theirs:
        claimed = message_claims.claim_due(theirs, clock.now(), 5, names)
        brakes.count_held(theirs, brakes.held_back(theirs, other, claimed, {}, clock.now()).values())
        system_tables.count(theirs, "messages_held_back")
        with runtime.database.begin() as ours:
            ours.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
            mine = message_claims.claim_due(ours, clock.now(), 5, names)
            held = brakes.held_back(ours, runtime, mine, {}, clock.now())
            assert len(mine) == 5
            assert {one.full for one in held.values()} <= {True, False}
            assert any(not one.full for one in held.values()), "they are writing to the same phone"
    other.database.close()


# --- numbers nobody writes to -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+22320200001", "no mobile number (fixed)"),
        ("+22380000001", "no mobile number (toll-free)"),
        ("+33612345678", "of a country"),
        ("+882160000001", "of a country"),
        ("+33899000001", "of a country"),
        ("36011", "short code"),
        ("+22354000001", "short code"),
        ("99000", "our own numbers"),
        ("+15005550006", "our own numbers"),
    ],
)
def test_a_refused_number_is_kept_as_failed_with_the_reason(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, number: str, why: str
) -> None:
    assert queue(runtime, "k", "reminder", to=number) is None
    assert row(runtime, "k").state == "failed"
    assert why in row(runtime, "k").reason
    assert counted(runtime, "numbers_refused") == 1
    assert dispatcher.send_due(runtime) == 0
    assert queue(runtime, "k", "reminder", to=number) is None, "the same key is written once"
    assert counted(runtime, "numbers_refused") == 1


def test_a_premium_number_of_an_allowed_country_is_refused(
    with_settings: Callable[..., tuple[Runtime, TestClock]], carrier: LoopbackCarrier
) -> None:
    runtime, _ = with_settings("2026-11-20T10:00", countries=("ML", "FR"))
    queue(runtime, "mobile", "reminder", to="+33612345678")
    queue(runtime, "premium", "reminder", to="+33899000001")
    assert row(runtime, "mobile").state == "queued"
    assert row(runtime, "premium").state == "failed"
    assert "premium" in row(runtime, "premium").reason


def test_a_family_with_a_number_nobody_writes_to_keeps_its_plan(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock, number="+22320200001")
    sent_on = Days(runtime, clock, carrier).until("2026-12-08")
    assert sent_on == []
    with runtime.database.read() as tx:
        assert message_tables.count_by_state(tx) == {"failed": 6}


def test_a_country_is_written_in_two_letters(database_url: str) -> None:
    assert a_config(database_url, countries="ML,SN").may_write_to == {"ML", "SN"}
    assert a_config(database_url).may_write_to == {"ML"}
    for wrong in ("XX", "Mali"):
        with pytest.raises(ValueError, match="is no country"):
            a_config(database_url, countries=wrong)
    with pytest.raises(ValueError, match="is no number"):
        a_config(database_url, own_numbers="Laseli")
