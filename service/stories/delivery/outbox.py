"""The one door out: whatever Laseli says unasked is put here, and leaves by the dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import NamedTuple

from sqlalchemy.engine import Connection

from flows import sms_text
from service import jobs
from service.store import message_tables, phone_tables
from service.store.columns import rules_of, vault_of
from service.store.phone_tables import Phone
from service.store.system_tables import count
from service.stories.delivery.brakes import why_refused

PRIORITY = {"staff": 30, "reminder": 20, "reply": 25, "talk": 25, "notice": 15, "campaign": 10}


class Letter(NamedTuple):
    """What to say, to whom, and while it is useful. `klass` is 'once' or 'must-arrive' (docs/promises.md).

    `not_before` and `useful_until` are UTC milliseconds; `hours` is a name that `runtime.hours.name_for` gives, or
    'any'. Without one it is held in the hours of its purpose. `phone`: its row, as who holds its household has read it
    in this transaction.
    """

    to: str
    text: str
    key: str
    purpose: str
    klass: str
    not_before: int
    useful_until: int
    hours: str = ""
    priority: int | None = None
    organisation_id: int | None = None
    programme_id: int | None = None
    campaign_id: int | None = None
    phone: Phone | None = None
    recording: str = ""  # of a call: what is played (`spoken.recording_for`); `text` says the same in an SMS


def put(tx: Connection, now: int, letter: Letter) -> int | None:
    """Queue one message. The same key is queued once, however often the caller asks: then None is given.

    None too when it will not leave: it is written down as failed (a number that nobody is to write to) or expired
    (no hour in which it may leave while it is useful), with the reason. It leaves in the next hour that its purpose
    allows. A cancelled message is taken up again by the same key, with the new text.
    """
    rows = _rows(tx, now, [letter])
    found = _add(tx, rows)
    return found.get(letter.key) if rows[0]["state"] == "queued" else None


def put_many(tx: Connection, now: int, letters: Sequence[Letter]) -> dict[str, int]:
    """`put` for a page of letters: key -> message id of those that are written down now, also as refused."""
    first: dict[str, Letter] = {}
    for letter in letters:
        first.setdefault(letter.key, letter)
    rows = _rows(tx, now, first.values())
    found = _add(tx, rows)
    jobs.wake(tx, sum(row["key"] in found and row["state"] == "queued" and _is_due(row, now) for row in rows))
    return found


def _is_due(row: dict[str, object], now: int) -> bool:
    not_before = row["not_before"]
    assert isinstance(not_before, int)
    return not_before <= now


def _add(tx: Connection, rows: list[dict[str, object]]) -> dict[str, int]:
    found = message_tables.add_messages(tx, rows)
    for state, name in (("failed", "numbers_refused"), ("expired", "messages_without_a_good_moment")):
        ended = sum(row["state"] == state and row["key"] in found for row in rows)
        if ended:
            count(tx, name, ended)
    return found


def _rows(tx: Connection, now: int, letters: Iterable[Letter]) -> list[dict[str, object]]:
    """Letters of one page mostly say the same, at the same hour: what that comes to is worked out once."""
    wired, leaves_at = cache(_wired), cache(partial(rules_of(tx).leaves_at, now=now))
    return [_row(tx, now, letter, wired(letter.text), _fate(tx, letter, leaves_at)) for letter in letters]


class _Wired(NamedTuple):
    """A text as it leaves."""

    text: str
    encoding: str
    parts: int


def _wired(text: str) -> _Wired:
    wire = sms_text.fold(text)
    size = sms_text.measure(wire)
    return _Wired(wire, size.encoding, size.parts)


def _row(tx: Connection, now: int, letter: Letter, wired: _Wired, fate: _Fate) -> dict[str, object]:
    phone = _phone_of(tx, letter, now)
    return {
        "key": letter.key,
        "organisation_id": letter.organisation_id,
        "programme_id": letter.programme_id,
        "campaign_id": letter.campaign_id,
        "phone_id": phone.id,
        "number_idx": phone.number_idx,
        "text": wired.text,
        "medium": "voice" if letter.recording else "sms",
        "recording": letter.recording or None,
        "batch_key": _batch_key(tx, letter, wired.text),
        "purpose": letter.purpose,
        "klass": letter.klass,
        "hours": letter.hours or letter.purpose,
        "priority": PRIORITY[letter.purpose] if letter.priority is None else letter.priority,
        "encoding": "voice" if letter.recording else wired.encoding,
        "parts": 1 if letter.recording else wired.parts,
        "state": fate.state,
        "reason": fate.reason,
        "fence": 0,
        "attempts": 0,
        "resends": 0,
        "not_before": fate.not_before,
        "useful_until": letter.useful_until,
        "created_at": now,
        "state_at": now,
    }


def _phone_of(tx: Connection, letter: Letter, now: int) -> Phone:
    """While numbers move to another key, what was read of one before is not relied upon: it is asked for and held."""
    if letter.phone is not None and not vault_of(tx).rotates_index:
        return letter.phone
    return phone_tables.ensure_phone(tx, letter.to, now)


def _batch_key(tx: Connection, letter: Letter, wire: str) -> bytes | None:
    """Equal for the messages of a campaign that say the same: one call may carry them. Others go one by one."""
    if letter.purpose != "campaign" or letter.klass != "once" or letter.recording:
        return None
    return vault_of(tx).index("batch", str(letter.campaign_id), letter.hours or letter.purpose, wire)


class _Fate(NamedTuple):
    state: str
    reason: str | None
    not_before: int


def _fate(tx: Connection, letter: Letter, leaves_at: Callable[[str, int, int], int | None]) -> _Fate:
    """Whether a letter waits to leave, and from when on."""
    refused = why_refused(rules_of(tx), letter.to)
    if refused is not None:
        return _Fate("failed", refused, letter.not_before)
    moment = leaves_at(letter.hours or letter.purpose, letter.not_before, letter.useful_until)
    if moment is None:
        return _Fate("expired", "no hour in which it may leave while it is useful", letter.not_before)
    return _Fate("queued", None, moment)
