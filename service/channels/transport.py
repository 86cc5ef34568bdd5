"""What a call to a carrier came to: one of four outcomes, and "not sent" is said only when that is sure.

Used by the adapters, through their SDKs; `careful_calls` makes the call itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

from service.channels.base import CannotAsk
from service.domain.message_states import Ambiguous, NotSent, Outcome, Refused

Said = TypeVar("Said")
LONGEST_RETRY_AFTER = 24 * 3600


class NeverConnected(Exception):
    """No connection came about, so nothing can have been sent."""


class Decided(Exception):
    """The HTTP status has settled the outcome; it passes through an SDK that would lose the status."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def attempt(call: Callable[[], Outcome]) -> Outcome:
    """The outcome of one call to a carrier. Never raises: what may have reached the carrier is ambiguous.

    An exception's text may hold the number or the message, so only its kind is kept.
    """
    try:
        return call()
    except Decided as decided:
        return decided.outcome
    except NeverConnected as reason:
        return NotSent(str(reason), None)
    except Exception as trouble:
        return Ambiguous(f"no readable answer ({type(trouble).__name__})")


def ask(call: Callable[[], Said]) -> Said:
    """The answer to a question that changes nothing at the carrier; raises CannotAsk, and nothing else."""
    try:
        return call()
    except CannotAsk:
        raise
    except Decided as decided:
        raise CannotAsk(getattr(decided.outcome, "detail", "")) from None
    except NeverConnected as reason:
        raise CannotAsk(str(reason)) from None
    except Exception as trouble:
        raise CannotAsk(f"no readable answer ({type(trouble).__name__})") from None


def outcome_of_status(status: int, headers: Mapping[str, str]) -> Outcome | None:
    """What the HTTP status settles alone; None where the carrier's own words decide."""
    if status == 429:
        return NotSent("HTTP 429, too many requests", retry_after(headers))
    if 300 <= status < 400:
        return Refused(f"HTTP {status}, a redirect: wrong address", "account", opt_out=False)
    if status >= 500 or status < 200 or status == 408:
        return Ambiguous(f"HTTP {status}")
    return None


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Seconds to wait, from `Retry-After`; a date is measured from the answer's own `Date`, not from our clock."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(int(value), LONGEST_RETRY_AFTER)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
        return min(max(0, int((until - now).total_seconds())), LONGEST_RETRY_AFTER)
    except (TypeError, ValueError):
        return None


def word(value: object) -> str:
    """A carrier's word for our notes: letters only, so that no number, name or text can come along."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_ -]{0,59}", value) else ""


def checked_address(base_url: str) -> str:
    """The address without a trailing slash; ValueError, without the address in it, when it cannot be one."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a carrier's address looks like https://api.example.org")
    if parts.username or parts.password:
        raise ValueError("a carrier's address holds no user name and no password")
    return base_url.rstrip("/")
