"""Two fathers are cut off in the form of the AMV: one goes on and joins, a mediator finds what the other began."""

from __future__ import annotations

import json

from flows.sms_text import is_gsm7, measure
from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store import task_tables
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock


def fill_four_questions(father: Handset) -> str:
    """As far as the fifth question of the form."""
    father.dial()
    father.choose("Français")
    father.choose("Mutuelle et RAMED")
    father.choose("Prix et adhésion")
    father.choose("Oui")
    father.press("Moussa Keïta", "7")
    return father.choose("Communautaire et public")


def test_one_goes_on_and_joins_and_the_other_is_not_lost(
    handset: Handset, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    other = Handset(product, carrier, "+22370000002", HOOK_SECRET)
    for father in (handset, other):
        fifth = fill_four_questions(father)
        assert fifth.startswith("Moussa Keita, 7 pers., Communautaire et public.")
    clock.advance(minutes=4)
    for _ in range(3):
        one_round(runtime)
    reminder = "Adhésion non terminée. Faites *384*223# pour continuer."
    assert handset.inbox == other.inbox == [reminder]

    assert handset.dial().startswith("Adhésion à l'AMV : ce n'était pas fini.\n1 Continuer")
    assert handset.choose("Continuer") == fifth
    last = handset.choose("Oui")
    assert not handset.open, last
    one_round(runtime)
    receipt = handset.inbox[-1]
    assert len(handset.inbox) == 2
    assert measure(receipt).parts == 1
    assert is_gsm7(receipt)
    assert "Moussa" not in receipt

    clock.advance(hours=1)
    one_round(runtime)
    with runtime.database.read() as tx:
        tasks = task_tables.tasks(tx)
    [half] = [task for task in tasks if task.kind == "unfinished"]
    assert half.number == other.number
    assert json.loads(half.details or "")["answers"] == [
        ["Nom et prénom du chef de famille ?", "Moussa Keïta"],
        ["Combien de personnes dans la famille ?", "7"],
        ["Quelle formule ?", "Communautaire et public"],
    ]
    assert handset.dial().startswith("Laseli, santé des familles"), "who joined is asked nothing more"
