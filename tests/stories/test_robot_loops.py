"""Two lines of ours that write to each other, over two real carriers; a bounce; and numbers that are our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from flows.loader import load_library
from flows.sms_keywords import keywords_of
from service.channels.base import IncomingSms
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import phone_tables, system_tables, task_tables
from service.store.message_tables import message
from service.stories.delivery import dispatcher
from service.stories.talk import incoming
from tests.conftest import HOOK_SECRET, a_config, fresh_sqlite
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock

HOUR_MS = 3_600_000
OURS, THEIRS = "+22370000091", "+22370000092"


class Line:
    """A copy of Laseli behind a number of its own, with its database and its carrier."""

    def __init__(self, settings: Config, carrier: LoopbackCarrier, number: str, clock: TestClock) -> None:
        self.carrier, self.number, self.clock = carrier, number, clock
        self.runtime = build_runtime(settings, at=clock)
        self.heard, self.said_at = 0, []

    def hears(self, sender: str, text: str) -> None:
        self.heard += 1
        sms = IncomingSms("africastalking", f"{self.number}-{self.heard}", sender, sender, text, self.number)
        incoming.take_sms(self.runtime, sms)

    def says(self) -> list[str]:
        """What it sends now, each a second after the other."""
        before = len(self.carrier.accepted)
        dispatcher.send_due(self.runtime)
        told = [sms.text for sms in self.carrier.accepted[before:]]
        for _ in told:
            self.clock.advance(seconds=1)
            self.said_at.append(self.clock.now())
        return told

    def most_in(self, span_ms: int) -> int:
        """The most it said within any such span."""
        return max((sum(at <= one < at + span_ms for one in self.said_at) for at in self.said_at), default=0)


def settings_of(url: str, carrier: LoopbackCarrier, number: str, name: str) -> Config:
    account = {
        "username": "laseli",
        "api_key": "key",
        "base_url": carrier.base_url,
        "sender": number,
        "hook_secrets": (HOOK_SECRET,),
    }
    return a_config(
        url, routes=("africastalking",), sender_name=name, africastalking=account, drafts_allowed_by="the tests"
    )


@pytest.fixture
def lines(database_url: str, sqlite_template: Path, tmp_path: Path, clock: TestClock) -> Iterator[tuple[Line, Line]]:
    other_url = fresh_sqlite(sqlite_template, tmp_path)
    with LoopbackCarrier() as first, LoopbackCarrier(seed=1) as second:
        ours = Line(settings_of(database_url, first, OURS, "Laseli"), first, OURS, clock)
        theirs = Line(settings_of(other_url, second, THEIRS, "Sante"), second, THEIRS, clock)
        yield ours, theirs
        ours.runtime.database.close()
        theirs.runtime.database.close()


def talk_to_the_end(one: Line, other: Line) -> int:
    """Carry every SMS to the other line until both are silent; gives how many were carried."""
    carried = 0
    while carried < 300:
        told = [(other, one.number, text) for text in one.says()] + [(one, other.number, text) for text in other.says()]
        for reader, sender, text in told:
            reader.hears(sender, text)
        carried += len(told)
        if not told:
            return carried
    return carried


def counted(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return system_tables.counters(tx).get(name, 0)


SEEDS = ["bonne nouvelle", *sorted(keywords_of(load_library()))]


def speak(line: Line, peer: Line, language: str) -> None:
    with line.runtime.database.begin() as tx:
        phone = phone_tables.ensure_phone(tx, peer.number, line.clock.now())
        phone_tables.set_language(tx, phone.id, language)


@pytest.mark.parametrize("language", ["fr", "bm", "en"])
def test_two_lines_of_ours_fall_silent_whatever_begins_it(lines: tuple[Line, Line], language: str) -> None:
    """Somebody writes to both in the name of the other. Eight days lie between, so that no silence hides another."""
    ours, theirs = lines
    speak(ours, theirs, language)
    speak(theirs, ours, language)
    for seed in SEEDS:
        ours.hears(THEIRS, seed)
        theirs.hears(OURS, seed)
        assert talk_to_the_end(ours, theirs) <= 6, seed
        ours.clock.advance(days=8)
    assert ours.most_in(HOUR_MS) <= 3
    assert theirs.most_in(HOUR_MS) <= 3


def test_what_goes_on_for_hours_is_muted_and_told_once(lines: tuple[Line, Line]) -> None:
    """A machine that begins again every hour: three answers an hour, ten a day, then none, and a line for a person."""
    ours, theirs = lines
    for _ in range(72):
        ours.hears(THEIRS, "Votre message n'a pas pu etre remis a son destinataire.")
        talk_to_the_end(ours, theirs)
        ours.clock.advance(hours=1)
    assert ours.most_in(HOUR_MS) <= 3
    assert ours.most_in(24 * HOUR_MS) <= 10
    assert len(ours.said_at) <= 10, "nobody has looked at it yet"
    assert counted(ours.runtime, "robot_loops_muted") == 1
    with ours.runtime.database.read() as tx:
        [line] = task_tables.tasks(tx)
    assert (line.kind, line.number) == ("robot_loop", THEIRS)


def test_who_is_muted_is_still_answered_to_a_stop(lines: tuple[Line, Line]) -> None:
    ours, _ = lines
    for _ in range(40):
        ours.hears(THEIRS, "nonsense in her name")
        ours.says()
        ours.clock.advance(minutes=31)
    assert counted(ours.runtime, "robot_loops_muted") == 1
    ours.hears(THEIRS, "ARRET")
    [answer] = ours.says()
    assert "plus de SMS" in answer
    with ours.runtime.database.read() as tx:
        assert phone_tables.opted_out(tx, ours.runtime.vault.index(THEIRS), "reminder")


def test_a_person_looked_and_it_was_one(lines: tuple[Line, Line]) -> None:
    ours, _ = lines
    for _ in range(40):
        ours.hears(THEIRS, "i ye a fo di")
        ours.says()
        ours.clock.advance(minutes=31)
    ours.clock.advance(days=1)
    ours.hears(THEIRS, "MENU")
    assert ours.says() == []
    with ours.runtime.database.begin() as tx:
        [line] = task_tables.tasks(tx)
        task_tables.close_task(tx, line.id, "done", "Fanta", ours.clock.now())
    ours.hears(THEIRS, "MENU")
    assert len(ours.says()) == 1


def test_nobody_is_muted_for_longer_than_a_week(lines: tuple[Line, Line]) -> None:
    ours, _ = lines
    for _ in range(40):
        ours.hears(THEIRS, "nonsense in her name")
        ours.says()
        ours.clock.advance(minutes=31)
    ours.clock.advance(days=7)
    ours.hears(THEIRS, "MENU")
    assert len(ours.says()) == 1


def test_our_own_number_is_never_answered(lines: tuple[Line, Line]) -> None:
    ours, _ = lines
    for words in ("bonjour", "MENU", "ARRET", "START"):
        ours.hears(OURS, words)
    assert ours.says() == []
    assert counted(ours.runtime, "sms_from_ourselves") == 4
    with ours.runtime.database.read() as tx:
        assert tx.execute(select(message.c.id)).first() is None
        assert not phone_tables.opted_out(tx, ours.runtime.vault.index(OURS)), "nobody stops our messages in our name"


def test_a_number_named_in_the_settings_is_ours_too(lines: tuple[Line, Line]) -> None:
    ours, _ = lines
    settings = ours.runtime.config.model_copy(update={"own_numbers": ("70000093",)})
    assert settings.our_own_numbers == {OURS, "+22370000093"}


def test_a_mother_who_mistypes_is_helped_as_before(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    """Short words that are no answer are a person's: the third time she is led on with a kind word."""
    for words in ("MENU", "je sais pas", "quoi", "hein"):
        handset.write(words)
        clock.advance(seconds=20)
        dispatcher.send_due(runtime)
    assert len(handset.inbox) == 4
