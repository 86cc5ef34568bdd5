"""Every ten seconds the leader weighs the routes: the last minutes' figures, new shares, and what a person may read.

Reading the window is a transaction of its own: on SQLite nobody waits to write meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from service.domain.route_standing import Route, Standing
from service.domain.route_standing import weigh as weighed
from service.domain.route_window import HOUR_MS, KEPT_MS, MINUTE_MS, SLICE_MS, WINDOW_MS, Slice, Usual, add
from service.logs import log
from service.runtime import Runtime
from service.store import route_tables, spend_tables
from service.store.route_tables import Health, RouteRow
from service.store.system_tables import count
from service.stories.delivery import route_pauses

FIRST_LOOK_MS = 10_000
FORGIVEN_MS = 24 * HOUR_MS  # open for so long: the next pause is a short one again

Window = Mapping[tuple[str, str], Sequence[Slice]]


def weigh(runtime: Runtime) -> int:
    """Look at every route for every operator; gives how many shares changed. What was spent is added up, too."""
    now = runtime.now()
    with runtime.database.read() as tx:
        window = _with_totals(route_tables.slices_since(tx, now - KEPT_MS - FIRST_LOOK_MS))
    with runtime.database.begin() as tx:
        rows = route_tables.lock_routes(tx, [one.name for one in runtime.routes], now)
        rows = _by_now(tx, rows, window, now)
        before = {(one.channel, one.network): one for one in route_tables.health(tx, lock=True)}
        after = [
            one
            for network in ("", *runtime.networks.codes)
            for one in _look(runtime, network, rows, window, before, now)
        ]
        route_tables.put_health(tx, after)
        route_tables.forget_samples(tx, now - KEPT_MS - HOUR_MS // 6)
        route_tables.pack_samples(tx, now - MINUTE_MS)
        spend_tables.fold_changes(tx)
        changed = [one for one in after if _is_another(before.get((one.channel, one.network)), one)]
        if changed:
            count(tx, "route_share_changed", len(changed))
    for why in sorted({one.standing.why for one in changed}):
        same = [one for one in changed if one.standing.why == why]
        log.info("route_shares", why=why, now=[f"{one.channel}/{one.network}={one.standing.share}" for one in same])
    return len(changed)


def _with_totals(window: Window) -> dict[tuple[str, str], list[Slice]]:
    """The window with the figures of all operators together under ""; those of nobody knows whom are in there too."""
    totals: dict[str, dict[int, list[Slice]]] = {}
    for (channel, _), slices in window.items():
        for one in slices:
            totals.setdefault(channel, {}).setdefault(one.at, []).append(one)
    whole = {(channel, ""): [add(same) for _, same in sorted(by_time.items())] for channel, by_time in totals.items()}
    return {key: list(slices) for key, slices in window.items() if key[1]} | whole


def _by_now(tx: Connection, rows: dict[str, RouteRow], window: Window, now: int) -> dict[str, RouteRow]:
    """Trials that a carrier took are over, and well; old pauses are forgiven."""
    for row in rows.values():
        if row.state == "trial" and _was_taken(window.get((row.channel, ""), ()), row.since):
            route_pauses.reopen(tx, row.channel, "a message that was taken", now, gently=True)
        elif row.state == "open" and row.pauses and now - row.since > FORGIVEN_MS:
            route_tables.set_route(tx, row.channel, pauses=0)
    return route_tables.lock_routes(tx)


def _was_taken(slices: Sequence[Slice], since: int) -> bool:
    return any(one.accepted for one in slices if one.at > since - SLICE_MS)


def _look(
    runtime: Runtime,
    network: str,
    rows: Mapping[str, RouteRow],
    window: Window,
    before: Mapping[tuple[str, str], Health],
    now: int,
) -> list[Health]:
    day = runtime.today(now)
    routes = []
    for one in runtime.routes:
        name = one.name
        price = None if runtime.prices.example else runtime.prices.part_price(name, network, day)
        was, whole = before.get((name, network)), before.get((name, ""))
        routes.append(
            Route(
                channel=name,
                open=rows[name].state == "open",
                price=price,
                slices=window.get((name, network), ()),
                standing=was.standing if was else None,
                whole=window.get((name, ""), ()) if network else (),
                whole_usual=whole.standing.usual if whole else Usual(),
            )
        )
    looked_at = max((before[key].looked_at for key in before if key[1] == network), default=now - FIRST_LOOK_MS)
    found = weighed(routes, now, max(0, now - looked_at))
    return [_health(route, network, found[route.channel], now) for route in routes]


def _health(route: Route, network: str, standing: Standing, now: int) -> Health:
    seen = add(one for one in route.slices if now - one.at <= WINDOW_MS)
    return Health(
        route.channel,
        network,
        standing,
        looked_at=now,
        sent=seen.accepted + seen.refused + seen.unknown,
        delivered=seen.delivered,
        undelivered=seen.undelivered,
        refused=seen.refused,
        unknown=seen.unknown,
        delay_ms=round(seen.delay_ms / seen.delays) if seen.delays else None,
    )


def _is_another(before: Health | None, after: Health) -> bool:
    return before is not None and before.standing.share != after.standing.share
