"""From UTC milliseconds, as stored, to local days and hours, as people live them, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def zone_named(zone: str) -> ZoneInfo:
    """The zone of this name; raises ZoneInfoNotFoundError or ValueError for a name that is none."""
    return ZoneInfo(zone)


def local(instant_ms: int, zone: str) -> datetime:
    """The local date and hour at this instant, without a zone; `fold` is 1 in an hour lived for the second time."""
    moment = _EPOCH + timedelta(milliseconds=instant_ms)
    return moment.astimezone(zone_named(zone)).replace(tzinfo=None)


@lru_cache(maxsize=256)  # of one moment it is asked for every message of a turn
def day_of(instant_ms: int, zone: str) -> date:
    """The local day at this instant."""
    return local(instant_ms, zone).date()


def instant(local_datetime: datetime, zone: str) -> int:
    """The UTC milliseconds of a local date and hour.

    An hour that comes twice is the first one (or the second with fold=1); one that the clocks jump over is read as
    if they had not jumped: 02:30 becomes 03:30.
    """
    if local_datetime.tzinfo is not None:
        raise ValueError("a local date and hour has no zone of its own")
    moment = local_datetime.replace(tzinfo=zone_named(zone))
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def start_of_day(day: date, zone: str) -> int:
    """The UTC milliseconds at which a local day begins, where midnight is skipped the first moment after."""
    return instant(datetime(day.year, day.month, day.day), zone)
