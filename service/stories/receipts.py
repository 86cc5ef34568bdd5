"""What carriers tell about messages that left, in whatever order they tell it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from service.channels.base import Receipt
from service.domain.message_states import ReceiptState, after_receipt
from service.runtime import Runtime
from service.store import message_tables, phone_tables, receipt_tables
from service.store.columns import vault_of
from service.store.inbound_tables import first_time
from service.store.message_tables import Message
from service.store.system_tables import count


def take(runtime: Runtime, receipt: Receipt) -> None:
    """Apply one receipt, once. One that fits no message yet is kept 72 hours: it may have overtaken our own answer."""
    now = runtime.now()
    with runtime.database.begin() as tx:
        identity = (receipt.carrier_id, receipt.phone or "", receipt.state or receipt.detail)
        if first_time(tx, receipt.channel, "receipt", now, *identity) is None:
            return
        if receipt.state is None:
            count(tx, "receipt_status_unknown")
            return
        found = _message_of(tx, receipt)
        if found is None:
            _keep_for_later(tx, receipt, now)
        else:
            _apply(tx, found, receipt.state, receipt.detail, receipt.carrier_id, now)
        if receipt.opt_out and receipt.phone:
            _opt_out(tx, receipt.phone, now)


def _message_of(tx: Connection, receipt: Receipt) -> Message | None:
    """By our own number if the callback carries it, else by the carrier's id, else by the only uncertain one.

    A receipt counts only when the telephone number is the message's too: an id alone proves nothing.
    """
    number_idx = vault_of(tx).index(receipt.phone) if receipt.phone else None
    found = None
    if receipt.message_ref is not None:
        found = message_tables.find_message(tx, id=receipt.message_ref)
    if found is None and receipt.carrier_id:
        found = message_tables.find_message(tx, channel=receipt.channel, carrier_id=receipt.carrier_id)
    if found is None and number_idx is not None:
        uncertain = message_tables.uncertain_for_number(tx, receipt.channel, number_idx)
        found = uncertain[0] if len(uncertain) == 1 and uncertain[0].state == "unknown" else None
    return found if found and found.number_idx == number_idx else None


def _apply(tx: Connection, found: Message, state: ReceiptState, detail: str, carrier_id: str, now: int) -> None:
    """Move the message forward; a receipt that would move it back changes nothing."""
    new_state = after_receipt(found.state, state)
    if new_state is None:
        return
    values: dict[str, object] = {"state": new_state, "reason": detail or None, "state_at": now}
    if carrier_id:
        values["carrier_id"] = carrier_id
    message_tables.move(tx, found.id, found.state, **values)


def _keep_for_later(tx: Connection, receipt: Receipt, now: int) -> None:
    receipt_tables.keep_receipt(
        tx,
        channel=receipt.channel,
        carrier_id=receipt.carrier_id,
        number_idx=vault_of(tx).index(receipt.phone) if receipt.phone else None,
        message_id=receipt.message_ref,
        state=receipt.state,
        detail=receipt.detail[:200],
        at=now,
    )
    count(tx, "receipt_unmatched")


def apply_early(tx: Connection, named: Mapping[tuple[str, str], int], now: int) -> None:
    """Receipts that arrived before the send call returned, now that the carrier's ids are known.

    `named` maps (channel, carrier's id) to our message's id.
    """
    early = receipt_tables.early_receipts(tx, [carrier_id for _, carrier_id in named])
    for kept in early:
        message_id = named.get((kept.channel, kept.carrier_id))
        found = message_tables.find_message(tx, id=message_id) if message_id else None
        if found and found.number_idx == kept.number_idx:
            _apply(tx, found, kept.state, kept.detail, kept.carrier_id, now)
    receipt_tables.drop_receipts(tx, [kept.id for kept in early if (kept.channel, kept.carrier_id) in named])


def match_kept(tx: Connection, now: int) -> None:
    """Kept receipts whose message has become "unknown" meanwhile: by number, if exactly one message fits.

    The carrier answered our call with a cut connection, but its receipt came: the call had succeeded.
    """
    for kept in receipt_tables.receipts_for_unknown(tx):
        assert kept.number_idx is not None
        uncertain = message_tables.uncertain_for_number(tx, kept.channel, kept.number_idx)
        if len(uncertain) != 1 or uncertain[0].state != "unknown":
            continue
        called_at = message_tables.last_call_at(tx, uncertain[0].id)
        if called_at is not None and called_at <= kept.at:
            _apply(tx, uncertain[0], kept.state, kept.detail, kept.carrier_id, now)
            receipt_tables.drop_receipts(tx, [kept.id])


def _opt_out(tx: Connection, number: str, now: int) -> None:
    phone = phone_tables.find_phone(tx, number)
    if phone:
        phone_tables.add_opt_out(tx, phone.number_idx, "all", "carrier", now)
        message_tables.suppress(tx, phone.number_idx, "all", now)
