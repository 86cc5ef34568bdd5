"""The simulator's own file: phones, their SMS, and what the product has still to be told.

Every method is one transaction, on the disk before it returns. Times are UTC milliseconds, given by the caller.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from service.simulator.state_tables import TABLES

VERSION = 1

# SMS are shown in the order in which they reached the phone, whatever the demonstration's clock said meanwhile.
ARRIVE = "UPDATE sms SET at = ?, arrival = (SELECT coalesce(max(arrival), 0) + 1 FROM sms) "

RECEIVED = "number = ? AND is_received AND arrival IS NOT NULL"

ScreenKind = Literal["idle", "more", "last", "problem", "hint", "call"]
INVENTED = re.compile(r"\+223[67]000[0-9]{4}")  # nobody has such a number


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone and where its call stands. `text` is all that was answered, joined with '*'."""

    id: int
    number: str
    is_shown: bool
    is_on: bool
    session_id: str
    is_calling: bool
    text: str
    hops: int
    dialled_at: int
    screen: str
    screen_kind: ScreenKind


@dataclass(frozen=True, slots=True)
class Sms:
    """A short message on a phone: received from `other`, or sent to it."""

    message_id: str
    number: str
    other: str
    text: str
    at: int
    is_received: bool


@dataclass(frozen=True, slots=True)
class Callback:
    """Something the product is to be told: one form for one of its hooks."""

    id: int
    event: str
    form: dict[str, str]
    tries: int


