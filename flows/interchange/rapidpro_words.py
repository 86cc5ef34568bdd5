"""What a RapidPro flow says: its languages, its messages, the answers and fields its `@expressions` put in them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flows.interchange.imported_words import Written, in_languages, joined, our_code
from flows.interchange.left_out import Report, quoted
from flows.interchange.made_ids import id_like
from flows.interchange.rapidpro_reading import FlowRead
from flows.model import DEFAULT_LANGUAGE, LANGUAGES

_TOP: Final = (
    "contact|child|parent|run|results|fields|input|globals|urns|webhook|trigger|resume|legacy_extra|node|ticket|locals"
)
_PATH: Final = re.compile(rf"(?:{_TOP})(?:\.[a-z0-9_]+)*", re.IGNORECASE | re.ASCII)
_FUNCTION: Final = re.compile(
    r"(title|proper|upper|lower|text|default|if_blank)\(\s*([a-z0-9_.]+)\s*[,)]", re.IGNORECASE
)
_ANSWER: Final = re.compile(r"(?:run\.)?results\.([a-z0-9_]+)(?:\.(value|category|category_localized|input|text))?")
_FIELD: Final = re.compile(r"(?:contact\.)?fields\.([a-z0-9_]+)")
_OF_CHILD: Final = re.compile(r"child\.(?:run\.)?results\.([a-z0-9_]+)(?:\.[a-z_]+)?")
_NUMBERED: Final = re.compile(r"[ \t]*\(?(\d{1,2})(?!\d)[ \t]*(?:(?:[).:=/-]|\u2013|\u2014)[ \t]*)?(\S[^\n]{0,120})")
_IN_A_ROW: Final = re.compile(r"(?:(?<=\s)|^)\(?(\d{1,2})[).:=-]\s?")
# Longer ones are words that hold a bracket.
_LONGEST_EXPRESSION: Final = 300
_LONGEST: Final = 2000
CONTACT_NAME: Final = "contact_name"


@dataclass(frozen=True, slots=True)
class Known:
    """An answer or a field that texts and rules may use.

    `kind` is "choice", "number", "text", "date", "phone" or "word" (set). `keys` are our choices by the name of their
    category, `said` by the words people send for them; `rules` are conditions by category of a number.
    """

    id: str
    kind: str
    keys: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    low: int = 0
    width: int = 20


@dataclass(slots=True)
class Names:
    """What is known so far on the way through a flow, by RapidPro's names. `child` are the last sub-flow's results."""

    results: dict[str, Known] = field(default_factory=dict)
    fields: dict[str, Known] = field(default_factory=dict)
    child: dict[str, Known] = field(default_factory=dict)

    def of_path(self, path: str) -> Known | None:
        """The answer or field a path means; None when nothing here is called so yet."""
        path = path.lower()
        if found := _ANSWER.fullmatch(path):
            return self.results.get(id_like(found[1]))
        if found := _FIELD.fullmatch(path):
            return self.fields.get(id_like(found[1]))
        if found := _OF_CHILD.fullmatch(path):
            return self.child.get(id_like(found[1]))
        if path in ("contact", "contact.name", "contact.first_name"):
            return self.fields.get(CONTACT_NAME)
        return None

    def widths(self) -> Callable[[str], int]:
        every = (*self.results.values(), *self.fields.values(), *self.child.values())
        by_id = {known.id: known.width for known in every}
        return lambda name: by_id.get(name, 20)


def path_of(expression: str) -> str:
    """The path in "@results.age" or "@(results.age)"; empty when it is more than a path."""
    inner = expression.strip().removeprefix("@").strip()
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1].strip()
    return inner.lower() if _PATH.fullmatch(inner) else ""


def asks_category(path: str) -> bool:
    return path.endswith((".category", ".category_localized"))


@dataclass(frozen=True, slots=True)
class Message:
    """What an action says, by language of ours, with `@expressions` in it; and its quick replies."""

    said: Mapping[str, str]
    replies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Words:
    """The texts of one flow."""

    flow: FlowRead
    report: Report
    languages: tuple[str, ...] = (DEFAULT_LANGUAGE,)
    _of_code: dict[str, str] = field(default_factory=dict)
    _base: str | None = None

    @classmethod
    def of_flow(cls, flow: FlowRead, report: Report) -> "Words":
        words = cls(flow, report)
        base = our_code(flow.language)
        for language in flow.localization:
            code = our_code(language)
            if code is None:
                report.left_out(f"'{flow.name}'", f"language '{language}'", "we have words in fr, bm and en only")
            elif code != base and code not in words._of_code:
                words._of_code[code] = language
        if base is None and not words._of_code:
            base = DEFAULT_LANGUAGE
            told = f"its own language is '{flow.language or 'none'}'"
            report.changed(f"'{flow.name}'", f"{told}: its words stand under '{base}', translate them if they are not")
        elif base is None:
            report.changed(f"'{flow.name}'", f"its own words ('{flow.language}') stand where a translation is missing")
        words._base = base
        codes = [base] if base is not None else []
        words.languages = (*codes, *(each for each in LANGUAGES if each in words._of_code and each != base))
        return words

    def message(self, action: Mapping[str, Any]) -> Message:
        said = self._all(str(action.get("uuid") or ""), "text", str(action.get("text") or ""))
        own = action.get("quick_replies")
        replies = {self.languages[0]: _replies(own)}
        for code, language in self._of_code.items():
            there = self.flow.localization[language].get(str(action.get("uuid") or ""))
            written = there.get("quick_replies") if isinstance(there, Mapping) else None
            replies[code] = _replies(written) or replies[self.languages[0]]
        return Message(said, replies)

    def category(self, uuid: str, name: str) -> dict[str, str]:
        return self._all(uuid, "name", name)

    def _all(self, uuid: str, key: str, own: str) -> dict[str, str]:
        said = {self._base: own[:_LONGEST]} if self._base is not None else {}
        for code, language in self._of_code.items():
            there = self.flow.localization[language].get(uuid)
            written = there.get(key) if isinstance(there, Mapping) else None
            first = written[0] if isinstance(written, list) and written else written
            if isinstance(first, str) and first.strip() and code in self.languages:
                said[code] = first[:_LONGEST]
        said.setdefault(self.languages[0], own[:_LONGEST])
        return said

    def text(self, said: Mapping[str, str], names: Names, where: str) -> Written:
        """The words in every language of the flow, expressions turned into our names."""
        made = {language: self._one(words, names, where) for language, words in said.items()}
        whole, missing = in_languages(made, self.languages)
        for language in missing:
            self.report.also(f"no words in '{language}', those of another language stand there", where)
        return whole

    def _one(self, words: str, names: Names, where: str) -> str:
        parts: list[str] = [""]
        for literal, expression in _expressions(words):
            parts[-1] += literal
            if expression:
                parts += [self._name(expression, names, where), ""]
        return joined(parts)

    def _name(self, expression: str, names: Names, where: str) -> str:
        path = path_of(expression)
        if not path and (inside := _FUNCTION.match(expression.strip().removeprefix("@(").strip())):
            path = inside[2].lower()
            self.report.changed(where, f"{quoted(expression, 40)} shows the answer as it is")
        known = names.of_path(path) if path else None
        if known is None:
            why = "it is not asked above it" if path else "texts of ours compute nothing"
            self.report.left_out(where, f"{quoted(expression, 40)} in its words", why)
        return known.id if known is not None else ""


def _replies(written: Any) -> tuple[str, ...]:
    """Plain words in 13, objects with a `text` in 14."""
    found = written if isinstance(written, list) else []
    texts = [each.get("text") if isinstance(each, Mapping) else each for each in found[:20]]
    return tuple(text[:60] for text in texts if isinstance(text, str) and text.strip())


def _expressions(words: str) -> Iterator[tuple[str, str]]:
    """Words and the expression behind them, by turns; "" behind the last words. "@@" is an at sign."""
    at = 0
    literal = ""
    while (sign := words.find("@", at)) >= 0:
        literal += words[at:sign]
        if words.startswith("@@", sign):
            literal, at = literal + "@", sign + 2
            continue
        end = _closing(words, sign + 1) if words.startswith("@(", sign) else _end_of_path(words, sign + 1)
        if end:
            yield literal, words[sign:end]
            literal, at = "", end
        else:
            literal, at = literal + "@", sign + 1
    yield literal + words[at:], ""


def _end_of_path(words: str, start: int) -> int:
    found = _PATH.match(words, start)
    return found.end() if found is not None else 0


def _closing(words: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`; 0 when none does. Brackets in quotes are words."""
    depth, inside = 0, False
    for place in range(start, min(len(words), start + _LONGEST_EXPRESSION)):
        sign = words[place]
        if sign == '"':
            inside = not inside
        elif not inside and sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                return place + 1
    return 0


