"""The line drops in the middle of a form: the caller goes on, is reminded once, or a mediator finds the half form."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from flows.sms_text import fold
from scheduler.timetable import one_round
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import conversation_tables, task_tables
from service.store.task_tables import Task
from service.stories.talk.threads import Thread
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock, publish
from tests.stories.forms import SMALL_LINE


@pytest.fixture(autouse=True)
def small_line(runtime: Runtime) -> None:
    publish(runtime, SMALL_LINE, whole=True)


def to_do(runtime: Runtime, state: str = "open") -> list[Task]:
    with runtime.database.read() as tx:
        return task_tables.tasks(tx, state=state)


def cut_at_persons(handset: Handset) -> None:
    handset.dial()
    handset.press("1", "1", "Moussa Keïta")
    assert handset.screen.startswith("Combien de personnes ?")


class TestRedial:
    def test_a_father_who_was_cut_off_goes_on_where_he_was(self, handset: Handset, clock: TestClock) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=5)
        assert handset.dial() == "Adhésion : ce n'était pas fini.\n1 Continuer\n2 Recommencer"
        assert handset.press("1").startswith("Combien de personnes ?")
        assert handset.press("7").startswith("Moussa Keita, 7 ?")
        assert handset.press("1") == "C'est noté."

    def test_he_may_also_begin_again(self, handset: Handset, clock: TestClock) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=5)
        handset.dial()
        assert handset.press("2").startswith("Que voulez-vous ?")
        handset.press("1", "1")
        assert handset.screen.startswith("Votre nom ?")

    def test_the_offer_is_asked_again_when_it_is_not_understood(self, handset: Handset, clock: TestClock) -> None:
        cut_at_persons(handset)
        handset.dial()
        again = handset.press("7")
        assert again == "Tapez 1 à 2.\nAdhésion : ce n'était pas fini.\n1 Continuer\n2 Recommencer"
        assert handset.press("Continuer").startswith("Combien de personnes ?")

    def test_later_than_the_flow_allows_he_begins_afresh(self, handset: Handset, clock: TestClock) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=31)
        assert handset.dial().startswith("Que voulez-vous ?")

    def test_who_hangs_up_in_the_menu_is_not_asked(self, handset: Handset) -> None:
        handset.dial()
        assert handset.dial().startswith("Que voulez-vous ?")

    def test_who_finished_is_not_asked(self, handset: Handset) -> None:
        cut_at_persons(handset)
        handset.press("7", "1")
        assert handset.dial().startswith("Que voulez-vous ?")

    def test_a_dialled_path_means_what_it_says(self, handset: Handset) -> None:
        cut_at_persons(handset)
        handset.dial()
        fields = handset.step_fields() | {"sessionId": "ATUid_path", "text": "3"}
        assert handset.post("ussd", fields).text == "CON Votre note ?\n0 Retour"

    def test_another_phone_is_asked_nothing(self, handset: Handset, product: str, carrier: LoopbackCarrier) -> None:
        cut_at_persons(handset)
        other = Handset(product, carrier, "+22370000002", HOOK_SECRET)
        assert other.dial().startswith("Que voulez-vous ?")

    def test_cut_off_twice_he_still_goes_on(self, handset: Handset, clock: TestClock) -> None:
        cut_at_persons(handset)
        for _ in range(2):
            clock.advance(minutes=20)
            handset.dial()
            handset.press("1")
        assert handset.press("7").startswith("Moussa Keita, 7 ?")

    def test_the_same_redial_twice_is_the_same_offer(self, handset: Handset) -> None:
        cut_at_persons(handset)
        first = handset.dial()
        assert handset.send_step() == first
        handset.press("1")
        fields = handset.step_fields()
        assert handset.post("ussd", fields).text == handset.post("ussd", fields).text


class TestOneSms:
    def test_three_minutes_of_silence_bring_one_sms_however_often_we_look(
        self, handset: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=2)
        one_round(runtime)
        assert handset.inbox == []
        clock.advance(minutes=1, seconds=1)
        for _ in range(3):
            one_round(runtime)
            clock.advance(minutes=10)
        assert handset.inbox == ["Demande non terminée. Faites *384*223# pour continuer."]

    def test_cut_off_again_after_going_on_he_is_not_told_again(
        self, handset: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=4)
        one_round(runtime)
        handset.dial()
        handset.press("1")
        clock.advance(minutes=10)
        one_round(runtime)
        assert len(handset.inbox) == 1

    def test_who_goes_on_in_time_gets_none(self, handset: Handset, runtime: Runtime, clock: TestClock) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=2)
        handset.dial()
        handset.press("1", "7", "1")
        clock.advance(minutes=5)
        one_round(runtime)
        assert handset.inbox == ["Demande de 7 personnes. Gardez ce SMS."]

    def test_who_was_cut_in_the_menu_gets_none(self, handset: Handset, runtime: Runtime, clock: TestClock) -> None:
        handset.dial()
        clock.advance(hours=2)
        one_round(runtime)
        assert handset.inbox == []

    def test_who_stopped_our_messages_gets_none(self, handset: Handset, runtime: Runtime, clock: TestClock) -> None:
        handset.write("ARRET")
        one_round(runtime)
        cut_at_persons(handset)
        clock.advance(minutes=4)
        one_round(runtime)
        assert len(handset.inbox) == 1, "only the answer to the STOP"


class TestTheMediatorsList:
    def test_a_form_nobody_comes_back_to_is_found_with_its_answers(
        self, handset: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        cut_at_persons(handset)
        clock.advance(minutes=59)
        one_round(runtime)
        assert to_do(runtime) == []
        clock.advance(minutes=2)
        one_round(runtime)
        one_round(runtime)
        [task] = to_do(runtime)
        assert task.kind == "unfinished"
        assert task.number == "+22370000001"
        assert json.loads(task.details or "") == {
            "form": "Adhésion",
            "answers": [["Votre nom ?", "Moussa Keïta"]],
        }

    def test_without_consent_nothing_is_kept(self, handset: Handset, runtime: Runtime, clock: TestClock) -> None:
        handset.dial()
        handset.press("1")
        clock.advance(hours=2)
        one_round(runtime)
        assert to_do(runtime) == []

    def test_three_refused_answers_give_the_form_to_the_mediator_at_once(
        self, handset: Handset, runtime: Runtime
    ) -> None:
        cut_at_persons(handset)
        assert handset.press("sept", "beaucoup", "?") == "Rien n'est gardé."
        [task] = to_do(runtime)
        assert json.loads(task.details or "")["answers"] == [["Votre nom ?", "Moussa Keïta"]]

    def test_who_is_cut_off_and_begins_again_leaves_no_half_form(
        self, handset: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        cut_at_persons(handset)
        handset.dial()
        handset.press("2", "1", "2")
        clock.advance(hours=2)
        one_round(runtime)
        assert to_do(runtime) == []

    def test_after_fourteen_days_it_is_deleted(self, handset: Handset, runtime: Runtime, clock: TestClock) -> None:
        from service.stories.keeping.retention import forget

        cut_at_persons(handset)
        clock.advance(hours=2)
        one_round(runtime)
        clock.advance(days=13)
        forget(runtime)
        assert len(to_do(runtime)) == 1
        clock.advance(days=2)
        forget(runtime)
        assert to_do(runtime) == []

    def test_two_workers_that_look_at_once_give_it_once(
        self, handset: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor

        from service.stories.talk import unfinished

        cut_at_persons(handset)
        clock.advance(hours=2)
        with ThreadPoolExecutor(2) as two:
            list(two.map(lambda _: unfinished.look_after_cut_calls(runtime), range(2)))
        assert len(to_do(runtime)) == 1


class TestSensitive:
    def test_it_is_neither_resumed_nor_told_nor_kept(
        self, handset: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        handset.dial()
        handset.press("2", "1")
        assert handset.dial().startswith("Que voulez-vous ?")
        handset.press("2")
        clock.advance(minutes=4)
        one_round(runtime)
        assert handset.inbox == []
        assert to_do(runtime) == []
        with runtime.database.read() as tx:
            assert tx.execute(select(func.count()).select_from(conversation_tables.conversation)).scalar_one() == 0

    def test_once_it_is_over_nothing_tells_what_was_pressed(self, handset: Handset, runtime: Runtime) -> None:
        handset.dial()
        last = handset.press("2", "1", "1")
        assert last == "Merci. Au revoir."
        assert handset.send_step() == last, "the network may repeat the last step"
        with runtime.database.read() as tx:
            [sealed] = tx.execute(select(conversation_tables.conversation.c.progress)).scalars()
        thread = Thread.opened(runtime, sealed)
        assert "2*1" not in thread.typed
        assert thread.screens == ['[5,"Merci. Au revoir.",false]']
        assert (thread.progress.tape, dict(thread.progress.values), thread.progress.path) == ((), {}, ("choix",))


class TestKeys:
    def test_00_leads_to_the_first_menu_and_in_a_form_says_first_what_is_lost(self, handset: Handset) -> None:
        cut_at_persons(handset)
        assert "00 Menu" in handset.screen
        asked = "Adhésion : pas fini. Si vous laissez, vos réponses sont effacées.\n1 Continuer\n2 Laisser"
        assert handset.press("00") == fold(asked)
        assert handset.press("1").startswith("Combien de personnes ?"), "nothing was lost"
        assert handset.press("7").startswith("Moussa Keita, 7 ?")
        assert handset.press("00", "2").startswith("Que voulez-vous ?")
        assert handset.press("3").startswith("Votre note ?")

    def test_before_a_form_is_agreed_to_00_asks_nothing(self, handset: Handset) -> None:
        handset.dial()
        assert handset.press("1").startswith("D'accord ?")
        assert handset.press("00").startswith("Que voulez-vous ?")


class TestKeysOfAnOperator:
    @pytest.fixture
    def settings(self, settings: Config) -> Config:
        return Config.model_validate(
            settings.model_dump() | {"handsets": "61001=140,7,8,99", "africastalking": settings.africastalking}
        )

    def test_an_operator_has_its_own_keys(self, handset: Handset) -> None:
        handset.dial()
        assert handset.press("1").endswith("8 Retour")
        assert handset.press("1").endswith("8 Retour 99 Menu")
        assert handset.press("8").startswith("D'accord ?")
        assert handset.press("99").startswith("Que voulez-vous ?")


class TestLastKeyOnly:
    """A gateway that sends what was typed last, not the whole input."""

    @pytest.fixture
    def settings(self, settings: Config) -> Config:
        assert settings.africastalking is not None
        changed = settings.africastalking.model_copy(update={"sends": "last"})
        return settings.model_copy(update={"africastalking": changed})

    @pytest.fixture
    def step(self, handset: Handset, clock: TestClock) -> Iterator[object]:
        def press(key: str, pause: float = 5) -> str:
            clock.advance(seconds=pause)
            return handset.post("ussd", handset.step_fields() | {"text": key}).text

        handset.session = "last-key"
        return press

    def test_a_whole_form_is_filled(self, step: object, handset: Handset) -> None:
        assert callable(step)
        assert step("").startswith("CON Que voulez-vous ?")
        assert step("").startswith("CON Que voulez-vous ?"), "the first request once more"
        assert step("1").startswith("CON D'accord ?")
        assert step("1").startswith("CON Votre nom ?"), "the same key again is another answer"
        assert step("Awa").startswith("CON Combien")
        assert step("").startswith("CON Un nombre"), "an empty answer"
        assert step("3").startswith("CON Awa, 3 ?")
        assert step("1") == "END C'est noté."

    def test_a_step_repeated_at_once_is_no_answer(self, step: object) -> None:
        assert callable(step)
        step("")
        assert step("1") == step("1", pause=0.2)
        assert step("1").startswith("CON Votre nom ?")


def test_a_caller_who_has_no_language_yet_is_asked_it_first_and_the_path_waits(
    handset: Handset, runtime: Runtime
) -> None:
    accueil = SMALL_LINE["accueil.yaml"].replace(
        "languages: [fr]\nreviewed: {}", "languages: [fr, en]\nreviewed: {en: true}"
    )
    accueil = accueil.replace('{fr: "', '{all: "').replace(
        "steps:\n",
        'steps:\n  - id: langue\n    menu: {all: "Langue"}\n    options:\n      fr: {all: "Français"}\n'
        '      en: {all: "English"}\n    sets_language: true\n',
    )
    others = {
        name: text.replace("languages: [fr]\nreviewed: {}", "languages: [fr, en]\nreviewed: {en: true}").replace(
            '{fr: "', '{all: "'
        )
        for name, text in SMALL_LINE.items()
    }
    publish(runtime, others | {"accueil.yaml": accueil}, whole=True)
    handset.dial()
    fields = handset.step_fields() | {"sessionId": "ATUid_new", "text": "3"}
    assert handset.post("ussd", fields).text.startswith("CON Langue")
    assert handset.post("ussd", fields | {"text": "3*1"}).text.startswith("CON Votre note ?")


def test_another_program_release_does_not_disturb_a_call_under_way(
    handset: Handset, runtime: Runtime, settings: Config, clock: TestClock
) -> None:
    """Another process, started after the publication, answers the next step of an older call."""
    cut_at_persons(handset)
    changed = SMALL_LINE["forme.yaml"].replace("Combien de personnes ?", "Combien êtes-vous ?")
    publish(runtime, {"forme.yaml": changed.replace("version: 90", "version: 91")})
    fresh = build_runtime(settings, at=clock)
    from service.channels.base import Keystroke
    from service.stories.talk import conversations

    stroke = Keystroke("africastalking", handset.session, handset.number, "*384*223#", handset.typed + "*0", "61001")
    assert conversations.reply_to(fresh, stroke).text.startswith("Votre nom ?")
    stroke = Keystroke(
        "africastalking", handset.session, handset.number, "*384*223#", handset.typed + "*0*Awa", "61001"
    )
    assert conversations.reply_to(fresh, stroke).text.startswith("Combien de personnes ?")
    fresh.database.close()
