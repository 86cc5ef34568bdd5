"""Small containers for the tests: blocks by name, texts by language, uuids made from the names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from click.testing import CliRunner, Result

Raw = dict[str, Any]
Texts = Mapping[str, str]


def uid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"test:{name}"))


def text(name: str, words: Texts | str, modes: Sequence[str] = ("SMS", "USSD")) -> Raw:
    """A resource with a text for each language."""
    words = {"fra": words, "bam": words} if isinstance(words, str) else words
    return {
        "uuid": uid(f"text {name}"),
        "values": [
            {"language_id": language, "content_type": "TEXT", "modes": list(modes), "value": said}
            for language, said in words.items()
        ],
    }  # fmt: skip


def way(block: str, name: str, to: str | None, test: str | None = None) -> Raw:
    """An exit; without a test it is the default one."""
    out: Raw = {"uuid": uid(f"exit {block} {name}"), "name": name}
    out.update({"default": True} if test is None else {"test": test})
    return {**out, "destination_block": uid(f"block {to}")} if to else out


class Flow:
    """Builds a flow block by block; each goes to the next unless told otherwise."""

    def __init__(self, name: str, languages: Sequence[str] = ("fra", "bam")) -> None:
        self.name = name
        self.languages = languages
        self.blocks: list[Raw] = []
        self.resources: list[Raw] = []

    @property
    def uuid(self) -> str:
        return uid(f"flow {self.name}")

    def add(self, kind: str, name: str, config: Raw, to: str | None, exits: Sequence[Raw] = ()) -> Flow:
        ways = [*exits, way(name, "default", to)]
        self.blocks.append({"uuid": uid(f"block {name}"), "name": name, "type": kind, "config": config, "exits": ways})
        return self

    def say(self, name: str, words: Texts | str, to: str | None = None, **config: Any) -> Flow:
        return self.add("MobilePrimitives.Message", name, {"prompt": self.resource(name, words), **config}, to)

    def number(
        self, name: str, words: Texts | str, to: str | None = None, exits: Sequence[Raw] = (), **more: Any
    ) -> Flow:
        config = {"prompt": self.resource(name, words), **more}
        return self.add("MobilePrimitives.NumericResponse", name, config, to, exits)

    def open(
        self, name: str, words: Texts | str, to: str | None = None, exits: Sequence[Raw] = (), **more: Any
    ) -> Flow:
        config = {"prompt": self.resource(name, words), **more}
        return self.add("MobilePrimitives.OpenResponse", name, config, to, exits)

    def choose(
        self, name: str, words: Texts | str, choices: Mapping[str, Texts | str], to: str | None = None,
        exits: Sequence[Raw] = (), *, many: bool = False, **more: Any,
    ) -> Flow:  # fmt: skip
        """Each choice is taken by its number, and by its label in the language of the label."""
        numbered = enumerate(choices.items(), start=1)
        listed = [self._choice(name, number, choice, labels) for number, (choice, labels) in numbered]
        config = {"question_prompt": self.resource(name, words), "choices": listed, **more}
        kind = "SelectManyResponses" if many else "SelectOneResponse"
        return self.add(f"MobilePrimitives.{kind}", name, config, to, exits)

    def _choice(self, name: str, number: int, choice: str, labels: Texts | str) -> Raw:
        said = {"fra": labels, "bam": labels} if isinstance(labels, str) else labels
        tests: list[Raw] = [{"test_expression": f"block.response = '{number}'"}]
        tests += [{"language": code, "test_expression": f"block.response = '{label}'"} for code, label in said.items()]
        return {"name": choice, "prompt": self.resource(f"{name} {choice}", labels), "text_tests": tests}

    def case(self, name: str, tests: Mapping[str, str], otherwise: str | None) -> Flow:
        """`tests` are destinations by expression."""
        exits = [way(name, f"way{number}", to, test) for number, (test, to) in enumerate(tests.items())]
        return self.add("Core.Case", name, {}, otherwise, exits)

    def run(self, name: str, flow: str, to: str | None = None, exits: Sequence[Raw] = ()) -> Flow:
        return self.add("Core.RunFlow", name, {"flow_id": uid(f"flow {flow}")}, to, exits)

    def output(self, name: str, value: str, to: str | None = None) -> Flow:
        return self.add("Core.Output", name, {"value": value}, to)

    def set(self, name: str, to: str | None = None, **properties: str) -> Flow:
        listed = [{"property_key": key, "property_value": value} for key, value in properties.items()]
        return self.add("Core.SetContactProperty", name, {"set_contact_property": listed}, to)

    def resource(self, name: str, words: Texts | str) -> str:
        made = text(f"{self.name} {name}", words)
        self.resources.append(made)
        return str(made["uuid"])

    def raw(self) -> Raw:
        return {
            "uuid": self.uuid,
            "name": self.name,
            "last_modified": "2026-03-05T08:30:00Z",
            "interaction_timeout": 300,
            "supported_modes": ["SMS", "USSD"],
            "languages": [{"id": code, "iso_639_3": code[:3]} for code in self.languages],
            "first_block_id": self.blocks[0]["uuid"],
            "blocks": self.blocks,
            "resources": self.resources,
        }


def container(*flows: Flow) -> Raw:
    return {
        "specification_version": "1.0.0-rc4",
        "uuid": uid("container"),
        "name": "Test",
        "description": "A container of a test",
        "flows": [flow.raw() for flow in flows],
    }


def invoke(command: str, given: object) -> Result:
    from service.commands.flow_commands import flow

    data = given if isinstance(given, str | bytes) else json.dumps(given)
    return CliRunner().invoke(flow, [command], input=data)


def talk(made: Raw, *inputs: str, first: str = "", on_invalid: str = "ask_again", **run: Any) -> Raw:
    """The run as the command prints it. It begins with the first flow, in French, on USSD."""
    request = {"language": "fra", "mode": "USSD", "contact": {}, "groups": [], "inputs": list(inputs), **run}
    given = {
        "container": made,
        "first_flow": first or made["flows"][0]["uuid"],
        "host": {"on_invalid": on_invalid},
        "run": request,
    }
    result = invoke("run-floip", given)
    assert result.exit_code == 0, result.output
    printed: Raw = json.loads(result.stdout)
    return printed


def said(run: Raw) -> list[str]:
    """All texts that went out, in order."""
    return [out["text"] for turn in run["turns"] for out in turn["out"]]


def accepted(run: Raw) -> list[bool]:
    return [turn["accepted"] for turn in run["turns"]]


def choice(many: bool = False, **more: Any) -> Raw:
    """A question about a meal: rice, millet or fonio."""
    labels = {"riz": {"fra": "Riz", "bam": "Malo"}, "mil": {"fra": "Mil", "bam": "Sanyo"}, "fonio": "Fonio"}
    return container(Flow("repas").choose("plat", "Quel plat ?", labels, many=many, **more))
