"""The sentences of `flows/phrases/`: in every language, as short as they must be, and true when read late."""

from collections.abc import Iterator
from typing import Final

from flows.answers import HELP_KEYS
from flows.checks.words_said import codes_written_out, foreign_letters, soon_untrue, text_problems
from flows.findings import ERROR, NOTE, Finding
from flows.mistakes import nearest
from flows.phrases import Phrase, Phrases, Slot
from flows.sms_text import LIMITS, units
from flows.texts import fill

# Without these the engine cannot speak.
NEEDED: Final = frozenset({"more", "back", "start", "gave_up", "goodbye", *HELP_KEYS})


def check_sentences(phrases: Phrases) -> Iterator[Finding]:
    """Everything that is proved about sentences."""
    for phrase in phrases.by_key.values():
        yield from _of_phrase(phrase, phrases)
    for key in sorted(NEEDED - set(phrases.by_key)):
        yield Finding("engine.yaml", key, "", ERROR, "the engine needs this sentence: write it", 6)
    drafts = {
        (each.file, language) for each in phrases.by_key.values() for language, ok in each.reviewed.items() if not ok
    }
    for file, language in sorted(drafts):
        message = "no speaker has read these sentences: on real carriers French goes out until `reviewed` says true"
        yield Finding(file, "", language, NOTE, message, 23)


def widest_sentence(phrase: Phrase, phrases: Phrases, language: str) -> int:
    """Septets of the sentence with the longest value in each place."""
    return units(_longest(phrase, phrases, language))


def _of_phrase(phrase: Phrase, phrases: Phrases) -> Iterator[Finding]:
    text, line = phrase.text, phrase.text.line
    for language, message, level in text_problems(text, tuple(text.true)):
        yield Finding(phrase.file, phrase.key, language, level, message, 6, line)
    for language, letters in foreign_letters(text):
        message = f"{letters} cannot be sent to a plain phone; write it in other letters"
        yield Finding(phrase.file, phrase.key, language, ERROR, message, 8, line)
    for check, problems in ((21, codes_written_out(text)), (22, soon_untrue(text))):
        for language, message in problems:
            yield Finding(phrase.file, phrase.key, language, ERROR, message, check, line)
    for name, slot in phrase.slots.items():
        for key in slot.phrases:
            if key not in phrases.by_key:
                message = f"{{{name}}} may be '{key}', which does not exist; {nearest(key, phrases.by_key)}"
                yield Finding(phrase.file, phrase.key, "", ERROR, message, 2, line)
    yield from _width(phrase, phrases)


def _width(phrase: Phrase, phrases: Phrases) -> Iterator[Finding]:
    alone, joined = LIMITS["gsm7"]
    limit = alone if phrase.parts == 1 else phrase.parts * joined
    for language in phrase.text.folded:
        size = widest_sentence(phrase, phrases, language)
        if size > limit:
            message = f"{size - limit} septets too many for {phrase.parts} SMS with the longest values: shorten it"
            yield Finding(phrase.file, phrase.key, language, ERROR, message, 7, phrase.text.line)


def _longest(phrase: Phrase, phrases: Phrases, language: str, depth: int = 0) -> str:
    templates = phrase.text.folded
    template = templates.get(language) or next(iter(templates.values()))
    return fill(template, lambda name: _longest_value(phrase.slots[name], phrases, language, depth))


def _longest_value(slot: Slot, phrases: Phrases, language: str, depth: int) -> str:
    if not slot.phrases or depth > 3:
        return "m" * slot.width
    inner = [phrases.by_key[key] for key in slot.phrases if key in phrases.by_key]
    return max((_longest(each, phrases, language, depth + 1) for each in inner), key=units, default="")
