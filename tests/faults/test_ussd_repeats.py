"""F15: networks repeat, double, mix up and shorten USSD steps: one effect, the same answer, each phone its own call.

A machine of callers plays at random; its model knows which answer each step got. `settings` and `clock` are a test's.
"""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from flows.sms_text import fold
from service.app import create_app
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.columns import metadata
from service.store.system_tables import counters
from tests.conftest import HOOK_SECRET
from tests.faults.figures import Figures
from tests.faults.sizes import SEED, size
from tests.people import TestClock

EXAMPLES, STEPS = size((12, 25), (150, 40))
PHONES = st.integers(1, 3)
KEYS = ["1", "2", "3", "9", "0", "00", "Awa", "12102026", "1" * 182, "ɛ*ɔ", " "]
ADDRESS = f"/hooks/africastalking/ussd/{HOOK_SECRET}"
# What a step may write besides the call itself and our counters.
NO_EFFECT = {"conversation", "counter", "marker", "lease", "inbound_event", "flow_version"}
EFFECTS = [table.name for table in metadata.sorted_tables if table.name not in NO_EFFECT]

pytestmark = pytest.mark.slow


class Call:
    """One phone on one session, and the answer that each of its texts got."""

    def __init__(self, session: str, phone: str) -> None:
        self.session, self.phone = session, phone
        self.texts: list[str] = []
        self.answers: list[str] = []

    @property
    def open(self) -> bool:
        return bool(self.answers) and self.answers[-1].startswith("CON")

    def form(self, typed: str) -> dict[str, str]:
        form = {"sessionId": self.session, "phoneNumber": self.phone, "networkCode": "61001"}
        return form | {"serviceCode": "*384*223#", "text": typed}

    def after(self, key: str) -> str:
        return f"{self.texts[-1]}*{key}" if self.texts[-1] else key

    def keep(self, typed: str, answer: str) -> None:
        self.texts.append(typed)
        self.answers.append(answer)


