"""What people wrote while nobody here listened: asked for at the start of the worker, and every ten minutes.

Each text goes the way of its webhook and is known by the same key: it counts once, whichever way it comes first.
Where a carrier gives out its inbox from the beginning, what was in it before the first time is none of ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, TimeoutError

from flows import answers
from service.channels.base import CannotAsk, Channel, IncomingSms, KeepsReceived, Pulled
from service.logs import log
from service.runtime import Runtime
from service.store import inbound_tables
from service.store.inbound_tables import Body
from service.store.system_tables import count, mark, read_mark
from service.stories.talk import incoming

LATELY_MS = 15_000
"""Who was away for less has missed nothing: carriers repeat for longer than that."""
TOO_LATE_MS = 12 * 3_600_000
"""A word so old begins no conversation and answers none. STOP and START are obeyed at any age."""
EARLIER_MS, LATER_MS = 60_000, 15 * 60_000
"""A webhook comes after its text, and is repeated for ten minutes; two clocks differ a little."""


class Place(NamedTuple):
    """How far a carrier's inbox was read. `begun`: its old contents lie behind."""

    cursor: str = ""
    begun: bool = False
    at: int = 0


def pull_missed(runtime: Runtime) -> int:
    """Take in what was missed; gives how many texts were new to us."""
    return sum(_pull(runtime, channel) for channel in runtime.channels.values() if channel.capabilities.pulls)


def _pull(runtime: Runtime, channel: Channel) -> int:
    assert isinstance(channel, KeepsReceived)
    now = runtime.now()
    with runtime.database.begin() as tx:
        place = _place(tx, channel.name)
        if 0 <= now - place.at < LATELY_MS:
            return 0  # another worker has just looked
        _keep(tx, channel.name, place._replace(at=now))
    try:
        pulled = channel.pull(place.cursor, now)
    except CannotAsk as reason:
        log.warning("carrier_cannot_be_asked", channel=channel.name, reason=str(reason))
        return 0
    unheard = _unheard(runtime, channel.name, pulled) if place.begun else []
    new = [sms for sms in unheard if not _too_late(sms, now)]
    for sms in _last_words_first(new):
        _take(runtime, sms)
    with runtime.database.begin() as tx:
        _keep(tx, channel.name, Place(pulled.cursor, place.begun or pulled.whole, now))
        if unheard:
            count(tx, "sms_pulled", len(new))
            count(tx, "sms_pulled_too_late", len(unheard) - len(new))
            log.info("missed_messages_pulled", channel=channel.name, number=len(new), too_late=len(unheard) - len(new))
    return len(new)


def _take(runtime: Runtime, sms: IncomingSms) -> None:
    try:
        incoming.take_sms(runtime, sms)
    except (DBAPIError, TimeoutError):
        raise  # the place is not kept: all of it comes again
    except Exception as bug:
        log.error("pulled_message_failed", channel=sms.channel, error=type(bug).__name__)


def _last_words_first(texts: Sequence[IncomingSms]) -> list[IncomingSms]:
    """Whoever wrote STOP comes first, with all she wrote, in her own order: her last word counts."""
    stopped = {sms.phone for sms in texts if sms.opt_out or answers.keyword(sms.text) == "stop"}
    return sorted(texts, key=lambda sms: sms.phone not in stopped)


def _unheard(runtime: Runtime, channel: str, pulled: Pulled) -> list[IncomingSms]:
    """Those that no webhook brought."""
    vault = runtime.vault
    keys = {vault.event_key(channel, "sms", sms.event_id): sms for sms in pulled.texts if sms.event_id}
    older = {key: vault.older_event_keys(channel, "sms", sms.event_id or "") for key, sms in keys.items()}
    with runtime.database.read() as tx:
        known = inbound_tables.known_events(tx, [*keys, *(key for more in older.values() for key in more)])
        missing = [sms for key, sms in keys.items() if known.isdisjoint((key, *older[key]))]
        return _without_twins(tx, runtime, missing, known)


def _too_late(sms: IncomingSms, now: int) -> bool:
    return sms.at is not None and now - sms.at > TOO_LATE_MS and answers.keyword(sms.text) is None


def _without_twins(
    tx: Connection, runtime: Runtime, missing: Sequence[IncomingSms], known: set[bytes]
) -> list[IncomingSms]:
    """Without those that a webhook brought under another id: the same words of the same phone at the same time.

    No carrier says that both ways give one id. What was pulled under its webhook's id has no twin; of what was not,
    each body that came in is the twin of one text.
    """
    dated = [sms for sms in missing if sms.phone and sms.at is not None]
    bodies: list[Body] = []
    if dated:
        since = min(sms.at for sms in dated if sms.at is not None) - EARLIER_MS
        numbers = {index for sms in dated if sms.phone for index in runtime.vault.indexes(sms.phone)}
        bodies = [body for body in inbound_tables.bodies_since(tx, numbers, since) if body.key_hash not in known]
    left = []
    for sms in missing:
        twin = next((body for body in bodies if _is_twin(runtime, sms, body)), None)
        if twin is None:
            left.append(sms)
        else:
            bodies.remove(twin)
    return left


def _is_twin(runtime: Runtime, sms: IncomingSms, body: Body) -> bool:
    if sms.phone is None or sms.at is None or body.number_idx not in runtime.vault.indexes(sms.phone):
        return False
    return body.body == sms.text and -EARLIER_MS <= body.at - sms.at <= LATER_MS


def _place(tx: Connection, channel: str) -> Place:
    kept = read_mark(tx, f"inbox:{channel}")
    return Place(**json.loads(kept)) if kept else Place()


def _keep(tx: Connection, channel: str, place: Place) -> None:
    mark(tx, f"inbox:{channel}", json.dumps(place._asdict()))
