"""The one door out: whatever Laseli says unasked is put here, and leaves by the dispatcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from flows import sms_text
from service.store import message_tables, phone_tables
from service.store.columns import vault_of

PRIORITY = {"staff": 30, "reminder": 20, "reply": 25, "talk": 25, "notice": 15, "campaign": 10}


@dataclass(frozen=True, slots=True)
class Letter:
    """What to say, to whom, and while it is useful. `klass` is 'once' or 'must-arrive' (docs/promises.md).

    `not_before` and `useful_until` are UTC milliseconds; `hours` is 'day' (only in the sending hours) or 'any'.
    """

    to: str
    text: str
    key: str
    purpose: str
    klass: str
    not_before: int
    useful_until: int
    hours: str = "day"
    priority: int | None = None
    organisation_id: int | None = None
    programme_id: int | None = None
    campaign_id: int | None = None


def put(tx: Connection, now: int, letter: Letter) -> int | None:
    """Queue one message. The same key is queued once, however often the caller asks: then None is given.

    A cancelled message is taken up again by the same key, with the new text.
    """
    return put_many(tx, now, [letter]).get(letter.key)


def put_many(tx: Connection, now: int, letters: Sequence[Letter]) -> dict[str, int]:
    """`put` for a page of letters: key -> message id of those that are queued now."""
    return message_tables.add_messages(tx, [_row(tx, now, letter) for letter in letters])


def _row(tx: Connection, now: int, letter: Letter) -> dict[str, object]:
    phone = phone_tables.ensure_phone(tx, letter.to, now)
    wire = sms_text.fold(letter.text)
    size = sms_text.measure(wire)
    return {
        "key": letter.key,
        "organisation_id": letter.organisation_id,
        "programme_id": letter.programme_id,
        "campaign_id": letter.campaign_id,
        "phone_id": phone.id,
        "number_idx": phone.number_idx,
        "text": wire,
        "batch_key": _batch_key(tx, letter, wire),
        "purpose": letter.purpose,
        "klass": letter.klass,
        "hours": letter.hours,
        "priority": PRIORITY[letter.purpose] if letter.priority is None else letter.priority,
        "encoding": size.encoding,
        "parts": size.parts,
        "state": "queued",
        "reason": None,
        "fence": 0,
        "attempts": 0,
        "resends": 0,
        "not_before": letter.not_before,
        "useful_until": letter.useful_until,
        "created_at": now,
        "state_at": now,
    }


def _batch_key(tx: Connection, letter: Letter, wire: str) -> bytes | None:
    """Equal for the messages of a campaign that say the same: one call may carry them. Others go one by one."""
    if letter.purpose != "campaign" or letter.klass != "once":
        return None
    return vault_of(tx).index("batch", str(letter.campaign_id), letter.hours, wire)
