"""From the YAML of a folder to flows that are linked and ready to talk.

`load_library` accepts only flows whose every link leads somewhere; `strict=False` keeps broken links, for `check` to
tell about all of them at once. What cannot be read at all is a `FlowMistake` either way.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from flows.linking import Draft, Linker
from flows.mistakes import FlowMistake, nearest, together
from flows.model import (
    LANGUAGES,
    End,
    Fact,
    Flow,
    IfDropped,
    Library,
    Menu,
    Option,
    Resume,
    Step,
    Unfinished,
    When,
)
from flows.step_reading import (
    HIGHEST_VERSION,
    LONGEST_ID,
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

DEFINITIONS: Final = Path(__file__).parent / "definitions"
FACT_TYPES: Final = {"yes_no": 3, "number": 9, "date": 10, "text": 0}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def load_library(folder: Path = DEFINITIONS, *, strict: bool = True) -> Library:
    """Every flow of the folder. FlowMistake lists all the files that cannot be read or linked."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}
    if not sources:
        raise FlowMistake(f"there is no .yaml file in {folder}")
    return load_sources(sources, strict=strict)


def load_sources(sources: Mapping[str, str], *, strict: bool = True) -> Library:
    """The same from the texts themselves, by file name."""
    return _library(tuple(sources.items()), strict)


@lru_cache(maxsize=8)
def _library(sources: tuple[tuple[str, str], ...], strict: bool) -> Library:
    # Remembered by what was written: a bundle is opened as often as it is asked for, and linked once.
    drafts: dict[str, Draft] = {}
    mistakes: list[FlowMistake] = []
    for file, source in sources:
        try:
            draft = read_flow(source, file)
            if draft.id in drafts:
                raise FlowMistake(f"flow '{draft.id}' is also in {drafts[draft.id].file}", file=file)
            drafts[draft.id] = draft
        except FlowMistake as mistake:
            mistakes.append(mistake)
    if mistakes:
        raise together(mistakes)
    return Linker(drafts, strict).library()


def load_bundle(bundle: str) -> Flow:
    """The flow whose `bundle` this is, with its sub-flows, equal to what it was when it was bundled."""
    held = json.loads(bundle)
    return load_sources(held["sources"]).get(held["flow"])


@lru_cache(maxsize=128)
def read_flow(source: str, file: str) -> Draft:
    """One file by itself. FlowMistake names file, line and step, and says what to write instead.

    Read once: of a new set of conversations most files are those of the last one.
    """
    source = source.replace("\r\n", "\n").removeprefix("\ufeff")
    fields = read(source, file).entries()
    flow_id = read_id(fields.need("flow", "the id of the flow, which is also the name of its file"))
    if len(flow_id) > LONGEST_ID:
        raise fields.place_of("flow").mistake(f"the id of a flow has {LONGEST_ID} letters at most")
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
