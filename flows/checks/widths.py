"""Checks 7 and 9: every screen and SMS fits, in every language, with the longest answers there can be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from flows import words
from flows.answers import HELP_KEYS, Unclear
from flows.findings import ERROR, NOTE, WARNING, Finding
from flows.model import Ask, End, Flow, Handset, Menu, Number, Pick, Say
from flows.screens import Page, in_front, most_choices, pages_of_end, pages_of_question
from flows.sms_text import LIMITS, fit, units
from flows.texts import Template, Text, fill

# Enough lines from data to see a first page, a middle one and a last one.
_MANY: Final = 24
# What is easier to read than a row of letters, and as wide.
_SAMPLES: Final = {"date": "31/12/2026"}
# Help that is shown above a question of this kind, besides its own `wrong`.
_HELP: Final = {
    "menu": "choice",
    "pick": "choice",
    "number": "number",
    "text": "text",
    "date": "date",
    "phone": "phone",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The widest that a step shows in one language: `units` of its widest page, over `pages` pages."""

    flow: str
    step: str
    language: str
    units: int
    pages: int


def seen_by_callers(flow: Flow, limit: int) -> Iterator[Seen]:
    """The widest page of every step that shows something, in every language."""
    handset = Handset(limit=limit)
    for step in flow.steps.values():
        for language in flow.languages:
            if isinstance(step, Ask):
                pages = question_pages(flow, step, language, handset)
                yield Seen(flow.id, step.id, language, max(units(page.text) for page in pages), len(pages))
            elif isinstance(step, End) or (isinstance(step, Say) and not step.by_sms):
                text = longest(flow, step.text, language) if step.text is not None else ""
                count = len(pages_of_end(text, language=language, handset=handset))
                yield Seen(flow.id, step.id, language, units(text), count)


def check_screens(flow: Flow, limit: int) -> Iterator[Finding]:
    """7: every screen within the limit and every SMS within its parts; 9: menus turn their pages safely."""
    handset = Handset(limit=limit)
    for step in flow.steps.values():
        for language in flow.languages:
            if isinstance(step, Ask):
                yield from _question(flow, step, language, handset)
            elif isinstance(step, Say) and step.by_sms:
                yield from _sms(flow, step.id, step.line, step.text, step.parts, language)
            elif isinstance(step, End | Say) and step.text is not None:
                yield from _words(flow, step, step.text, language, limit)
    for key, text in flow.texts.items():
        for language in flow.languages:
            yield from _sms(flow, "", text.line, text, 1, language, what=f"text {key}: ")
    yield from _keys(flow, handset)


def longest(flow: Flow, text: Text, language: str) -> str:
    """The text on the wire with the longest value in the place of every name."""
    return fill(text.folded[language], lambda name: _longest_value(flow, name, language))


def longest_true(flow: Flow, text: Text, language: str) -> str:
    """The same in its true spelling."""
    return fill(text.true[language], lambda name: _longest_value(flow, name, language, true=True))


def question_pages(flow: Flow, step: Ask, language: str, handset: Handset, said: str = "") -> list[Page]:
    """The pages of a question at its widest, with the way back offered, and what was `said` before it."""
    labels = [option.label.folded[language][0] for option in step.options]
    if isinstance(step, Menu) and step.source is not None:
        labels = ["m" * step.show] * _MANY
    question = longest(flow, step.text, language)
    back = not takes_the_back_key(step, handset)
    return pages_of_question(said, question, labels, can_go_back=back, language=language, handset=handset)


def takes_the_back_key(step: Ask, handset: Handset) -> bool:
    return isinstance(step, Number) and step.low <= int(handset.back) <= step.high


def _longest_value(flow: Flow, name: str, language: str, *, true: bool = False) -> str:
    named = flow.names.get(name)
    if named is None:
        return ""
    if named.labels and named.type == "choice":
        label = max(named.labels.values(), key=lambda each: units(_any_language(each.folded, language)))
        folded = _any_language(label.folded, language)
        if true and units(folded) <= named.width:
            return _any_language(label.true, language)
        return fit(folded, named.width)
    sample = _SAMPLES.get(named.type, "")
    if named.low is not None and named.high is not None:
        sample = max(str(named.low), str(named.high), key=len)
    return sample if len(sample) == named.width else "m" * named.width


def _any_language(templates: Mapping[str, Template], language: str) -> str:
    """A label may come from a sub-flow that speaks fewer languages."""
    return (templates.get(language) or next(iter(templates.values())))[0]


