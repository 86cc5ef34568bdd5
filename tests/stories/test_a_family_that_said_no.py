"""Who refused a mediator at the door, or said no to her, is not looked for at home over a number."""

from __future__ import annotations

from service.runtime import Runtime
from service.store import phone_tables, task_tables
from service.store.task_tables import Task
from service.stories.delivery import dead_numbers, dispatcher
from service.stories.homes import consents, families, handovers
from service.stories.homes.consents import Words
from service.stories.talk import opt_outs
from tests.caregivers import kill
from tests.conftest import HOOK_SECRET
from tests.cover import dial
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, an_account
from tests.people import Handset, TestClock
from tests.stories.test_recalls import MOTHER
from tests.visits import enrol as enrol_child
from tests.visits import now_of, visited

AUNT = "+22360000002"
STRANGER = "+22370000077"
YES = Words("test", "fr", "ussd")


def lines(runtime: Runtime) -> list[Task]:
    with runtime.database.read() as tx:
        return list(task_tables.tasks(tx, state="open"))


def beside(runtime: Runtime, clock: TestClock) -> None:
    """The mother named the aunt's phone as her second one, and the aunt said yes."""
    with runtime.database.begin() as tx:
        assert handovers.announce(tx, runtime, MOTHER, AUNT, "fr", clock.now(), kind="beside") == "announced"
        assert handovers.accept(tx, runtime, AUNT, YES, clock.now())


def test_who_wants_no_mediator_at_home_is_not_visited_because_the_number_is_dead(
    runtime: Runtime, clock: TestClock
) -> None:
    enrol_child(runtime, clock, at=MOTHER)
    clock.advance(minutes=1)
    with runtime.database.begin() as tx:
        mine = phone_tables.ensure_phone(tx, MOTHER, clock.now())
        consents.note(tx, mine.id, ("follow_up",), False, consents.Words("w", "fr", "ussd"), clock.now())
    kill(runtime, clock)
    [line] = lines(runtime)
    assert (line.kind, line.zone) == ("dead_number", None), "the supervisor knows of it, and no mediator's list"
    assert "Pas de visite" in str(line.details)


def test_who_refused_a_child_at_the_door_is_not_looked_for_there_either(runtime: Runtime, clock: TestClock) -> None:
    an_account(runtime)
    one = enrol_child(runtime, clock, at=MOTHER)
    clock.advance(minutes=1)
    sister = enrol_child(runtime, clock, at=MOTHER)
    visited(runtime, one, "refused")
    kill(runtime, clock)
    dead = next(line for line in lines(runtime) if line.kind == "dead_number")
    assert dead.zone == "Darsalam"
    assert families.show_code(sister.code) in str(dead.details), "of the other child it may be asked"
    assert families.show_code(one.code) not in str(dead.details)


def test_a_refused_family_gets_no_sms_and_no_visit_after_half_a_year_of_silence(
    runtime: Runtime, clock: TestClock
) -> None:
    an_account(runtime)
    one = enrol_child(runtime, clock, at=MOTHER)
    visited(runtime, one, "refused")
    clock.advance(days=181)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0


def test_a_family_that_refused_after_it_was_asked_is_not_looked_for_over_its_silence(
    runtime: Runtime, clock: TestClock
) -> None:
    an_account(runtime)
    one = enrol_child(runtime, clock, at=MOTHER)
    clock.advance(days=181)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1
    visited(runtime, one, "refused")
    clock.advance(days=20)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0
    assert "silent_number" not in [line.kind for line in lines(runtime)]


def test_start_of_a_second_phone_does_not_undo_what_the_mother_refused(runtime: Runtime, clock: TestClock) -> None:
    an_account(runtime)
    one = enrol_child(runtime, clock, at=MOTHER)
    beside(runtime, clock)
    visited(runtime, one, "refused")
    with runtime.database.begin() as tx:
        opt_outs.start(tx, runtime, AUNT, clock.now())
    assert now_of(runtime, one).quiet_why == "refused"
    with runtime.database.begin() as tx:
        opt_outs.start(tx, runtime, MOTHER, clock.now())
    assert now_of(runtime, one).quiet_why is None


def test_a_forged_wrong_number_does_not_make_a_taken_family_silent(
    product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock
) -> None:
    """Somebody with the booklet writes in Kadia's name, then takes the messages with the code.

    The promise (handovers.py): the phone that had the messages is told.
    """
    an_account(runtime)
    one = enrol_child(runtime, clock, at=MOTHER)
    Handset(product, carrier, KADIA, HOOK_SECRET).write(f"VISITE {one.code} FAUX NUMERO")
    with runtime.database.begin() as tx:
        assert handovers.claim(tx, runtime, STRANGER, int(one.code), 9, YES, clock.now()) == "ok"
    dispatcher.send_due(runtime)
    assert [sms for sms in carrier.accepted if sms.to == MOTHER], "the mother hears of it"


def test_a_second_phone_neither_stops_nor_moves_a_child(
    product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock
) -> None:
    """It was named to hear in the mother's place, not to decide; it is told so."""
    one = enrol_child(runtime, clock, at=MOTHER)
    beside(runtime, clock)
    aunt, mother = (Handset(product, carrier, number, HOOK_SECRET) for number in (AUNT, MOTHER))
    said = dial(aunt, "Mon enfant", "Un changement", "Ne plus suivre", "Oui, arrêter")
    assert said.startswith("Rien n'est changé : ce téléphone est le deuxième numéro de la famille.")
    said = dial(aunt, "Mon enfant", "Un changement", "J'ai déménagé", "Badialan 1", "Oui")
    assert said.startswith("Rien n'est changé : ce téléphone est le deuxième numéro de la famille.")
    assert now_of(runtime, one) == one
    said = dial(mother, "Mon enfant", "Un changement", "Ne plus suivre", "Oui, arrêter")
    assert said.startswith("C'est fait : plus de messages pour cet enfant.")
    assert now_of(runtime, one).status == "stopped"
