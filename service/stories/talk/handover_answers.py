"""OUI and NON by SMS from a phone that a family named: taken where little hangs on it, led to a call where more does.

Whose number stands on an SMS proves nothing. As a second number a phone hears discreet reminders while the first hears
nothing, and an answer tells it so: that yes is taken, and ARRET ends it. In the place of the first it would take a
family's messages away: that is said in a call.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy.engine import Connection

from flows import sms_keywords
from service.runtime import Runtime
from service.store import handover_tables, phone_tables
from service.stories.homes import handovers
from service.stories.homes.consents import REMINDER, Words

Answer = Literal["handover.accepted", "handover.refused", "handover.by_call"]
ANSWERED_TO = "sms:handover.announced"
"""The words that a yes by SMS answers: what the SMS asked."""


def answer_to(tx: Connection, number: str, text: str, now: int) -> Answer | None:
    """What to answer to a yes or a no from a phone that a family waits for; None when none does, or it is neither.

    Nothing is changed yet (`carry_out`). Whoever stopped our SMS says yes in a call, which says that they are stopped.
    """
    said = sms_keywords.yes_or_no(text)
    phone = phone_tables.find_phone(tx, number) if said is not None else None
    waiting = handover_tables.next_handover(tx, phone.id, now) if phone else None
    if phone is None or waiting is None:
        return None
    if waiting.kind != handovers.BESIDE or (said and phone_tables.opted_out(tx, phone.number_idx, REMINDER)):
        return "handover.by_call"
    return "handover.accepted" if said else "handover.refused"


def carry_out(tx: Connection, runtime: Runtime, number: str, answer: Answer, now: int) -> None:
    """Do it, once the phone was told."""
    if answer == "handover.accepted":
        phone = phone_tables.find_phone(tx, number)
        language = (phone.language if phone else None) or "fr"
        handovers.accept(tx, runtime, number, Words(ANSWERED_TO, language, "sms"), now)
    elif answer == "handover.refused":
        handovers.refuse(tx, number, now)
