"""What calls play: a file for each sentence and language, `recall_late.fr.wav`, and the index that says what it is.

A recording that nobody reviewed goes to pretend handsets only, like a text (docs/voice.md).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from service.domain.data_files import DataMistake, Table, parse

BUILT_IN = Path(__file__).resolve().parents[2] / "flows" / "recordings"
INDEX = "recordings.yaml"
ORDER = ("fr",)
"""In whose language it is said when the wished one is missing."""
_NAME = re.compile(r"[a-z][a-z_]{1,30}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class RecordingsMistake(DataMistake):
    """The recordings cannot be used; the text names the place and the remedy."""


class Recording(NamedTuple):
    """One sentence in one language. `words`: what is said, for whoever records or reviews it."""

    file: Path
    words: str
    reviewed: bool


NOTHING: dict[tuple[str, str], Recording] = {}


class Recordings(NamedTuple):
    """Every recording, by its sentence's key and its language."""

    of: dict[tuple[str, str], Recording] = NOTHING

    def language_for(self, key: str, language: str, *, drafts: bool) -> str | None:
        """In which language a sentence is said to who speaks this one; None when it cannot be said."""
        for wished in (language, *ORDER):
            found = self.of.get((key, wished))
            if found is not None and (found.reviewed or drafts):
                return wished
        return None

    def file_of(self, key: str, language: str) -> Path | None:
        found = self.of.get((key, language))
        return found.file if found else None


def load_recordings(folder: Path) -> Recordings:
    """What the folder's index names; raises RecordingsMistake when a file of it is missing."""
    try:
        text = (folder / INDEX).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise RecordingsMistake(f"there is no readable {INDEX} in {folder}") from None
    file = Table(parse(text, RecordingsMistake), INDEX, RecordingsMistake)
    found = {}
    for part in file.tables("recordings"):
        key, language = part.text("key"), part.text("language")
        part.where = f"{INDEX}, {key}.{language}"
        if not _NAME.fullmatch(key) or not _LANGUAGE.fullmatch(language):
            raise RecordingsMistake(f"{part.where}: write a key like recall_late and a language like fr")
        sound = folder / f"{key}.{language}.wav"
        if (key, language) in found:
            raise RecordingsMistake(f"{part.where}: is written twice")
        if not sound.is_file():
            raise RecordingsMistake(f"{part.where}: there is no file {sound.name} beside it")
        found[key, language] = Recording(sound, part.text("words"), part.yes("reviewed"))
        part.done()
    file.done()
    return Recordings(found)
