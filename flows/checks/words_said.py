"""Checks 6, 8, 13, 21 to 23: what the texts of a flow say, language by language."""

import re
from collections.abc import Iterator
from typing import Final

from flows.findings import ERROR, NOTE, WARNING, Finding
from flows.model import Ask, End, Flow, Say
from flows.sms_text import fold
from flows.texts import Text

_DIALLING_CODE: Final = re.compile(r"[*#]\d{2,}(?:\*\d+)*#")
# A message may be read a day late, or twice.
_SOON_UNTRUE: Final = re.compile(
    r"\b(?:demain|aujourd[’']hui|ce soir|ce matin|hier|sini|tomorrow|today)\b", re.IGNORECASE
)


def texts_of(flow: Flow) -> Iterator[tuple[str, str, Text]]:
    """Every text of the flow with its step and what it is: "title", "menu", "wrong", "choice oui", "text rappel"."""
    yield "", "title", flow.title
    for key, text in flow.texts.items():
        yield "", f"text {key}", text
    for step in flow.steps.values():
        if isinstance(step, Say | End) and step.text is not None:
            yield step.id, step.kind, step.text
        elif isinstance(step, Ask):
            yield step.id, step.kind, step.text
            if step.wrong is not None:
                yield step.id, "wrong", step.wrong
            for option in step.options:
                yield step.id, f"choice {option.key}", option.label


def check_languages(flow: Flow) -> Iterator[Finding]:
    """6: every text says something in every language, with the same names in it; sub-flows speak them all."""
    for step, what, text in texts_of(flow):
        for language, message, level in text_problems(text, flow.languages):
            yield Finding(flow.file, step, language, level, f"{what}: {message}", 6, text.line)
    for run_id, child in flow.children.items():
        for language in flow.languages:
            if language not in child.languages:
                message = f"sub-flow '{child.id}' has no '{language}': write its texts in it, or callers read French"
                yield Finding(flow.file, run_id, language, ERROR, message, 6, flow.steps[run_id].line)


def text_problems(text: Text, languages: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a text: (language, message, level)."""
    usual = text.written.get("all", text.written.get(languages[0], ""))
    names = set(text.true[languages[0]][1::2])
    for language in languages:
        if not text.says(language):
            yield language, f"nothing is written in '{language}': write it, or `all:` if the words are the same", ERROR
            continue
        words = text.written.get(language, usual)
        if language != languages[0] and words == usual and "all" not in text.written:
            yield language, f"the same words as '{languages[0]}': translate them, or write them once as `all:`", WARNING
        here = set(text.true[language][1::2])
        if here != names:
            wrong = ", ".join(f"{{{name}}}" for name in sorted(here ^ names))
            yield (
                language,
                f"{wrong} is in one language and not in '{languages[0]}' or the reverse: use the same",
                ERROR,
            )


def check_letters(flow: Flow) -> Iterator[Finding]:
    """8: every letter can be written in the GSM 7-bit alphabet."""
    for step, what, text in texts_of(flow):
        for language, letters in foreign_letters(text):
            message = f"{what}: {letters} cannot be sent to a plain phone; write it in other letters"
            yield Finding(flow.file, step, language, ERROR, message, 8, text.line)


def foreign_letters(text: Text) -> Iterator[tuple[str, str]]:
    """The letters of a text that have no GSM 7-bit spelling, by language."""
    for language, words in text.written.items():
        letters = sorted({letter for letter in words if letter != "?" and "?" in fold(letter)})
        if letters:
            yield language, " ".join(f"'{letter}' (U+{ord(letter):04X})" for letter in letters)


def check_choices(flow: Flow) -> Iterator[Finding]:
    """13: no two choices of a question look alike on a screen, in any language."""
    for step in flow.steps.values():
        if not isinstance(step, Ask):
            continue
        for language in flow.languages:
            seen: dict[str, str] = {}
            for option in step.options:
                label = option.label.folded[language][0].strip().casefold()
                if label in seen:
                    message = f"'{seen[label]}' and '{option.key}' read the same on a screen: give them other words"
                    yield Finding(flow.file, step.id, language, ERROR, message, 13, step.line)
                seen[label] = option.key


def check_truth(flow: Flow) -> Iterator[Finding]:
    """21, 22: no dialling code is written out; what goes out as a message stays true until it is read."""
    sent = {step.id for step in flow.steps.values() if isinstance(step, Say) and step.by_sms}
    for step, what, text in texts_of(flow):
        for language, message in codes_written_out(text):
            yield Finding(flow.file, step, language, ERROR, f"{what}: {message}", 21, text.line)
        if step in sent or what.startswith("text "):
            for language, message in soon_untrue(text):
                yield Finding(flow.file, step, language, ERROR, f"{what}: {message}", 22, text.line)


def codes_written_out(text: Text) -> Iterator[tuple[str, str]]:
    for language, words in text.written.items():
        if found := _DIALLING_CODE.search(words):
            yield language, f"'{found[0]}' is a dialling code: write {{code}}, it differs from place to place"


def soon_untrue(text: Text) -> Iterator[tuple[str, str]]:
    for language, words in text.written.items():
        if found := _SOON_UNTRUE.search(words):
            yield language, f"'{found[0]}' is wrong when it is read late: write the day"


def check_reviewed(flow: Flow) -> Iterator[Finding]:
    """23: which languages no speaker has read yet."""
    for language, reviewed in flow.reviewed.items():
        if not reviewed:
            message = "no speaker has read these texts: callers on real carriers get French until `reviewed` says true"
            yield Finding(flow.file, "", language, NOTE, message, 23)
