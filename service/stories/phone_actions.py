"""What the conversations about this phone do: stop and start its messages, all or by purpose."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.check import Signature
from flows.engine import Outcome
from service.store import phone_tables
from service.stories import opt_outs, pauses
from service.stories.situation import Deed, Situation, Values, own_children

_STOPPABLE = (opt_outs.EVERYTHING, *opt_outs.PURPOSES)


def _my_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    number_idx = phone_tables.index_of(tx, situation.number)
    comes = {purpose: not phone_tables.opted_out(tx, number_idx, purpose) for purpose in opt_outs.PURPOSES}
    children = own_children(tx, situation)
    refused = bool(children) and all(child.quiet_why == pauses.REFUSED for child in children)
    return Outcome(True, {"rappels": comes["reminder"] and not refused, "infos": comes["campaign"]})


def _stop_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["purpose"] not in _STOPPABLE:
        return Outcome(False)
    opt_outs.stop(tx, situation.runtime, situation.number, situation.way, situation.now, purpose=args["purpose"])
    return Outcome(True)


def _start_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["purpose"] not in _STOPPABLE:
        return Outcome(False)
    opt_outs.start(tx, situation.runtime, situation.number, situation.now, purpose=args["purpose"], how=situation.way)
    return Outcome(True)


DEEDS = {
    "my_messages": Deed(_my_messages, Signature({}, {"rappels": "yes_no", "infos": "yes_no"}, writes=False)),
    "stop_messages": Deed(_stop_messages, Signature({"purpose": "choice"})),
    "start_messages": Deed(_start_messages, Signature({"purpose": "choice"})),
}
