"""One flow of RapidPro on its way to ours: node after node becomes steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flows.conditions import parse
from flows.interchange.flow_writing import expression_text
from flows.interchange.imported_flow import Made, can_be_read
from flows.interchange.imported_words import ROOM, Written, in_pieces
from flows.interchange.left_out import NotCarried, Report, quoted
from flows.interchange.made_ids import Ids, id_like
from flows.interchange.rapidpro_cases import condition_of
from flows.interchange.rapidpro_links import Link, Way, linked
from flows.interchange.rapidpro_plan import Asks, Plan, is_of_child
from flows.interchange.rapidpro_questions import Asking
from flows.interchange.rapidpro_reading import FlowRead, Node, Router
from flows.interchange.rapidpro_words import CONTACT_NAME, Known, Message, Names, Words, asks_category, path_of

_LONGEST_WORD: Final = 60


@dataclass(slots=True)
class OneFlow:
    """Makes the steps of one flow. `others` are the ids of flows it may run, `results_of` what they know at last."""

    flow: FlowRead
    flow_id: str
    words: Words
    report: Report
    others: Mapping[str, str]
    results_of: Mapping[str, Mapping[str, Known]]
    plan: Plan = field(init=False)
    ids: Ids = field(default_factory=Ids)
    names: Names = field(default_factory=Names)
    steps: list[dict[str, Any]] = field(default_factory=list)
    _first_of: dict[str, Link] = field(default_factory=dict)
    _asked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plan = Plan.of_flow(self.flow, self.words.languages)

    def made(self) -> Made:
        """The whole flow. Its results are in `names.results` then."""
        self._name_answers()
        for uuid in self.plan.order:
            self._node(self.flow.nodes[uuid])
        self._tell_of_the_rest()
        steps, lost = linked(self.steps, self._first_of, self.ids)
        for step_id in lost:
            self.report.also("steps nobody comes to any more, as a split is not carried over", f"'{step_id}'")
        return Made(self._head() | {"steps": steps})

    def _head(self) -> dict[str, Any]:
        name = " ".join(self.flow.name.replace("{", "(").replace("}", ")").split())[:100]
        drafts = {language: "false" for language in self.words.languages if language != "fr"}
        keywords = [word.upper() for word in self.flow.keywords if word.isalnum()]
        return {
            "flow": self.flow_id,
            "version": "1",
            "title": {"all": name or self.flow_id},
            "languages": list(self.words.languages),
            **({"reviewed": drafts} if drafts else {}),
            **({"start": {"sms": keywords}} if keywords else {}),
        }

    def _where(self, node: Node) -> str:
        return f"'{self.flow.name}' node {node.number}"

    def _name_answers(self) -> None:
        """Ids of the answers first, so that nothing else takes one."""
        for uuid in self.plan.order:
            node = self.flow.nodes[uuid]
            if uuid in self.plan.asks and node.router is not None:
                name = node.router.result or f"reponse_{node.number}"
                self._asked[uuid] = made = self.ids.take(name)
                if node.router.result and made != id_like(name):
                    self.report.changed(self._where(node), f"the answer '{name}' is asked again here, as '{made}'")

    # --- nodes --------------------------------------------------------------------------------------------------------

    def _node(self, node: Node) -> None:
        count = len(self.steps)
        ends = False
        for place, action in enumerate(node.actions):
            if not self.plan.is_asked_elsewhere(node.uuid, place):
                ends = self._action(node, action) or ends
        onward = Way(None) if ends else self._router(node)
        if len(self.steps) == count:
            self._first_of[node.uuid] = onward
            return
        self._first_of[node.uuid] = self.steps[count]["id"]
        if "when" not in self.steps[-1]:
            self.steps[-1].setdefault("next", onward)

    def _action(self, node: Node, action: Mapping[str, Any]) -> bool:
        """The steps of one action. True when the flow ends with it."""
        kind, where = str(action.get("type") or ""), self._where(node)
        if kind == "send_msg":
            self._say(action, where)
        elif kind == "set_run_result":
            self._set(str(action.get("name") or ""), action.get("value"), self.names.results, where)
        elif kind == "set_contact_field":
            field_of = action.get("field")
            key = str(field_of.get("key") or field_of.get("name") or "") if isinstance(field_of, Mapping) else ""
            self._set(key, action.get("value"), self.names.fields, where)
        elif kind == "set_contact_name":
            self._set(CONTACT_NAME, action.get("name"), self.names.fields, where)
        elif kind == "enter_flow":
            return self._run(action, where)
        elif kind == "set_contact_language":
            why = "a caller chooses a language in a menu that sets it (`sets_language`)"
            self.report.left_out(where, f"set_contact_language '{action.get('language')}'", why)
        else:
            self.report.left_out(
                where, f"the action {quoted(kind or 'without a type', 30)}", "a conversation only talks"
            )
        return False

    def _say(self, action: Mapping[str, Any], where: str) -> None:
        for key in ("attachments", "templating", "template"):
            if action.get(key):
                self.report.left_out(where, f"the {key} of a message", "a phone shows words")
        message = self.words.message(action)
        if message.replies[self.words.languages[0]]:
            self.report.left_out(where, "quick replies of a message", "nothing waits for an answer behind it")
        text = self.words.text(message.said, self.names, where)
        if not any(words.strip() for words in text.values()):
            return
        self._say_in_pieces(text, "message")

    def _say_in_pieces(self, text: Written, name: str) -> None:
        pieces = in_pieces(text, ROOM, self.names.widths())
        ids = [self.ids.take(name) for _ in pieces]
        if len(pieces) > 1:
            self.report.also("words longer than a screen are said in pieces", f"'{ids[0]}' in {len(pieces)}")
        self.steps += [{"id": each, "say": piece} for each, piece in zip(ids, pieces, strict=True)]

    def _set(self, key: str, value: object, names: dict[str, Known], where: str) -> None:
        """A result or field set to a fixed word or to an answer. Questions and set names are never called alike."""
        name = id_like(key)
        try:
            expression, known = self._value(value if isinstance(value, str | int) else "")
        except NotCarried as reason:
            self.report.left_out(where, f"{quoted(key, 40)} set to {quoted(str(value), 40)}", str(reason))
            return
        if known.id == name and known.kind != "word":
            names[name] = known  # the answer is called so already
            return
        if name in self._asked.values():
            why = f"'{name}' is the answer to a question here, and keeps what was answered"
            self.report.left_out(where, f"{quoted(key, 40)} set to {quoted(str(value), 40)}", why)
            return
        names[name] = Known(name, known.kind, known.keys, known.said, known.rules, known.low, known.width)
        self.steps.append({"id": self.ids.take(f"note_{name}"), "set": {name: expression}})

    def _value(self, value: object) -> tuple[str, Known]:
        written = str(value).strip()
        if path := path_of(written) if written.startswith("@") else "":
            known = self.names.of_path(path)
            if known is None:
                raise NotCarried("that is not asked above it")
            return known.id, known
        if not written:
            raise NotCarried("nothing can be set to nothing")
        if "@" in written or '"' in written or len(written) > _LONGEST_WORD:
            raise NotCarried("a conversation keeps answers and short words, and computes nothing")
        return f'"{written}"', Known("", "word", width=len(written))

    def _run(self, action: Mapping[str, Any], where: str) -> bool:
        other = action.get("flow")
        uuid = str(other.get("uuid") or "") if isinstance(other, Mapping) else ""
        name = str(other.get("name") or "") if isinstance(other, Mapping) else ""
        if uuid not in self.others:
            why = "it is not in this export, is for voices, or leads back here"
            self.report.left_out(where, f"entering the flow {quoted(name or uuid)}", why)
            return action.get("terminal") is True
        step_id = self.ids.take(self.others[uuid])
        self.steps.append({"id": step_id, "run": self.others[uuid]})
        found = self.results_of.get(uuid, {})
        self.names.child = {
            key: Known(f"{step_id}.{known.id}", known.kind, known.keys, known.said, {}, known.low, known.width)
            for key, known in found.items()
        }
        return action.get("terminal") is True

    # --- routers ------------------------------------------------------------------------------------------------------

    def _router(self, node: Node) -> Link:
        """The steps of what parts the ways, and the way behind them."""
        router, where = node.router, self._where(node)
        if router is None:
            return Way(node.goes_to)
        if router.waits:
            self._question(node, router, self.plan.asks[node.uuid])
            return Way(None)
        if is_of_child(router):
            return self._after_child(router, where)
        if router.kind != "switch":
            first = next(iter(router.categories.values()), None)
            name = first.name if first is not None else "the end"
            self.report.left_out(where, f"the {router.kind or 'unknown'} split", f"everybody goes to '{name}'")
            return Way(first.goes_to if first is not None else None)
        return self._split(router, where)

    def _after_child(self, router: Router, where: str) -> Link:
        completed = [case.category for case in router.cases if "completed" in [arg.lower() for arg in case.args]]
        category = router.categories.get(completed[0]) if completed else router.default
        for other in router.categories.values():
            if category is not None and other.uuid != category.uuid and other.goes_to != category.goes_to:
                why = "a caller comes back from a sub-flow only at its end"
                self.report.left_out(where, f"the way '{other.name}'", why)
        return Way(category.goes_to if category is not None else None)

    def _split(self, router: Router, where: str) -> Link:
        """A `when` of the cases that have a condition; the default is its `else`."""
        path = path_of(router.operand)
        known = self.names.of_path(path) if path else None
        otherwise = Way(router.default.goes_to if router.default is not None else None)
        if known is None:
            why = "it is nothing asked or set above it"
            went = router.default.name if router.default is not None else "the end"
            self.report.left_out(where, f"the split on {quoted(router.operand, 40)}", f"{why}; all go to '{went}'")
            return otherwise
        branches: list[dict[str, Any]] = []
        for case in router.cases:
            category = router.categories.get(case.category)
            if category is None:
                continue
            try:
                test = condition_of(case, known, category=asks_category(path))
                if not can_be_read(test):
                    raise NotCarried("the condition is too long")
            except NotCarried as reason:
                self.report.left_out(where, f"case {quoted(category.name, 40)}", f"{reason}; all go on to the others")
                continue
            branches.append({"if": expression_text(parse(test)), "go": Way(category.goes_to)})
        if branches:
            self.steps.append(
                {"id": self.ids.take(f"{id_like(known.id)}_si"), "when": [*branches, {"else": otherwise}]}
            )
        return otherwise

    def _question(self, node: Node, router: Router, asks: Asks) -> None:
        step_id, where = self._asked[node.uuid], self._where(node)
        if router.timeout:
            self.report.left_out(
                where, "its time-out", "a line that drops is gone on with, or gets an SMS (`if_dropped`)"
            )
        if any(case.uuid in there for case in router.cases for there in self.flow.localization.values()):
            self.report.also("words people may send in other languages are not carried over: they press numbers", where)
        question = Asking(
            step_id, router, self._message(asks, router, where), self.words, self.names, self.report, where, asks.again,
            asks.languages,
        ).question()  # fmt: skip
        for piece in question.before:
            self.steps.append({"id": self.ids.take(f"{step_id}_avant"), "say": piece})
        step: dict[str, Any] = {"id": step_id, **question.step}
        if asks.retry:
            retry = self.flow.nodes[asks.retry]
            said = self.words.message(retry.actions[retry.messages()[-1]]).said
            step["wrong"] = self.words.text(said, self.names, where)
        if question.go:
            ways = question.go.items()
            step["go"] = {key: Way(self._behind_language(way, asks)) for key, way in ways}
        if question.gives_up:
            step["give_up"] = Way(question.give_up)
        self.steps.append(step)
        if question.branches:
            branches = [{"if": expression_text(parse(test)), "go": Way(way)} for test, way in question.branches]
            branches.append({"else": Way(question.next)})
            step["next"] = made = self.ids.take(f"{step_id}_si")
            self.steps.append({"id": made, "when": branches})
        elif "menu" not in step:
            step["next"] = Way(question.next)
        key = id_like(router.result)
        if router.result and key not in self.names.results:
            self.names.results[key] = question.known

    def _behind_language(self, way: str | None, asks: Asks) -> str | None:
        return self.plan.after_language(way) if asks.languages else way

    def _message(self, asks: Asks, router: Router, where: str) -> Message:
        if asks.asker:
            return self.words.message(self.flow.nodes[asks.asker].actions[asks.action])
        self.report.changed(where, "no message stands before this question: its name is asked")
        return Message({self.words.languages[0]: f"{router.result or '...'} ?"}, {self.words.languages[0]: ()})

    def _tell_of_the_rest(self) -> None:
        lost = [node for uuid, node in self.flow.nodes.items() if uuid not in self.plan.order]
        shown = {asks.retry for asks in self.plan.asks.values()}
        for node in lost:
            if node.uuid not in shown and not any(node.uuid in self._languages_only(each) for each in self.plan.asks):
                self.report.also("nodes that nobody comes to are not carried over", self._where(node))
        for word in self.flow.keywords:
            if not word.isalnum():
                self.report.left_out(f"'{self.flow.name}'", f"the keyword {quoted(word)}", "it is no single word")
        if self.flow.expires:
            matter = "expire_after_minutes is not carried over: write `resume`, and `if_dropped`"
            self.report.also(matter, f"'{self.flow.name}'")

    def _languages_only(self, waits: str) -> set[str]:
        router = self.flow.nodes[waits].router
        assert router is not None
        chosen = self.plan.asks[waits].languages
        return {each.goes_to for each in router.categories.values() if each.uuid in chosen and each.goes_to is not None}
