"""How staff come in and go: password and code, tries that are counted, and sessions that end by themselves."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.domain import one_time_codes, passwords
from service.domain.passwords import Weakness
from service.runtime import Runtime
from service.store import staff_tables
from service.store.staff_tables import Session, Staff
from service.stories.staff import guess_alarms, known_browsers, staff_accounts

MINUTE_MS = 60_000
WINDOW_MS = 15 * MINUTE_MS
MOST_OF_ACCOUNT, MOST_OF_ADDRESS = 10, 30
MANY_IN_A_DAY, MANY_CODES = 20, 5
"""Tries of an account that failed, and wrong codes with its password: from there on somebody is told."""
IDLE_MS, ABSOLUTE_MS = 15 * MINUTE_MS, 8 * 60 * MINUTE_MS
NOTED_EVERY_MS = MINUTE_MS
SKEW_MS = 5 * MINUTE_MS
"""How much earlier than another process's our clock may be."""
MOST_MISSES = 30
"""Searches that found nobody, of one account in the window: whoever tries codes through is stopped."""
HASHING_PATIENCE_S = 0.2
# 16 MB and two tenths of a second each: whoever tries many at once slows down nobody but other strangers.
_hashing = threading.BoundedSemaphore(2)
_hashing_for_known = threading.BoundedSemaphore(1)
"""One more, for browsers that were in before and for who is in: no crowd at the door takes it."""

Reason = Literal["wrong", "wait", "busy"]


class Typed(NamedTuple):
    """What stands in the form, from where it came, and the marks of the browser (`known_browsers`)."""

    login: str
    password: str
    code: str
    address: str
    marks: str = ""


class Entered(NamedTuple):
    """A token and marks for the cookies, or why not: `wrong` is the same whatever of the three was wrong."""

    token: str = ""
    why_not: Reason | None = None
    marks: str = ""


def log_in(runtime: Runtime, typed: Typed) -> Entered:
    """A session for whoever has password and code. Each try is counted before it is looked at, and is given back to
    whoever comes in: whole networks of phones share one address.
    """
    now, typed = runtime.now(), typed._replace(login=typed.login.strip().casefold()[:60])
    with runtime.database.read() as tx:
        one = staff_tables.staff_of_login(tx, typed.login)
    browser = known_browsers.known_by(runtime, one, typed.marks, now) if one else None
    with _turn_to_hash(is_known=browser is not None) as has_turn:
        if not has_turn:
            return Entered(why_not="busy")
        with runtime.database.begin() as tx:
            tries = _count_try(tx, runtime, typed, one, browser, now)
            if not tries:
                return Entered(why_not="wait")
        # Outside of a transaction: SQLite has one writer, and callers would wait for the hash.
        stored = one.password if one and one.password else passwords.NOBODYS  # a former account's is emptied
        is_right = passwords.is_password_of(typed.password, stored)
    if one is None or not is_right:
        return Entered(why_not="wrong")
    with runtime.database.begin() as tx:
        entered = _enter(tx, runtime, one, typed, now)
        if entered.why_not is None:
            staff_tables.drop_tries(tx, tries)
        return entered


@contextmanager
def _turn_to_hash(*, is_known: bool) -> Iterator[bool]:
    """Whether it is this one's turn, within a moment."""
    slots = (_hashing, _hashing_for_known) if is_known else (_hashing,)
    taken = next((one for one in slots if one.acquire(timeout=HASHING_PATIENCE_S)), None)
    try:
        yield taken is not None
    finally:
        if taken is not None:
            taken.release()


def _enter(tx: Connection, runtime: Runtime, checked: Staff, typed: Typed, now: int) -> Entered:
    """The password was right for the account as it was read then: a revocation or a reset since then counts."""
    one = staff_tables.staff_of_login(tx, checked.login, lock=True)
    if one is None or one.state != "active" or one.password != checked.password:
        return Entered(why_not="wrong")
    step = one_time_codes.step_of(one.totp, typed.code, now, one.totp_step)
    if step is None:
        _note_wrong_code(tx, runtime, one, now)
    if step is None or (one.start_until is not None and now >= one.start_until):
        return Entered(why_not="wrong")
    staff_tables.drop_tries_of(tx, _wrong_codes(runtime, one))
    token = secrets.token_urlsafe(32)
    staff_tables.change_staff(tx, one.id, totp_step=step, last_used_at=now)
    staff_tables.open_session(tx, one.id, _hash(token), now)
    return Entered(token, marks=known_browsers.with_mark(runtime, one, typed.marks, now))


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
    """The token of the session that goes on and the browser's marks, or what is wrong with the password."""

    token: str = ""
    why_not: Weakness | Literal["differ", "former", "wait"] | None = None
    marks: str = ""


