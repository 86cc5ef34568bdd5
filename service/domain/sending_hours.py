"""The hours in which people may be written to. Everything is the reader's local time, without a zone."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import NamedTuple

ANY_HOUR = frozenset({"reply", "staff_alert"})  # an answer to who just wrote; an alarm to who is on duty


class Window(NamedTuple):
    """From `opens` on, before `closes`, every day."""

    opens: time
    closes: time


DAYTIME = Window(time(8), time(19))


def read_window(written: str) -> Window:
    """'08:00-19:00' as a Window. Raises ValueError for anything else, or when it does not open before it closes."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", written.strip())
    if not found:
        raise ValueError(f"sending hours must be written like 08:00-19:00, not {written!r}")
    hours = [int(number) for number in found.groups()]
    window = Window(time(hours[0], hours[1]), time(hours[2], hours[3]))
    if window.opens >= window.closes:
        raise ValueError(f"sending hours must open before they close, not {written!r}")
    return window


def within(now_local: datetime, window: Window = DAYTIME) -> bool:
    """People may be written to at this moment."""
    return window.opens <= now_local.time() < window.closes


def next_opening(now_local: datetime, window: Window = DAYTIME) -> datetime:
    """This moment when it is within the window, else the next time the window opens."""
    if within(now_local, window):
        return now_local
    opens = datetime.combine(now_local.date(), window.opens)
    return opens if now_local.time() < window.opens else opens + timedelta(1)


def may_leave(purpose: str, now_local: datetime, window: Window = DAYTIME) -> bool:
    """A message of this purpose may be sent at this moment; replies and staff alerts may at any hour."""
    return purpose in ANY_HOUR or within(now_local, window)


def earliest_leave(purpose: str, now_local: datetime, window: Window = DAYTIME) -> datetime:
    """The first moment from now on at which a message of this purpose may be sent."""
    return now_local if purpose in ANY_HOUR else next_opening(now_local, window)