def _question(flow: Flow, step: Ask, language: str, handset: Handset) -> Iterator[Finding]:
    pages = question_pages(flow, step, language, handset)
    from_data = isinstance(step, Menu) and step.source is not None
    if len(pages) > 1 and not from_data and len(step.options) <= most_choices(handset):
        over = units(_on_one_page(flow, step, language, handset)) - handset.limit
        message = f"{over} septets too many for one screen of {handset.limit} with the longest answers: shorten it"
        yield _found(flow, step, language, ERROR, message, 7)
    elif not pages[0].shown.asks:
        over = units(longest(flow, step.text, language))
        message = f"the question alone takes {over} of {handset.limit} septets with the longest answers: shorten it"
        yield _found(flow, step, language, ERROR, message, 7)
    elif len(pages) > 1 and not from_data:
        yield _found(flow, step, language, NOTE, f"{len(step.options)} choices turn over {len(pages)} pages", 9)
    elif from_data and step.text.names and len(pages) > 1 and pages[0].shown.count < 2:
        message = "only one choice fits on the first page: shorten the question, or lower `show`"
        yield _found(flow, step, language, WARNING, message, 9)
    for option in step.options:
        label = option.label.folded[language][0]
        if len(pages) > 1 and not any(label in page.text for page in pages):
            message = f"choice '{option.key}' takes {units(label)} septets: no page holds it whole, shorten it"
            yield _found(flow, step, language, ERROR, message, 9)
    if isinstance(step, Pick) and len(pages) > 1:
        message = "a pick stands on one page, or nobody can pick from two of them: fewer or shorter choices"
        yield _found(flow, step, language, ERROR, message, 9)
    yield from _help(flow, step, language, pages[0], handset)


def _on_one_page(flow: Flow, step: Ask, language: str, handset: Handset) -> str:
    return question_pages(flow, step, language, Handset(10_000, handset.more, handset.back))[0].text


def _help(flow: Flow, step: Ask, language: str, page: Page, handset: Handset) -> Iterator[Finding]:
    """What is said after a wrong answer should stand above the question, on the same screen."""
    notice = widest_notice(flow, step, language)
    if in_front(notice, page, handset) is None:
        over = units(notice) + 1 + units(page.text) - handset.limit
        own = "`wrong`" if step.wrong is not None else "the usual help"
        message = f"{own} and the question are {over} septets too many for one screen: callers turn a page to answer"
        yield _found(flow, step, language, WARNING, message, 7)


def widest_notice(flow: Flow, step: Ask, language: str) -> str:
    """The widest that is said after a wrong answer: the step's own words, or the longest usual help."""
    if step.wrong is not None:
        return longest(flow, step.wrong, language)
    keys = sorted(key for key in HELP_KEYS if key.startswith(f"help.{_HELP[step.kind]}"))
    return max((_widest_help(key, step, language) for key in keys), key=units)


def _widest_help(key: str, step: Ask, language: str) -> str:
    low, high = (step.low, step.high) if isinstance(step, Number) else (1, 8)
    text = words.help_with(Unclear(key, low, high), language)
    # Days are wider than the numbers put here.
    return text + "m" * 18 if key == "help.date_range" else text


def _words(flow: Flow, step: End | Say, text: Text, language: str, limit: int) -> Iterator[Finding]:
    size = units(longest(flow, text, language))
    if size > limit:
        message = f"{size - limit} septets too many for one screen of {limit} with the longest answers: shorten it"
        yield _found(flow, step, language, ERROR, message, 7)


def _sms(
    flow: Flow, step: str, line: int, text: Text, parts: int, language: str, *, what: str = ""
) -> Iterator[Finding]:
    alone, joined = LIMITS["gsm7"]
    limit = alone if parts == 1 else parts * joined
    size = units(longest(flow, text, language))
    if size > limit:
        message = f"{what}{size - limit} septets too many for {parts} SMS with the longest answers: shorten it"
        yield Finding(flow.file, step, language, ERROR, message, 7, line)


def _keys(flow: Flow, handset: Handset) -> Iterator[Finding]:
    for step in flow.steps.values():
        if isinstance(step, Ask) and takes_the_back_key(step, handset):
            message = f"'{handset.back}' is an answer here, so nobody can go back from this question"
            yield _found(flow, step, "", NOTE, message, 9)


def _found(flow: Flow, step: Ask | End | Say, language: str, level: str, message: str, check: int) -> Finding:
    return Finding(flow.file, step.id, language, level, message, check, step.line)