def numbered_lines(words: str, wanted: set[int]) -> tuple[str, dict[int, str]]:
    """The words without their lines "1. Oui" or "(2) Non", and what stood there by number; as they are without any."""
    found: dict[int, str] = {}
    kept: list[str] = []
    for line in words.splitlines():
        numbered = _NUMBERED.fullmatch(line)
        if numbered is not None and int(numbered[1]) in wanted and int(numbered[1]) not in found:
            found[int(numbered[1])] = numbered[2].strip()
        else:
            kept.append(line)
    if len(found) == len(wanted) and any(line.strip() for line in kept):
        return "\n".join(kept), found
    return _in_a_row(words, wanted)


def _in_a_row(words: str, wanted: set[int]) -> tuple[str, dict[int, str]]:
    """The same for "Etes-vous d'accord ? 1. Oui 2. Non", on one line."""
    marks = [found for found in _IN_A_ROW.finditer(words) if int(found[1]) in wanted]
    if {int(mark[1]) for mark in marks} != wanted or len(marks) != len(wanted) or not words[: marks[0].start()].strip():
        return words, {}
    ends = [*(mark.start() for mark in marks[1:]), len(words)]
    labels = {int(mark[1]): words[mark.end() : end].strip(" \n,;") for mark, end in zip(marks, ends, strict=True)}
    if not all(label and len(label) <= 60 for label in labels.values()):
        return words, {}
    return words[: marks[0].start()], labels
