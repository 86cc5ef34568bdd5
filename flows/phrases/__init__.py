"""Sentences that stand outside conversations: reminders, answers to ARRET and START, and the engine's own words.

Each YAML file of this folder declares what may be put into its sentences and how long each of these may get, so that
`check.check_phrases` can prove that the longest one fits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flows.mistakes import FlowMistake, nearest
from flows.step_reading import ID, read_count, read_text, read_yes
from flows.strict_yaml import Entries, Entry, read
from flows.texts import Text, fill

FOLDER: Final = Path(__file__).parent
_KEY_SEPARATOR: Final = "."


@dataclass(frozen=True, slots=True)
class Slot:
    """The most characters a value takes, or the sentences one of which is put there."""

    width: int = 0
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """One sentence. It travels in at most `parts` SMS."""

    key: str
    text: Text
    slots: Mapping[str, Slot]
    reviewed: Mapping[str, bool]
    parts: int
    file: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """Every sentence of a folder, by key."""

    by_key: Mapping[str, Phrase]

    def say(self, key: str, language: str, **slots: object) -> str:
        """The sentence in its true spelling, filled. FlowMistake when the key or a slot is missing."""
        return fill(self._phrase(key).text.true[self._spoken(key, language)], lambda name: _given(key, name, slots))

    def folded(self, key: str, language: str, **slots: object) -> str:
        """The same in GSM 7-bit letters; the slots must be so already."""
        return fill(self._phrase(key).text.folded[self._spoken(key, language)], lambda name: _given(key, name, slots))

    def language_for(self, key: str, wanted: str, *, drafts: bool) -> str:
        """The language this sentence may be said in: `wanted`, or the first one when `wanted` is an unread draft."""
        reviewed = self._phrase(key).reviewed
        return wanted if wanted in reviewed and (drafts or reviewed[wanted]) else next(iter(reviewed))

    def _phrase(self, key: str) -> Phrase:
        try:
            return self.by_key[key]
        except KeyError:
            raise FlowMistake(f"there is no phrase '{key}'; {nearest(key, self.by_key)}") from None

    def _spoken(self, key: str, language: str) -> str:
        languages = self._phrase(key).text.true
        return language if language in languages else next(iter(languages))


def load_phrases(folder: Path = FOLDER) -> Phrases:
    """Every sentence of the folder. FlowMistake names file and line of what cannot be read."""
    return read_phrases({path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))})


def read_phrases(sources: Mapping[str, str]) -> Phrases:
    """The same from the texts themselves, by file name."""
    by_key: dict[str, Phrase] = {}
    for file, source in sources.items():
        for phrase in _read_file(source.replace("\r\n", "\n"), file):
            if phrase.key in by_key:
                raise FlowMistake(f"phrase '{phrase.key}' is also in {by_key[phrase.key].file}", file=file)
            by_key[phrase.key] = phrase
    return Phrases(by_key)


@cache
def standard() -> Phrases:
    """The sentences that come with the program, read once."""
    return load_phrases()


def say(key: str, language: str, **slots: object) -> str:
    """`standard().say(...)`: the sentence in its true spelling, filled."""
    return standard().say(key, language, **slots)


def _given(key: str, name: str, slots: Mapping[str, object]) -> str:
    if name not in slots:
        raise FlowMistake(f"phrase '{key}' needs {{{name}}}; given: {', '.join(slots) or 'nothing'}")
    return str(slots[name])


def _read_file(source: str, file: str) -> Iterable[Phrase]:
    fields = read(source, file).entries()
    name = fields.need("phrases", "the name of the file without .yaml")
    if f"{name.word()}.yaml" != file:
        raise name.mistake(f"'{name.word()}' belongs in a file named {name.word()}.yaml")
    languages = tuple(item.word() for item in fields.need("languages", "as in [fr, bm]").items())
    reviewed = _read_reviewed(fields.get("reviewed"), languages, fields)
    parts_entry, slots_entry = fields.get("parts"), fields.get("slots")
    parts = read_count(parts_entry, 1, 6) if parts_entry is not None else 1
    slots = {key: _read_slot(entry) for key, entry in slots_entry.entries().all()} if slots_entry is not None else {}
    texts = fields.need("texts", "the sentences").entries().all()
    fields.finish()
    return [_phrase(key, entry, languages, slots, reviewed, parts, file) for key, entry in texts]


def _phrase(
    key: str,
    entry: Entry,
    languages: tuple[str, ...],
    slots: Mapping[str, Slot],
    reviewed: Mapping[str, bool],
    parts: int,
    file: str,
) -> Phrase:
    if not all(ID.fullmatch(word) for word in key.split(_KEY_SEPARATOR)):
        raise entry.mistake(f"'{key}' cannot be a key: small letters without accents, digits and _")
    text = read_text(entry.inside(key), languages)
    for name in sorted(text.names):
        if name not in slots:
            raise entry.inside(key).mistake(f"{{{name}}} is not among the `slots` of the file; {nearest(name, slots)}")
    return Phrase(key, text, {name: slots[name] for name in sorted(text.names)}, reviewed, parts, file)


def _read_slot(entry: Entry) -> Slot:
    if entry.is_list:
        return Slot(phrases=tuple(item.word() for item in entry.items()))
    return Slot(width=read_count(entry, 1, 160))


def _read_reviewed(entry: Entry | None, languages: tuple[str, ...], fields: Entries) -> dict[str, bool]:
    said = dict(entry.entries().all()) if entry is not None else {}
    for language in languages:
        if language != "fr" and language not in said:
            why = f"write `reviewed: {{{language}: false}}`"
            raise fields.place.mistake(f"say whether a speaker reviewed '{language}': {why}")
    return {language: read_yes(said[language]) if language in said else True for language in languages}
