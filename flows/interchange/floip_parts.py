"""What FLOIP blocks of ours are made of: tests, lines under a question, properties, and the keys a block says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from flows.conditions import names_in
from flows.interchange.floip_expressions import literal
from flows.interchange.floip_names import ANSWERS, ISO, Paths
from flows.model import Ask, Bound, Day, Do, End, Flow, Menu, Option, Phone, Say, Set, Step, When
from flows.texts import Text

Json = dict[str, Any]
ACTIONS: Final = "/actions/"
WORKED: Final = "AND(block.value >= 200, block.value < 300)"
SOME: Final = "AND(block.value >= 200, block.value < 300, block.response.choices <> NULL)"
# Our numbers are whole, and a number typed at a text is a key pressed too often. Not every runner counts NULL.
ANSWERED: Final = {
    "menu": "ISSTRING(block.value)",
    "number": "AND(ISNUMBER(block.value), block.value = FIXED(block.value, 0, TRUE))",
    "pick": "AND(block.value <> NULL, COUNT(block.value) > 0)",
    "text": "AND(ISSTRING(block.value), IF(ISNUMBER(block.value), FALSE, TRUE), LEN(block.value) <= {max})",
}


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ASKED: Final = _set_of("id go next wrong give_up")
# By kind, the keys that a step's blocks say in FLOIP; the others are carried along as they are.
SAID: Final = {
    "say": _set_of("id say next"),
    "end": _set_of("id end"),
    "menu": _ASKED | _set_of("menu options options_from with sets_language empty fails"),
    "pick": _ASKED | _set_of("pick options options_from with empty fails"),
    "number": _ASKED | _set_of("number from to"),
    "text": _ASKED | _set_of("text"),
    "date": _ASKED | _set_of("date"),
    "phone": _ASKED | _set_of("phone"),
    "when": _set_of("id when"),
    "run": _set_of("id run next"),
    "do": _set_of("id do with next fails"),
    "set": _set_of("id set next"),
}


def property_set(key: str, value: str) -> Json:
    """In brackets, so that no runner takes the expression for words."""
    return {"property_key": key, "property_value": f"@({value})"}


def lines_of(options: Iterable[Option]) -> Callable[[str, bool], str]:
    """The numbered lines under a question, by language and spelling."""
    listed = list(options)

    def below(language: str, folded: bool) -> str:
        labels = [(option.label.folded if folded else option.label.true)[language][0] for option in listed]
        return "".join(f"\n{place} {label.replace('@', '@@')}" for place, label in enumerate(labels, 1))

    return below


def chosen(place: int, options: Sequence[Option], language: str) -> str:
    """The number of the line, or its words in either spelling."""
    label = options[place - 1].label
    words = _words_of([label.true[language][0], label.folded[language][0]], len(options))
    return "OR(" + ", ".join(f"block.response = {each}" for each in [str(place), *words]) + ")"


def way_out_test(place: int, options: Sequence[Option]) -> str:
    """The same for a numbered line under a question whose answer is typed, in any language."""
    label = options[place - 1].label
    labels = [spelling[language][0] for language in label.true for spelling in (label.true, label.folded)]
    words = _words_of(labels, len(options))
    return "OR(" + ", ".join(f"block.value = {each}" for each in [literal(str(place)), *words]) + ")"


def _words_of(labels: Iterable[str], lines: int) -> list[str]:
    """The labels as constants; none that is the number of a line, which a number names first."""
    numbers = {str(place) for place in range(1, lines + 1)}
    return [literal(each) for each in dict.fromkeys(labels) if each and each.strip().lstrip("+0") not in numbers]


def kept_value(step: Ask) -> str:
    """What is kept of a typed answer: a day written 05032026 as 05/03/2026, and nothing for a way out."""
    kept = "block.value"
    if isinstance(step, Day):
        parts = 'LEFT(block.value, 2), "/", RIGHT(LEFT(block.value, 4), 2), "/", RIGHT(block.value, 4)'
        kept = f"IF(AND(ISNUMBER(block.value), LEN(block.value) = 8), CONCATENATE({parts}), block.value)"
    return f"IF({any_way_out(step)}, NULL, {kept})" if step.options else kept


def any_way_out(step: Ask) -> str:
    """Whether one of the numbered lines under a typed answer was taken."""
    tests = [way_out_test(place, step.options) for place, _ in enumerate(step.options, 1)]
    return f"OR({', '.join(tests)})"


def language_chosen(options: Iterable[Option]) -> str:
    """FLOIP's code of the language chosen; the one that is spoken while nothing was chosen."""
    language = "flow.language"
    for option in reversed(list(options)):
        language = f"IF(block.value = {literal(option.key)}, {literal(ISO.get(option.key, option.key))}, {language})"
    return language


def phone_test(step: Phone, path: str) -> str:
    return f"has_phone({path}, {literal(step.country)})"


def day_test(step: Day, path: str, path_of: Callable[[str], str]) -> str:
    """Whether the path holds a day within the bounds."""
    day = f"DATEVALUE({path})"
    earliest = _bound(step.earliest, path_of, "DATE(1900, 1, 1)")
    latest = _bound(step.latest, path_of, "DATE(2199, 12, 31)")
    return f"AND(has_date({path}), {day} >= {earliest}, {day} <= {latest})"


def _bound(bound: Bound, path_of: Callable[[str], str], unknown: str) -> str:
    if bound.day is not None:
        return f"DATE({bound.day.year}, {bound.day.month}, {bound.day.day})"
    if bound.name is not None:
        path = path_of(bound.name)
        return f"IF(has_date({path}), DATEVALUE({path}), {unknown})"
    day = f"EDATE(TODAY(), {bound.months})" if bound.months else "TODAY()"
    return f"{day} + {bound.days}" if bound.days > 0 else f"{day} - {-bound.days}" if bound.days else day


def in_child(child: Flow, name: str) -> str:
    """Where the sub-flow that has just run holds a name of its own."""
    head, _, rest = name.partition(".")
    inner = child.children.get(head)
    if rest and inner is not None:
        found = in_child(inner, rest)
        return f"child.{found}" if found.startswith("child.") else found
    root, _, answer = Paths.of(child).path(name).partition(".")
    return f"child.results.{answer}" if root == ANSWERS else f"{root}.{answer}"


def names_read(flow: Flow) -> list[str]:
    """Every name a flow reads, each once."""
    found = [*_in_text(flow.title), *(name for text in flow.texts.values() for name in _in_text(text))]
    for step in flow.steps.values():
        found += _read_by(step)
    return list(dict.fromkeys(found))


def _read_by(step: Step) -> Iterator[str]:
    if isinstance(step, Say | End):
        yield from _in_text(step.text)
    elif isinstance(step, Ask):
        yield from _in_text(step.text)
        yield from _in_text(step.wrong)
    if isinstance(step, Day):
        yield from (bound.name for bound in (step.earliest, step.latest) if bound.name is not None)
    call = step.call if isinstance(step, Do) else step.source if isinstance(step, Menu) else None
    trees = [branch.test for branch in step.branches] if isinstance(step, When) else []
    trees += step.values.values() if isinstance(step, Set) else ()
    trees += call.args.values() if call is not None else ()
    for tree in trees:
        yield from sorted(names_in(tree))


def _in_text(text: Text | None) -> Iterator[str]:
    for template in text.true.values() if text is not None else ():
        yield from template[1::2]
