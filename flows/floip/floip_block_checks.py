"""Checks of a block of a FLOIP container: its type, exits, words, choices and limits."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flows.floip.floip_container import (
    CHOICES,
    LOG,
    NUMERIC,
    OPEN,
    PRINT,
    QUESTIONS,
    RUN_FLOW,
    RUN_HERE,
    SELECT_MANY,
    SET_GROUP,
    WEBHOOK,
    FloipBlock,
    FloipContainer,
    FloipFlow,
    FloipLanguage,
    uuid_key,
)
from flows.floip.floip_expression_checks import spoken_by
from flows.floip.floip_findings import FloipFinding, error, warning
from flows.floip.floip_parser import Literal, Member, parse_expression
from flows.floip.floip_replies import choices_of, tests_of
from flows.floip.floip_resources import exact_modes, first_content, is_uuid
from flows.floip.floip_values import ExpressionMistake
from flows.mistakes import nearest

_TEXTUAL: Final = ("TEXT", "SMS", "USSD", "RICH_MESSAGING", "OFFLINE")
_CONTENT_TYPES: Final = ("TEXT", "AUDIO", "IMAGE", "VIDEO", "DATA", "CSV")


def check_block(container: FloipContainer, flow: FloipFlow, block: FloipBlock) -> Iterator[FloipFinding]:
    """All findings on one block, but for its expressions and the ways through it."""
    yield from _type(block)
    yield from _exits(flow, block)
    for resource in dict.fromkeys(str(each) for each in spoken_by(block)):
        yield from _words(flow, block, resource)
    if block.type in CHOICES:
        yield from _choices(flow, block)
    if block.type in QUESTIONS and not (block.config.get("prompt") or block.config.get("question_prompt")):
        yield warning(block.name, "has no prompt: it waits in silence")
    yield from _limits(block)
    if block.type == RUN_FLOW and container.flow(flow_id := block.config.get("flow_id")) is None:
        yield error(block.name, f"runs flow {flow_id!r}, which is not in the container")
    if block.type == SET_GROUP:
        yield from _groups(block.name, block.config)
    yield from _properties(flow, block)


def _type(block: FloipBlock) -> Iterator[FloipFinding]:
    if block.type == WEBHOOK:
        yield warning(block.name, "calls another system; it is not run here, and left by its default exit")
    elif block.type == PRINT:
        yield warning(block.name, "the ConsoleIO blocks were taken out of the specification with rc4")
    elif block.type not in RUN_HERE:
        yield error(block.name, f"'{block.type[:60]}' is no type of block; {nearest(block.type, (*RUN_HERE, WEBHOOK))}")


def _exits(flow: FloipFlow, block: FloipBlock) -> Iterator[FloipFinding]:
    defaults = [each for each in block.exits if each.default]
    if len(defaults) != 1:
        yield error(block.name, f"needs exactly one default exit and has {len(defaults)}")
    elif not block.exits[-1].default:
        yield error(block.name, f"its default exit '{defaults[0].name}' must be the last")
    for each in block.exits:
        if each.default and each.test:
            yield error(block.name, f"exit '{each.name}' is the default and has a test; it can only be one of them")
        elif not each.default and not each.test:
            yield error(block.name, f"exit '{each.name}' has no test and is not the default: it is never taken")
        if each.destination is not None and each.destination not in flow.blocks:
            yield error(block.name, f"exit '{each.name}' leads to {each.destination}, which is no block of the flow")


# --- words --------------------------------------------------------------------------------------------------------


def _words(flow: FloipFlow, block: FloipBlock, resource: str) -> Iterator[FloipFinding]:
    """A resource says something in every language and every mode of its flow."""
    values = flow.resources.get(uuid_key(resource))
    if values is None:
        if block.type != LOG or is_uuid(resource):
            yield error(block.name, f"resource {resource[:60]} is not in flow '{flow.name}'")
        return
    for kind in {str(value.get("content_type", "")) for value in values} - set(_CONTENT_TYPES):
        yield warning(block.name, f"resource {resource}: '{kind[:20]}' is no known type of content")
    for language in flow.languages:
        own = [value for value in values if value.get("language_id") == language.id]
        if not own:
            yield error(block.name, f"resource {resource} has no words in '{language.id}'")
            continue
        missing = [mode for mode in flow.modes if not _says(own, mode)]
        if missing:
            yield error(block.name, f"resource {resource} has nothing in '{language.id}' for {', '.join(missing)}")


def _says(values: list[Mapping[str, Any]], mode: str) -> bool:
    """TEXT content serves SMS and USSD; content for both serves TEXT."""
    kinds = ("TEXT", "AUDIO") if mode == "IVR" else ("TEXT",)
    if any(first_content(values, near, kind) is not None for near in exact_modes(mode) for kind in kinds):
        return True
    return mode == "TEXT" and all(first_content(values, near, "TEXT") is not None for near in ("SMS", "USSD"))


# --- choices ------------------------------------------------------------------------------------------------------


def _choices(flow: FloipFlow, block: FloipBlock) -> Iterator[FloipFinding]:
    choices = choices_of(block)
    names = [str(choice.get("name", "")) for choice in choices]
    for name, times in Counter(names).items():
        if times > 1:
            yield error(block.name, f"has several choices named '{name}'")
    for choice in choices:
        yield from _choice(flow, block, choice)
    for language in flow.languages:
        yield from _taken_before(block, choices, language)


def _choice(flow: FloipFlow, block: FloipBlock, choice: Mapping[str, Any]) -> Iterator[FloipFinding]:
    name = choice.get("name")
    if block.config.get("question_prompt") and not choice.get("prompt"):
        yield warning(block.name, f"choice '{name}' has no prompt, so its name is shown")
    languages = {language.id for language in flow.languages}
    for code in _languages_of_tests(choice):
        if code not in languages:
            yield error(block.name, f"choice '{name}' has a test for '{code}', which is no language of the flow")
    if any(mode in _TEXTUAL for mode in flow.modes):
        without = [language.id for language in flow.languages if not tests_of(choice, language, "SMS")]
        if len(without) == len(flow.languages):
            yield error(block.name, f"choice '{name}' has no text_tests: no reply can take it")
        elif without:
            yield error(block.name, f"choice '{name}' has no test for {', '.join(without)}: no reply can take it there")
    if "IVR" in flow.modes and not choice.get("ivr_test"):
        yield error(block.name, f"choice '{name}' has no ivr_test: no key can take it")


def _languages_of_tests(choice: Mapping[str, Any]) -> list[str]:
    tests = choice.get("text_tests")
    listed = tests if isinstance(tests, list) else []
    codes = (test.get("language") for test in listed if isinstance(test, Mapping))
    return list(dict.fromkeys(code for code in codes if isinstance(code, str) and code))


def _taken_before(
    block: FloipBlock, choices: list[Mapping[str, Any]], language: FloipLanguage
) -> Iterator[FloipFinding]:
    """Two choices with the same test: the reply always takes the first."""
    seen: dict[str, str] = {}
    for choice in choices:
        name = str(choice.get("name", ""))
        for test in dict.fromkeys(tests_of(choice, language, "SMS")):
            first = seen.setdefault("".join(test.casefold().split()), name)
            if first != name:
                yield warning(block.name, f"choices '{first}' and '{name}' have the same test: {test[:60]}")


# --- limits and effects -------------------------------------------------------------------------------------------


def _limits(block: FloipBlock) -> Iterator[FloipFinding]:
    config = block.config
    if block.type == NUMERIC and _above(config.get("validation_minimum"), config.get("validation_maximum")):
        yield error(block.name, "validation_minimum is above validation_maximum: every reply is refused")
    if block.type == SELECT_MANY:
        fewest = config.get("minimum_choices")
        if _above(fewest, config.get("maximum_choices")):
            yield error(block.name, "minimum_choices is above maximum_choices: every reply is refused")
        elif _above(fewest, len(choices_of(block))):
            yield error(block.name, "minimum_choices is above the number of choices: every reply is refused")
    text = config.get("text")
    if block.type == OPEN and "max_response_characters" in {**config, **(text if isinstance(text, Mapping) else {})}:
        yield warning(block.name, "max_response_characters was taken out with rc4; here longer replies are refused")


def _above(low: Any, high: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (low, high))
    return numbers and low > high


def _groups(name: str, config: Mapping[str, Any]) -> Iterator[FloipFinding]:
    if config.get("clear") is True:
        return
    if not config.get("groups") and not config.get("group_key"):
        yield warning(name, "names no groups and does not clear them: it does nothing")
    elif config.get("is_member") is None:
        yield warning(name, "does not say is_member: it changes nothing")


def _properties(flow: FloipFlow, block: FloipBlock) -> Iterator[FloipFinding]:
    """The language of a run can only be set to one of the flow; told where the value is written out."""
    wanted = block.config.get("set_contact_property")
    known = {language.id for language in flow.languages}
    for each in wanted if isinstance(wanted, list) else [wanted]:
        if not isinstance(each, Mapping) or each.get("property_key") != "language":
            continue
        value = _constant(each.get("property_value"))
        if value is not None and value not in known:
            yield warning(block.name, f"sets the language to '{value[:40]}', which is no language of the flow")


def _constant(expression: object) -> str | None:
    """The text of an expression that asks for nothing: a word or a quoted text."""
    if not isinstance(expression, str) or "@" in expression or "." in expression:
        return None
    try:
        node = parse_expression(expression)
    except ExpressionMistake:
        return expression
    if isinstance(node, Member):
        return ".".join(node.path)
    return node.value if isinstance(node, Literal) and isinstance(node.value, str) else None
