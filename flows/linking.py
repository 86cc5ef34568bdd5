"""Files that were read one by one become linked flows: sub-flows inside, names known, ways that lead somewhere."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from flows.links import broken_links
from flows.mistakes import FlowMistake, nearest, together
from flows.model import Ask, Fact, Flow, IfDropped, Library, Menu, Resume, Run, Step, Unfinished
from flows.names import below, names_of
from flows.texts import Text

# Conversations inside one another, and inside one altogether, each counted as often as it is run: flows that run the
# next one twice are a million after twenty, and a checker looks at each.
_DEEPEST: Final = 20
_MOST_INSIDE: Final = 300


@dataclass(frozen=True, slots=True)
class Draft:
    """One file read by itself, before it is linked to the others."""

    id: str
    file: str
    source: str = field(compare=False)
    version: int
    languages: tuple[str, ...]
    reviewed: Mapping[str, bool]
    title: Text
    facts: Mapping[str, Fact]
    start: Mapping[str, tuple[str, ...]]
    resume: Resume | None
    if_dropped: IfDropped | None
    unfinished: Unfinished | None
    sensitive: bool
    texts: Mapping[str, Text]
    steps: Mapping[str, Step]


class Linker:
    """Puts sub-flows into the flows that run them, innermost first."""

    def __init__(self, drafts: Mapping[str, Draft], strict: bool) -> None:
        self._drafts = drafts
        self._strict = strict
        self._flows: dict[str, Flow] = {}
        self._inside: dict[str, int] = {}

    def library(self) -> Library:
        mistakes = []
        for flow_id in self._drafts:
            try:
                self._link(flow_id, ())
            except FlowMistake as mistake:
                mistakes.append(mistake)
        if mistakes:
            raise together(mistakes)
        return Library({flow_id: self._flows[flow_id] for flow_id in sorted(self._flows)})

    def _link(self, flow_id: str, above: tuple[str, ...]) -> Flow:
        if flow_id in self._flows:
            return self._flows[flow_id]
        draft = self._drafts[flow_id]
        children = {run.id: self._child(draft, run, (*above, flow_id)) for run in self._runs(draft)}
        self._inside[flow_id] = sum(1 + self._inside[child.id] for child in children.values())
        if self._inside[flow_id] > _MOST_INSIDE:
            raise FlowMistake("too many conversations run inside this one: run fewer of them", file=draft.file)
        flow = _linked(draft, children)
        if self._strict:
            for mistake in _link_mistakes(flow):
                raise mistake
        self._flows[flow_id] = flow
        return flow

    def _runs(self, draft: Draft) -> Iterator[Run]:
        for step in draft.steps.values():
            if isinstance(step, Run) and (self._strict or step.flow in self._drafts):
                yield step

    def _child(self, draft: Draft, run: Run, above: tuple[str, ...]) -> Flow:
        if run.flow not in self._drafts:
            problem = f"runs '{run.flow}', which does not exist; {nearest(run.flow, self._drafts)}"
            raise FlowMistake(problem, file=draft.file, line=run.line, step=run.id)
        if run.flow in above:
            ring = " runs ".join([*above[above.index(run.flow) :], run.flow])
            raise FlowMistake(f"a flow cannot run itself: {ring}", file=draft.file, line=run.line, step=run.id)
        if len(above) > _DEEPEST:
            problem = f"more than {_DEEPEST} conversations run inside one another: lead callers in fewer steps"
            raise FlowMistake(problem, file=draft.file, line=run.line, step=run.id)
        return self._link(run.flow, above)


def _linked(draft: Draft, children: Mapping[str, Flow]) -> Flow:
    bundled = {flow.id: flow for flow in _whole_family(children)}
    sources = {f"{flow.id}.yaml": flow.source for flow in bundled.values()} | {draft.file: draft.source}
    hashed = json.dumps([draft.file, dict(sorted(sources.items()))], ensure_ascii=False)
    return Flow(
        id=draft.id,
        version=draft.version,
        languages=draft.languages,
        reviewed=draft.reviewed,
        title=draft.title,
        steps=_with_sensitive(draft.steps, children),
        first=next(iter(draft.steps)),
        facts=draft.facts,
        start=draft.start,
        resume=draft.resume,
        if_dropped=draft.if_dropped,
        unfinished=draft.unfinished,
        sensitive=draft.sensitive,
        texts=draft.texts,
        children=children,
        needs=_needs(draft, children),
        names=names_of(draft.steps, draft.facts, children, draft.file),
        position={step_id: place for place, step_id in enumerate(draft.steps)},
        below=below(draft.steps),
        file=draft.file,
        source=draft.source,
        hash=hashlib.sha256(hashed.encode()).hexdigest(),
        bundle=json.dumps({"flow": draft.id, "sources": sources}, ensure_ascii=False, sort_keys=True),
    )


def _with_sensitive(steps: Mapping[str, Step], children: Mapping[str, Flow]) -> Mapping[str, Step]:
    """The same steps, menus knowing which of their choices lead into a sensitive sub-flow."""
    hushed = {run_id for run_id, child in children.items() if child.sensitive}
    if not hushed:
        return steps
    return {key: _knowing(step, hushed) if type(step) is Menu else step for key, step in steps.items()}


def _knowing(menu: Menu, hushed: set[str]) -> Menu:
    return replace(menu, to_sensitive=frozenset(choice for choice, target in menu.go.items() if target in hushed))


def _whole_family(children: Mapping[str, Flow]) -> Iterator[Flow]:
    for child in children.values():
        yield child
        yield from _whole_family(child.children)


def _needs(draft: Draft, children: Mapping[str, Flow]) -> dict[str, Fact]:
    needs = dict(draft.facts)
    for run_id, child in children.items():
        for name, fact in child.needs.items():
            known = needs.setdefault(name, fact)
            if known.type != fact.type:
                problem = f"fact '{name}' is a {fact.type} in '{child.id}' and a {known.type} here: make them alike"
                raise FlowMistake(problem, file=draft.file, line=draft.steps[run_id].line, step=run_id)
    return needs


def _link_mistakes(flow: Flow) -> Iterator[FlowMistake]:
    for step, way in broken_links(flow):
        remedy = nearest(str(way.target), flow.steps)
        problem = f"`{way.by}` leads to '{way.target}', which does not exist; {remedy}"
        yield FlowMistake(problem, file=flow.file, line=step.line, step=step.id)
    for step in flow.steps.values():
        for choice in strange_choices(step):
            known = [option.key for option in step.options] if isinstance(step, Ask) else []
            problem = f"`go` names '{choice}', which is no choice here; {nearest(choice, known)}"
            yield FlowMistake(problem, file=flow.file, line=step.line, step=step.id)
    if flow.if_dropped is not None and flow.if_dropped.sms not in flow.texts:
        remedy = nearest(flow.if_dropped.sms, flow.texts)
        yield FlowMistake(f"if_dropped sends '{flow.if_dropped.sms}', which is no text; {remedy}", file=flow.file)
    for problem in consent_problems(flow):
        yield FlowMistake(problem, file=flow.file)


def consent_problems(flow: Flow) -> list[str]:
    """What is wrong with the consent that `unfinished` names: whoever says no must be led elsewhere."""
    if flow.unfinished is None:
        return []
    name = flow.unfinished.consent
    asked = flow.steps.get(name)
    if isinstance(asked, Menu) and asked.go and asked.source is None:
        return []
    menus = [step.id for step in flow.steps.values() if isinstance(step, Menu) and step.go]
    return [f"unfinished names the consent '{name}', which is no menu whose no leads elsewhere; {nearest(name, menus)}"]


def strange_choices(step: Step) -> list[str]:
    """The choices a question's `go` names although it does not offer them."""
    if not isinstance(step, Ask) or (isinstance(step, Menu) and step.source is not None):
        return []
    return [choice for choice in step.go if choice not in {option.key for option in step.options}]
