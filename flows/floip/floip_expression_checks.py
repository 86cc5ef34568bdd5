"""What can be known of expressions before they are run: that they parse, that names and functions exist."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from typing import Literal as Only

from flows.floip.floip_container import (
    LOG,
    NUMERIC,
    OUTPUT,
    SELECT_MANY,
    SELECT_ONE,
    SET_GROUP,
    FloipBlock,
    FloipContainer,
    FloipFlow,
    uuid_key,
)
from flows.floip.floip_findings import FloipFinding, error, warning
from flows.floip.floip_functions import arguments_taken
from flows.floip.floip_parser import Call, Chain, Literal, Member, Minus, Node, Piece, parse_expression, parse_template
from flows.floip.floip_replies import choices_of
from flows.floip.floip_values import ExpressionMistake, as_number, is_true
from flows.mistakes import nearest

# Roots of the context and what is known below them; None: anything may be there.
_ROOTS: Final[Mapping[str, frozenset[str] | None]] = {
    "contact": None,
    "session": None,
    "child": None,
    "parent": None,
    "parentflowcontext": None,
    "childflowcontext": None,
    "step": frozenset({"value"}),
    "channel": frozenset({"mode"}),
    "date": frozenset({"today", "tomorrow", "yesterday", "now"}),
    "run": frozenset({"flow", "language", "mode", "results", "parent", "child"}),
    "block": frozenset({"value", "response", "name", "label", "uuid", "type", "config"}),
}
_OF_FLOW: Final = frozenset({"language", "mode", "name", "uuid", "id"})


@dataclass(frozen=True, slots=True)
class Written:
    """An expression as a block has it, and what it is for. `where` names it in a message."""

    text: str
    use: Only["test", "choice", "value", "text"]
    where: str


def check_expressions(container: FloipContainer) -> list[FloipFinding]:
    """The findings on all expressions of all flows."""
    names = {block.name.casefold() for flow in container.flows.values() for block in flow.blocks.values()}
    findings: list[FloipFinding] = []
    for flow in container.flows.values():
        own = {block.name.casefold() for block in flow.blocks.values()}
        for block in flow.blocks.values():
            for written in written_in(flow, block):
                findings += _Check(block, written, names, own).findings()
    return findings


def written_in(flow: FloipFlow, block: FloipBlock) -> Iterator[Written]:
    """Every expression and every template of a block, with those of the resources it speaks."""
    for way in block.exits:
        if way.test and not way.default:
            yield Written(way.test, "test", f"the test of exit '{way.name}'")
    for choice in choices_of(block):
        yield from _of_choice(choice)
    wanted = block.config.get("set_contact_property")
    for each in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(each, Mapping) and isinstance(each.get("property_value"), str):
            yield Written(each["property_value"], "value", f"the value of property '{each.get('property_key')}'")
    if block.type == OUTPUT and isinstance(block.config.get("value"), str):
        yield Written(block.config["value"], "value", "the value")
    if block.type == SET_GROUP and isinstance(block.config.get("is_member"), str):
        yield Written(block.config["is_member"], "test", "'is_member'")
    for resource in spoken_by(block):
        for value in flow.resources.get(uuid_key(resource), ()):
            if isinstance(value.get("value"), str) and str(value.get("content_type", "TEXT")).upper() == "TEXT":
                yield Written(value["value"], "text", f"the text in '{value.get('language_id')}'")
    message = block.config.get("message")
    if block.type == LOG and isinstance(message, str) and uuid_key(message) not in flow.resources:
        yield Written(message, "text", "the message")


def spoken_by(block: FloipBlock) -> list[Any]:
    """The resources a block speaks: its prompts and those of its choices."""
    own = [block.config.get(key) for key in ("prompt", "question_prompt")]
    own += [choice.get("prompt") for choice in choices_of(block)]
    message = block.config.get("message")
    return [each for each in [*own, message] if each]


def _of_choice(choice: Mapping[str, Any]) -> Iterator[Written]:
    tests = choice.get("text_tests")
    listed = [*(tests if isinstance(tests, list) else []), choice.get("ivr_test")]
    for test in listed:
        if isinstance(test, Mapping) and isinstance(test.get("test_expression"), str):
            yield Written(test["test_expression"], "choice", f"the test of choice '{choice.get('name')}'")
    if isinstance(choice.get("test"), str):
        yield Written(choice["test"], "choice", f"the test of choice '{choice.get('name')}'")


class _Check:
    """One expression at one block."""

    __slots__ = ("_block", "_found", "_names", "_own", "_written")

    def __init__(self, block: FloipBlock, written: Written, names: set[str], own: set[str]) -> None:
        """`names` are those of all blocks of the container, `own` those of the block's flow."""
        self._block = block
        self._written = written
        self._names = names
        self._own = own
        self._found: list[FloipFinding] = []

    def findings(self) -> list[FloipFinding]:
        if self._written.use == "text" or (self._written.use == "value" and "@" in self._written.text):
            self._template()
            return self._found
        try:
            node = parse_expression(self._written.text)
        except ExpressionMistake as mistake:
            # A value that is no expression stands for itself: `18_to_30`.
            if self._written.use != "value":
                self._error(f"cannot be read: {mistake}")
            return self._found
        self._tree(node, quoted_names_are_fine=self._written.use == "value" and isinstance(node, Member))
        if self._written.use in ("test", "choice"):
            self._truth(node)
        return self._found

    def _error(self, message: str) -> None:
        self._found.append(error(self._block.name, f"{self._written.where} ('{self._written.text[:60]}') {message}"))

    def _warn(self, message: str) -> None:
        self._found.append(warning(self._block.name, f"{self._written.where} ('{self._written.text[:60]}') {message}"))

    def _template(self) -> None:
        for piece in parse_template(self._written.text):
            if not isinstance(piece, Piece):
                continue
            if piece.node is None:
                self._error(f"cannot be read: {piece.mistake}")
            elif piece.closed or isinstance(piece.node, Call) or self._is_rooted(piece.node):
                self._tree(piece.node)

    @staticmethod
    def _is_rooted(node: Node) -> bool:
        """An open name that begins outside the context is an address such as awa@exemple.ml, and no finding."""
        return isinstance(node, Member) and node.path[0].casefold() in {*_ROOTS, "flow", "results"}

    def _tree(self, node: Node, *, quoted_names_are_fine: bool = False) -> None:
        if isinstance(node, Member):
            self._member(node, quoted_names_are_fine)
        elif isinstance(node, Minus):
            self._tree(node.of)
        elif isinstance(node, Chain):
            for each in (node.first, *(operand for _, operand in node.rest)):
                self._tree(each)
            self._types(node)
        elif isinstance(node, Call):
            self._function(node)
            for each in node.args:
                self._tree(each)

    def _function(self, call: Call) -> None:
        taken = arguments_taken(call.name)
        if taken is None:
            self._error(f"calls {call.name[:40]}, which is no function here")
            return
        fewest, most = taken
        if len(call.args) < fewest or (most is not None and len(call.args) > most):
            wanted = f"{fewest}" if most == fewest else f"{fewest} or more" if most is None else f"{fewest} to {most}"
            self._error(f"gives {call.name} {len(call.args)} arguments; it takes {wanted}")

    def _member(self, node: Member, quoted_names_are_fine: bool) -> None:
        root, *below = (step.casefold() for step in node.path)
        if root in ("flow", "results"):
            self._result(root, below)
        elif root not in _ROOTS:
            if not quoted_names_are_fine:
                self._warn(f"has the name '{'.'.join(node.path)[:40]}', which is not known: put texts in quotes")
        else:
            known = _ROOTS[root]
            if known is not None and below and below[0] not in known:
                self._warn(f"asks for {root}.{below[0][:40]}; {nearest(below[0][:40], known)}")

    def _result(self, root: str, below: list[str]) -> None:
        if not below or (root == "flow" and below[0] in _OF_FLOW):
            return
        # `flow.x` also sees the answers of the other flows of the run; `results.x` only those of its own.
        known = self._names if root == "flow" else self._own
        if below[0] not in known:
            self._error(f"asks for {root}.{below[0][:40]}, and no block has that name; {nearest(below[0], known)}")

    def _types(self, chain: Chain) -> None:
        """Comparisons that can never hold: a choice that is not offered, words for a number."""
        if len(chain.rest) != 1 or chain.rest[0][0] not in ("=", "<>"):
            return
        sides = (chain.first, chain.rest[0][1])
        value = next((each for each in sides if isinstance(each, Literal)), None)
        name = next((each for each in sides if isinstance(each, Member)), None)
        if value is None or name is None or [step.casefold() for step in name.path] != ["block", "value"]:
            return
        if self._written.use == "test" and isinstance(value.value, str):
            self._compared(value.value)

    def _compared(self, words: str) -> None:
        if self._block.type in (SELECT_ONE, SELECT_MANY):
            names = {str(choice.get("name", "")).casefold() for choice in choices_of(self._block)}
            if words.casefold() not in names and words and "," not in words:
                self._warn(f"compares with '{words[:40]}', which is none of the choices; {nearest(words, names)}")
        elif self._block.type == NUMERIC and words and as_number(words) is None:
            self._warn(f"compares a number with '{words[:40]}'")

    def _truth(self, node: Node) -> None:
        if isinstance(node, Literal) and not is_true(node.value):
            self._warn("is never true")
