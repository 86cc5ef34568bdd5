"""What the doctor knows of an installation. Every fact has a value that finds nothing, for what cannot be found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Level = Literal["now", "soon", "know"]
"""People are not served or data is at risk; it will come to that; or it is only to be known."""


class Finding(NamedTuple):
    """Something to look at, and what to do about it in one sentence."""

    level: Level
    about: str
    said: str
    remedy: str


class Server(NamedTuple):
    """PostgreSQL's own settings, where it says them."""

    version: int
    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    connections: int
    most_connections: int


class Closing(NamedTuple):
    reason: str
    detail: str
    since: int


class Pause(NamedTuple):
    channel: str
    reason: str
    by: str
    until: int | None


class Account(NamedTuple):
    """Money of today: `spent` in hundredths of a franc."""

    account: str
    spent: int
    warned: bool
    stopped: bool


class Jobs(NamedTuple):
    """Coarse jobs: how many wait, since when the oldest is due, how many were given up."""

    waiting: int
    oldest_due: int | None
    failed: int


class Heard(NamedTuple):
    """What a carrier brought last, and whether receipts are expected of it."""

    channel: str
    sms_at: int | None
    receipt_at: int | None
    tells_receipts: bool
    accepted_lately: int  # messages that it took more than an hour ago, less than a day ago


class Console(NamedTuple):
    """Of a console that is served: our proxy's address, and whether its cookie asks for https."""

    proxy: str
    is_secure: bool


class Guessed(NamedTuple):
    """Somebody guesses at the console: of what kind, at whose account, in how many hours, when last."""

    kind: str
    login: str
    times: int
    last_at: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything the checks may ask. What could not be found out has the value that finds nothing."""

    now: int = 0
    wrong_settings: tuple[str, ...] = ()
    no_database_at: str = ""
    unreachable: str = ""
    not_ours: str = ""  # a database that whoever asks may not write to
    migration: str | None = ""
    newest_migration: str = ""
    is_unsettled: bool = False
    wrong_keys: str = ""
    damage: str = ""
    disk_free: int | None = None
    database_size: int = 0
    readable_by_others: tuple[str, ...] = ()
    open_settings: str = ""  # the file with the keys, when everyone may read it
    sqlite_synchronous: str = "FULL"
    server: Server | None = None
    set_aside: tuple[str, ...] = ()
    worker_lease_ms: int | None = 1
    web_is_silent_at: str = ""  # where it should answer on this machine, and does not
    clock_is_kept: bool | None = None
    database_clock_off_ms: int | None = None
    newest_event: int | None = None
    closed: tuple[Closing, ...] = ()
    oldest_due: int | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    routes: tuple[str, ...] = ("a route",)
    real_routes: tuple[str, ...] = ()
    calls_by: str = ""
    cannot_be_said: tuple[str, ...] = ()  # in a call, in French: recordings that are missing or that nobody reviewed
    paused: tuple[Pause, ...] = ()
    accounts: tuple[Account, ...] = ()
    weak_secrets: tuple[str, ...] = ()
    public_url: str = ""
    heard: tuple[Heard, ...] = ()
    seals_to: int = 1
    last_backup: int | None = None
    flow_problem: str = ""
    drafts_allowed_by: str = ""
    is_trial: bool = False  # a demo or a rehearsal
    dead_numbers: int = 0
    jobs: Jobs | None = None
    console: Console | None = None
    guesses: tuple[Guessed, ...] = ()
    planned_otherwise: int = 0  # children whose plan another calendar made
    is_replanning: bool = False
