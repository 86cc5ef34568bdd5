"""What carriers tell about messages that left, in whatever order they tell it.

`take` puts a receipt on disk, and only then is the carrier told 2xx. `settle` applies what has come, a page at a time.
No receipt is known by a key: after_receipt changes nothing the second time, and what changes nothing is not counted.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.channels.base import Receipt
from service.domain.message_states import State, after_receipt
from service.logs import log
from service.runtime import Runtime
from service.store import phone_tables, receipt_tables
from service.store.inbound_tables import first_time
from service.store.receipt_tables import Fate, Kept
from service.store.system_tables import count
from service.stories.delivery import dead_numbers, redials, route_book
from service.stories.delivery.dead_numbers import End
from service.stories.delivery.route_book import Sample
from service.stories.talk import opt_outs

PAGE = 500
"""A page is one transaction: short enough for a keystroke that waits for its turn on SQLite."""
BETWEEN_PAGES_S = 0.01
LOOKED_LATELY_MS = 5 * 60_000
LARGEST_ID = 2**63 - 1


# --- in -----------------------------------------------------------------------------------------------------


def take(runtime: Runtime, receipt: Receipt) -> None:
    """Put one receipt on disk, to be applied within moments; what it says of a refusal counts from now on."""
    now = runtime.now()
    if receipt.opt_out and receipt.phone:
        _opt_out(runtime, receipt, receipt.phone, now)
    if receipt.state is None:
        with runtime.database.begin() as tx:
            count(tx, "receipt_status_unknown")
        return
    runtime.receipts_in.put(_row(receipt, now), partial(_write_down, runtime))


def _row(receipt: Receipt, now: int) -> dict[str, object]:
    reference = receipt.message_ref
    return {
        "channel": receipt.channel,
        "carrier_id": receipt.carrier_id,
        "number": receipt.phone,
        "message_id": reference if reference is not None and reference <= LARGEST_ID else None,
        "network": receipt.network[:12] or None,
        "state": receipt.state,
        "fault": receipt.fault,
        "detail": receipt.detail[:200],
        "at": now,
    }


def _write_down(runtime: Runtime, rows: list[dict[str, object]]) -> None:
    """Each under the index of its number that this transaction knows: keys may be rotating, and then it is a whole one,
    in which a number stays where it was found."""
    database = runtime.database
    with database.begin() if runtime.vault.rotates_index else database.at_once() as tx:
        for row in rows:
            number = row.pop("number", None)
            row["number_idx"] = phone_tables.index_of(tx, str(number)) if number else None
        receipt_tables.keep_receipts(tx, rows)


def _opt_out(runtime: Runtime, receipt: Receipt, number: str, now: int) -> None:
    """Known by a key, unlike the receipt itself: said again after a START, it would undo it."""
    with runtime.database.begin() as tx:
        if first_time(tx, receipt.channel, "opt-out", now, receipt.carrier_id, number) is None:
            return
        if phone_tables.find_phone(tx, number):
            opt_outs.stop(tx, runtime, number, "carrier", now)


# --- applied ------------------------------------------------------------------------------------------------


class Told(NamedTuple):
    """A message, the receipts that tell of it, and what they make of it: `deciding` is the one that moved it last."""

    fate: Fate
    receipts: list[Kept]
    state: State
    deciding: Kept | None
    network: str


def settle(runtime: Runtime) -> int:
    """Apply what has come; gives how many receipts. Two workers may do it at once: each row is one's only."""
    with runtime.database.read() as tx:
        if not receipt_tables.any_new(tx):
            return 0
    settled = 0
    while True:
        now = runtime.now()
        with runtime.database.begin() as tx:
            page = receipt_tables.newest(tx, PAGE)
            done = _settle_page(tx, runtime, page, now) if page else 0
        settled += done
        if len(page) < PAGE or not done:
            return settled
        time.sleep(BETWEEN_PAGES_S)  # on SQLite a keystroke has its turn


def _settle_page(tx: Connection, runtime: Runtime, page: Sequence[Kept], now: int) -> int:
    """Gives how many will not come again: applied, or put aside because no message fits."""
    # One that carries our own id names the message, and not which sending of it: the carrier's id does.
    doubtful = [one.id for one in page if one.about is None or one.state != "delivered"]
    of_former = receipt_tables.of_former(tx, doubtful) if doubtful else []
    known = {one.id for one in of_former}
    found = of_former + [one for one in page if one.about is not None and one.id not in known]
    unplaced = [one.id for one in page if one.about is None and one.id not in known]
    if unplaced:
        by_number = _of_one_call(receipt_tables.fits_unknown(tx, PAGE, unplaced))
        found += by_number
        unplaced = sorted(set(unplaced) - {one.id for one in by_number})
        receipt_tables.wait(tx, unplaced, now)
    if unplaced:
        count(tx, "receipt_unmatched", len(unplaced))
    return _apply(tx, runtime, found, now) + len(unplaced)


def apply_early(tx: Connection, runtime: Runtime, named: Sequence[tuple[int, str, str]], now: int) -> int:
    """Receipts that came before their call returned, now that it has: (message, channel, the carrier's id) of each."""
    return _apply(tx, runtime, receipt_tables.by_ids(tx, named), now)


def match_kept(tx: Connection, runtime: Runtime, now: int) -> int:
    """Waiting receipts whose message has become "unknown" meanwhile, or was named while they were looked at.

    The carrier answered our call with a cut connection, but its receipt came: the call had succeeded.
    """
    if not receipt_tables.any_waiting(tx):
        return 0
    named = receipt_tables.missed(tx, now - LOOKED_LATELY_MS, PAGE)
    unknown = _of_one_call(receipt_tables.fits_unknown(tx, PAGE))
    return _apply(tx, runtime, [*named, *unknown], now)


