"""What a mother measured on her child's arm: kept, judged by the rules, and followed up by a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.engine import Connection

from flows.conditions import age_months
from service.domain.muac import Finding, built_in_rules
from service.runtime import Runtime
from service.store import screening_tables
from service.store.people_tables import Child
from service.stories.homes import child_tasks

BAND_WORDS = {"red": "rouge", "yellow": "jaune", "green": "vert"}
TREATED = ("red", "yellow", "oedema")
HOW_TO_OPEN = (
    "Mesurer à nouveau. S'il est pris en charge : appeler, Médiatrice, Bras mesuré, ou au centre laseli follow treat"
)
"""Nothing is opened from what a family measured: whoever sees the child does."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was told: a colour, or the width in mm; a hollow that stays on both feet; a sign of danger."""

    colour: str
    mm: int | None
    oedema: bool
    danger: bool


def can_be_measured(runtime: Runtime, child: Child, now: int) -> bool:
    """Whether the tape says anything about a child of this age."""
    return built_in_rules().takes_age(age_months(child.born_on, runtime.today(now)))


def record(tx: Connection, runtime: Runtime, child: Child, told: Measured, phone_id: int | None, now: int) -> Finding:
    """Keep the measure; whoever should be seen soon is put on the mediator's list. CannotBe when no arm is so."""
    today = runtime.today(now)
    found = built_in_rules().classify(
        age_months=age_months(child.born_on, today),
        mm=told.mm,
        colour=told.colour,
        oedema=told.oedema,
        danger=told.danger,
    )
    screening_tables.add_screening(
        tx,
        child_id=child.id,
        measured_on=today,
        muac_mm=told.mm,
        band=found.band,
        oedema=told.oedema,
        source="mother",
        recorded_at=now,
    )
    if found.meaning != "green":
        _refer(tx, runtime, child, told, found, phone_id, now)
    return found


def _refer(
    tx: Connection, runtime: Runtime, child: Child, told: Measured, found: Finding, phone_id: int | None, now: int
) -> None:
    today = runtime.today(now)
    details = {
        "Ruban": BAND_WORDS[found.band] + (f", {told.mm} mm" if told.mm is not None else ""),
        "Œdème des deux pieds": "oui" if told.oedema else "non",
        "Signe de danger": "oui" if told.danger else "non",
        "Vers": found.referral.to,
        "Mesuré": f"{today:%d/%m/%Y}, par la famille",
    }
    if runtime.config.follow_ups is not None and found.meaning in TREATED:
        details["À faire"] = HOW_TO_OPEN
    child_tasks.put_on_list(
        tx,
        now,
        "muac_referral",
        child,
        key=f"muac:{child.id}:{found.meaning}:{today}",
        phone_id=phone_id,
        due_on=today + timedelta(days=found.referral.within_days),
        details=details,
    )
