"""What messages cost, and budgets that stop everything: per local day, and per campaign for as long as it goes on.

Amounts are hundredths of a franc CFA. What is spent is an estimate until the carrier says better. Without a budget
nobody waits for anybody; with one, those who are about to send take the day's account in turn, so that together they
never spend more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.logs import log
from service.runtime import Runtime
from service.store import spend_tables
from service.store.spend_tables import Account, Change
from service.store.system_tables import count

ALL = "all"
WARN_AT = 80  # of a hundred
FRANC = 100


class Wanted(NamedTuple):
    """A message that is about to leave, and what it will probably cost."""

    id: int
    cost: int
    campaign_id: int | None = None


class Settled(NamedTuple):
    """A message and what it cost in truth, or nothing at all; `at` is when its money was put aside, if known."""

    estimated: int
    true: int
    campaign_id: int | None = None
    at: int | None = None


class Standing(NamedTuple):
    """An account as a person reads it: today's, or a campaign's from its beginning. `budget` None: no limit."""

    account: str
    spent: int
    budget: int | None
    warned: bool
    stopped: bool


def estimate(runtime: Runtime, channel: str, network: str, parts: int, now: int) -> int:
    """What a message of so many parts will probably cost by this route."""
    return runtime.prices.estimate(channel, network, parts, runtime.today(now))


def true_cost(runtime: Runtime, words: str | None, now: int) -> int | None:
    """What the carrier's own words about the price mean; None when it said none, or in a currency we do not know."""
    return runtime.prices.true_cost(words, runtime.today(now))


# --- before the calls ---------------------------------------------------------------------------------------


def afford(tx: Connection, runtime: Runtime, wanted: Sequence[Wanted], now: int) -> set[int]:
    """Which of these may leave, the first ones first; their money is put aside in this transaction.

    At a hundred of a hundred nothing leaves any more, whatever it is: a loop that nobody foresaw must end.
    """
    budget, day = runtime.config.budget, runtime.today(now)
    if not wanted:
        return set()
    purses = _Purses(tx, runtime, day, now)
    if budget.day_fcfa or budget.campaign_fcfa:
        purses.spent[ALL] = spend_tables.lock_day(tx, day, ALL)
    leaving = [one for one in wanted if purses.pay(one)]
    purses.warn()
    spend_tables.add_changes(tx, _together(day, ((one.campaign_id, one.cost) for one in leaving)))
    return {one.id for one in leaving}


def day_is_spent(tx: Connection, runtime: Runtime, now: int) -> bool:
    """Not even the cheapest message can be paid for today: nothing need be claimed."""
    budget, day = runtime.config.budget.day_fcfa, runtime.today(now)
    if budget is None:
        return False
    return spend_tables.spent_on(tx, day, ALL) + _cheapest(runtime, day) > budget * FRANC


class _Purses:
    """What is left in each account while one turn takes from them."""

    def __init__(self, tx: Connection, runtime: Runtime, day: date, now: int) -> None:
        self.tx, self.runtime, self.day, self.now = tx, runtime, day, now
        self.spent: dict[str, int] = {}

    def pay(self, one: Wanted) -> bool:
        accounts = [name for name in _accounts(one.campaign_id) if _budget(self.runtime, name) is not None]
        short = [name for name in accounts if self._spent(name) + one.cost > (_budget(self.runtime, name) or 0)]
        for name in short:
            self._say_once(name, "stopped_at", "budget_stopped")
        for name in accounts if not short else ():
            self.spent[name] += one.cost
        return not short

    def warn(self) -> None:
        for name, spent in self.spent.items():
            budget = _budget(self.runtime, name)
            if budget is not None and spent * 100 >= budget * WARN_AT:
                self._say_once(name, "warned_at", "budget_nearly_spent")

    def _spent(self, name: str) -> int:
        if name not in self.spent:
            self.spent[name] = _spent(self.tx, name, self.day)
        return self.spent[name]

    def _say_once(self, name: str, column: str, event: str) -> None:
        if name != ALL and spend_tables.noted_ever(self.tx, name, column):
            return
        if spend_tables.note_once(self.tx, self.day, name, column, self.now):
            count(self.tx, event)
            fcfa = (_budget(self.runtime, name) or 0) // FRANC
            log.error(event, account=name, budget_fcfa=fcfa, spent_fcfa=self._spent(name) // FRANC)


def _accounts(campaign_id: int | None) -> tuple[str, ...]:
    return (ALL,) if campaign_id is None else (ALL, f"campaign:{campaign_id}")


def _budget(runtime: Runtime, account: str) -> int | None:
    fcfa = runtime.config.budget.day_fcfa if account == ALL else runtime.config.budget.campaign_fcfa
    return fcfa * FRANC if fcfa is not None else None


def _spent(tx: Connection, account: str, day: date) -> int:
    return spend_tables.spent_on(tx, day, ALL) if account == ALL else spend_tables.spent_ever(tx, account)


# --- after the calls ----------------------------------------------------------------------------------------


def give_back(tx: Connection, runtime: Runtime, unsent: Iterable[Settled | Wanted], now: int) -> None:
    """What was put aside for messages that surely did not leave can be spent on others."""
    costs = [one if isinstance(one, Settled) else Settled(one.cost, 0, one.campaign_id) for one in unsent]
    settle_true_cost(tx, runtime, [one._replace(true=0) for one in costs], now)


def settle_true_cost(tx: Connection, runtime: Runtime, settled: Iterable[Settled], now: int) -> None:
    """The carrier said what a message cost: the difference is spent, or given back, on the day of its sending."""
    by_day: dict[date, list[tuple[int | None, int]]] = {}
    for one in settled:
        day = runtime.today(now if one.at is None else one.at)
        by_day.setdefault(day, []).append((one.campaign_id, one.true - one.estimated))
    for day, amounts in by_day.items():
        spend_tables.add_changes(tx, _together(day, amounts))


def _together(day: date, amounts: Iterable[tuple[int | None, int]]) -> list[Change]:
    """One line for each account, however many messages there are."""
    sums: dict[str, int] = {}
    for campaign_id, amount in amounts:
        for account in _accounts(campaign_id):
            sums[account] = sums.get(account, 0) + amount
    return [Change(day, account, amount) for account, amount in sums.items()]


# --- what a person reads ------------------------------------------------------------------------------------


def today(tx: Connection, runtime: Runtime, now: int) -> list[Standing]:
    """The day's account, then each campaign that spent today, with what it spent since it began."""
    day = runtime.today(now)
    found = spend_tables.accounts(tx, day)
    if ALL not in {one.account for one in found}:
        found.append(Account(ALL, 0, None, None))
    return [_standing(tx, runtime, one, day) for one in sorted(found, key=lambda one: one.account != ALL)]


def _standing(tx: Connection, runtime: Runtime, one: Account, day: date) -> Standing:
    spent = one.spent if one.account == ALL else spend_tables.spent_ever(tx, one.account)
    budget = _budget(runtime, one.account)
    if budget is None:
        return Standing(one.account, spent, None, warned=False, stopped=False)
    nearly = spent * 100 >= budget * WARN_AT
    return Standing(one.account, spent, budget, nearly, spent + _cheapest(runtime, day) > budget)


def _cheapest(runtime: Runtime, day: date) -> int:
    return runtime.prices.cheapest_part(runtime.config.routes, day)