def choose_password(
    runtime: Runtime, session: Session, former: str, new: str, again: str, *, marks: str = ""
) -> Chosen:
    """A password of her own; the session is another one from here on, and every other one ends. So does what every
    other browser was known by.

    The former one is asked for, except in the place of a start password, which was typed a moment ago.
    """
    one, new = session.staff, new.strip()
    weakness: Weakness | Literal["differ"] | None
    weakness = "differ" if new != again.strip() else passwords.weakness_of(new, one.login)
    if weakness is not None:
        return Chosen(why_not=weakness)
    if one.start_until is None and not _may_guess(runtime, one):
        return Chosen(why_not="wait")
    with _hashing_for_known:
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
    return Chosen(token, marks=known_browsers.with_mark(runtime, one._replace(password=stored), marks, now))


def log_out(runtime: Runtime, session: Session) -> None:
    with runtime.database.begin() as tx:
        staff_tables.end_session(tx, session.id)


def may_search(tx: Connection, runtime: Runtime, one: Staff, now: int) -> bool:
    """Whether this account has not missed too often lately."""
    if staff_tables.count_tries(tx, [_misses(runtime, one)], now - WINDOW_MS)[0] < MOST_MISSES:
        return True
    guess_alarms.sound(tx, "search", one, now)
    return False


def note_miss(tx: Connection, runtime: Runtime, one: Staff, now: int) -> None:
    staff_tables.add_tries(tx, [_misses(runtime, one)], now)


def _misses(runtime: Runtime, one: Staff) -> bytes:
    return runtime.vault.event_key("staff search", str(one.id))


def _count_try(
    tx: Connection, runtime: Runtime, typed: Typed, one: Staff | None, browser: str | None, now: int
) -> list[int]:
    """Count this try; empty if there were too many: then nothing is counted, and time goes on for whoever waits.

    A browser that the account knows counts by itself: whoever tries from elsewhere, or from the same network, does not
    keep it out.
    """
    if browser is not None:
        keys, most = [runtime.vault.event_key("staff browser tries", browser)], [MOST_OF_ACCOUNT]
    else:
        place = runtime.vault.event_key("staff address", network_of(typed.address))
        keys = [runtime.vault.event_key("staff login", typed.login), place]
        most = [MOST_OF_ACCOUNT, MOST_OF_ADDRESS]
    counted = staff_tables.count_tries(tx, keys, now - WINDOW_MS)
    of_day = staff_tables.count_tries(tx, keys[:1], now - DAY_MS)[0]
    if one is not None and (counted[0] >= most[0] or of_day >= MANY_IN_A_DAY):
        guess_alarms.sound(tx, "door", one, now)
    if browser is None and counted[1] >= most[1]:
        guess_alarms.sound(tx, "address", None, now)
    is_too_many = any(number >= limit for number, limit in zip(counted, most, strict=True))
    return [] if is_too_many else staff_tables.add_tries(tx, keys, now)


def _note_wrong_code(tx: Connection, runtime: Runtime, one: Staff, now: int) -> None:
    """Whoever types wrong codes has the password: that is told sooner."""
    key = _wrong_codes(runtime, one)
    staff_tables.add_tries(tx, [key], now)
    if staff_tables.count_tries(tx, [key], now - DAY_MS)[0] >= MANY_CODES:
        guess_alarms.sound(tx, "code", one, now)


def _wrong_codes(runtime: Runtime, one: Staff) -> bytes:
    return runtime.vault.event_key("staff code", str(one.id))


def _may_guess(runtime: Runtime, one: Staff) -> bool:
    """Count this try of the former password: whoever finds a page open has no more of them than at the door."""
    key, now = runtime.vault.event_key("staff former", str(one.id)), runtime.now()
    with runtime.database.begin() as tx:
        if staff_tables.count_tries(tx, [key], now - WINDOW_MS)[0] >= MOST_OF_ACCOUNT:
            guess_alarms.sound(tx, "former", one, now)
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
