"""Check 24: a flow that may endanger whoever calls leaves no trace, and nothing that leads to it tells what it is for.

A trace is what somebody else may read later: an SMS, words typed, a row written, a call that is taken up again. What
leads to it is every choice from which a caller gets there, whatever stands between.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from flows.checks.words_said import texts_of
from flows.findings import ERROR, Finding, Signature
from flows.links import ways_out
from flows.model import Ask, Day, Do, Flow, Menu, Phone, Run, Say, Step, Words
from flows.texts import Text

# A word, or with a star its beginning; accents and capitals aside. Whoever knows the place adds its own.
TELLING_WORDS: Final = (
    "violenc*", "violent*", "viol", "viols", "violee*", "gbv", "vbg", "sgbv", "agress*", "abus", "abuse*", "sexuel*",
    "sexual*", "rape*", "raping", "assault*", "battu*", "frapp*", "harcel*", "harass*", "survivor*", "survivant*",
    "victim*",
)  # fmt: skip
# They last longer than the call, or begin one that somebody else sees.
_LASTING: Final = ("resume", "if_dropped", "unfinished", "start", "texts")


def check_sensitive(
    flow: Flow, actions: Mapping[str, Signature], telling: Iterable[str] = TELLING_WORDS
) -> Iterator[Finding]:
    """24: no SMS, no words typed, nothing written, nothing taken up again, and no telling word on the way there."""
    if flow.sensitive:
        yield from _traces(flow, actions)
        yield from _telling(flow, _pattern(telling), texts_of(flow))
    elif _comes_to_one(flow):
        yield from _telling(flow, _pattern(telling), _on_the_way(flow))


def _comes_to_one(flow: Flow) -> bool:
    """Whether the flow is sensitive, or runs one that is, at any depth."""
    return flow.sensitive or any(_comes_to_one(child) for child in flow.children.values())


def _traces(flow: Flow, actions: Mapping[str, Signature]) -> Iterator[Finding]:
    for key in _LASTING:
        if getattr(flow, key):
            yield Finding(flow.file, "", "", ERROR, f"a sensitive flow has no `{key}`: take it away", 24)
    for step in flow.steps.values():
        problem = _trace_of(flow, step, actions)
        if problem:
            yield Finding(flow.file, step.id, "", ERROR, problem, 24, step.line)


def _trace_of(flow: Flow, step: Step, actions: Mapping[str, Signature]) -> str:
    if isinstance(step, Say) and step.by_sms:
        return "an SMS stays on the phone, and a sensitive flow sends none: say it on the screen"
    if isinstance(step, Words | Phone | Day):
        return f"a {step.kind} that is typed can be read by others: a sensitive flow has menus only"
    if isinstance(step, Do) and (step.call.action not in actions or actions[step.call.action].writes):
        return f"{step.call.action} writes, and nothing of a sensitive flow is kept: take it away"
    if isinstance(step, Menu) and step.sets_language:
        return "the language chosen is kept with the phone: let callers choose it elsewhere"
    if isinstance(step, Run) and step.id in flow.children and not flow.children[step.id].sensitive:
        return f"runs '{step.flow}', which is not sensitive: say `sensitive: true` there too, or take it away"
    return ""


def _on_the_way(flow: Flow) -> Iterator[tuple[str, str, Text]]:
    """The title, and the questions and choices from which a sensitive flow can be reached."""
    yield "", "title", flow.title
    runs = {run_id for run_id, child in flow.children.items() if _comes_to_one(child)}
    for step in flow.steps.values():
        if not isinstance(step, Ask):
            continue
        choices = [option for option in step.options if _leads(flow, step, option.key, runs)]
        if choices:
            yield step.id, step.kind, step.text
        for option in choices:
            yield step.id, f"choice {option.key}", option.label


def _leads(flow: Flow, step: Ask, choice: str, runs: set[str]) -> bool:
    """Whether some way on from this choice comes to one of these runs."""
    waiting, seen = [step.go.get(choice, step.next)], {step.id}
    while waiting:
        step_id = waiting.pop()
        if step_id in runs:
            return True
        if step_id is not None and step_id in flow.steps and step_id not in seen:
            seen.add(step_id)
            waiting += [way.target for way in ways_out(flow.steps[step_id])]
    return False


def _telling(flow: Flow, told: re.Pattern[str], texts: Iterable[tuple[str, str, Text]]) -> Iterator[Finding]:
    for step, what, text in texts:
        for language, words in text.written.items():
            found = told.search(_plain(words))
            if found:
                message = f"{what}: '{found[0]}' tells over the caller's shoulder what this is for: use neutral words"
                yield Finding(flow.file, step, "" if language == "all" else language, ERROR, message, 24, text.line)


def _pattern(telling: Iterable[str]) -> re.Pattern[str]:
    words = [re.escape(_plain(word.removesuffix("*"))) + (r"\w*" if word.endswith("*") else "") for word in telling]
    return re.compile(rf"\b(?:{'|'.join(words)})\b" if words else r"(?!)")


def _plain(words: str) -> str:
    """Small letters without accents."""
    letters = unicodedata.normalize("NFKD", words)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
