"""The data a new database starts with: the organisation, its programme, Commune III's quartiers and health centres."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.domain.places import Centre, built_in_places
from service.runtime import Runtime
from service.store.place_tables import health_centre, organisation, programme, put_row, zone
from service.stories.homes.cover_consents import COVER
from service.stories.homes.programmes import PROGRAMME


def load(tx: Connection, runtime: Runtime) -> None:
    """Write or bring up to date; doing it twice changes nothing."""
    places = built_in_places()
    owner = put_row(tx, organisation, "organisation", name=runtime.config.organisation)
    put_row(tx, programme, PROGRAMME, organisation_id=owner, name="Suivi vaccinal")
    put_row(tx, programme, COVER, organisation_id=owner, name="Mutuelle et RAMED")
    centres = {one.code: put_row(tx, health_centre, one.code, **_told_of(one)) for one in places.centres}
    for one in places.zones:
        centre_id = centres[one.centre_code] if one.centre_code else None
        put_row(tx, zone, one.code, name=one.name, district=places.district, centre_id=centre_id)


def _told_of(centre: Centre) -> dict[str, object]:
    """What the file says of a centre. Days that only the database knows are left there."""
    days = {"vaccination_days": ",".join(centre.vaccination_days)} if centre.vaccination_days else {}
    return {"name": centre.name, **days}
