"""A node that waits for an answer as one of our questions: a menu, a number, a date, a phone or a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from flows.interchange.imported_flow import FIRST_DAY, LAST_DAY
from flows.interchange.imported_words import ROOM, Written, in_pieces, kind_of_pattern, width_of
from flows.interchange.left_out import NotCarried, Report
from flows.interchange.made_ids import choice_like
from flows.interchange.rapidpro_cases import (
    DATES,
    LARGEST,
    NUMBERS,
    WORDS,
    Range,
    condition_of_range,
    numbers_of,
    range_of,
    words_of,
)
from flows.interchange.rapidpro_reading import Category, Router
from flows.interchange.rapidpro_words import Known, Message, Names, Words, numbered_lines

LONGEST_TEXT: Final = 60
LOWEST: Final = 0
HIGHEST: Final = 9999
_MOST_CHOICES: Final = 60


@dataclass(slots=True)
class Question:
    """A step without its `id` and its ways, and the ways as nodes: of choices, of ranges, of all others (`next`).

    `before` is what is said first where the question fills more than a screen. `give_up` is None without a way.
    """

    step: dict[str, Any]
    known: Known
    before: list[Written] = field(default_factory=list)
    go: dict[str, str | None] = field(default_factory=dict)
    branches: list[tuple[str, str | None]] = field(default_factory=list)
    next: str | None = None
    gives_up: bool = False
    give_up: str | None = None


@dataclass(slots=True)
class Asking:
    """What is around a question. `again` says that the default of its router leads back to it."""

    step_id: str
    router: Router
    message: Message
    words: Words
    names: Names
    report: Report
    where: str
    again: bool
    languages: Mapping[str, str] = field(default_factory=dict)

    def question(self) -> Question:
        tested = self.router.tested()
        if self._is_menu(tested):
            return self._menu(tested)
        kinds = {case.kind for each in tested for case in self.router.tests_of(each)}
        if kinds and kinds <= NUMBERS:
            return self._number(tested)
        for kind, tests in (("date", DATES), ("phone", {"has_phone"})):
            if kinds & tests:
                return self._typed(kind, tested, tests)
        if kinds & NUMBERS and not kinds & {"has_text"}:
            return self._number([each for each in tested if self._kinds_of(each) <= NUMBERS], tested)
        digits = self._digits(tested, kinds)
        if digits == "phone":
            return self._typed("phone", tested, {"has_pattern"})
        if digits == "number":
            return self._number([], tested)
        return self._typed("text", tested, kinds - WORDS)

    def _digits(self, tested: Sequence[Category], kinds: set[str]) -> str | None:
        """What patterns of digits alone ask for: a text of ours needs a letter in it."""
        if "has_pattern" not in kinds or "has_text" in kinds:
            return None
        cases = [case for each in tested for case in self.router.tests_of(each) if case.kind == "has_pattern"]
        found = {kind_of_pattern(" ".join(case.args)) for case in cases}
        return found.pop() if len(found) == 1 else None

    def _kinds_of(self, category: Category) -> set[str]:
        return {case.kind for case in self.router.tests_of(category)}

    def _is_menu(self, tested: Sequence[Category]) -> bool:
        """Words to choose from, or numbers that stand for the lines of the message."""
        if not tested or len(tested) > _MOST_CHOICES:
            return False
        if not all(self._kinds_of(each) <= WORDS | {"has_number_eq"} for each in tested):
            return False
        if any(self._kinds_of(each) & WORDS for each in tested):
            return True
        wanted = {number for each in tested for number in self._numbers(each)}
        first = self.message.said[self.words.languages[0]]
        return bool(self.message.replies[self.words.languages[0]] or numbered_lines(first, wanted)[1])

    # --- menus --------------------------------------------------------------------------------------------------------

    def _menu(self, tested: Sequence[Category]) -> Question:
        offered = self._offered(tested)
        said, labels = self._said_and_labels(offered)
        options: dict[str, Written] = {}
        keys: dict[str, str] = {}
        for category in offered:
            key = self.languages.get(category.uuid) or _free(choice_like(category.name).lower(), options)
            options[key] = self.words.text(labels[category.uuid], Names(), self.where)
            keys[category.name.strip().casefold()] = key
        _tell_twins_apart(options)
        widths = [width_of(words, len) for label in options.values() for words in label.values()]
        taken = sum(3 + max(width_of(words, len) for words in label.values()) for label in options.values())
        question = self._asked("menu", said, taken, self._known("choice", keys, max(widths)))
        question.step["options"] = options
        question.go = {keys[each.name.strip().casefold()]: each.goes_to for each in offered}
        if self.languages:
            question.step["sets_language"] = "true"
        return self._with_default(question, offered)

    def _offered(self, tested: Sequence[Category]) -> list[Category]:
        """In the order of their numbers. All others are a choice too where there is only one that is named."""
        numbers = [min(self._numbers(each), default=0) for each in tested]
        if all(numbers):
            tested = [each for _, each in sorted(zip(numbers, tested, strict=True), key=lambda pair: pair[0])]
            if sorted(numbers) != list(range(1, len(numbers) + 1)):
                self.report.changed(self.where, "its choices are numbered from 1 on the phone, by their order")
        default = self.router.default
        alone = len(tested) == 1 and default is not None and not self.again and not self.languages
        return [*tested, default] if alone and default is not None else list(tested)

    def _numbers(self, category: Category) -> list[int]:
        found = [number for case in self.router.tests_of(category) for number in numbers_of(case)]
        return [number for number in found if number]

    def _said_and_labels(self, offered: Sequence[Category]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """The question without its numbered lines, and the words of each choice by language."""
        said = dict(self.message.said)
        labels: dict[str, dict[str, str]] = {each.uuid: {} for each in offered}
        wanted = {min(self._numbers(each)): each for each in offered if self._numbers(each)}
        for language, words in self.message.said.items():
            rest, lines = numbered_lines(words, set(wanted)) if wanted else (words, {})
            if lines:
                said[language] = rest
            for number, category in wanted.items():
                if number in lines:
                    labels[category.uuid][language] = lines[number]
        for category in offered:
            own = self.words.category(category.uuid, category.name)
            for language in self.words.languages:
                usual = own.get(language) or (own[self.words.languages[0]] if language in said else "")
                found = self._reply(category, language) or usual
                if found and language not in labels[category.uuid]:
                    labels[category.uuid][language] = found
        return said, labels

    def _reply(self, category: Category, language: str) -> str:
        """The quick reply that this category is meant for. Replies of other languages stand at the same places."""
        words = {category.name.strip().casefold()}
        words |= {word for case in self.router.tests_of(category) for word in words_of(case)}
        first = self.message.replies.get(self.words.languages[0], ())
        there = self.message.replies.get(language, ())
        for place, reply in enumerate(first):
            if reply.strip().casefold() in words:
                return there[place] if place < len(there) else reply
        return ""

    # --- numbers ------------------------------------------------------------------------------------------------------

    def _number(self, tested: Sequence[Category], every: Sequence[Category] = ()) -> Question:
        ranges: list[tuple[Category, Range]] = []
        for category in tested:
            for case in self.router.tests_of(category):
                try:
                    ranges.append((category, range_of(case)))
                except NotCarried as reason:
                    self.report.left_out(self.where, f"case {category.name!r}", str(reason))
        for category in every:
            if category not in tested:
                self.report.left_out(self.where, f"case {category.name!r}", "a number takes no words beside it")
        split = len({category.goes_to for category, _ in ranges}) > 1 or self._others_go_on(ranges)
        low, high = self._ends(ranges, open_ended=self._others_go_on(ranges))
        known = self._known("number", {}, max(len(str(low)), len(str(high))), low)
        known = self._with_rules(known, ranges)
        question = self._asked("number", dict(self.message.said), 0, known)
        question.step |= {"from": str(low), "to": str(high)}
        first = [*(category for category, _ in ranges), *every]
        question.next = first[0].goes_to if first else self._default_way()
        if split:
            tests = [(condition_of_range(self.step_id, each, low), category) for category, each in ranges]
            question.branches = [(test, category.goes_to) for test, category in tests]
            question.next = self._default_way()
            if not self._others_go_on(ranges):
                question.next = question.branches.pop()[1]
                self._tell_of_gaps(ranges)
        return self._with_default(question, tested)

    def _others_go_on(self, ranges: Sequence[tuple[Category, Range]]) -> bool:
        """Whether numbers that no test takes have a way of their own: then they are answers, no mistakes."""
        takes_all = any(each == (None, None) for _, each in ranges)
        return not self.again and not takes_all and self._default_way() is not None and bool(ranges)

    def _default_way(self) -> str | None:
        return self.router.default.goes_to if self.router.default is not None else None

    def _ends(self, ranges: Sequence[tuple[Category, Range]], *, open_ended: bool) -> tuple[int, int]:
        lows = [low for _, (low, _) in ranges]
        highs = [high for _, (_, high) in ranges]
        written = [each for each in (*lows, *highs) if each is not None]
        if not ranges or open_ended or None in lows or None in highs:
            low = min([LOWEST, *written]) if open_ended or None in lows or not ranges else min(written)
            usual = HIGHEST if ranges else LARGEST
            high = max([usual, *written]) if open_ended or None in highs or not ranges else max(written)
            self.report.changed(self.where, f"it sets no lowest and highest number: {low} to {high} are taken")
            return max(low, -LARGEST), min(high, LARGEST)
        return min(written), max(written)

    def _tell_of_gaps(self, ranges: Sequence[tuple[Category, Range]]) -> None:
        """Our limits are one lowest and one highest number; what no test between them takes goes the last way."""
        ends = sorted(
            (-LARGEST if low is None else low, LARGEST if high is None else high) for _, (low, high) in ranges
        )
        if any(after[0] > before[1] + 1 for before, after in pairwise(ends)):
            self.report.changed(self.where, f"numbers between its cases are taken too, as '{ranges[-1][0].name}'")

    def _with_rules(self, known: Known, ranges: Sequence[tuple[Category, Range]]) -> Known:
        rules: dict[str, str] = {}
        for category, each in ranges:
            rules.setdefault(category.name.strip().casefold(), condition_of_range(known.id, each, known.low))
        return Known(known.id, "number", rules=rules, low=known.low, width=known.width)

    # --- what is typed ------------------------------------------------------------------------------------------------

    def _typed(self, kind: str, tested: Sequence[Category], tests: set[str] | frozenset[str]) -> Question:
        taken = [each for each in tested if self._kinds_of(each) & set(tests)]
        beside = [each for each in tested if each not in taken and self._kinds_of(each) <= WORDS]
        for category in taken[1:]:
            why = f"one kind of answer is asked for, and '{taken[0].name}' comes first"
            self.report.left_out(self.where, f"case {category.name!r}", why)
        for test in sorted(set(tests) - {"has_text", "has_phone", "has_date"}):
            self.report.left_out(self.where, f"the test {test}", f"every {kind} is taken")
        for category in tested:
            if category not in taken and category not in beside:
                self.report.left_out(self.where, f"case {category.name!r}", f"this is asked as a {kind}")
        width = {"text": LONGEST_TEXT, "date": 10, "phone": 20}[kind]
        taken_by_choices = 3 * len(beside) + sum(len(each.name) for each in beside)
        keys = {taken[0].name.strip().casefold(): ""} if taken else {}
        known = self._known(kind, {}, width)
        known = Known(known.id, kind, rules=dict.fromkeys(keys, known.id), width=width)
        question = self._asked(kind, dict(self.message.said), taken_by_choices, known)
        question.step |= self._bounds(kind)
        self._way_out(question, beside)
        question.next = taken[0].goes_to if taken else self._default_way()
        return self._with_default(question, taken) if taken else question

    def _bounds(self, kind: str) -> dict[str, str]:
        if kind == "text":
            self.report.also(f"texts take {LONGEST_TEXT} letters", self.where)
            self.report.also("taken for personal answers (`personal: true`)", self.where)
            return {"max": str(LONGEST_TEXT), "personal": "true"}
        if kind == "phone":
            self.report.also("taken for personal answers (`personal: true`)", self.where)
            return {"personal": "true"}
        self.report.also(f"dates take {FIRST_DAY} to {LAST_DAY}", self.where)
        return {"from": FIRST_DAY, "to": LAST_DAY}

    def _way_out(self, question: Question, beside: Sequence[Category]) -> None:
        """Words that lead elsewhere become numbered lines under the question: "1 Stop"."""
        options: dict[str, Written] = {}
        for category in beside:
            key = _free(choice_like(category.name).lower(), options)
            options[key] = self.words.text(self.words.category(category.uuid, category.name), Names(), self.where)
            question.go[key] = category.goes_to
        if options:
            question.step["or"] = options

    # --- all ----------------------------------------------------------------------------------------------------------

    def _known(self, kind: str, keys: Mapping[str, str], width: int, low: int = 0) -> Known:
        said = {
            word: keys[each.name.strip().casefold()]
            for each in self.router.tested()
            if each.name.strip().casefold() in keys
            for case in self.router.tests_of(each)
            for word in words_of(case)
        }
        return Known(self.step_id, kind, keys, said, low=low, width=width)

    def _asked(self, kind: str, said: dict[str, str], taken: int, known: Known) -> Question:
        text = self.words.text(said, self.names, self.where)
        pieces = in_pieces(text, max(ROOM - taken, 60), self.names.widths())
        if len(pieces) > 1:
            self.report.also("words longer than a screen are said in pieces", f"'{self.step_id}' in {len(pieces)}")
        return Question({kind: pieces[-1]}, known, pieces[:-1])

    def _with_default(self, question: Question, offered: Sequence[Category]) -> Question:
        """Where somebody goes who is not understood. Here he is asked again first."""
        default = self.router.default
        if default is None or self.again or default in offered:
            return question
        if default.goes_to is None:
            matter = "an answer that was not understood ended the flow; here it is asked again, three times at most"
            self.report.also(matter, self.where)
            return question
        matter = "an answer that was not understood went its way at once; here it is asked again twice before"
        self.report.also(matter, self.where)
        question.gives_up, question.give_up = True, default.goes_to
        return question


def _free(key: str, taken: Mapping[str, object]) -> str:
    number, free = 2, key
    while free in taken:
        free, number = f"{key}_{number}", number + 1
    return free


def _tell_twins_apart(options: dict[str, Written]) -> None:
    """Two choices with the same words get their keys behind them: nobody could tell one from the other."""
    seen: dict[tuple[str, ...], str] = {}
    for key, label in options.items():
        words = tuple(label.values())
        if words in seen:
            options[key] = {language: f"{each} ({key})" for language, each in label.items()}
        seen[words] = key
