"""From the YAML of a folder to flows that are linked and ready to talk.

`load_library` accepts only flows whose every link leads somewhere; `strict=False` keeps broken links, for `check` to
tell about all of them at once. What cannot be read at all is a `FlowMistake` either way.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from flows.links import broken_links
from flows.mistakes import FlowMistake, nearest, together
from flows.model import (
    LANGUAGES,
    Ask,
    End,
    Fact,
    Flow,
    IfDropped,
    Library,
    Menu,
    Option,
    Resume,
    Run,
    Step,
    Unfinished,
    When,
)
from flows.names import below, names_of
from flows.step_reading import (
    HIGHEST_VERSION,
    RESERVED,
    Surroundings,
    read_count,
    read_id,
    read_options,
    read_step,
    read_text,
    read_yes,
)
from flows.strict_yaml import Entries, Entry, read
from flows.texts import Text

DEFINITIONS: Final = Path(__file__).parent / "definitions"
FACT_TYPES: Final = {"yes_no": 3, "number": 9, "date": 10, "text": 0}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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


def load_library(folder: Path = DEFINITIONS, *, strict: bool = True) -> Library:
    """Every flow of the folder. FlowMistake lists all the files that cannot be read or linked."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}
    if not sources:
        raise FlowMistake(f"there is no .yaml file in {folder}")
    return load_sources(sources, strict=strict)


def load_sources(sources: Mapping[str, str], *, strict: bool = True) -> Library:
    """The same from the texts themselves, by file name."""
    drafts: dict[str, Draft] = {}
    mistakes: list[FlowMistake] = []
    for file, source in sources.items():
        try:
            draft = read_flow(source, file)
            if draft.id in drafts:
                raise FlowMistake(f"flow '{draft.id}' is also in {drafts[draft.id].file}", file=file)
            drafts[draft.id] = draft
        except FlowMistake as mistake:
            mistakes.append(mistake)
    if mistakes:
        raise together(mistakes)
    return _Linker(drafts, strict).library()


def load_bundle(bundle: str) -> Flow:
    """The flow whose `bundle` this is, with its sub-flows, equal to what it was when it was bundled."""
    held = json.loads(bundle)
    return load_sources(held["sources"]).get(held["flow"])


def read_flow(source: str, file: str) -> Draft:
    """One file by itself. FlowMistake names file, line and step, and says what to write instead."""
    source = source.replace("\r\n", "\n").removeprefix("\ufeff")
    fields = read(source, file).entries()
    flow_id = read_id(fields.need("flow", "the id of the flow, which is also the name of its file"))
    if f"{flow_id}.yaml" != file:
        raise fields.place_of("flow").mistake(f"flow '{flow_id}' belongs in a file named {flow_id}.yaml")
    languages = _read_languages(fields.need("languages", "as in [fr, bm]"))
    around = Surroundings(languages, _read_lists(fields.get("lists"), languages))
    draft = Draft(
        id=flow_id,
        file=file,
        source=source,
        version=read_count(fields.need("version", "1 for a new flow"), 1, HIGHEST_VERSION),
        languages=languages,
        reviewed=_read_reviewed(fields, languages),
        title=read_text(fields.need("title", "what the flow is called"), languages),
        facts=_read_facts(fields.get("facts")),
        start=_read_start(fields.get("start")),
        resume=_read_resume(fields.get("resume")),
        if_dropped=_read_if_dropped(fields.get("if_dropped")),
        unfinished=_read_unfinished(fields.get("unfinished")),
        sensitive=read_yes(fields.get("sensitive")),
        texts={key: read_text(entry, languages) for key, entry in _all(fields.get("texts"))},
        steps=_read_steps(fields.need("steps", "the conversation itself"), around),
    )
    fields.finish()
    return draft


def _read_steps(entry: Entry, around: Surroundings) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    for item in entry.items():
        step = read_step(item, around)
        if step.id in steps:
            raise item.inside(step.id).mistake(f"this id is taken by the step on line {steps[step.id].line}")
        steps[step.id] = step
    if not steps:
        raise entry.mistake("a flow needs at least one step")
    return _with_next(steps)


def _with_next(steps: Mapping[str, Step]) -> dict[str, Step]:
    """The same steps, each knowing the one below it, and menus which of their choices lead to a choice of language."""
    order = list(steps)
    following = dict(zip(order, [*order[1:], None], strict=True))
    finished: dict[str, Step] = {}
    for key, step in steps.items():
        if step.next is None and not isinstance(step, End | When):
            step = replace(step, next=following[key])
        if type(step) is Menu and step.go:
            step = replace(step, to_language=frozenset(c for c, t in step.go.items() if _asks_language(steps.get(t))))
        finished[key] = step
    return finished


