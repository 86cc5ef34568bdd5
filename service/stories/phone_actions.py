"""What the conversations about this phone do: stop and start its messages."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.check import Signature
from flows.engine import Outcome
from service.stories import opt_outs
from service.stories.situation import Deed, Situation, Values


def _stop_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    opt_outs.stop(tx, situation.runtime, situation.number, situation.way, situation.now)
    return Outcome(True)


def _start_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    opt_outs.start(tx, situation.runtime, situation.number, situation.now)
    return Outcome(True)


DEEDS = {
    "stop_messages": Deed(_stop_messages, Signature()),
    "start_messages": Deed(_start_messages, Signature()),
}
