"""How our ids are called in FLOIP: stable UUIDs, language codes, and where an expression finds what a name stands for.

An answer is `flow.<block>`. What a flow is told at its start is the contact's (`contact.code`); what it sets, what an
action gives and what it reads of a sub-flow are too, under the flow's own id, so that no flow overwrites another's.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID, uuid5

from flows.model import Ask, Day, Flow, Phone, Step, Words

SPECIFICATION: Final = "1.0.0-rc4"
# Our part of `vendor_metadata`.
OURS: Final = "laseli"
ISO: Final = {"fr": "fra", "bm": "bam", "en": "eng"}
FROM_ISO: Final = {"fra": "fr", "fre": "fr", "bam": "bm", "eng": "en"}
SPOKEN: Final = {"fr": "Français", "bm": "Bamanankan", "en": "English"}
ANSWERS: Final = "flow"
CONTACT: Final = "contact"
_SPACE: Final = UUID("6f0d2a3e-6a0c-5f37-9d55-0e7c1b1a5e11")


def uuid_of(*parts: str) -> str:
    """The same UUID for the same names, on every machine and in every version."""
    return str(uuid5(_SPACE, "/".join(parts)))


def step_parts(flow_id: str, step: Step) -> tuple[str, ...]:
    """What a step's UUIDs are made of. One that replaces an earlier meaning of its id is another block."""
    replaces = getattr(step, "replaces", None)
    return (flow_id, step.id) if replaces is None else (flow_id, step.id, f"replaces {replaces}")


def block_name(step_id: str) -> str:
    """A block's name has two letters at least."""
    return step_id if len(step_id) > 1 else f"{step_id}_"


def property_of(flow_id: str, name: str) -> str:
    """The contact property that holds a name of this flow."""
    return f"{flow_id}__{name.replace('.', '__')}"


def is_kept(step: Step) -> bool:
    """Whether a question's answer is a property of the contact: a day, or what may be nothing, is not as typed."""
    may_be_nothing = isinstance(step, Words | Phone) and (bool(step.options) or step.give_up is not None)
    return isinstance(step, Day) or may_be_nothing


class Paths:
    """From our names to FLOIP's paths and back, in one flow.

    `questions` are the steps with an answer, `facts` what the flow is told, `kept` what it sets or is given.
    """

    def __init__(self, flow_id: str, questions: Iterable[str], facts: Iterable[str], kept: Iterable[str]) -> None:
        self._flow = flow_id
        self._facts = frozenset(facts)
        self._asked = frozenset(questions)
        self._questions = {block_name(each): each for each in questions}
        self._kept = {property_of(flow_id, each): each for each in kept}

    @classmethod
    def of(cls, flow: Flow) -> "Paths":
        asked = [step.id for step in flow.steps.values() if isinstance(step, Ask) and not is_kept(step)]
        kept = [name for name in flow.names if "." not in name and name not in flow.facts and name not in asked]
        return cls(flow.id, asked, flow.facts, kept)

    def path(self, name: str) -> str:
        if name in self._facts:
            return f"{CONTACT}.{name}"
        if name in self._asked:
            return f"{ANSWERS}.{block_name(name)}"
        return f"{CONTACT}.{property_of(self._flow, name)}"

    def name(self, path: str) -> str | None:
        """Our name for a path; None for one that no name of ours stands for."""
        root, _, rest = path.partition(".")
        if root == ANSWERS:
            return self._questions.get(rest)
        if root != CONTACT or not rest:
            return None
        if rest in self._kept:
            return self._kept[rest]
        own = f"{self._flow}__"
        if rest.startswith(own):
            return rest.removeprefix(own).replace("__", ".")
        return rest if rest in self._facts else None


def languages_of(languages: Iterable[str]) -> list[dict[str, str]]:
    """FLOIP's language objects."""
    return [{"id": ISO[each], "label": SPOKEN[each], "iso_639_3": ISO[each], "bcp_47": each} for each in languages]


def ours(thing: Mapping[str, object]) -> Mapping[str, object]:
    """Our part of the thing's `vendor_metadata`; empty for what others made."""
    held = thing.get("vendor_metadata")
    found = held.get(OURS) if isinstance(held, Mapping) else None
    return found if isinstance(found, Mapping) else {}