def _asks_language(step: Step | None) -> bool:
    return isinstance(step, Menu) and step.sets_language


def _all(entry: Entry | None) -> list[tuple[str, Entry]]:
    return entry.entries().all() if entry is not None else []


def _read_languages(entry: Entry) -> tuple[str, ...]:
    languages = tuple(item.word() for item in entry.items())
    for language in languages:
        if language not in LANGUAGES:
            raise entry.mistake(f"'{language}' is no language we have words for; {nearest(language, LANGUAGES)}")
    if not languages or len(set(languages)) < len(languages):
        raise entry.mistake("name each language of the flow once, the one always written first")
    return languages


def _read_reviewed(fields: Entries, languages: tuple[str, ...]) -> dict[str, bool]:
    """French is written by us; whether a speaker has read another language is said, never assumed."""
    entry = fields.get("reviewed")
    said = entry.entries() if entry is not None else None
    reviewed = {}
    for language in languages:
        found = said.get(language) if said is not None else None
        if found is None and language != "fr":
            why = f"write `reviewed: {{{language}: false}}` until a speaker has read the texts"
            raise fields.place.mistake(f"nobody says whether the '{language}' of this flow was reviewed; {why}")
        reviewed[language] = read_yes(found) if found is not None else True
    if said is not None:
        said.finish()
    return reviewed


def _read_lists(entry: Entry | None, languages: tuple[str, ...]) -> dict[str, tuple[Option, ...]]:
    return {key: read_options(found, languages) for key, found in _all(entry)}


def _read_facts(entry: Entry | None) -> dict[str, Fact]:
    facts = {}
    for name, found in _all(entry):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name, re.ASCII) or name in RESERVED:
            raise found.mistake(f"'{name}' cannot be a name: small letters without accents, digits and _")
        kind, width = (found.word(), None) if not found.is_mapping else _fact_with_width(found)
        if kind not in FACT_TYPES:
            raise found.mistake(f"'{kind}' is no type of fact; {nearest(kind, FACT_TYPES)}")
        if kind == "text" and width is None:
            raise found.mistake(f"say the most characters of this text: `{name}: {{text: 12}}`")
        facts[name] = Fact(kind, width if width is not None else FACT_TYPES[kind])
    return facts


def _fact_with_width(entry: Entry) -> tuple[str, int]:
    fields = entry.entries().all()
    if len(fields) != 1:
        raise entry.mistake("a fact has one type and its width, as in {text: 12}")
    return fields[0][0], read_count(fields[0][1], 1, 160)


def _read_start(entry: Entry | None) -> dict[str, tuple[str, ...]]:
    if entry is None:
        return {}
    fields = entry.entries()
    start = {}
    for way in ("ussd", "sms"):
        found = fields.get(way)
        if found is not None:
            start[way] = tuple(item.word() for item in found.items()) if found.is_list else (found.word(),)
    fields.finish()
    return start


def _read_resume(entry: Entry | None) -> Resume | None:
    if entry is None:
        return None
    fields = entry.entries()
    resume = Resume(_seconds(fields.need("within", "as in 30m")), read_yes(fields.get("ask")))
    fields.finish()
    return resume


def _read_if_dropped(entry: Entry | None) -> IfDropped | None:
    if entry is None:
        return None
    fields = entry.entries()
    dropped = IfDropped(_seconds(fields.need("after", "as in 3m")), fields.need("sms", "one of the `texts`").word())
    fields.finish()
    return dropped


def _read_unfinished(entry: Entry | None) -> Unfinished | None:
    if entry is None:
        return None
    fields = entry.entries()
    after = _seconds(fields.need("after", "as in 1h"))
    unfinished = Unfinished(after, fields.need("consent", "the menu in which the caller agreed").word())
    fields.finish()
    return unfinished


def _seconds(entry: Entry) -> int:
    found = re.fullmatch(r"(\d{1,4})([smhd])", entry.word(), re.ASCII)
    if found is None:
        raise entry.mistake(f"'{entry.word()}' is no length of time: write 90s, 30m, 24h or 14d")
    return int(found[1]) * _SECONDS[found[2]]


class _Linker:
    """Puts sub-flows into the flows that run them, innermost first."""

    def __init__(self, drafts: Mapping[str, Draft], strict: bool) -> None:
        self._drafts = drafts
        self._strict = strict
        self._flows: dict[str, Flow] = {}

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
