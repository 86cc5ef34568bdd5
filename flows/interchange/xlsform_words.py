"""The words of a form: which of its languages are ours, and its texts with our names in them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flows.interchange.imported_words import Written, cleaned, in_languages, joined, our_code
from flows.interchange.left_out import Report, quoted
from flows.interchange.xlsform_rules import Table
from flows.model import DEFAULT_LANGUAGE, LANGUAGES

_REFERENCE: Final = re.compile(r"\$\{([^{}]{1,100})\}")
_UNTRANSLATED: Final = "default"
# What pyxform puts in for `or_other`, in English whatever the form speaks.
_SPECIFY: Final = "Specify other."
_SPECIFIED: Final = {"fr": "Lequel ? Précisez.", "bm": "Jumɛn? A ɲɛfɔ.", "en": "Which one? Please say."}
_OTHER: Final = {"fr": "Autre", "bm": "Wɛrɛ", "en": "Other"}


@dataclass(slots=True)
class Words:
    """The languages of the flow, its first one first, and the form's name of each."""

    report: Report
    languages: tuple[str, ...] = (DEFAULT_LANGUAGE,)
    _codes: dict[str, str] = field(default_factory=dict)
    _plain_is: str = DEFAULT_LANGUAGE

    @classmethod
    def of_form(cls, form: Mapping[str, Any], report: Report) -> "Words":
        words = cls(report)
        found = list(dict.fromkeys(_languages_in(form)))
        default = str(form.get("default_language") or _UNTRANSLATED)
        words._plain_is = our_code(default) or DEFAULT_LANGUAGE
        for language in found:
            code = our_code(language) if language != _UNTRANSLATED else None
            if code is not None and code not in words._codes.values():
                words._codes[language] = code
            elif language != _UNTRANSLATED:
                why = "we have words in fr, bm and en only" if code is None else f"'{code}' has a column already"
                report.left_out("languages", quoted(language), why)
        words._take_plain(found, default)
        used = set(words._codes.values())
        first = words._plain_is if words._plain_is in used else next(each for each in LANGUAGES if each in used)
        words.languages = (first, *(each for each in LANGUAGES if each in used and each != first))
        return words

    def _take_plain(self, found: Iterable[str], default: str) -> None:
        """Labels without a language are in the form's default one; where it names none, in French."""
        if _UNTRANSLATED not in found and self._codes:
            return
        if self._plain_is in self._codes.values():
            self.report.changed("languages", f"labels without a language are left out beside '{self._plain_is}'")
            return
        self._codes[_UNTRANSLATED] = self._plain_is
        if default == _UNTRANSLATED or our_code(default) is None:
            self.report.changed("languages", "labels that name no language are taken for French: `label::French (fr)`")

    def text(self, label: object, known: Table, where: str, *, told: bool = True) -> Written:
        """A label in all languages of the flow, `${name}` turned into ours; empty when it says nothing."""
        if label == _SPECIFY:
            return {language: _SPECIFIED[language] for language in self.languages}
        by_language = label if isinstance(label, Mapping) else {_UNTRANSLATED: label}
        written: Written = {}
        for language, words in by_language.items():
            code = self._codes.get(language) or (self._plain_is if language == _UNTRANSLATED else None)
            if code in self.languages and isinstance(words, str) and words.strip():
                written.setdefault(code, self._one(words, known, where))
        whole, missing = in_languages(written, self.languages)
        for language in missing if told else ():
            self.report.also(f"no words in '{language}', those of another language stand there", where)
        return whole if any(written.values()) else {}

    def _one(self, words: str, known: Table, where: str) -> str:
        parts = _REFERENCE.split(words)
        for place in range(1, len(parts), 2):
            name = parts[place].strip()
            if name not in known:
                self.report.left_out(
                    where, f"${{{name}}} in its words", "it is not asked above it, or not carried over"
                )
            parts[place] = known[name].id if name in known else ""
        return joined(parts)

    def choice(self, label: object, name: str, where: str) -> Written:
        """The words of a choice; its name where the form gives it none."""
        said = set(label.values()) if isinstance(label, Mapping) else {label}
        if name == "other" and said == {"Other"}:
            return {language: _OTHER[language] for language in self.languages}
        written = self.text(label, {}, where)
        return written or {"all": cleaned(name).strip() or "..."}


def _languages_in(value: object) -> Iterator[str]:
    """The languages of all labels, hints and messages, by the form's own names."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            for key in ("label", "hint"):
                held = each.get(key)
                if isinstance(held, Mapping):
                    yield from held
            for key in ("children", "choices"):
                held = each.get(key)
                waiting.extend(held.values() if isinstance(held, Mapping) else held or ())
        elif isinstance(each, list):
            waiting.extend(each)
