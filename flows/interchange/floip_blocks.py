"""Our steps as FLOIP blocks. A question whose answer must be read or explained brings further blocks along.

What FLOIP has a place for is said in FLOIP; the other keys of a step go, as the file has them, into
`vendor_metadata.laseli` of its block.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from flows.conditions import Constant, Expression, Name
from flows.interchange.floip_expressions import condition, known_or_empty, literal, operand
from flows.interchange.floip_names import ISO, OURS, Paths, block_name, is_kept, property_of, step_parts, uuid_of
from flows.interchange.floip_parts import (
    ACTIONS,
    ANSWERED,
    SAID,
    SOME,
    WORKED,
    Json,
    any_way_out,
    chosen,
    day_test,
    in_child,
    kept_value,
    language_chosen,
    lines_of,
    names_read,
    phone_test,
    property_set,
    way_out_test,
)  # fmt: skip
from flows.interchange.floip_texts import Words, hints_of
from flows.model import Ask, Call, Day, Do, End, Flow, Menu, Number, Option, Phone, Pick, Run, Say, Set, Step, When
from flows.model import Words as Typed
from flows.texts import Text

_BRANCHING: Final = {"menu": "EXIT_PER_CHOICE", "when": "ADVANCED"}
# A number goes into JSON as it is; so do keys of choices, which are plain letters.
_BOUND_LETTERS: Final = frozenset({"number", "choice", "list", "yes_no"})


class Blocks:
    """Turns the steps of one flow into blocks and the resources they say."""

    def __init__(self, flow: Flow, written: Mapping[str, Json], base: str = "") -> None:
        self._flow = flow
        self._written = written
        self._base = base
        self._paths = Paths.of(flow)
        self._words = Words(flow.languages, self._paths, flow.names)
        self._read = names_read(flow)
        self._hints: Json = {}
        self.resources: list[Json] = []

    def of(self, step: Step) -> Iterator[Json]:
        """The block of a step, and those that belong to it."""
        yield from _OF_KIND[step.kind](self, step)

    def uuid(self, step_id: str, *more: str) -> str:
        """The UUID of a step's block or of something in it. A step that does not exist has one too."""
        step = self._flow.steps.get(step_id)
        parts = step_parts(self._flow.id, step) if step is not None else (self._flow.id, step_id)
        return uuid_of("flow", *parts, *more)

    # --- kinds ----------------------------------------------------------------------------------------------------

    def _say(self, step: Step) -> Iterator[Json]:
        assert isinstance(step, Say)
        config = {"prompt": self._text(step, "prompt", step.text)}
        yield self._block(step, "MobilePrimitives.Message", config, [self._exit(step, "next", step.next)])

    def _end(self, step: Step) -> Iterator[Json]:
        """Without last words there is nothing to say: a case that decides nothing ends the flow."""
        assert isinstance(step, End)
        exits = [self._exit(step, "end", None)]
        if step.text is None:
            yield self._block(step, "Core.Case", {}, exits)
        else:
            yield self._block(
                step, "MobilePrimitives.Message", {"prompt": self._text(step, "prompt", step.text)}, exits
            )

    def _menu(self, step: Step) -> Iterator[Json]:
        assert isinstance(step, Menu)
        if step.source is not None:
            yield from self._menu_from_data(step, step.source)
            return
        config: Json = {
            "prompt": self._text(step, "menu", step.text, lines_of(step.options)),
            "question_prompt": self._text(step, "prompt", step.text),
            "choices": [self._choice(step, option, place) for place, option in enumerate(step.options, 1)],
        }
        if isinstance(step, Pick):
            config |= {"minimum_choices": 1, "maximum_choices": len(step.options)}
        kind = "SelectManyResponses" if isinstance(step, Pick) else "SelectOneResponse"
        if step.sets_language:
            self._set(config, "language", language_chosen(step.options))
        answered = ANSWERED[step.kind]
        exits = self._go(step)
        exits.append(self._exit(step, "is answered", step.next, answered))
        yield self._question(step, f"MobilePrimitives.{kind}", config, exits, answered)
        yield from self._again(step)

    def _menu_from_data(self, step: Menu, source: Call) -> Iterator[Json]:
        """Choices that come from data are fetched first; the one who answers types a line's number or its words."""
        kept = property_of(self._flow.id, f"{step.id}__choices")
        empty, fails = step.empty, step.fails
        exits = [
            self._exit(step, "some", step.id, SOME, to_uuid=self.uuid(step.id)),
            self._exit(step, "empty", empty or fails, WORKED),
            self._exit(step, "fails", fails or empty),
        ]
        yield self._webhook(step, source, exits, {kept: "block.response.choices"}, part="choices")
        lines = f"\n@(contact.{kept})"
        config = {"prompt": self._text(step, "prompt", step.text, lambda language, folded: lines)}
        exits = self._go(step)
        exits.append(self._exit(step, "is answered", step.next, ANSWERED["menu"]))
        ways = [key for key, to in (("empty", step.empty), ("fails", step.fails)) if to is not None]
        more = {"from_data": True, **({"ways": ways} if ways else {})}
        yield self._question(step, "MobilePrimitives.OpenResponse", config, exits, ANSWERED["menu"], more)
        yield from self._again(step)

    def _number(self, step: Step) -> Iterator[Json]:
        assert isinstance(step, Number)
        config = {
            "prompt": self._text(step, "prompt", step.text),
            "validation_minimum": step.low,
            "validation_maximum": step.high,
        }
        answered = ANSWERED["number"]
        exits = self._go(step)
        exits.append(self._exit(step, "is answered", step.next, answered))
        yield self._question(step, "MobilePrimitives.NumericResponse", config, exits, answered)
        yield from self._again(step)

    def _typed(self, step: Step) -> Iterator[Json]:
        """A text is taken as it is; a date or a phone number is read by the case that follows."""
        assert isinstance(step, Typed | Day | Phone)
        config: Json = {"prompt": self._text(step, "prompt", step.text, lines_of(step.options))}
        if is_kept(step):
            self._set(config, property_of(self._flow.id, step.id), kept_value(step))
        exits = [self._way_out(step, place) for place, _ in enumerate(step.options, 1)]
        known = {option.key for option in step.options}
        exits += self._go(step, known)
        if isinstance(step, Typed):
            answered = ANSWERED["text"].format(max=step.max)
            exits.append(self._exit(step, "is answered", step.next, answered))
            yield self._question(step, "MobilePrimitives.OpenResponse", config, exits, answered)
        else:
            case = self.uuid(step.id, "read")
            if step.give_up is not None and step.options:
                tries = self._tries_of(step)
                self._set(config, tries, f"IF({any_way_out(step)}, 0, contact.{tries})")
            exits.append(self._exit(step, "is typed", step.id, to_uuid=case))
            yield self._block(step, "MobilePrimitives.OpenResponse", config, exits)
            yield self._reading(step)
        yield from self._again(step)

    def _when(self, step: Step) -> Iterator[Json]:
        assert isinstance(step, When)
        tests = (condition(branch.test, self._paths.path, self._flow.names) for branch in step.branches)
        exits = [
            self._exit(step, f"if_{place}", branch.target, test)
            for place, (branch, test) in enumerate(zip(step.branches, tests, strict=True), 1)
        ]
        exits.append(self._exit(step, "else", step.otherwise))
        yield self._block(step, "Core.Case", {}, exits, {"if": [branch.written for branch in step.branches]})

    def _run(self, step: Step) -> Iterator[Json]:
        """What this flow reads of the sub-flow's answers is kept before the next one runs."""
        assert isinstance(step, Run)
        config: Json = {"flow_id": uuid_of("flow", step.flow)}
        child = self._flow.children.get(step.id)
        read = [name for name in self._read if name.startswith(f"{step.id}.")]
        if child is not None:
            for name in read:
                self._set(config, property_of(self._flow.id, name), in_child(child, name.partition(".")[2]))
        yield self._block(step, "Core.RunFlow", config, [self._exit(step, "next", step.next)], {"run": step.flow})

    def _do(self, step: Step) -> Iterator[Json]:
        assert isinstance(step, Do)
        exits = [self._exit(step, "worked", step.next, WORKED), self._exit(step, "fails", step.fails)]
        results = {property_of(self._flow.id, name): f"block.response.{name}" for name in step.gives}
        yield self._webhook(step, step.call, exits, results)

    def _set_values(self, step: Step) -> Iterator[Json]:
        assert isinstance(step, Set)
        values = [
            property_set(property_of(self._flow.id, name), operand(value, self._paths.path, {}))
            for name, value in step.values.items()
        ]
        exits = [self._exit(step, "next", step.next)]
        yield self._block(step, "Core.SetContactProperty", {"set_contact_property": values}, exits)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _block(self, step: Step, kind: str, config: Json, exits: list[Json], more: Json | None = None) -> Json:
        """The block that stands for the step; it carries what FLOIP has no place for."""
        written = self._written[step.id]
        rest = {key: value for key, value in written.items() if key not in SAID[step.kind]}
        ours: Json = {"id": step.id, "kind": step.kind, **(more or {}), **({"keys": rest} if rest else {})}
        if isinstance(written.get("options"), str):
            ours["list"] = written["options"]
        if self._hints:
            ours["texts"], self._hints = self._hints, {}
        return self._dressed(self.uuid(step.id), block_name(step.id), step, kind, config, exits, ours)

    def _part(self, step: Step, part: str, kind: str, config: Json, exits: list[Json]) -> Json:
        ours: Json = {"part_of": step.id, "part": part}
        if self._hints:
            ours["texts"], self._hints = self._hints, {}
        name = f"{step.id}_{part}"
        while name in self._flow.steps:
            name += "_"
        return self._dressed(self.uuid(step.id, part), name, step, kind, config, exits, ours)

    def _dressed(
        self, uuid: str, name: str, step: Step, kind: str, config: Json, exits: list[Json], ours: Json
    ) -> Json:
        shape = {"floip": {"ui_metadata": {"branching_type": _BRANCHING.get(step.kind, "UNIFIED")}}}
        return {
            "uuid": uuid,
            "name": name,
            "type": kind,
            "config": config,
            "exits": exits,
            "vendor_metadata": {**shape, OURS: ours},
        }

    def _exit(
        self, step: Step, name: str, target: str | None, test: str | None = None, *, to_uuid: str | None = None
    ) -> Json:
        """A way out. Without a test it is the one taken when no test holds; without a target the flow ends there."""
        found: Json = {"uuid": self.uuid(step.id, "exit", name), "name": name}
        found |= {"default": True} if test is None else {"test": test}
        destination = to_uuid or (self._entry(target) if target is not None else None)
        return found | ({"destination_block": destination} if destination is not None else {})

    def _go(self, step: Ask, told: Collection[str] = ()) -> list[Json]:
        """The ways out by choice, but for those told already."""
        ways = ((key, to) for key, to in step.go.items() if key not in told)
        return [self._exit(step, key, to, f"block.value = {literal(key)}") for key, to in ways]

    def _entry(self, step_id: str) -> str:
        """Where a caller enters a step: before the question, if its choices have to be fetched."""
        step = self._flow.steps.get(step_id)
        fetched = isinstance(step, Menu) and step.source is not None
        return self.uuid(step_id, "choices") if fetched else self.uuid(step_id)

    def entry(self) -> str:
        """The block a caller meets first."""
        return self._entry(self._flow.first)

    def _question(
        self, step: Ask, kind: str, config: Json, exits: list[Json], answered: str, more: Json | None = None
    ) -> Json:
        self._count_tries(step, config, answered)
        return self._block(step, kind, config, [*exits, self._asked_again(step)], more)

    def _count_tries(self, step: Ask, config: Json, answered: str) -> None:
        """Answers in a row that could not be read, from 1 to 3 and then from 1 again."""
        if step.give_up is not None:
            tries = self._tries_of(step)
            counted = f"IF(contact.{tries} < 3, contact.{tries} + 1, 1)"
            self._set(config, tries, f"IF({answered}, 0, IF(contact.{tries} = NULL, 1, {counted}))")

    def _tries_of(self, step: Ask) -> str:
        return property_of(self._flow.id, f"{step.id}__tries")

    @staticmethod
    def _set(config: Json, key: str, value: str) -> None:
        """A property that a block sets beside what it does."""
        config.setdefault("set_contact_property", []).append(property_set(key, value))

    def _asked_again(self, step: Ask) -> Json:
        part = "tries" if step.give_up is not None else "wrong" if step.wrong is not None else ""
        return self._exit(step, "ask again", step.id, to_uuid=self.uuid(step.id, part) if part else self.uuid(step.id))

    def _again(self, step: Ask) -> Iterator[Json]:
        """What follows an answer that cannot be read: enough of it, or an explanation and the question again."""
        if step.give_up is not None:
            test = f"contact.{self._tries_of(step)} >= 3"
            config: Json = {}
            if is_kept(step):
                kept = property_of(self._flow.id, step.id)
                self._set(config, kept, f"IF({test}, NULL, contact.{kept})")
            back = self.uuid(step.id, "wrong") if step.wrong is not None else self.uuid(step.id)
            exits = [
                self._exit(step, "give up", step.give_up, test),
                self._exit(step, "go on", step.id, to_uuid=back),
            ]
            yield self._part(step, "tries", "Core.Case", config, exits)
        yield from self._wrong(step)

    def _wrong(self, step: Ask) -> Iterator[Json]:
        """What is said before the question is asked again."""
        if step.wrong is not None:
            config = {"prompt": self._text(step, "wrong", step.wrong)}
            exits = [self._exit(step, "back to it", step.id, to_uuid=self.uuid(step.id))]
            yield self._part(step, "wrong", "MobilePrimitives.Message", config, exits)

    def _reading(self, step: Day | Phone) -> Json:
        """Whether what was typed is a day within its bounds, or a phone number."""
        path = self._paths.path(step.id)
        test = phone_test(step, path) if isinstance(step, Phone) else day_test(step, path, self._paths.path)
        exits = [self._exit(step, "is read", step.next, test)]
        config: Json = {}
        self._count_tries(step, config, test)
        return self._part(step, "read", "Core.Case", config, [*exits, self._asked_again(step)])

    def _way_out(self, step: Ask, place: int) -> Json:
        option = step.options[place - 1]
        test = way_out_test(place, step.options)
        found = self._exit(step, option.key, step.go.get(option.key, step.next), test)
        return found if option.key in step.go else found | {"vendor_metadata": {OURS: {"next": True}}}

    def _choice(self, step: Menu, option: Option, place: int) -> Json:
        return {
            "name": option.key,
            "prompt": self._text(step, f"choice {option.key}", option.label),
            "text_tests": [
                {"language": ISO[language], "test_expression": chosen(place, step.options, language)}
                for language in self._flow.languages
            ],
        }

    def _webhook(
        self, step: Step, call: Call, exits: list[Json], results: Mapping[str, str], part: str | None = None
    ) -> Json:
        config: Json = {
            "method": "POST",
            "url": f"{self._base}{ACTIONS}{call.action}",
            "headers": {"Content-Type": "application/json"},
            "body": self._body(call),
        }
        if results:
            config["set_contact_property"] = [property_set(key, value) for key, value in results.items()]
        if part is not None:
            return self._part(step, part, "Core.Webhook", config, exits)
        return self._block(step, "Core.Webhook", config, exits)

    def _body(self, call: Call) -> str:
        """The arguments as JSON: a number as it is, all else as text, in which no typed quote ends the text."""
        args = (f"{json.dumps(name)}: {self._argument(value)}" for name, value in call.args.items())
        return "{" + ", ".join(args) + "}"

    def _argument(self, value: Expression) -> str:
        if isinstance(value, Constant):
            return json.dumps(value.value, ensure_ascii=False).replace("@", "@@")
        read = operand(value, self._paths.path, {})
        if isinstance(value, Name) and self._is_free(value.name):
            read = f"SUBSTITUTE(SUBSTITUTE(CLEAN({read}), CHAR(92), CHAR(47)), CHAR(34), CHAR(39))"
        return f'"@({known_or_empty(value, read, self._paths.path)})"'

    def _is_free(self, name: str) -> bool:
        """Whether a caller or an action chose the letters."""
        named = self._flow.names.get(name)
        return named is None or named.type not in _BOUND_LETTERS

    def _text(self, step: Step, role: str, text: Text, below: Callable[[str, bool], str] | None = None) -> str:
        uuid = self.uuid(step.id, "text", role)
        self.resources.append(self._words.resource(uuid, text, below))
        if role != "menu":
            self._hints_for(role, text)
        return uuid

    def _hints_for(self, role: str, text: Text) -> None:
        if hints := hints_of(text, self._flow.languages):
            self._hints[role] = hints


_OF_KIND: Final[dict[str, Callable[[Blocks, Any], Iterator[Json]]]] = {
    "say": Blocks._say,
    "end": Blocks._end,
    "menu": Blocks._menu,
    "pick": Blocks._menu,
    "number": Blocks._number,
    "text": Blocks._typed,
    "date": Blocks._typed,
    "phone": Blocks._typed,
    "when": Blocks._when,
    "run": Blocks._run,
    "do": Blocks._do,
    "set": Blocks._set_values,
}
