"""`laseli outbox ...` as typed at a terminal: it asks before it sends, and names nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from scheduler.__main__ import main
from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message
from service.stories.delivery import dispatch_gate
from service.stories.delivery.outbox import Letter, put
from tests.backups import environment

DAY = 86_400_000
"""Whatever the hour at which these run: at night a notice waits for the morning."""
NUMBER, TEXT = "+22370000001", "Zanzibar"


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sends logs to the standard error of its run, which is gone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    built = build_runtime(settings, at=SystemClock())
    yield built
    built.database.close()


def outbox(runtime: Runtime, *words: object, typed: str = "") -> Result:
    result = CliRunner().invoke(main, ["outbox", *map(str, words)], input=typed, env=environment(runtime.config))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "70000001" not in result.output
    return result


def queue(runtime: Runtime, key: str = "k1", state: str = "queued") -> int:
    now = runtime.now()
    with runtime.database.begin() as tx:
        id = put(tx, now, Letter(NUMBER, TEXT, key, "notice", "once", now, now + DAY))
        tx.execute(update(message).where(message.c.key == key).values(state=state))
    return id or 0


def state(runtime: Runtime, key: str = "k1") -> str:
    with runtime.database.read() as tx:
        return str(tx.execute(select(message.c.state).where(message.c.key == key)).scalar_one())


def test_what_waits_is_counted_and_each_is_shown_when_asked_for(runtime: Runtime) -> None:
    message_id = queue(runtime)
    queue(runtime, "k2", "unknown")
    counted = outbox(runtime, "list").output
    assert "1  queued       notice" in counted
    assert str(message_id) not in counted
    listed = outbox(runtime, "list", "--state", "queued").output
    assert f"{message_id}  +223••••••01  queued since" in listed
    found = json.loads(outbox(runtime, "list", "--purpose", "notice", "--json").output)
    assert {one["state"] for one in found["messages"]} == {"queued", "unknown"}
    assert found["messages"][0]["to"] == "+223••••••01"
    assert json.loads(outbox(runtime, "list", "--older", "6h", "--json").output) == {"counts": [], "messages": []}


def test_its_words_are_for_eyes_that_ask(runtime: Runtime) -> None:
    message_id = queue(runtime, state="failed")
    for words in (["show", message_id], ["show", message_id, "--json"]):
        assert TEXT not in outbox(runtime, *words).output
        assert TEXT in outbox(runtime, *words, "--text").output
    assert "may be sent again" in outbox(runtime, "show", message_id).output
    assert "there is no message 7" in outbox(runtime, "show", 7).output


def test_again_only_when_a_person_says_yes(runtime: Runtime) -> None:
    message_id = queue(runtime, state="unknown")
    looked = outbox(runtime, "retry", message_id, "--by", "Awa", "--dry-run")
    assert "may have arrived" in looked.output
    assert "dry run" in looked.output
    assert outbox(runtime, "retry", message_id, "--by", "Awa", typed="n\n").exit_code == 1
    assert state(runtime) == "unknown"
    assert outbox(runtime, "retry", message_id, typed="y\n").exit_code == 2, "without a name nobody decides"
    done = outbox(runtime, "retry", "--state", "unknown", "--by", "Awa", typed="y\n")
    assert "Send 1 messages (1 parts) again?" in done.output
    assert state(runtime) == "queued"
    assert "retry by Awa" in outbox(runtime, "show", message_id).output
    assert "say which" in outbox(runtime, "retry", "--by", "Awa").output


def test_dropped(runtime: Runtime) -> None:
    message_id = queue(runtime)
    assert "dry run" in outbox(runtime, "drop", message_id, "--by", "Awa", "--why", "wrong text", "--dry-run").output
    assert state(runtime) == "queued"
    outbox(runtime, "drop", message_id, "--by", "Awa", "--why", "wrong text", "--yes")
    assert state(runtime) == "cancelled"
    assert "dropped by Awa: wrong text" in outbox(runtime, "list", "--state", "cancelled").output


def test_the_gate_is_opened_with_open_eyes(runtime: Runtime) -> None:
    queue(runtime)
    assert "Nothing is held back" in outbox(runtime, "release", "--by", "Awa").output
    outbox(runtime, "hold", "--by", "Awa", "--why", "the ministry asked")
    looked = outbox(runtime, "release", "--by", "Moussa", "--dry-run").output
    assert "Awa: the ministry asked" in looked
    assert "1  notice     1 parts, about " in looked
    assert outbox(runtime, "release", "--by", "Moussa", typed="n\n").exit_code == 1
    with runtime.database.read() as tx:
        assert dispatch_gate.closed(tx)
    assert "Released." in outbox(runtime, "release", "--by", "Moussa", "--yes").output
    with runtime.database.read() as tx:
        assert not dispatch_gate.closed(tx)


def test_after_a_restore_it_says_what_is_missing(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "restored", "the backup of then", runtime.now())
        dispatch_gate.close(tx, "clock", "it jumped", runtime.now())
    said = outbox(runtime, "release", "--by", "Awa", "--reason", "restored", "--yes").output
    assert "a STOP among it" in said
    assert "Still closed: clock." in said


def test_what_moved_to_another_database_is_not_released_by_the_way(runtime: Runtime) -> None:
    """The doctor once said to release it: both databases would have sent."""
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, dispatch_gate.MOVED, "this file was moved", runtime.now())
    said = outbox(runtime, "release", "--by", "Awa", "--yes")
    assert said.exit_code == 1
    assert "set LASELI_DATABASE_URL to it" in said.output
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "person", "Awa: a wrong text", runtime.now())
    assert "Still closed: moved." in outbox(runtime, "release", "--by", "Awa", "--yes").output
    assert "Released.\n" in outbox(runtime, "release", "--by", "Awa", "--reason", "moved", "--yes").output
