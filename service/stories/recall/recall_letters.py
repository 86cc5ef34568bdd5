"""The day's letters: one to each household that can be told, about all that is due in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain.steps_due import StepsDue
from service.runtime import Runtime
from service.store import recall_tables
from service.store.care_tables import ROUND
from service.store.message_claims import VOICE
from service.store.phone_tables import Phone
from service.store.recall_tables import DueAppointment
from service.stories.delivery import spoken
from service.stories.delivery.outbox import Letter
from service.stories.homes.cover_words import cover_texts
from service.stories.recall.recall_receivers import Receiver, receivers_of
from service.stories.recall.recall_words import recall_texts
from service.stories.recall.reminders import recording_of
from service.stories.recall.told_together import Due, Said, Together
from service.stories.recall.trials import Underway


class Ready(NamedTuple):
    """A letter, and what it tells of."""

    letter: Letter
    said: Said


def ready_letters(
    tx: Connection,
    runtime: Runtime,
    together: Together,
    steps: StepsDue,
    dues_of: Mapping[int, Sequence[Due]],
    but: set[int],
    underway: Underway,
) -> dict[int, Ready]:
    """household -> its letter of today; none for those that nobody can tell, and for those in `but`."""
    receivers = receivers_of(tx, [dues[0].row for dues in dues_of.values()])
    to_tell = _to_tell(runtime, dues_of, receivers, but | _want_no_news(tx, dues_of))
    said_to = {house: _said(runtime, together, dues) for house, dues in to_tell.items()}
    recalls = {house: said for house, said in said_to.items() if not said.dues[0].row.is_cover}
    words = {house: underway.words(due.row for due in said.dues) for house, said in recalls.items()}
    texts = recall_texts(tx, runtime, receivers, recalls, words)
    covers = {house: said.dues[0].row for house, said in said_to.items() if house not in recalls}
    texts |= cover_texts(tx, runtime, receivers, covers)
    return {
        house: Ready(_letter(runtime, steps, receivers[house], texts[house], said), said)
        for house, said in said_to.items()
    }


def _want_no_news(tx: Connection, dues_of: Mapping[int, Sequence[Due]]) -> set[int]:
    """Households that would be told of their cover today, and refused what the mutual has to say."""
    covers = {house: dues[0].row.number_idx for house, dues in dues_of.items() if dues[0].row.is_cover}
    refused = recall_tables.who_wants_no_news(tx, covers.values()) if covers else set()
    return {house for house, number in covers.items() if number in refused}


def _to_tell(
    runtime: Runtime, dues_of: Mapping[int, Sequence[Due]], receivers: Mapping[int, Receiver], but: set[int]
) -> dict[int, list[Due]]:
    """What each household's phone is told now."""
    found = {}
    for house, dues in dues_of.items():
        if house in receivers and house not in but:
            found[house] = [due for due in dues if _is_told_there(runtime, due.row, receivers[house])]
    return {house: dues for house, dues in found.items() if dues}


def _is_told_there(runtime: Runtime, row: DueAppointment, to: Receiver) -> bool:
    """Whoever hears in a mother's place hears nothing of her follow-up, and of a cover only the phone that asked."""
    if row.is_cover:
        return runtime.config.cover is not None and row.asked_phone_id == to.phone_id
    if row.kind == ROUND and runtime.config.follow_ups is None:
        return False  # who confirmed the figures confirms them no more
    return row.child_id is not None or not to.beside


def said_today(dues: Sequence[Due]) -> tuple[Sequence[Due], Sequence[Due]]:
    """What a household's message of today tells of, and what waits for tomorrow: a cover has words of its own."""
    together = [due for due in dues if not due.row.is_cover]
    return (together, [due for due in dues if due.row.is_cover]) if together else (dues, ())


def _said(runtime: Runtime, together: Together, dues: list[Due]) -> Said:
    first = dues[0].row
    if first.is_cover:
        return Said(dues, (), "before", [])
    return together.said(dues, hours_of(runtime, first))


def _letter(runtime: Runtime, steps: StepsDue, to: Receiver, text: str, said: Said) -> Letter:
    """The household's one message of the day, about all that it tells of, useful as long as its shortest step."""
    dues, first = said.dues, said.dues[0].row
    return Letter(
        to=to.number,
        text=text,
        key=f"recall:{first.programme_id}:{first.household_id}:{steps.today.isoformat()}",
        purpose="reminder",
        klass="must-arrive",
        not_before=leaves_at(steps, dues),
        useful_until=min(steps.instant(due.step.until) for due in dues),
        hours=hours_of(runtime, first),
        organisation_id=first.organisation_id,
        programme_id=first.programme_id,
        phone=Phone(to.phone_id, to.number_idx, to.language) if to.number_idx is not None else None,
        recording=_recording(runtime, to, said),
    )


def _recording(runtime: Runtime, to: Receiver, said: Said) -> str:
    """What is played to a family that chose calls; "" where this is said in an SMS."""
    if said.dues[0].row.is_cover:
        return ""  # nobody has recorded its words
    named = any(due.step.medium == VOICE for due in said.dues)
    if not to.by_voice or not (named or runtime.config.voice.steps == "all"):
        return ""
    return spoken.recording_for(runtime, recording_of(said.words), to.language)


def leaves_at(steps: StepsDue, dues: Sequence[Due]) -> int:
    return min(steps.instant(due.step.at) for due in dues)


def hours_of(runtime: Runtime, row: DueAppointment) -> str:
    return runtime.hours.name_for("reminder", row.zone)
