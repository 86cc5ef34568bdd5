"""What the stories about mediators have in common: an account, and her phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from service.runtime import Runtime
from service.store import mediator_tables
from service.store.mediator_tables import Mediator
from service.stories.staff import mediator_accounts

KADIA = "+22366000007"


class Account(NamedTuple):
    id: int
    pin: str


def an_account(
    runtime: Runtime, number: str = KADIA, zones: Sequence[str] = ("Darsalam",), language: str = "fr"
) -> Account:
    """Kadia Coulibaly, mediator of Darsalam."""
    with runtime.database.begin() as tx:
        added = mediator_accounts.add(
            tx, runtime, name="Kadia Coulibaly", number=number, zones=zones, language=language, now=runtime.now()
        )
    return Account(added.id, added.pin)


def tries_pin(runtime: Runtime, typed: str, number: str = KADIA) -> bool:
    with runtime.database.begin() as tx:
        return mediator_accounts.check_pin(tx, number, typed, runtime.now()) is not None


def wrong_pin(right: str) -> str:
    return f"{(int(right) + 1) % 10_000:04d}"


def state_of(runtime: Runtime, account: int) -> Mediator:
    with runtime.database.begin() as tx:
        found = mediator_tables.of_id(tx, account)
    assert found is not None
    return found
