"""How staff come in and go: password and code, tries that are counted, and sessions that end by themselves."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
from typing import Literal, NamedTuple

from sqlalchemy.engine import Connection

from service.domain import one_time_codes, passwords
from service.domain.passwords import Weakness
from service.runtime import Runtime
from service.store import staff_tables
from service.store.staff_tables import Session, Staff
from service.stories import staff_accounts

MINUTE_MS = 60_000
WINDOW_MS = 15 * MINUTE_MS
MOST_OF_ACCOUNT, MOST_OF_ADDRESS = 10, 30
IDLE_MS, ABSOLUTE_MS = 15 * MINUTE_MS, 8 * 60 * MINUTE_MS
NOTED_EVERY_MS = MINUTE_MS
SKEW_MS = 5 * MINUTE_MS
"""How much earlier than another process's our clock may be."""
MOST_MISSES = 30
"""Searches that found nobody, of one account in the window: whoever tries codes through is stopped."""
HASHING_PATIENCE_S = 0.2
# 16 MB and two tenths of a second each: whoever tries many at once slows down nobody but himself.
_hashing = threading.BoundedSemaphore(2)

Reason = Literal["wrong", "wait", "busy"]


class Typed(NamedTuple):
    """What stands in the form, and from where it came."""

    login: str
    password: str
    code: str
    address: str


class Entered(NamedTuple):
    """A token for the cookie, or why not: `wrong` is the same whatever of the three was wrong."""

    token: str = ""
    why_not: Reason | None = None


def log_in(runtime: Runtime, typed: Typed) -> Entered:
    """A session for whoever has password and code. Each try is counted before it is looked at, and is given back to
    whoever comes in: whole networks of phones share one address.
    """
    if not _hashing.acquire(timeout=HASHING_PATIENCE_S):
        return Entered(why_not="busy")
    try:
        now = runtime.now()
        login = typed.login.strip().casefold()[:60]
        with runtime.database.begin() as tx:
            tries = _count_try(tx, runtime, login, typed.address, now)
            if not tries:
                return Entered(why_not="wait")
            one = staff_tables.staff_of_login(tx, login)
        # Outside of a transaction: SQLite has one writer, and callers would wait for the hash.
        is_right = passwords.is_password_of(typed.password, one.password if one else passwords.NOBODYS)
    finally:
        _hashing.release()
    if one is None or not is_right:
        return Entered(why_not="wrong")
    with runtime.database.begin() as tx:
        entered = _enter(tx, one, typed.code, now)
        if entered.why_not is None:
            staff_tables.drop_tries(tx, tries)
        return entered


def _enter(tx: Connection, checked: Staff, code: str, now: int) -> Entered:
    """The password was right for the account as it was read then: a revocation or a reset since then counts."""
    one = staff_tables.staff_of_login(tx, checked.login, lock=True)
    if one is None or one.state != "active" or one.password != checked.password:
        return Entered(why_not="wrong")
    step = one_time_codes.step_of(one.totp, code, now, one.totp_step)
    if step is None or (one.start_until is not None and now >= one.start_until):
        return Entered(why_not="wrong")
    token = secrets.token_urlsafe(32)
    staff_tables.change_staff(tx, one.id, totp_step=step, last_used_at=now)
    staff_tables.open_session(tx, one.id, _hash(token), now)
    return Entered(token)


def who_is(runtime: Runtime, token: str) -> Session | None:
    """Whose token this is, while the session lasts; being here keeps it from running out."""
    now = runtime.now()
    with runtime.database.read() as tx:
        one = staff_tables.session_of(tx, _hash(token))
    if one is None or not _lasts(one, now):
        return None
    if now - one.seen_at >= NOTED_EVERY_MS:
        with runtime.database.begin() as tx:
            staff_tables.note_seen(tx, one.id, now)
    return one


class Chosen(NamedTuple):
    """The token of the session that goes on, or what is wrong with the password."""

    token: str = ""
    why_not: Weakness | Literal["differ", "former", "wait"] | None = None


