"""What a backup says of itself, whether it may be restored somewhere, and which old ones are thrown away.

The first line of what is sealed is the header, as JSON; the database follows. Whoever has the private key reads it
without us: `age -d -i KEY FILE | head -n 1`.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

FORMAT = 1
LONGEST_HEADER = 65_536
ALWAYS_KEPT = 3
"""However old: a clock that jumped ahead must not throw the last backups away."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = re.compile(r"([1-9]\d{0,4})([mhd])")
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_VERSION = re.compile(r"[0-9A-Za-z.+!-]{1,40}")
_MIGRATION = re.compile(r"[0-9]{1,4}")
_KIND = re.compile("|".join(_KINDS))
_TABLE = re.compile(r"[a-z0-9_]{1,63}")
_KEY = re.compile(r"(?:identity|index) [0-9]{1,9}")
_MARK = re.compile(r"[0-9a-z]{1,32}")
_LAST_MOMENT = 253_402_300_799_999
"""The end of the year 9999."""


class NotOurs(Exception):
    """What was opened is no backup of Laseli, or one of a form that this version does not know."""


class Header(NamedTuple):
    """`keys`: a fingerprint of every key that it needs, by name ("identity 1"); no key can be read from it."""

    laseli: str
    migration: str
    made_at: int
    kind: str  # sqlite, postgresql
    server: int  # PostgreSQL's version, 0 for SQLite
    rows: Mapping[str, int]
    keys: Mapping[str, str]

    def line(self) -> bytes:
        said = {"laseli-backup": FORMAT, "made": written(self.made_at), **self._asdict()}
        return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


class Here(NamedTuple):
    """What a backup would be restored into. `server` is 0 where it does not matter or is not known."""

    migration: str
    kind: str
    server: int
    keys: Mapping[str, str]


def read_header(line: bytes) -> Header:
    """The header in this line; raises NotOurs."""
    try:
        said = json.loads(line)
        if not isinstance(said, dict) or "laseli-backup" not in said:
            raise NotOurs("it opens, but it is no backup of Laseli")
        if said["laseli-backup"] != FORMAT:
            raise NotOurs("a newer Laseli made it: restore it with that version")
        return Header(
            laseli=_word(said["laseli"], _VERSION),
            migration=_word(said["migration"], _MIGRATION),
            made_at=_number(said["made_at"], _LAST_MOMENT),
            kind=_word(said["kind"], _KIND),
            server=_number(said["server"], 999),
            rows={_word(table, _TABLE): _number(number, 2**63) for table, number in said["rows"].items()},
            keys={_word(name, _KEY): _word(mark, _MARK) for name, mark in said["keys"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotOurs("it opens, but it is no backup of Laseli") from None


def _word(found: object, form: re.Pattern[str]) -> str:
    """Whoever has the public key can seal a header to us: what it says is shown, so it is of the form that we write."""
    if not isinstance(found, str) or not form.fullmatch(found):
        raise ValueError
    return found


def _number(found: object, most: int) -> int:
    if not isinstance(found, int) or not 0 <= found <= most:
        raise ValueError
    return found


def fingerprint(key: bytes) -> str:
    """Sixteen letters by which a key is recognised, and nothing else can be learnt."""
    return hmac.digest(key, b"laseli: which key is this", "sha256")[:8].hex()


def why_not(header: Header, here: Here) -> list[str]:
    """Every reason why this backup cannot be restored here, each with its remedy; none when it can."""
    reasons = []
    if header.kind != here.kind:
        kinds = _KINDS.get(header.kind, header.kind), _KINDS.get(here.kind, here.kind)
        reasons.append("It holds a {} database, and LASELI_DATABASE_URL names one of {}.".format(*kinds))
    elif 0 < here.server < header.server:
        reasons.append(f"It was made on PostgreSQL {header.server}, and this is {here.server}: it needs that or later.")
    if int(header.migration) > int(here.migration):
        reasons.append(
            f"Laseli {header.laseli} made it (migration {header.migration}), and this version knows only "
            f"{here.migration}: install that version or a later one."
        )
    elif int(header.migration) < 1:
        reasons.append("It says that no migration made its tables: take another backup.")
    for name, mark in header.keys.items():
        if here.keys.get(name) != mark:
            kind, _, number = name.partition(" ")
            setting = f"LASELI_KEYS__{kind.upper()}"
            reasons.append(f"{setting} lacks key {number} of fingerprint {mark}: take it from the safe.")
    return reasons


def told(header: Header) -> dict[str, Any]:
    """What is in it, for people and for `--json`."""
    return {
        "made": written(header.made_at),
        "database": f"{_KINDS.get(header.kind, header.kind)} {header.server or ''}".strip(),
        "laseli": header.laseli,
        "migration": header.migration,
        "keys": dict(header.keys),
        "rows": dict(header.rows),
    }


def written(moment: int) -> str:
    """A moment in UTC: 2026-11-20T10:00:00.000Z."""
    return f"{_EPOCH + timedelta(milliseconds=moment):%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}Z"


# --- a folder of backups ------------------------------------------------------------------------------------


def file_name(installation: str, moment: int) -> str:
    """`laseli-3f9a1c2e-20261120T100000Z.age`: whose it is, and when it was made."""
    return f"laseli-{installation}-{_EPOCH + timedelta(milliseconds=moment):%Y%m%dT%H%M%SZ}.age"


def too_old(names: Iterable[str], installation: str, now: int, keep_ms: int) -> list[str]:
    """Backups of this installation that are older than that, by their names; the newest three never are."""
    made = {name: moment for name in names if (moment := _made_at(name, installation)) is not None}
    oldest_first: Sequence[str] = sorted(made, key=made.__getitem__)
    return [name for name in oldest_first[:-ALWAYS_KEPT] if made[name] < now - keep_ms]


def _made_at(name: str, installation: str) -> int | None:
    found = re.fullmatch(rf"laseli-{re.escape(installation)}-(\d{{8}}T\d{{6}})Z\.age", name)
    if not found:
        return None
    try:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def read_span(text: str) -> int:
    """'35d', '48h' or '90m' in milliseconds; raises ValueError with an example."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is no length of time: write 35d, 48h or 90m")
    return int(found[1]) * _UNIT_MS[found[2]]