class OpenCall(NamedTuple):
    """A call that a phone took and that goes on: its form, where a key is told, and what will tell of its end."""

    number: str
    form: dict[str, str]
    asks_at: str
    callback_id: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A number that got SMS and is not on the page."""

    number: str
    received: int
    waiting: int


PHONE_COLUMNS = ", ".join(Phone.__slots__)


class State:
    """The file, created on start. One connection, one at a time: a demonstration's traffic is small."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._turn = threading.RLock()
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=15)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # An SMS we said we took must survive a power cut: FULL syncs the log at every commit.
        self._db.execute("PRAGMA synchronous = FULL")
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found not in (0, VERSION):
            self._db.close()
            raise RuntimeError(f"{file} was written by another version of the simulator ({found}): move it away")
        self._db.executescript(TABLES)
        self._db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        with self._turn:
            self._db.close()

    @contextmanager
    def _begin(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._turn:
            return self._db.execute(query, values).fetchall()

    # Phones

    def phones(self) -> list[Phone]:
        """The phones of the page, in the order they came."""
        rows = self._rows(f"SELECT {PHONE_COLUMNS} FROM phone WHERE is_shown ORDER BY id")  # noqa: S608
        return [_phone(row) for row in rows]

    def phone(self, phone_id: int) -> Phone | None:
        rows = self._rows(f"SELECT {PHONE_COLUMNS} FROM phone WHERE id = ? AND is_shown", phone_id)  # noqa: S608
        return _phone(rows[0]) if rows else None

    def show_phone(self, number: str) -> None:
        """Put a phone on the page; the same number twice is one phone."""
        with self._begin() as tx:
            tx.execute(
                "INSERT INTO phone (number) VALUES (?) ON CONFLICT (number) DO UPDATE SET is_shown = 1", (number,)
            )

    def hide_phone(self, phone_id: int) -> None:
        """Take a phone off the page. Its SMS stay, and so does its being on or off."""
        with self._begin() as tx:
            tx.execute("UPDATE phone SET is_shown = 0 WHERE id = ?", (phone_id,))

    def change_phone(self, phone_id: int, **values: object) -> None:
        with self._begin() as tx:
            names = ", ".join(f"{name} = ?" for name in values)
            tx.execute(f"UPDATE phone SET {names} WHERE id = ?", (*values.values(), phone_id))  # noqa: S608

    def end_call(self, phone_id: int, form: Mapping[str, str], due_at: int) -> bool:
        """Close an open call and note its end for the product; False when it was closed already."""
        with self._begin() as tx:
            closed = tx.execute("UPDATE phone SET is_calling = 0 WHERE id = ? AND is_calling", (phone_id,)).rowcount
            if closed:
                _add_callback(tx, "ussd-end", form, due_at)
        return bool(closed)

    # SMS

    def take_sms(self, sms: Sms, receipts: Mapping[bool, Mapping[str, str]], due_at: int) -> None:
        """Keep an SMS of the product and the receipt it earns: `receipts[True]` if the phone is on, else the other.

        A number that nobody put on the page counts as on.
        """
        with self._begin() as tx:
            found = tx.execute("SELECT is_on FROM phone WHERE number = ?", (sms.number,)).fetchone()
            is_on = found is None or bool(found["is_on"])
            _add_sms(tx, sms, is_waiting=not is_on)
            _add_callback(tx, "receipt", receipts[is_on], due_at)

    def is_on(self, number: str) -> bool:
        """Whether this phone can be rung. A number that nobody put on the page counts as on."""
        rows = self._rows("SELECT is_on FROM phone WHERE number = ?", number)
        return not rows or bool(rows[0]["is_on"])

    def take_call(self, heard: Sms | None, end: Mapping[str, str], due_at: int) -> int:
        """Keep what a phone heard in a call, if it took it, and the end of the call for the product; gives its id."""
        with self._begin() as tx:
            if heard is not None:
                _add_sms(tx, heard, is_waiting=False)
            return _add_callback(tx, "voice", end, due_at).id

    def hear_more(self, heard: Sms) -> None:
        with self._begin() as tx:
            _add_sms(tx, heard, is_waiting=False)

    def keep_open(self, call: OpenCall, words: str, until: int) -> None:
        """The call goes on until then, on a phone of the page that is in no other; elsewhere it ends as it would."""
        shown = "number = ? AND is_shown AND is_on AND NOT is_calling"
        with self._begin() as tx:
            on = f"UPDATE phone SET screen = ?, screen_kind = 'call', session_id = '' WHERE {shown}"  # noqa: S608
            if tx.execute(on, (words, call.number)).rowcount:
                row = (call.number, json.dumps(call.form), call.asks_at, call.callback_id)
                tx.execute("INSERT OR REPLACE INTO open_call VALUES (?, ?, ?, ?)", row)
                tx.execute("UPDATE callback SET next_at = ? WHERE id = ? AND tries = 0", (until, call.callback_id))

    def open_call(self, number: str) -> OpenCall | None:
        """The call that goes on there: its end was not told yet."""
        query = "SELECT o.* FROM open_call o JOIN callback c ON c.id = o.callback_id WHERE o.number = ? AND c.tries = 0"
        rows = self._rows(query, number)
        return (
            OpenCall(number, json.loads(rows[0]["form"]), rows[0]["asks_at"], rows[0]["callback_id"]) if rows else None
        )

    def end_open_call(self, number: str, now: int) -> bool:
        """Its end is to be told now; False when none went on."""
        call = self.open_call(number)
        with self._begin() as tx:
            tx.execute("DELETE FROM open_call WHERE number = ?", (number,))
            idle = "UPDATE phone SET screen = '', screen_kind = 'idle' WHERE number = ? AND screen_kind = 'call'"
            tx.execute(idle, (number,))
            if call is not None:
                tx.execute("UPDATE callback SET next_at = ? WHERE id = ? AND tries = 0", (now, call.callback_id))
        return call is not None

    def send_sms(self, sms: Sms, form: Mapping[str, str], due_at: int) -> Callback:
        """Keep an SMS that a phone wrote. The callback is the caller's to try first; it is due again at `due_at`."""
        with self._begin() as tx:
            _add_sms(tx, sms, is_waiting=False)
            return _add_callback(tx, "sms-in", form, due_at, tries=1)

    def switch(self, phone_id: int, is_on: bool, now: int, due_at: int, receipt: Mapping[str, str]) -> None:
        """Turn a phone on or off. Turned on, it gets what waited, and each of these a receipt made from `receipt`."""
        with self._begin() as tx:
            tx.execute("UPDATE phone SET is_on = ? WHERE id = ?", (is_on, phone_id))
            if not is_on:
                return
            waiting = tx.execute(
                "SELECT s.message_id, s.number FROM sms s JOIN phone p ON p.number = s.number"
                " WHERE p.id = ? AND s.arrival IS NULL ORDER BY s.id",
                (phone_id,),
            ).fetchall()
            for row in waiting:
                tx.execute(ARRIVE + "WHERE message_id = ?", (now, row["message_id"]))
                _add_callback(tx, "receipt", {**receipt, "id": row["message_id"], "phoneNumber": row["number"]}, due_at)

    def inbox(self, number: str, limit: int) -> list[Sms]:
        """What arrived on this number and what it wrote, newest first."""
        rows = self._rows(
            "SELECT message_id, number, other, text, at, is_received FROM sms"
            " WHERE number = ? AND arrival IS NOT NULL ORDER BY arrival DESC LIMIT ?",
            number,
            limit,
        )
        return [Sms(**{**dict(row), "is_received": bool(row["is_received"])}) for row in rows]

    def received(self, number: str) -> list[str]:
        """The texts that arrived on this number, newest first."""
        rows = self._rows(f"SELECT text FROM sms WHERE {RECEIVED} ORDER BY arrival DESC", number)  # noqa: S608
        return [str(row["text"]) for row in rows]

    def answers(self, number: str) -> list[str]:
        """The texts that arrived since this number wrote last, oldest first."""
        wrote = "coalesce((SELECT max(arrival) FROM sms WHERE number = ? AND NOT is_received), 0)"
        query = f"SELECT text FROM sms WHERE {RECEIVED} AND arrival > {wrote} ORDER BY arrival"  # noqa: S608
        return [str(row["text"]) for row in self._rows(query, number, number)]

    def last_sent(self, number: str) -> Sms | None:
        """The SMS that this number wrote last."""
        rows = self._rows(
            "SELECT message_id, number, other, text, at FROM sms WHERE number = ? AND NOT is_received"
            " ORDER BY id DESC LIMIT 1",
            number,
        )
        return Sms(**dict(rows[0]), is_received=False) if rows else None

    def count_sms(self, number: str) -> tuple[int, int]:
        """How many are on the phone, and how many wait for it to be turned on."""
        row = self._rows(
            "SELECT count(arrival), count(*) - count(arrival) FROM sms WHERE number = ?",
            number,
        )[0]
        return int(row[0]), int(row[1])

    def elsewhere(self, limit: int) -> list[Elsewhere]:
        """Numbers that got SMS without being on the page, latest first."""
        rows = self._rows(
            "SELECT number, count(arrival), count(*) - count(arrival) FROM sms"
            " WHERE number NOT IN (SELECT number FROM phone WHERE is_shown)"
            " GROUP BY number ORDER BY max(id) DESC LIMIT ?",
            limit,
        )
        return [Elsewhere(row[0], int(row[1]), int(row[2])) for row in rows]

    def knows(self, number: str) -> bool:
        return bool(self._rows("SELECT 1 FROM sms WHERE number = ? LIMIT 1", number))

    # What the product is to be told

    def claim_callback(self, now: int, until: int) -> Callback | None:
        """The next one that is due. It is nobody else's before `until`, and due again then unless it was settled."""
        with self._begin() as tx:
            row = tx.execute(
                "UPDATE callback SET next_at = ?, tries = tries + 1 WHERE id ="
                " (SELECT id FROM callback WHERE next_at <= ? ORDER BY next_at, id LIMIT 1)"
                " RETURNING id, event, form, tries",
                (until, now),
            ).fetchall()
        return Callback(row[0]["id"], row[0]["event"], json.loads(row[0]["form"]), row[0]["tries"]) if row else None

    def callback_done(self, callback_id: int) -> None:
        with self._begin() as tx:
            tx.execute("DELETE FROM callback WHERE id = ?", (callback_id,))

    def callback_later(self, callback_id: int, next_at: int | None) -> None:
        """Try again then; None gives up for good and keeps the row for whoever looks into the file."""
        with self._begin() as tx:
            tx.execute("UPDATE callback SET next_at = ? WHERE id = ?", (next_at, callback_id))

    def next_callback_at(self) -> int | None:
        found = self._rows("SELECT min(next_at) FROM callback")[0][0]
        return None if found is None else int(found)

    def untold(self) -> tuple[int, int]:
        """How many were refused at least once and will be tried again, and how many were given up."""
        row = self._rows(
            "SELECT count(*) FILTER (WHERE tries > 0 AND next_at IS NOT NULL),"
            " count(*) FILTER (WHERE next_at IS NULL) FROM callback"
        )[0]
        return int(row[0]), int(row[1])

    # Small things to remember

    def setting(self, name: str) -> Any:
        rows = self._rows("SELECT value FROM setting WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def remember(self, name: str, value: Any) -> None:
        with self._begin() as tx:
            tx.execute(
                "INSERT INTO setting (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, json.dumps(value)),
            )


def first_free(taken: Iterable[str], prefix: str = "+22370000", digits: int = 3) -> str:
    """The first invented number nobody has: +22370000001, +22370000002 ..."""
    held = set(taken)
    return next(number for n in range(1, 10**digits) if (number := f"{prefix}{n:0{digits}d}") not in held)


def _phone(row: sqlite3.Row) -> Phone:
    values = dict(row)
    for name in ("is_shown", "is_on", "is_calling"):
        values[name] = bool(values[name])
    return Phone(**values)


def _add_sms(tx: sqlite3.Connection, sms: Sms, *, is_waiting: bool) -> None:
    tx.execute(
        "INSERT INTO sms (message_id, number, other, text, at, is_received, arrival) VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (sms.message_id, sms.number, sms.other, sms.text, sms.at, sms.is_received),
    )
    if not is_waiting:
        tx.execute(ARRIVE + "WHERE message_id = ?", (sms.at, sms.message_id))


def _add_callback(tx: sqlite3.Connection, event: str, form: Mapping[str, str], due_at: int, tries: int = 0) -> Callback:
    added = tx.execute(
        "INSERT INTO callback (event, form, tries, next_at) VALUES (?, ?, ?, ?)",
        (event, json.dumps(dict(form)), tries, due_at),
    )
    assert added.lastrowid is not None
    return Callback(added.lastrowid, event, dict(form), tries)