def _of_one_call(by_number: Sequence[Kept]) -> list[Kept]:
    """A message has one id at its carrier: of several that might be it, the receipts of the first that came."""
    first: dict[int | None, str] = {}
    for one in sorted(by_number, key=lambda one: (one.at, one.id)):
        first.setdefault(one.about, one.carrier_id)
    return [one for one in by_number if one.carrier_id == first[one.about]]


def _apply(tx: Connection, runtime: Runtime, found: Sequence[Kept], now: int) -> int:
    """Move the messages on; gives how many receipts were used up.

    What is about a message that somebody else holds just now stays as it is, and comes again.
    """
    of_message: dict[int, list[Kept]] = defaultdict(list)
    for receipt in sorted(found, key=lambda one: (one.at, one.id)):
        assert receipt.about is not None
        of_message[receipt.about].append(receipt)
    if not of_message:
        return 0
    told = [_heard(fate, of_message[id]) for id, fate in receipt_tables.hold_messages(tx, list(of_message)).items()]
    changed = [one for one in told if one.state != one.fate.state]
    receipt_tables.move_messages(tx, [_move(one, now) for one in changed])
    receipt_tables.note_networks(
        tx,
        {one.fate.id: one.network for one in told if one.network and one.network != one.fate.network},
        {one.fate.phone_id: one.network for one in told if one.network and one.network != one.fate.phone_network},
    )
    used = [receipt.id for one in told for receipt in one.receipts]
    receipt_tables.drop_receipts(tx, used)
    if changed:
        _tell_others(tx, runtime, changed, now)
    return len(used)


def _heard(fate: Fate, receipts: Sequence[Kept]) -> Told:
    """What these receipts, oldest first, make of a message."""
    fitting = [one for one in receipts if _is_its_own(fate, one)]
    state, deciding, network = fate.state, None, ""
    for receipt in fitting:
        network = receipt.network or network
        if receipt.of_former and receipt.state != "delivered":
            continue  # the sending that counts now may arrive all the same
        new_state = after_receipt(state, receipt.state)
        if new_state is not None:
            state, deciding = new_state, receipt
    return Told(fate, fitting, state, deciding, network)


def _is_its_own(fate: Fate, receipt: Kept) -> bool:
    """One for another number is not; nor is one that was guessed to be, if meanwhile more is known of the message."""
    guess_holds = not receipt.guessed or (fate.state == "unknown" and fate.carrier_id is None)
    return guess_holds and receipt.number_idx == fate.number_idx


def _move(one: Told, now: int) -> dict[str, object]:
    assert one.deciding is not None
    return {
        "which": one.fate.id,
        "was": one.fate.state,
        "state": one.state,
        "reason": one.deciding.detail or None,
        "state_at": now,
        "channel": one.fate.channel or one.deciding.channel,
        "carrier_id": one.fate.carrier_id or one.deciding.carrier_id or None,
    }


# --- told -----------------------------------------------------------------------------------------------------


def _tell_others(tx: Connection, runtime: Runtime, changed: Sequence[Told], now: int) -> None:
    """The routes learn what arrived and how soon; a number that nothing reaches any more is noticed.

    A mistake there must not hold back the receipts, which would come again and again.
    """
    try:
        with tx.begin_nested():
            route_book.note_samples(tx, (_sample(runtime, one) for one in changed), now)
            _stop_faulty_routes(tx, changed, now)
            dead_numbers.after_receipts(tx, runtime, _ends(changed), now)
            calls = [(one.fate.id, one.state) for one in changed if _by_call(runtime, one)]
            if calls:
                redials.after_receipts(tx, runtime, calls, now)
    except Exception as bug:
        log.error("receipts_not_passed_on", error=type(bug).__name__)


def _sample(runtime: Runtime, one: Told) -> Sample | None:
    if one.deciding is None or one.state == "accepted":
        return None
    network = runtime.networks.recognise(one.network) or one.fate.network or one.fate.phone_network or ""
    arrived = one.state == "delivered"
    # Of any other we do not know when the carrier had it.
    delay = max(0, one.deciding.at - one.fate.state_at) if one.fate.state == "accepted" else None
    channel = one.fate.channel or one.deciding.channel
    return Sample(channel, network, delivered=arrived, undelivered=not arrived, delay_ms=delay)


def _by_call(runtime: Runtime, one: Told) -> bool:
    assert one.deciding is not None
    channel = one.fate.channel or one.deciding.channel
    return channel in runtime.channels and runtime.channels[channel].capabilities.voice


def _stop_faulty_routes(tx: Connection, changed: Sequence[Told], now: int) -> None:
    """An operator may refuse our account or our name only after the carrier took the message."""
    for one in changed:
        deciding = one.deciding
        if deciding and one.state == "undelivered" and deciding.fault in ("account", "sender"):
            route_book.pause(tx, deciding.channel, deciding.fault, deciding.detail, now)


def _ends(changed: Sequence[Told]) -> list[End]:
    """What arrived, and what did not arrive by nobody's fault but the number's."""
    return [
        End(one.fate.phone_id, one.fate.number_idx, one.state, one.fate.state_at)
        for one in changed
        if one.state == "delivered"
        or (one.state == "undelivered" and one.deciding is not None and one.deciding.fault in (None, "person"))
    ]
