"""Where the nightly forgetting stands: since when it watches the clock, when it was through, what it goes on with."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from service.store.system_tables import mark, read_mark

MARK = "retention"


class Notes(NamedTuple):
    """`done_on` is a day as ISO text, "" before the first night. `rule` and `place`: what a slice stopped at.

    `rows` are those of the night under way, `last` those of the night before, by rule.
    """

    since: int = 0
    looked: int = 0
    done_on: str = ""
    rule: str = ""
    place: Any = None
    rows: dict[str, int] = {}  # noqa: RUF012 -- never changed, only replaced
    last: dict[str, int] = {}  # noqa: RUF012


def read_notes(tx: Connection) -> Notes:
    kept = read_mark(tx, MARK)
    return Notes(**json.loads(kept)) if kept else Notes()


def keep_notes(tx: Connection, notes: Notes) -> None:
    mark(tx, MARK, json.dumps(notes._asdict()))