def choose_password(runtime: Runtime, session: Session, former: str, new: str, again: str) -> Chosen:
    """A password of her own; the session is another one from here on, and every other one ends.

    The former one is asked for, except in the place of a start password, which was typed a moment ago.
    """
    one, new = session.staff, new.strip()
    weakness: Weakness | Literal["differ"] | None
    weakness = "differ" if new != again.strip() else passwords.weakness_of(new, one.login)
    if weakness is not None:
        return Chosen(why_not=weakness)
    if one.start_until is None and not _may_guess(runtime, one):
        return Chosen(why_not="wait")
    with _hashing:
        if one.start_until is None and not passwords.is_password_of(former, one.password):
            return Chosen(why_not="former")
        if passwords.is_password_of(new, one.password):
            return Chosen(why_not="easy")
        stored = staff_accounts.stored(new)
    now, token = runtime.now(), secrets.token_urlsafe(32)
    with runtime.database.begin() as tx:
        standing = staff_tables.staff_of_login(tx, one.login, lock=True)
        if standing is None or standing.password != one.password:
            return Chosen(why_not="former")  # reset meanwhile: the new start password stands
        staff_tables.end_sessions_of(tx, one.id)
        staff_tables.change_staff(tx, one.id, password=stored, start_until=None)
        staff_tables.open_session(tx, one.id, _hash(token), now)
    return Chosen(token)


def log_out(runtime: Runtime, session: Session) -> None:
    with runtime.database.begin() as tx:
        staff_tables.end_session(tx, session.id)


def may_search(tx: Connection, runtime: Runtime, one: Staff, now: int) -> bool:
    """Whether this account has not missed too often lately."""
    return staff_tables.count_tries(tx, [_misses(runtime, one)], now - WINDOW_MS)[0] < MOST_MISSES


def note_miss(tx: Connection, runtime: Runtime, one: Staff, now: int) -> None:
    staff_tables.add_tries(tx, [_misses(runtime, one)], now)


def _misses(runtime: Runtime, one: Staff) -> bytes:
    return runtime.vault.event_key("staff search", str(one.id))


def _count_try(tx: Connection, runtime: Runtime, login: str, address: str, now: int) -> list[int]:
    """Count this try; empty if there were too many: then nothing is counted, and time goes on for whoever waits."""
    account = runtime.vault.event_key("staff login", login)
    place = runtime.vault.event_key("staff address", network_of(address))
    of_account, of_place = staff_tables.count_tries(tx, [account, place], now - WINDOW_MS)
    if of_account >= MOST_OF_ACCOUNT or of_place >= MOST_OF_ADDRESS:
        return []
    return staff_tables.add_tries(tx, [account, place], now)


def _may_guess(runtime: Runtime, one: Staff) -> bool:
    """Count this try of the former password: whoever finds a page open has no more of them than at the door."""
    key, now = runtime.vault.event_key("staff former", str(one.id)), runtime.now()
    with runtime.database.begin() as tx:
        if staff_tables.count_tries(tx, [key], now - WINDOW_MS)[0] >= MOST_OF_ACCOUNT:
            return False
        staff_tables.add_tries(tx, [key], now)
    return True


def network_of(address: str) -> str:
    """One IPv6 subscriber has 2^64 addresses: they count as one."""
    written = plain_address(address)
    try:
        found = ipaddress.ip_address(written)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else written


def plain_address(address: str) -> str:
    """Without ::ffff: before an IPv4 address, as a server that listens on [::] writes all of them."""
    try:
        mapped = getattr(ipaddress.ip_address(address), "ipv4_mapped", None)
    except ValueError:
        return address
    return str(mapped) if mapped else address


def _lasts(one: Session, now: int) -> bool:
    is_young = -SKEW_MS <= now - one.started_at < ABSOLUTE_MS
    return is_young and -SKEW_MS <= now - one.seen_at < IDLE_MS


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
