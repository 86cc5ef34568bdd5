"""The routes' figures for /metrics: labels are channels, operators and accounts, never people."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.stories.delivery import route_report

OUTCOMES = ("sent", "delivered", "undelivered", "refused", "unknown")


def families(tx: Connection, runtime: Runtime, now: int) -> Iterator[GaugeMetricFamily]:
    found = route_report.report(tx, runtime, now)
    is_open = GaugeMetricFamily("laseli_route_open", "1 while messages may take this route", labels=["channel"])
    share = _by_operator("laseli_route_share", "Of a hundred messages, how many go this way")
    seen = _by_operator("laseli_route_window", "What became of the messages of the last ten minutes", "outcome")
    delay = _by_operator("laseli_route_delay_seconds", "The mean from our call to the receipt")
    for route in found["routes"]:
        is_open.add_metric([route["channel"]], float(route["state"] == "open"))
        for row in route["operators"]:
            labels = [route["channel"], row["network"] or "all"]
            share.add_metric(labels, row["share"])
            for outcome in OUTCOMES:
                seen.add_metric([*labels, outcome], row[outcome])
            if row["delay_s"] is not None:
                delay.add_metric(labels, row["delay_s"])
    yield from (is_open, share, seen, delay)
    spent = GaugeMetricFamily("laseli_spent_fcfa", "Spent: today, or by a campaign since it began", labels=["account"])
    budget = GaugeMetricFamily("laseli_budget_fcfa", "What may be spent", labels=["account"])
    for account in found["money"]:
        spent.add_metric([account["account"]], account["spent_fcfa"])
        if account["budget_fcfa"] is not None:
            budget.add_metric([account["account"]], account["budget_fcfa"])
    yield from (spent, budget)


def _by_operator(name: str, about: str, *more: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, labels=["channel", "operator", *more])
