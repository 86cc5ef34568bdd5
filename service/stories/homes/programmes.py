"""The programme under which children are followed; whatever a household is told of in a day is told in its name."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.store import place_tables
from service.store.place_tables import Programme

PROGRAMME = "suivi-vaccinal"


def of_children(tx: Connection) -> Programme:
    """This programme, with the organisation whose it is."""
    found = place_tables.programme_of_code(tx, PROGRAMME)
    assert found is not None, "`laseli db upgrade` loads the programme"
    return found
