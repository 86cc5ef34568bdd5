"""Where the health centre is, when it vaccinates, and for which signs nobody waits."""

from __future__ import annotations

from sqlalchemy import select

from service.domain import places
from service.runtime import Runtime
from service.store.place_tables import health_centre
from service.stories.keeping import setup
from tests.people import Handset, TestClock
from tests.stories.test_next_visit import ask
from tests.stories.test_recalls import enrol

CENTRE = ("Centre de santé", "Mon centre de santé")
SIGNS = ("Centre de santé", "Signes de danger")
REFERENCE = "Centre de référence : Commune 3 central (PMI)."


def days_of_asacodar(runtime: Runtime, days: str) -> None:
    with runtime.database.begin() as tx:
        tx.execute(health_centre.update().where(health_centre.c.name == "ASACODAR").values(vaccination_days=days))


def test_the_centre_of_a_quartier_and_no_invented_day(handset: Handset) -> None:
    ask(handset, *CENTRE)
    assert handset.choose("Darsalam") == f"CSCom ASACODAR. Jours de vaccination : demandez au centre. {REFERENCE}"


def test_where_no_centre_is_known_it_says_so(handset: Handset) -> None:
    ask(handset, *CENTRE)
    assert handset.choose("Koulouniko").startswith("Nous ne connaissons pas de centre pour Koulouniko.")
    assert handset.screen.endswith(REFERENCE)


def test_the_childs_centre_comes_first_and_its_days_when_somebody_told_us(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    days_of_asacodar(runtime, "mon,thu")
    assert ask(handset, *CENTRE).startswith("Votre centre : CSCom ASACODAR.")
    assert handset.choose("Ses jours") == f"CSCom ASACODAR. Vaccination : lundi, jeudi. {REFERENCE}"
    ask(handset, *CENTRE, "Un autre quartier")
    assert handset.choose("Same").startswith("CSCom ASACODES.")


def test_children_of_two_centres_are_asked_for_their_quartier(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    enrol(runtime, clock, quartier="Same")
    assert ask(handset, *CENTRE).startswith("Quel quartier ?")


def test_an_update_of_the_places_leaves_the_days_that_the_centre_told(runtime: Runtime) -> None:
    assert all(centre.vaccination_days == () for centre in places.built_in_places().centres)
    days_of_asacodar(runtime, "tue")
    setup.prepare(runtime)
    with runtime.database.read() as tx:
        days = select(health_centre.c.vaccination_days).where(health_centre.c.name == "ASACODAR")
        assert tx.execute(days).scalar_one() == "tue"


def test_signs_of_danger_lead_to_the_nearest_centre(handset: Handset, runtime: Runtime) -> None:
    ask(handset, *SIGNS, "Un enfant")
    assert handset.screen.startswith("Un seul signe, et au centre")
    assert handset.choose("Que faire") == "Allez maintenant au centre de santé le plus proche."

    set_up = runtime.config.model_copy(update={"emergency_number": "112"})
    object.__setattr__(runtime, "config", set_up)
    ask(handset, *SIGNS, "Une femme enceinte", "Autres signes")
    assert handset.choose("Que faire").endswith("Urgence : 112.")
