"""Somebody needed to talk. Somebody else holds the phone, the database and its keys, and looks for a trace of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from scheduler.timetable import one_round
from service.channels.base import Keystroke
from service.runtime import Runtime
from service.store.conversation_tables import conversation
from service.stories.talk import conversations
from service.stories.talk.threads import Thread
from tests.cover import dial
from tests.people import Handset, TestClock, publish
from tests.stories.forms import SMALL_LINE

TALKING = "Parler à quelqu'un"


def rows(runtime: Runtime) -> list[str]:
    """What the conversations kept, opened."""
    with runtime.database.read() as tx:
        return [str(Thread.opened(runtime, row.progress)) for row in tx.execute(select(conversation))]


def to_the_end(handset: Handset) -> None:
    dial(handset, "Conseil, écoute", TALKING, "Appeler")
    assert handset.screen.startswith("Pour un conseil ou pour parler")


def by_a_path(handset: Handset) -> None:
    dial(handset)
    handset.session, handset.typed = "ATUid_path", "4*3*1"
    assert handset.send_step().startswith("Pour un conseil ou pour parler")


def back_to_the_menu(handset: Handset) -> None:
    dial(handset, "Conseil, écoute", TALKING)
    handset.press("00", "3", "1", "1")


def cut_in_the_middle(handset: Handset) -> None:
    dial(handset, "Conseil, écoute", TALKING)


def a_path_before_the_language(handset: Handset) -> None:
    handset.session, handset.typed = "ATUid_path", "4*3"
    assert handset.send_step().startswith("Langue / Kan / Language")


@pytest.mark.parametrize(
    "call", [to_the_end, by_a_path, back_to_the_menu, cut_in_the_middle, a_path_before_the_language]
)
def test_minutes_later_no_row_holds_a_screen_or_a_key_of_it(
    handset: Handset, runtime: Runtime, clock: TestClock, call: Callable[[Handset], None]
) -> None:
    call(handset)
    for _ in range(4):
        clock.advance(minutes=1)
        one_round(runtime)
    for kept in rows(runtime):
        for trace in ("conseil", "parler", "4*3", "'4', '3'", "ecoute='", "??"):
            assert trace not in kept, kept


def test_the_last_screen_is_there_while_the_network_may_ask_for_it_again(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    to_the_end(handset)
    last = handset.screen
    clock.advance(minutes=2)
    one_round(runtime)
    assert handset.send_step() == last


def test_a_key_repeated_by_the_network_answers_nothing_where_keys_are_not_kept(
    runtime: Runtime, clock: TestClock
) -> None:
    """A gateway that sends the last key only; after the menu of advice nothing typed is kept to compare with."""

    def press(key: str) -> str:
        clock.advance(seconds=5)
        keystroke = Keystroke("africastalking", "s1", "+22370000001", "*384*223#", key, "61001", whole=False)
        first = conversations.reply_to(runtime, keystroke).text
        clock.advance(seconds=0.2)
        assert conversations.reply_to(runtime, keystroke).text == first
        return first

    for key in ("", "1", "4", "3", "00", "5", "2", "2"):
        screen = press(key)
    assert screen.startswith("Tout ce téléphone sera effacé")


BY_OTHER_WAYS = {
    "beyond a condition": ('  - id: a\n    menu: {fr: "Quoi ?"}\n    options: {x: {fr: "Un"}}\n    go: {x: b}\n'
                           '  - id: b\n    when:\n      - {else: talk}\n'),
    "below the menu": '  - id: a\n    menu: {fr: "Quoi ?"}\n    options: {x: {fr: "Un"}}\n',
    "at once": "",
}  # fmt: skip


@pytest.mark.parametrize("way", BY_OTHER_WAYS)
def test_no_sms_holds_a_word_of_it_whatever_leads_there(
    handset: Handset, runtime: Runtime, clock: TestClock, way: str
) -> None:
    steps = BY_OTHER_WAYS[way] + "  - id: talk\n    run: discret\n    next: fin\n  - id: fin\n    end:\n"
    head = 'version: 1\ntitle: {fr: "Conseil"}\nlanguages: [fr]\n'
    around = f"flow: autour\n{head}start: {{sms: [CONSEIL]}}\nsteps:\n{steps}"
    publish(runtime, SMALL_LINE | {"autour.yaml": around}, whole=True)
    for words in ("CONSEIL", "1", "1", "1"):
        handset.write(words)
        one_round(runtime)
    assert handset.inbox
    for text in handset.inbox:
        assert "Mieux vaut appeler" not in text
        assert "vous écoute" not in text
