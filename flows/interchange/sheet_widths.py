"""What the texts of a sheet take on a screen or in an SMS, shown beside them; and which of them do not fit."""

from collections.abc import Iterable, Iterator, Mapping

from flows.checks.widths import Seen, longest, seen_by_callers
from flows.model import Flow, Menu, Say
from flows.sms_text import LIMITS, units
from flows.texts import Text, compile_text

_SMS: int = LIMITS["gsm7"][0]


def screens_of(flow: Flow, limit: int) -> dict[str, str]:
    """For each step that shows something: "fr 113, bm 110 (sur 160)", with the pages where one is not enough."""
    counts: dict[str, dict[str, str | int]] = {}
    for seen in seen_by_callers(flow, limit):
        pages = f"{seen.units} en {seen.pages} pages" if seen.pages > 1 else seen.units
        counts.setdefault(seen.step, {})[seen.language] = pages
    told = {step: counted(by_language, limit) for step, by_language in counts.items()}
    for step in flow.steps.values():
        if isinstance(step, Say) and step.by_sms:
            told[step.id] = counted(septets(flow, step.text), _room(step))
    return told


def message_septets(flow: Flow, key: str) -> str:
    return counted(septets(flow, flow.texts[key]), _SMS)


def septets_of(flow: Flow, words: Mapping[str, str]) -> str:
    """The same of words that are only part of a screen: a choice, a list entry, a title."""
    said = flow.languages[:1] if "all" in words else [each for each in flow.languages if each in words]
    counts = septets(flow, compile_text(words, flow.languages))
    return counted({language: counts[language] for language in said})


def septets(flow: Flow, text: Text) -> dict[str, int]:
    """By language, with the longest answers in their places."""
    return {language: units(longest(flow, text, language)) for language in flow.languages}


def counted(counts: Mapping[str, str | int], limit: int | None = None) -> str:
    numbers = ", ".join(f"{language} {count}" for language, count in counts.items())
    return f"{numbers} (sur {limit})" if limit is not None else numbers


def too_long(flow: Flow, steps: Iterable[str], limit: int = 160) -> Iterator[tuple[str, str, str]]:
    """Of these steps: the step, the language and what to say of a text that does not fit."""
    wanted = set(steps)
    for seen in seen_by_callers(flow, limit):
        if seen.step in wanted and (told := _does_not_fit(flow, seen, limit)):
            yield seen.step, seen.language, told
    for step in flow.steps.values():
        if step.id in wanted and isinstance(step, Say) and step.by_sms:
            for language, size in septets(flow, step.text).items():
                if size > _room(step):
                    yield (
                        step.id,
                        language,
                        f"{size} septets, le SMS en a {_room(step)} : ôtez {size - _room(step)} lettres",
                    )


def _does_not_fit(flow: Flow, seen: Seen, limit: int) -> str:
    step = flow.steps[seen.step]
    if seen.units > limit:
        return f"{seen.units} septets, l'écran en a {limit} : ôtez {seen.units - limit} lettres"
    from_data = isinstance(step, Menu) and step.source is not None
    return (
        f"l'écran se coupe en {seen.pages} pages : raccourcissez le texte" if seen.pages > 1 and not from_data else ""
    )


def _room(step: Say) -> int:
    return _SMS if step.parts == 1 else step.parts * LIMITS["gsm7"][1]
