"""What goes out as FLOIP means what our engine does: the same replies get the same words, ways, arguments and end.

Every conversation is walked on both sides at once (`side_by_side`), with actions that fail and with actions that work.
What the mapping does not carry (docs/exchange.md) is left out here, each thing by itself and where it stands:

- the engine's own keys and words: pages, going back, help after a wrong answer, "goodbye";
- an SMS is a message like others, an answer in a text is as it was typed, and a list in a text shows keys;
- choices from data are answered by what was typed: here their keys are their words;
- `again`: nobody takes a way up more often than we let him;
- answers from before a way up, which only we forget: as arguments of an action, and in conditions;
- without `give_up` we let a caller go after three wrong answers: nobody gives a third one here. A host that asks again
  by itself keeps a wrong choice or number from the container, and then counts none;
- kindness: "7.", "+7", "13" for 1 and 3, "050326", "hier", a word of a label without its accents.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any, Final

import pytest

from flows.conditions import Among, Compare, Constant, Name, walk
from flows.engine import Outcome
from flows.floip.floip_checks import check_container
from flows.interchange.floip_out import to_container
from flows.loader import load_library, load_sources
from flows.model import Day, Do, Flow, Library, Menu, Phone, When, Words
from tests.flows.callers import USUAL
from tests.interchange.every_kind import AMV, LIBRARY
from tests.interchange.odd_kinds import ODD_LIBRARY
from tests.interchange.side_by_side import SideBySide, right, wrong

# As the page of the mapping says, a list in a text shows keys; and check 10 would refuse the names that are not
# known on every way to where they are shown.
SHOWN: Final = {"{accord}, {signes}": "{accord}", "{z}": "", "{le} ": "", "next: enfant": "next: compte"}
EVERY_KIND: Final = dict(LIBRARY)
for one, other in SHOWN.items():
    EVERY_KIND["tout.yaml"] = EVERY_KIND["tout.yaml"].replace(one, other)
OURS: Final = load_library()
LIBRARIES: Final = (OURS, load_sources(EVERY_KIND), load_sources(AMV), load_sources(ODD_LIBRARY))
EVERY: Final = [(library, flow_id) for library in LIBRARIES for flow_id in library.flows]
IDS: Final = [flow_id for _, flow_id in EVERY]
FEWEST_WALKS: Final = 30
MOST_WALKS: Final = 3000
LONGEST: Final = 60
FETCHED: Final = tuple((word, word) for word in ("1", "2", "none"))


# --- what actions come to -----------------------------------------------------------------------------------------


def outcomes_of(library: Library, luck: Random) -> dict[str, Outcome]:
    """For each action an outcome: now and then it fails, or gives a value that some condition asks for."""
    found: dict[str, Outcome] = {}
    for flow in library.flows.values():
        for step in flow.steps.values():
            if isinstance(step, Menu) and step.source is not None:
                asked = [(value, value) for value in _asked_for(flow, step.id) if isinstance(value, str)]
                found[step.source.action] = luck.choice(
                    [Outcome(True, options=(*FETCHED, *asked))] * 8 + [Outcome(False), Outcome(True)]
                )
            elif isinstance(step, Do):
                before = found.get(step.call.action, Outcome(True)).values
                values = {name: _given(flow, step, name, luck) for name in step.gives}
                found[step.call.action] = Outcome(luck.random() > 0.1, {**before, **values})
    return found


def _given(flow: Flow, step: Do, name: str, luck: Random) -> Any:
    usual = USUAL.get(step.call.action, Outcome(True)).values.get(name, "ab")
    if isinstance(usual, bool):
        return luck.choice([True, False])
    asked = [value for value in _asked_for(flow, name) if type(value) is type(usual)]
    none: Any = 0 if isinstance(usual, int) else usual if isinstance(usual, date) else ""
    usual = usual if usual != "" else "ab"
    return luck.choice([usual, usual, none, *asked * 3])


def _asked_for(flow: Flow, name: str) -> list[Any]:
    """The constants that the flow compares this name with."""
    asked = _ASKED.get((id(flow), name))
    if asked is None:
        asked = _ASKED[id(flow), name] = list(_compared(flow, name))
    return asked


_ASKED: dict[tuple[int, str], list[Any]] = {}  # the flows live as long as the tests


def _compared(flow: Flow, name: str) -> Iterator[Any]:
    for step in flow.steps.values():
        for branch in step.branches if isinstance(step, When) else ():
            for part in walk(branch.test):
                if isinstance(part, Compare) and part.left == Name(name) and isinstance(part.right, Constant):
                    yield part.right.value
                elif isinstance(part, Among) and part.item == Name(name):
                    yield from (each.value for each in part.choices if isinstance(each, Constant))


def facts_of(flow: Flow, luck: Random) -> dict[str, Any]:
    """Something for each fact the flow needs."""
    usual: dict[str, list[Any]] = {
        "yes_no": [True, False],
        "number": [0, 1, 3],
        "date": [date(2026, 3, 28)],
        "text": ["", "112"],
    }
    drawn = {name: luck.choice(usual[fact.type]) for name, fact in flow.needs.items()}
    return drawn | ({"code": "*000*1#"} if "code" in drawn else {})


# --- walks --------------------------------------------------------------------------------------------------------


class Walks:
    """Callers of one flow who type what was typed least so far, so that few of them see all of it."""

    def __init__(self, library: Library, flow_id: str) -> None:
        self.library, self.flow = library, library.get(flow_id)
        self.typed: Counter[tuple[str, str, str]] = Counter()
        self.seen: set[str] = set()
        self.container = to_container(library, flow_id)

    def unseen(self) -> set[str]:
        """The blocks of the flow itself that nobody came by."""
        own = self.container["flows"][0]
        return {str(block["name"]) for block in own["blocks"]} - self.seen

    def go(self, seed: int) -> None:
        """One caller to the end. Hosts ask again or let wrong answers in, and actions fail or work, by turns."""
        luck = Random(seed)
        pair = SideBySide(
            self.library,
            self.flow.id,
            None if seed % 5 == 0 else outcomes_of(self.library, luck),
            language=luck.choice(self.flow.languages),
            facts=facts_of(self.flow, luck),
            on_invalid=("ask_again", "null")[seed % 2],
            mode=luck.choice(["USSD", "SMS", "RICH_MESSAGING"]),
            container=self.container,
        )
        clumsy = luck.choice([0.1, 0.3, 0.8])
        for _ in range(LONGEST):
            self.seen |= {name.removeprefix("by_sms_") for name in pair.other.state.path}
            replies = [] if pair.is_over else self._replies(pair, luck.random() < clumsy)
            if not replies:
                return
            least = min(map(self.typed.__getitem__, replies))
            reply = luck.choice([each for each in replies if self.typed[each] == least])
            self.typed[reply] += 1
            pair.type(reply[2])

    def _replies(self, pair: SideBySide, clumsy: bool) -> list[tuple[str, str, str]]:
        step, times = pair.step, pair.turn.progress.wrong
        passes_on = pair.on_invalid == "null" or isinstance(step, Words | Day | Phone)
        may_be_wrong = times < 2 or (step.give_up is not None and passes_on)
        replies = wrong(pair) if clumsy and may_be_wrong else right(pair)
        if pair.on_invalid == "ask_again" and step.give_up is not None:
            # An empty reply stays with such a host, and is not counted.
            replies = [each for each in replies if each.strip()]
        return [(pair.flow.id, step.id, each) for each in replies]


@pytest.mark.parametrize(("library", "flow_id"), EVERY, ids=IDS)
def test_the_same_replies_come_to_the_same(library: Library, flow_id: str) -> None:
    walks = Walks(library, flow_id)
    for seed in range(MOST_WALKS):
        walks.go(seed)
        if seed >= FEWEST_WALKS and not walks.unseen():
            break
    assert not walks.unseen()


# What the checker warns of in a flow of ours, and why it stays.
WARNINGS: Final = (
    # A `do` is a real hand-over: another platform calls our actions, where the rules are.
    "calls another system",
    # A flow sees its own answers first; what it reads of a sub-flow is kept as a property on the way out.
    "each have a result of this name",
)


@pytest.mark.parametrize(("library", "flow_id"), EVERY, ids=IDS)
def test_the_checker_of_strangers_finds_no_error_and_warns_of_nothing_else(library: Library, flow_id: str) -> None:
    findings = check_container(to_container(library, flow_id))
    assert [str(each) for each in findings if each.level == "error"] == []
    assert [str(each) for each in findings if not any(known in each.message for known in WARNINGS)] == []
