"""F18 and F19, over HTTP: whatever is changed in a signed request is refused; the very same one again does nothing.

Every cut of the octets that a signature covers: tests/contracts/test_signatures.py makes them, and these post them.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Table, func, select
from twilio.request_validator import RequestValidator

from scheduler.timetable import TIMETABLE
from service.app import create_app
from service.config import EXIT_BAD_CONFIG, Config
from service.runtime import Runtime, build_runtime
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from tests.conftest import TWILIO_SID, TWILIO_TOKEN
from tests.contracts.recordings import Recording
from tests.contracts.test_signatures import READ, forgeries, known_part
from tests.faults.crowd import PUBLIC_URL
from tests.faults.figures import Figures
from tests.faults.letters import number
from tests.faults.sizes import size
from tests.faults.supervisor import Supervisor
from tests.people import TestClock

MOST_CUTS = size(60, 100_000)  # of each recording
REPEATS = 1000
Pairs = list[tuple[str, str]]


class Forgery(NamedTuple):
    how: str
    path: str
    pairs: Pairs
    signature: str


@pytest.fixture
def runtime(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    built = build_runtime(settings, at=clock)
    yield built
    built.database.close()


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime).test_client()


def post(client: FlaskClient, path: str, pairs: Pairs, signature: str) -> int:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    if signature:
        headers["X-Twilio-Signature"] = signature
    return client.post(path, data=urlencode(pairs).encode(), headers=headers).status_code


def sign(path: str, pairs: Pairs, url: str = PUBLIC_URL, token: str = TWILIO_TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url + path, dict(pairs)))


def rows(runtime: Runtime, table: Table) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


# --- F18 ----------------------------------------------------------------------------------------------------


def forged(recording: Recording, dice: random.Random) -> Iterator[Forgery]:
    path, pairs, signature = recording.path_and_query, list(recording.pairs), recording.signature or ""
    for place, letter in enumerate(signature):
        flipped = signature[:place] + chr(ord(letter) ^ 1) + signature[place + 1 :]
        yield Forgery("an octet of the signature flipped", path, pairs, flipped)
    for changed in _octets_flipped(pairs):
        yield Forgery("an octet of the form flipped", path, changed, signature)
    for at, (name, value) in enumerate(pairs):
        rest = pairs[:at] + pairs[at + 1 :]
        yield Forgery("a field dropped", path, rest, signature)
        yield Forgery("a field repeated", path, [*pairs, (name, value)], signature)
        yield Forgery("a field repeated, empty", path, [*pairs, (name, "")], signature)
        other_name, other = pairs[at - 1]
        if other != value:
            moved = [(one, {name: other, other_name: value}.get(one, was)) for one, was in pairs]
            yield Forgery("two values moved", path, moved, signature)
    yield Forgery("a field added", path, [*pairs, ("Zusatz", "1")], signature)
    for other_path in (path + "&a=b", path + "?a=b", path.replace("twilio", "twilio/.")):
        yield Forgery("another address", other_path, pairs, signature)
    for url in ("http://alertes.example.org", PUBLIC_URL + ":8443", "https://alertes.example.com"):
        yield Forgery("signed for another host, scheme or port", path, pairs, sign(path, pairs, url))
    if "?" in path:
        ordered, turned = path + "&a=b", path.replace("?", "?a=b&")
        yield Forgery("the query in another order", turned, pairs, sign(ordered, pairs))
    for token in ("", "another-token-of-some-length"):
        yield Forgery("signed with another token, or none", path, pairs, sign(path, pairs, token=token))
    strange = [(name, "AC" + "1" * 32 if value == TWILIO_SID else value) for name, value in pairs]
    yield Forgery("another account, signed well", path, strange, sign(path, strange))
    yield Forgery("no signature", path, pairs, "")
    for cut in _cuts(pairs, dice):
        yield Forgery("the same octets cut elsewhere", path, cut, signature)


def _octets_flipped(pairs: Pairs) -> Iterator[Pairs]:
    for at, pair in enumerate(pairs):
        for part in (0, 1):
            for place, letter in enumerate(pair[part]):
                changed = list(pair)
                changed[part] = pair[part][:place] + chr(ord(letter) ^ 1) + pair[part][place + 1 :]
                yield [*pairs[:at], (changed[0], changed[1]), *pairs[at + 1 :]]


def _cuts(pairs: Pairs, dice: random.Random) -> list[Pairs]:
    """With the very signature of the whole: only the strict reading of the form can refuse these."""
    found = [cut for cut in forgeries(pairs) if known_part(cut) != known_part(pairs)]
    return dice.sample(found, min(len(found), MOST_CUTS))


def test_whatever_is_changed_is_refused(
    runtime: Runtime, client: FlaskClient, dice: random.Random, figures: Figures, database: str
) -> None:
    answers: Counter[tuple[str, int]] = Counter()
    for recording in READ:
        for one in forged(recording, dice):
            answers[one.how, post(client, one.path, one.pairs, one.signature)] += 1
    written = sum(rows(runtime, table) for table in (inbound_event, message, opt_out, phone, unmatched_receipt))
    taken = sum(count for (_, status), count in answers.items() if status not in (400, 403, 404))
    figures.note(
        "F18",
        f"{len({how for how, _ in answers})} ways to forge each of {len(READ)} requests",
        database,
        "refused 100 % (403, or 400 where the octets are the same), rows 0",
        {"forgeries": sum(answers.values()), "taken": taken, "rows": written},
    )
    assert taken == 0, answers
    assert written == 0
    assert answers["the same octets cut elsewhere", 400] > 0, "with a signature that fits"
    for recording in READ:
        assert post(client, recording.path_and_query, list(recording.pairs), recording.signature or "") == 200


@pytest.mark.parametrize(("command", "token"), [("serve", ""), ("worker", "short")])
def test_without_a_token_nothing_starts(settings: Config, tmp_path: Path, command: str, token: str) -> None:
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("no database is opened")
    with Supervisor(settings, tmp_path) as supervisor:
        words = [sys.executable, "-m", "scheduler", command]
        child = supervisor.start(command, words, LASELI_TWILIO__AUTH_TOKEN=token)
        assert child.process.wait(60) == EXIT_BAD_CONFIG
    assert "LASELI_TWILIO__AUTH_TOKEN" in child.log.read_text()


# --- F19 ----------------------------------------------------------------------------------------------------


def sms(place: int, word: str) -> tuple[str, Pairs, str]:
    path = "/hooks/twilio/sms"
    pairs = [("AccountSid", TWILIO_SID), ("Body", word), ("From", number(1)), ("MessageSid", f"SM{place:032x}")]
    pairs.append(("To", "+15005550006"))
    return path, pairs, sign(path, pairs)


def test_a_captured_stop_sent_again_a_thousand_times_stops_once(
    runtime: Runtime, client: FlaskClient, clock: TestClock, figures: Figures, database: str
) -> None:
    """She stopped, and began again later. Whoever caught her STOP on the way sends it again and again."""
    captured = sms(1, "ARRET")
    for _ in range(REPEATS // 2):
        assert post(client, *captured) == 200
    stopped = rows(runtime, opt_out)
    clock.advance(hours=2)
    assert post(client, *sms(2, "START")) == 200
    effects = rows(runtime, message), rows(runtime, inbound_event)
    for later in ({"seconds": 1}, {"days": 30}, {"days": 400, "hours": -2, "seconds": -1}):
        clock.moment = TestClock("2026-11-20T12:00").moment
        clock.advance(**later)
        for entry in TIMETABLE:
            if entry.name != "send what is due":
                entry.run(runtime)
        for _ in range(REPEATS // 6):
            assert post(client, *captured) == 200
    figures.note(
        "F19",
        f"a signed STOP again {REPEATS} times, at once and up to 400 days later, after a START",
        database,
        "one effect",
        {"stopped at first": stopped, "stopped again": rows(runtime, opt_out)},
    )
    assert stopped == 1
    assert rows(runtime, opt_out) == 0
    assert (rows(runtime, message), rows(runtime, inbound_event)) == effects
