"""One message to a number that a sysadmin gives, to hear what a carrier answers: no other may leave by it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.engine import Connection

from flows import phone_numbers, sms_text
from service.channels.base import Outgoing
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, Refused
from service.logs import log
from service.runtime import Runtime
from service.store import phone_tables, route_tables
from service.store.columns import new_id
from service.stories.delivery import dispatch_gate, money, route_book, route_pauses
from service.stories.delivery.money import Settled, Wanted

WORDS = "{name} : essai de la ligne SMS. Rien à faire."


class CannotTry(Exception):
    """No message was sent; the text says why, and what to do."""


class Try(NamedTuple):
    """What would be sent, and what stands in its way (empty: nothing)."""

    channel: str
    number: str
    text: str
    parts: int
    cost: int
    network: str
    obstacles: tuple[str, ...]


class Tried(NamedTuple):
    """What the carrier answered, in our words."""

    taken: bool
    words: str
    remedy: str


def plan(tx: Connection, runtime: Runtime, channel: str, written: str, now: int) -> Try:
    """Raises CannotTry for what no --even-closed may allow."""
    if channel not in runtime.channels:
        raise CannotTry(f"there is no channel '{channel}' set up; there is {', '.join(runtime.channels) or 'none'}")
    number = phone_numbers.to_e164(written, runtime.config.country)
    if number is None or phone_numbers.region(number) != runtime.config.country:
        raise CannotTry(f"that is no mobile number of {runtime.config.country}: write one like +22370000001")
    phone = phone_tables.find_phone(tx, number)
    if phone and phone_tables.opted_out(tx, phone.number_idx):
        raise CannotTry("this number said STOP: nothing is sent to it; take another one")
    text = sms_text.fold(WORDS.format(name=runtime.config.sender_name))
    parts, network = sms_text.measure(text).parts, runtime.networks.of(number)
    cost = money.estimate(runtime, channel, network, parts, now)
    obstacles = [f"dispatch is closed ({one.reason}: {one.detail})" for one in dispatch_gate.closed(tx)]
    if money.day_is_spent(tx, runtime, now):
        obstacles.append("the day's budget is spent")
    return Try(channel, number, text, parts, cost, network, tuple(obstacles))


def send(runtime: Runtime, channel: str, written: str, now: int, *, even_closed: bool = False) -> Tried:
    """Send it, and write down what it showed: a carrier that takes it opens a route that it had closed.

    Raises CannotTry when dispatch is closed, or the money spent, unless `even_closed`.
    """
    with runtime.database.begin() as tx:
        wanted = plan(tx, runtime, channel, written, now)
        # Before the money, as every turn of the dispatcher: so nobody waits in a circle.
        route_tables.lock_routes(tx, [channel], now)
        paid = bool(money.afford(tx, runtime, [Wanted(0, wanted.cost)], now))
        obstacles = wanted.obstacles if paid else (*wanted.obstacles, "the day's budget is spent")
        if obstacles and not even_closed:
            raise CannotTry(f"{'; '.join(dict.fromkeys(obstacles))}. Add --even-closed to send this one all the same")
        route_book.take(tx, runtime, {channel: wanted.parts})
    outcome = runtime.channels[channel].send(Outgoing(message_id=new_id(), to=wanted.number, text=wanted.text))
    log.info("route_tried", channel=channel, outcome=type(outcome).__name__.lower(), detail=outcome.detail)
    with runtime.database.begin() as tx:
        opened = _note(tx, runtime, wanted, outcome, now, paid=paid)
    return _in_our_words(channel, outcome, opened)


def _note(tx: Connection, runtime: Runtime, wanted: Try, outcome: Outcome, now: int, *, paid: bool) -> bool:
    """What the answer changes; True when it opened the route."""
    route_book.note_samples(tx, [route_book.of_call(wanted.channel, wanted.network, outcome)], now)
    true = money.true_cost(runtime, outcome.cost, now) if isinstance(outcome, Accepted) else None
    put_aside = wanted.cost if paid else 0
    if isinstance(outcome, (Refused, NotSent)):
        true = 0
    money.settle_true_cost(tx, runtime, [Settled(put_aside, wanted.cost if true is None else true)], now)
    if isinstance(outcome, Refused) and outcome.scope in route_pauses.FIRST_PAUSE_MS:
        route_book.pause(tx, wanted.channel, outcome.scope, outcome.detail, now)
    row = route_tables.lock_routes(tx, [wanted.channel], now)[wanted.channel]
    if isinstance(outcome, Accepted) and row.state != "open" and row.scope != "person":
        return route_book.reopen(tx, wanted.channel, "a test that was taken", now)
    return False


def _in_our_words(channel: str, outcome: Outcome, opened: bool) -> Tried:
    match outcome:
        case Accepted():
            cost = f", at {outcome.cost}" if outcome.cost else ""
            words = f"{channel} took it as {outcome.carrier_id or 'a message without a name'}{cost}."
            words += " The route is open again and comes back by steps." if opened else ""
            return Tried(True, words, "Look whether it arrives: taken is not delivered.")
        case NotSent():
            again = f" It asks for {outcome.retry_after_s} seconds of patience." if outcome.retry_after_s else ""
            remedy = f"Look at LASELI_{channel.upper()}__BASE_URL, at the network and at the carrier's own page."
            return Tried(False, f"Not sent: {outcome.detail}.{again}", remedy)
        case Ambiguous():
            return Tried(
                False, f"Nobody knows: {outcome.detail}.", "It may have left: look at the phone before another."
            )
        case Refused(scope="account" | "sender"):
            remedy = route_pauses.REMEDIES[outcome.scope].format(channel=channel)
            return Tried(
                False, f"Refused, because of our {outcome.scope}: {outcome.detail}.", remedy.capitalize() + "."
            )
    return Tried(
        False, f"Refused for this number or text: {outcome.detail}.", "Take another number; the route is well."
    )
