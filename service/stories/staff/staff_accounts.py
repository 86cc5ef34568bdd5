"""Accounts of staff who work on the console: made, renewed and ended by whoever runs the server."""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.domain import one_time_codes, passwords, slow_hash
from service.runtime import Runtime
from service.store import centre_tables, decision_tables, staff_tables
from service.store.staff_tables import Staff
from service.stories.homes import programmes
from service.stories.staff.mediator_accounts import plain

ROLES = ("supervisor", "centre")
ISSUER = "Laseli"
START_DAYS = 7
"""A start password that nobody used for so long opens nothing any more."""
_LOGIN = re.compile(r"[a-z][a-z0-9.-]{1,29}")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read as another one


class Refused(Exception):
    """What was asked for cannot be; the text says why, and nothing was written."""


class Opening(NamedTuple):
    """What opens an account for the first time: told once. The password is kept nowhere."""

    password: str
    otpauth: str


def add(tx: Connection, *, login: str, role: str, centre: str, by: str, now: int) -> Opening:
    """An account with this login. `centre` is a name or a code, for the role of a centre only. Raises Refused."""
    if not _LOGIN.fullmatch(login):
        raise Refused("a login has 2 to 30 small letters, digits, dots and dashes, a letter first: fatou.d")
    if staff_tables.staff_of_login(tx, login) is not None:
        raise Refused(f"the login {login} is or was somebody's: choose another one")
    if (role == "centre") != bool(centre.strip()):
        raise Refused("the role centre needs --centre, and no other role has one")
    programme = programmes.of_children(tx)
    password, secret = _start_password(), _fresh_secret()
    staff_tables.add_staff(
        tx,
        organisation_id=programme.organisation_id,
        login=login,
        role=role,
        centre_id=_centre_named(tx, centre) if centre.strip() else None,
        password=stored(password),
        start_until=now + START_DAYS * DAY_MS,
        totp=secret,
        created_by=_named(by),
        created_at=now,
    )
    return Opening(password, one_time_codes.address_of(secret, login, ISSUER))


def revoke(tx: Connection, login: str, by: str, now: int) -> None:
    """The account opens nothing any more, and whoever is on the console with it is out at once. Raises Refused."""
    one = working(tx, login)
    staff_tables.end_sessions_of(tx, one.id)
    staff_tables.change_staff(tx, one.id, state="revoked", revoked_by=_named(by), revoked_at=now)


def reset(tx: Connection, login: str, by: str, now: int) -> Opening:
    """Another start password and another secret for the codes; all sessions end. Raises Refused."""
    one = working(tx, login)
    decision_tables.note_decision(tx, now, _named(by), "staff reset", login)
    password, secret = _start_password(), _fresh_secret()
    staff_tables.end_sessions_of(tx, one.id)
    until = now + START_DAYS * DAY_MS
    staff_tables.change_staff(tx, one.id, password=stored(password), start_until=until, totp=secret, totp_step=0)
    return Opening(password, one_time_codes.address_of(secret, login, ISSUER))


def code_now(tx: Connection, runtime: Runtime, login: str) -> str:
    """The code that the app would show, and the next one where that was used: for a demo only. Raises Refused."""
    one = working(tx, login)
    step = max(one_time_codes.step_at(runtime.now()), one.totp_step + 1)
    return one_time_codes.code_at(one.totp, step)


def working(tx: Connection, login: str) -> Staff:
    """The account, ours until the commit, if it is not revoked. Raises Refused."""
    one = staff_tables.staff_of_login(tx, login, lock=True)
    if one is None or one.state != "active":
        raise Refused(f"there is no account {login}: `laseli staff list` shows them")
    return one


def stored(password: str) -> str:
    return passwords.stored_form(password, secrets.token_bytes(slow_hash.SALT_BYTES))


def _named(by: str) -> str:
    if not 2 <= len(by.strip()) <= 60:
        raise Refused("say who does it in 2 to 60 letters: --by NAME")
    return by.strip()


def _start_password() -> str:
    """Four groups of four letters: 79 bits, and easy to read out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _fresh_secret() -> str:
    return one_time_codes.written(secrets.token_bytes(one_time_codes.SECRET_BYTES))


def _centre_named(tx: Connection, written: str) -> int:
    known = centre_tables.centres(tx)
    for centre_id, code, name in known:
        if plain(written) in (plain(code), plain(name)):
            return centre_id
    raise Refused(f"'{written}' is no centre; known: {', '.join(name for _, _, name in known)}")
