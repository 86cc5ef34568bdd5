"""The choices of a question made by others: our keys for their names, their labels, and tests that name a choice."""

import re
import unicodedata
from typing import Any, Final

from flows.conditions import Among, BadCondition, Both, Compare, Constant, Either, Expression, Name, Not, parse, walk
from flows.interchange.floip_grammar import NotRead
from flows.interchange.floip_names import FROM_ISO
from flows.interchange.floip_reading import Json, Reading, free, listed, mapping, properties_set, words
from flows.interchange.flow_writing import expression_text
from flows.mistakes import FlowMistake

_LINE: Final = re.compile(r"\s*\(?\d{1,2}\s*[-.):=]?\s", re.ASCII)
_MOST_CHOICES: Final = 100


def choices_of(block: Json) -> list[Json]:
    """The choices, which early containers kept by name."""
    held = mapping(block.get("config")).get("choices")
    if isinstance(held, dict):
        held = [{"name": name, "prompt": prompt} for name, prompt in held.items()]
    return [mapping(each) for each in listed(held)][:_MOST_CHOICES]


def choice_keys(block: Json, reading: Reading) -> dict[str, str]:
    """Our key for each choice, by its name in small letters: FLOIP compares words whatever their case."""
    names = [words(each.get("name")) for each in choices_of(block)]
    languages = "language" in [key for key, _ in properties_set(block)]
    keys: dict[str, str] = {}
    for name in names:
        wanted = FROM_ISO.get(name.casefold(), name) if languages else name
        keys.setdefault(name.casefold(), free(_key(wanted), keys.values()))
    return keys


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name[:60]).encode("ascii", "ignore").decode()
    found = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:40]
    return found if found and found[0].isalpha() else f"choix_{found}" if found else "choix"


def options_of(block: Json, keys: dict[str, str], reading: Reading) -> dict[str, dict[str, str]]:
    """The labels by our keys."""
    options: dict[str, dict[str, str]] = {}
    for choice in choices_of(block):
        name = words(choice.get("name"))
        label = reading.text(choice.get("prompt")) if choice.get("prompt") else {"all": name or "…"}
        if any("{" in said for said in label.values()):
            reading.report.leave(f"the choice '{name[:40]}' has an expression in its words; dots stand for it")
            label = {language: re.sub(r"\{[^{}]*\}", "…", said) for language, said in label.items()}
        options.setdefault(keys[name.casefold()], label)
    return options


def question_without_lines(text: dict[str, str], count: int) -> dict[str, str]:
    """A question whose words end in its numbered choices, without them: our screens number them."""
    return {language: _without_lines(said, count) for language, said in text.items()}


def _without_lines(said: str, count: int) -> str:
    lines = said.rstrip().split("\n")
    tail = lines[-count:]
    if len(lines) > count and all(_LINE.match(line) for line in tail):
        return "\n".join(lines[:-count]).rstrip()
    return said


def condition_text(tree: Expression, reading: Reading) -> str:
    """A condition as our files write it, its words changed to our keys where they name a choice."""
    tree = _with_keys(tree, reading)
    for part in walk(tree):
        if isinstance(part, Compare):
            _learn(part, reading)
    try:
        written = expression_text(tree)
        if parse(written) != tree:
            raise NotRead("a condition that reads otherwise with us")
    except (BadCondition, FlowMistake):
        raise NotRead("a condition too long for a line of ours") from None
    return written


def _learn(part: Compare, reading: Reading) -> None:
    """A fact that is compared with a number is one."""
    for one, other in ((part.left, part.right), (part.right, part.left)):
        if isinstance(one, Name) and isinstance(other, Constant) and isinstance(other.value, int):
            reading.numbers.add(one.name)


def _with_keys(tree: Expression, reading: Reading) -> Expression:
    if isinstance(tree, Compare):
        return Compare(tree.sign, _key_for(tree.left, tree.right, reading), _key_for(tree.right, tree.left, reading))
    if isinstance(tree, Among):
        return Among(tree.item, tuple(_key_for(each, tree.item, reading) for each in tree.choices))
    if isinstance(tree, Not):
        return Not(_with_keys(tree.inner, reading))
    if isinstance(tree, Both):
        return Both(_with_keys(tree.left, reading), _with_keys(tree.right, reading))
    if isinstance(tree, Either):
        return Either(_with_keys(tree.left, reading), _with_keys(tree.right, reading))
    return tree


def _key_for(word: Expression, beside: Expression, reading: Reading) -> Expression:
    """The word, or our key for it when it stands beside the name of a question with choices."""
    if not isinstance(word, Constant) or not isinstance(beside, Name):
        return word
    keys: dict[str, Any] = reading.choices.get(beside.name, {})
    return Constant(keys[str(word.value).casefold()]) if str(word.value).casefold() in keys else word
