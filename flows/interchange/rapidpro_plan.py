"""Before any step is made of a RapidPro flow: which message asks which question, and in which order nodes stand.

A conversation of ours goes down the page. Going up forgets what was answered below, so nodes stand in an order in which
only true loops lead up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from flows.interchange.imported_words import our_code
from flows.interchange.rapidpro_reading import FlowRead, Node, Router

_CHILD: Final = ("@child.run.status", "@child.status", "@(child.run.status)", "@(child.status)")


@dataclass(frozen=True, slots=True)
class Asks:
    """How a node that waits asks: the node and the place of the action that hold its words (`asker` is "" without).

    `retry` is the node that says what was wrong and leads back; `again` says that the default leads back at all.
    `languages` are, by category, our languages a choice of them sets.
    """

    asker: str = ""
    action: int = -1
    retry: str = ""
    again: bool = False
    languages: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """`order` has every node that can be reached; `asks` every node that waits."""

    flow: FlowRead
    asks: dict[str, Asks] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    @classmethod
    def of_flow(cls, flow: FlowRead, languages: tuple[str, ...]) -> "Plan":
        plan = cls(flow)
        before = _before(flow)
        for node in flow.nodes.values():
            if node.router is not None and node.router.waits:
                plan.asks[node.uuid] = _asks(flow, node, node.router, before, languages)
        plan.order = plan._in_order()
        return plan

    def is_asked_elsewhere(self, node: str, action: int) -> bool:
        """Whether a message is the words of a question, or of its mistakes, and not said by itself."""
        return any((each.asker, each.action) == (node, action) for each in self.asks.values())

    def after_language(self, node: str | None) -> str | None:
        """Where a node that only sets a language leads."""
        return self.flow.nodes[node].goes_to if node is not None and node in self.flow.nodes else None

    def _ways(self, node: Node) -> list[str]:
        """The ways that will be there: none of time-outs, of mistakes that only ask again, of settings of languages."""
        asks = self.asks.get(node.uuid)
        if asks is None or node.router is None:
            return [each for each in node.ways() if each in self.flow.nodes]
        ways: list[str | None] = []
        for category in node.router.categories.values():
            if category.uuid == node.router.timeout:
                continue
            is_default = node.router.default is not None and category.uuid == node.router.default.uuid
            if is_default and asks.again:
                continue
            ways.append(self.after_language(category.goes_to) if category.uuid in asks.languages else category.goes_to)
        return [each for each in dict.fromkeys(ways) if each is not None and each in self.flow.nodes]

    def _in_order(self) -> list[str]:
        """Each node before those it leads to, loops aside. Without recursion: flows come from anywhere."""
        first = next(iter(self.flow.nodes), None)
        if first is None:
            return []
        done: list[str] = []
        seen = {first}
        waiting = [(first, iter(reversed(self._ways(self.flow.nodes[first]))))]
        while waiting:
            node, ways = waiting[-1]
            onward = next((each for each in ways if each not in seen), None)
            if onward is None:
                done.append(node)
                waiting.pop()
            else:
                seen.add(onward)
                waiting.append((onward, iter(reversed(self._ways(self.flow.nodes[onward])))))
        return done[::-1]


def is_of_child(router: Router) -> bool:
    return router.operand.replace(" ", "").lower() in _CHILD


def _before(flow: FlowRead) -> dict[str, list[Node]]:
    before: dict[str, list[Node]] = {}
    for node in flow.nodes.values():
        for way in node.ways():
            before.setdefault(way, []).append(node)
    return before


def _asks(
    flow: FlowRead, node: Node, router: Router, before: Mapping[str, list[Node]], languages: tuple[str, ...]
) -> Asks:
    default = flow.nodes.get(router.default.goes_to or "") if router.default is not None and router.cases else None
    asker = _asker(node, default, before.get(node.uuid, []))
    home = {node.uuid, asker.uuid if asker is not None else node.uuid}
    retry = default is not None and default.uuid not in home and _only_says(default) and default.goes_to in home
    return Asks(
        asker=asker.uuid if asker is not None else "",
        action=asker.messages()[-1] if asker is not None else -1,
        retry=default.uuid if default is not None and retry else "",
        again=default is not None and (retry or default.uuid in home),
        languages=_languages(flow, router, languages),
    )


def _asker(node: Node, default: Node | None, before: list[Node]) -> Node | None:
    """The node whose last message is the question: this one, or the first one that leads only here."""
    if node.messages():
        return node
    saying = [each for each in before if each.router is None and each.messages() and each.uuid != node.uuid]
    others = [each for each in saying if default is None or each.uuid != default.uuid]
    return next(iter(others or saying), None)


def _only_says(node: Node) -> bool:
    return node.router is None and bool(node.actions) and len(node.messages()) == len(node.actions)


def _languages(flow: FlowRead, router: Router, languages: tuple[str, ...]) -> dict[str, str]:
    """By category, the language its way sets. Empty unless every choice sets another one of the flow's."""
    found: dict[str, str] = {}
    for category in router.tested():
        node = flow.nodes.get(category.goes_to or "")
        if node is None or node.router is not None or len(node.actions) != 1:
            return {}
        action = node.actions[0]
        code = our_code(str(action.get("language") or "")) if action.get("type") == "set_contact_language" else None
        if code is None or code not in languages or code in found.values():
            return {}
        found[category.uuid] = code
    return found if len(found) > 1 else {}