class Line:
    """The product's web application on one database, and what it holds."""

    def __init__(self, runtime: Runtime, clock: TestClock) -> None:
        self.runtime, self.clock = runtime, clock
        self.app = create_app(runtime)
        self.sessions, self.plays = itertools.count(1), itertools.count(1)
        self.done: dict[str, int] = dict.fromkeys(("steps", "repeats", "twins", "other phones", "children"), 0)

    def post(self, form: dict[str, str]) -> str:
        client: FlaskClient = self.app.test_client()
        answer = client.post(ADDRESS, data=form)
        assert answer.status_code == 200, answer.text
        return answer.text

    def at_once(self, form: dict[str, str], times: int) -> set[str]:
        gate, answers = threading.Barrier(times), []

        def post() -> None:
            gate.wait()
            answers.append(self.post(form))

        threads = [threading.Thread(target=post) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == times
        return set(answers)

    def effects(self) -> dict[str, list[Any]]:
        with self.runtime.database.read() as tx:
            return {name: sorted(map(repr, tx.execute(text(f'SELECT * FROM "{name}"')))) for name in EFFECTS}

    def count(self, name: str) -> int:
        with self.runtime.database.read() as tx:
            return counters(tx).get(name, 0)


class Callers(RuleBasedStateMachine):
    line: Line

    @initialize()
    def nobody_calls(self) -> None:
        """Each play has phones of its own: what one of them hears must not hang on what an earlier play did."""
        self.play = next(self.line.plays)
        self.line.clock.advance(days=2)  # nothing of the play before is taken up again
        self.calls: list[Call] = []

    def _open(self) -> list[Call]:
        return [call for call in self.calls if call.open]

    def _phone(self, place: int) -> str:
        return f"+2237{self.play:06d}{place}"

    def _begin(self, session: str, phone: str) -> Call:
        call = Call(session, phone)
        call.keep("", self.line.post(call.form("")))
        self.calls.append(call)
        self.line.done["steps"] += 1
        return call

    def _press(self, call: Call, key: str) -> str:
        typed = call.after(key)
        call.keep(typed, self.line.post(call.form(typed)))
        self.line.done["steps"] += 1
        return call.answers[-1]

    # -- what people do

    @rule(phone=PHONES)
    def dial(self, phone: int) -> None:
        self._begin(f"ATUid_{next(self.line.sessions)}", self._phone(phone))

    @precondition(lambda self: self._open())
    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def press(self, data: st.DataObject, key: str) -> None:
        self._press(data.draw(st.sampled_from(self._open())), key)

    @rule(phone=PHONES, times=st.integers(1, 4))
    def enrol_and_confirm_at_once(self, phone: int, times: int) -> None:
        call = self._begin(f"ATUid_{next(self.line.sessions)}", self._phone(phone))
        if "Continuer" in call.answers[-1]:
            self._press(call, "2")
        for label in ("Mon enfant", "Inscrire un enfant", "Oui"):
            self._choose(call, label)
        for key in ("Awa", f"{self.line.clock.here - timedelta(days=39):%d%m%Y}", "1"):
            self._press(call, key)
        self._choose(call, "Darsalam")
        self._press(call, "1")
        before = self._children()
        answers = self.line.at_once(call.form(typed := call.after("1")), times)
        assert len(answers) == 1, answers
        call.keep(typed, answers.pop())
        assert re.match("(CON|END) Code", call.answers[-1]), call.answers
        assert self._children() == before + 1
        self.line.done["twins"] += times - 1

    def _children(self) -> int:
        return len(self.line.effects()["child"])

    def _choose(self, call: Call, label: str) -> None:
        for _ in range(9):
            found = re.search(rf"^(?:CON )?(\d+)[ .)] ?{re.escape(fold(label))}", call.answers[-1], re.MULTILINE)
            if found or not call.open:
                self._press(call, found.group(1) if found else "1")
                return
            self._press(call, "9")

    # -- what networks do

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), times=st.integers(1, 3))
    def repeat_the_last_step(self, data: st.DataObject, times: int) -> None:
        call = data.draw(st.sampled_from(self.calls))
        before = self.line.effects()
        for _ in range(times):
            assert self.line.post(call.form(call.texts[-1])) == call.answers[-1]
        assert self.line.effects() == before
        self.line.done["repeats"] += times

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def repeat_an_older_step(self, data: st.DataObject) -> None:
        """While the call goes on it gets its own answer again; of a call that is over only the last screen is kept."""
        call = data.draw(st.sampled_from(self.calls))
        at = data.draw(st.integers(0, len(call.texts) - 1))
        before = self.line.effects()
        answer = self.line.post(call.form(call.texts[at]))
        assert answer in (call.answers[at], call.answers[-1])
        assert self.line.effects() == before
        assert self.line.post(call.form(call.texts[-1])) == call.answers[-1]
        self.line.done["repeats"] += 2

    @precondition(lambda self: self._open())
    @rule(data=st.data(), key=st.sampled_from(KEYS), times=st.integers(2, 4))
    def the_same_step_at_once(self, data: st.DataObject, key: str, times: int) -> None:
        call = data.draw(st.sampled_from(self._open()))
        typed, children = call.after(key), self._children()
        answers = self.line.at_once(call.form(typed), times)
        assert len(answers) == 1, answers
        call.keep(typed, answers.pop())
        assert self._children() <= children + 1
        self.line.done["twins"] += times

    @rule(phone=PHONES, times=st.integers(2, 4))
    def the_first_step_at_once(self, phone: int, times: int) -> None:
        call = Call(f"ATUid_{next(self.line.sessions)}", self._phone(phone))
        answers = self.line.at_once(call.form(""), times)
        assert len(answers) == 1, answers
        call.keep("", answers.pop())
        self.calls.append(call)

    @precondition(lambda self: self._open())
    @rule(data=st.data(), phone=PHONES)
    def another_phone_comes_up_in_the_session(self, data: st.DataObject, phone: int) -> None:
        call = data.draw(st.sampled_from(self._open()))
        others = {one.phone for one in self.calls if one.session == call.session}
        if self._phone(phone) in others:
            return
        alarms = self.line.count("ussd_other_phone_in_session")
        other = self._begin(call.session, self._phone(phone))
        assert other.answers[-1] != call.answers[-1] or call.answers[-1] == call.answers[0]
        assert self.line.count("ussd_other_phone_in_session") == alarms + 1
        assert self.line.post(call.form(call.texts[-1])) == call.answers[-1], "the first is untouched"
        self.line.done["other phones"] += 1

    @precondition(lambda self: self._open())
    @rule(data=st.data())
    def a_text_that_does_not_go_on_from_the_last(self, data: st.DataObject) -> None:
        """Cut short in the middle of an answer, or another answer in the place of one that was given."""
        call = data.draw(st.sampled_from(self._open()))
        typed = call.texts[-1]
        wrong = data.draw(st.sampled_from([typed[:-1] + "#", typed[: len(typed) // 2] + "#", "#" + typed]))
        if any(known.startswith(wrong) for known in call.texts) or not typed:
            return
        before = self.line.effects()
        assert self.line.post(call.form(wrong)) in call.answers
        assert self.line.effects() == before
        assert self.line.post(call.form(typed)) == call.answers[-1]

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def the_id_is_given_out_again_the_next_day(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.calls))
        self.line.clock.advance(days=1, minutes=1)
        self.calls = []
        fresh = self._begin(call.session, call.phone)
        assert fresh.open
        assert self.line.post(fresh.form("")) == fresh.answers[-1]

    def teardown(self) -> None:
        self.line.done["children"] = self._children()


@pytest.fixture
def runtime(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    built = build_runtime(settings.model_copy(update={"languages": ("fr",)}), at=clock)
    yield built
    built.database.close()


def test_whatever_the_network_repeats_has_one_effect(
    runtime: Runtime, clock: TestClock, dice: random.Random, figures: Figures, database: str
) -> None:
    line = Line(runtime, clock)
    machine = seed(SEED)(type("TheseCallers", (Callers,), {"line": line}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    figures.note(
        "F15",
        f"{EXAMPLES} plays of up to {STEPS} calls, keys and faults of the network",
        database,
        "one effect; the same answer again; another phone its own call, and counted",
        line.done,
    )
    assert line.done["children"] > 0
