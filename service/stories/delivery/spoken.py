"""What can be said in a call here: by which channel, in which language, and where the carrier fetches it."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain import voice_menu
from service.runtime import Runtime


def recording_for(runtime: Runtime, key: str, language: str | None) -> str:
    """What is played to say this, as "recall_before.fr"; "" when nobody can be called with it.

    Without a channel that calls, without this recording or without one of the menu's, it is said in an SMS.
    """
    if runtime.voice is None or any(_language(runtime, needed, language) is None for needed in voice_menu.NEEDED):
        return ""
    found = _language(runtime, key, language)
    return f"{key}.{found}" if found else ""


def can_call(runtime: Runtime, language: str | None) -> bool:
    """Whether reminders may be calls here."""
    return bool(recording_for(runtime, "recall_before", language) and recording_for(runtime, "recall_late", language))


def lacking(runtime: Runtime) -> tuple[str, ...]:
    """Without which recordings reminders are no calls here, in French, in which all of them may be said."""
    if runtime.voice is None:
        return ()
    wanted = (*voice_menu.NEEDED, "recall_before", "recall_late")
    return tuple(key for key in wanted if _language(runtime, key, None) is None)


def words_of(runtime: Runtime, recording: str) -> str:
    """What is said in a recording, for whoever reads our lists."""
    key, _, language = recording.partition(".")
    return runtime.recordings.of[key, language].words


def sounds(runtime: Runtime, keys: Sequence[str], language: str) -> tuple[str, ...]:
    """The addresses of what is played, in order; a sentence whose recording is gone by now is left out."""
    home = runtime.config.public_url.rstrip("/")
    spoken = [(key, _language(runtime, key, language)) for key in keys]
    return tuple(f"{home}/recordings/{key}.{found}.wav" for key, found in spoken if found)


def _language(runtime: Runtime, key: str, language: str | None) -> str | None:
    voice = runtime.voice.name if runtime.voice else None
    return runtime.recordings.language_for(key, language or "fr", drafts=runtime.shows_drafts(voice))
