"""The words of a reminder: discreet, short, true whenever it is read, in the reader's language."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from service.domain.experiments import USUAL_WORDS
from service.domain.household_day import MOST_DAYS, Words
from service.runtime import Runtime

MOST_IN_AN_APOLOGY = 2
MOST_CHILDREN_WIDTH = 150
"""What stands for {children} in flows/phrases/explicit.yaml."""


def reminder_text(
    runtime: Runtime,
    language: str | None,
    words: Words,
    days: Iterable[date],
    centres: Collection[str | None],
    several: bool,
    before: str = USUAL_WORDS,
) -> str:
    """One text for a household: where to come and from which day. No name, no vaccine, no illness (decision 28).

    `before`: the phrase where nobody is late. `several`: more children than one are expected for their vaccines.
    """
    phrase = before if words == "before" else f"recall.{words}"
    spoken = spoken_language(runtime, language, phrase)
    return runtime.phrases.say(
        phrase,
        spoken,
        sender=runtime.config.sender_name,
        dates=said_days(days, spoken),
        days=said_days(days, spoken),
        centre=_centre(runtime, centres, spoken),
        booklets=runtime.phrases.say("booklets.several" if several else "booklets.one", spoken),
        code=runtime.config.service_code,
        stop=stop_clause(runtime, spoken),
    )


def recording_of(words: Words) -> str:
    """Which recording says the same in a call; it names no day, for it is spoken once and for all."""
    return "recall_before" if words == "before" else "recall_late"


def explicit_text(
    runtime: Runtime, spoken: str, children: str, words: Words, days: Iterable[date], centres: Collection[str | None]
) -> str:
    """The same with `children`, "Awa (penta 2)": for households that chose it, and for no other."""
    return runtime.phrases.say(
        f"explicit.{words}",
        spoken,
        sender=runtime.config.sender_name,
        children=children,
        dates=said_days(days, spoken),
        days=said_days(days, spoken),
        centre=_centre(runtime, centres, spoken),
        code=runtime.config.service_code,
        stop=stop_clause(runtime, spoken),
    )


def apology_text(
    runtime: Runtime,
    language: str | None,
    centre: str | None,
    fell_away: Iterable[date],
    instead: Iterable[date],
    without: str = "apology.no_day_yet",
) -> str:
    """One text for a household: the day it was told is put off, and the new one if there is one. As discreet.

    `without` is the phrase where there is none.
    """
    kept = sorted(set(instead))[:MOST_IN_AN_APOLOGY]
    phrase = "apology.moved" if kept else without
    spoken = spoken_language(runtime, language, phrase)
    days = {"dates": said_days(kept, spoken)} if kept else {}
    return runtime.phrases.say(
        phrase,
        spoken,
        sender=runtime.config.sender_name,
        days=said_days(sorted(set(fell_away))[:MOST_IN_AN_APOLOGY], spoken),
        centre=_centre(runtime, {centre}, spoken),
        **days,
    )


def spoken_language(runtime: Runtime, language: str | None, phrase: str) -> str:
    """The reader's language when its words may leave by our route, else French (drafts go to the simulator only)."""
    route = runtime.routes[0].name if runtime.routes else None
    return runtime.phrases.language_for(phrase, language or "fr", drafts=runtime.shows_drafts(route))


def stop_clause(runtime: Runtime, language: str) -> str:
    """How to end the messages: a word to answer with, or the code to dial where answers cannot arrive."""
    two_way = bool(runtime.routes) and runtime.routes[0].capabilities.two_way
    return runtime.phrases.say(
        "stop.two_way" if two_way else "stop.one_way", language, code=runtime.config.service_code
    )


def said_days(anchors: Iterable[date], language: str) -> str:
    """'12/12', '12/12 et 14/12', '12/12, 14/12 et 16/12': the earliest ones."""
    days = [f"{day:%d/%m}" for day in sorted(set(anchors))[:MOST_DAYS]]
    joiner = {"fr": " et ", "bm": " ni ", "en": " and "}[language]
    return joiner.join(filter(None, [", ".join(days[:-1]), days[-1]]))


def _centre(runtime: Runtime, centres: Collection[str | None], language: str) -> str:
    only = next(iter(centres)) if len(centres) == 1 else None
    return f"CSCom {only}" if only else runtime.phrases.say("centre.unknown", language)
