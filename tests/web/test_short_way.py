"""A keystroke by the short way and by the framework's: nobody can tell which it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from service.app import create_app
from service.runtime import Runtime
from service.store.conversation_tables import conversation
from service.stories.talk.threads import SEALED_AS
from tests.conftest import HOOK_SECRET
from tests.web.test_webhooks import STEP, nothing_written

ADDRESS = f"/hooks/africastalking/ussd/{HOOK_SECRET}"
CHUNKED = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


def send(app: Flask, fields: Mapping[str, str], environ: Mapping[str, Any] | None = None) -> tuple[int, str, bytes]:
    answer = app.test_client().post(ADDRESS, data=fields, environ_overrides=environ)
    return answer.status_code, answer.headers["Content-Type"], answer.data


def test_both_ways_give_the_same_answers(app: Flask) -> None:
    long_way: list[str] = []
    app.before_request(lambda: long_way.append(request.headers.get("Transfer-Encoding", "announced")))

    def call(session: str, phone: str, environ: Mapping[str, Any] | None = None) -> list[tuple[int, str, bytes]]:
        said = {"sessionId": session, "phoneNumber": phone}
        return [send(app, STEP | said | {"text": text}, environ) for text in ("", "1", "1*1", "1", "1*1*é&=+%2A")]

    short = call("ATUid_1", "+22370000001")
    assert long_way == []
    assert short == call("ATUid_2", "+22370000002", CHUNKED)
    assert long_way == ["chunked"] * 5
    assert [status for status, _, _ in short] == [200] * 5
    assert short[1] == short[3] != short[2], "an older step gets its own screen"


def test_what_is_refused_is_told_by_the_framework(app: Flask, runtime: Runtime) -> None:
    nobody = STEP | {"phoneNumber": "+223 1"}
    assert send(app, nobody) == send(app, nobody, CHUNKED)
    assert send(app, nobody)[0] == 400
    assert send(app, STEP, {"CONTENT_LENGTH": "400"})[0] == 400, "it ended too early"
    assert send(app, STEP | {"text": "1" * 17_000})[0] == 413
    assert nothing_written(runtime)


@pytest.mark.parametrize(
    ("trouble", "status"), [(OperationalError("SELECT", {}, Exception("disk full")), 503), (ValueError("a bug"), 500)]
)
def test_what_went_wrong_is_tried_once_and_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch, trouble: Exception, status: int
) -> None:
    tried = []

    def broken(*_: object) -> None:
        tried.append(1)
        raise trouble

    monkeypatch.setattr("service.stories.talk.conversations.reply_to", broken)
    assert send(app, STEP)[0] == status
    assert tried == [1]


def test_a_call_goes_on_that_began_before_the_program_was_renewed(app: Flask, runtime: Runtime) -> None:
    """Its screens stood inside the line of what else is kept."""
    screens = [send(app, STEP | {"text": text})[2] for text in ("", "1")]
    with runtime.database.begin() as tx:
        [sealed] = tx.execute(select(conversation.c.progress)).scalars()
        progress, rest, *lines = runtime.vault.open(SEALED_AS, sealed).split("\n")
        typed, others = rest[1:-1].split(",", 1)
        before = f"{progress}\n[{typed},[{','.join(lines)}],{others}]"
        tx.execute(update(conversation).values(progress=runtime.vault.seal(SEALED_AS, before)))
    further = [send(app, STEP | {"text": text})[2] for text in ("", "1", "1*1", "1")]
    assert further[:2] == screens
    assert further[3] == screens[1] != further[2]
