"""Which conversations callers hear: published sets that never change, the latest approved one for every new call."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.engine import Connection

from flows import strict_yaml
from flows.findings import ERROR, Finding, Signature
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Flow, Library
from service.logs import log
from service.runtime import START_FLOW, Runtime
from service.store import conversation_tables, release_tables

SHIPPED_BY = "laseli"
"""Who publishes what comes with the program; staff's own releases are never replaced by it."""

LONGEST_NAME, LONGEST_NOTE = 60, 200


class Refused(Exception):
    """Nothing was published; the text says why, one thing a line, and what to do."""


class Heard(NamedTuple):
    """The library of new calls. `number` is the release meant, `problem` why an earlier one is heard instead."""

    number: int
    library: Library
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set of conversations that was read and proved, ready to be published."""

    sources: Mapping[str, str]
    library: Library
    notes: tuple[Finding, ...] = ()

    @property
    def hash(self) -> str:
        return hash_of(self.sources)


def start_flow(runtime: Runtime, tx: Connection) -> Flow:
    """The conversation that a plain dial begins, in its newest approved version."""
    return library(runtime, tx).get(START_FLOW)


def library(runtime: Runtime, tx: Connection) -> Library:
    return heard(runtime, tx).library


def heard(runtime: Runtime, tx: Connection) -> Heard:
    """What new calls hear now. Another process may have published a moment ago: one small question a call."""
    number = release_tables.current_number(tx)
    known = runtime.heard.get(number) if number is not None else None
    if known is None:
        known = _load(runtime, tx)
        runtime.heard[known.number] = known
    return known


def _load(runtime: Runtime, tx: Connection) -> Heard:
    """The latest approved release that can be read: a program that reads less must not silence the line."""
    numbers = release_tables.approved_numbers(tx)
    problem = ""
    for number in numbers:
        try:
            found = _read(runtime, tx, number)
        except FlowMistake as mistake:
            problem = problem or f"release {number}: {str(mistake).splitlines()[0]}"
            log.error("release_unreadable", release=number)
            continue
        runtime.known_flows.update({flow.hash: flow for flow in found.flows.values()})
        return Heard(numbers[0], found, problem)
    raise LookupError("no conversations are published: run `laseli db upgrade`")


def _read(runtime: Runtime, tx: Connection, number: int) -> Library:
    body = release_tables.release_body(tx, number)
    assert body is not None
    shipped = runtime.shipped
    if shipped is not None and hash_of(sources_of(shipped)) == hash_of(json.loads(body)):
        return shipped
    return load_sources(json.loads(body))


# --- publishing ---------------------------------------------------------------------------------------------


def published_sources(tx: Connection, number: int | None = None) -> dict[str, str]:
    """The sources of this release, or of the one that callers hear; empty when there is none."""
    number = number or release_tables.current_number(tx)
    body = release_tables.release_body(tx, number) if number is not None else None
    return json.loads(body) if body is not None else {}


def read_candidate(sources: Mapping[str, str], actions: Mapping[str, Signature], limit: int) -> Candidate:
    """Sources read and proved. Refused with one line for each error."""
    # The proofs are many modules, and only who publishes needs them.
    from flows import check

    try:
        found = load_sources(sources)
    except FlowMistake as mistake:
        raise Refused("\n".join(str(each) for each in mistake.all())) from None
    findings = check.check(found, actions, limit)
    errors = [str(finding) for finding in findings if finding.level == ERROR]
    if START_FLOW not in found.flows:
        errors.append(f"there is no flow '{START_FLOW}': nobody could begin")
    if errors:
        raise Refused("\n".join(errors))
    return Candidate(sources, found, tuple(findings))


def check_versions(tx: Connection, candidate: Candidate) -> None:
    """A published version never changes: Refused when a flow says something else under a number it had before."""
    problems = []
    ever = [published_sources(tx, one.number) for one in release_tables.releases(tx, limit=1000)]
    for file, source in candidate.sources.items():
        taken = {_version_of(each, file) for each in {one.get(file, source) for one in ever} - {source}}
        if (version := _version_of(source, file)) in taken:
            told = f"version {version} was published with other words"
            problems.append(f"{file}: {told}: write version: {max(taken) + 1}")
    if problems:
        raise Refused("\n".join(problems))


def _version_of(source: str, file: str) -> int:
    """As the flow itself is read, however it is written; 0 for what another program published and ours cannot read."""
    try:
        return int(strict_yaml.read(source, file).entries().need("version", "").word())
    except (FlowMistake, ValueError):
        return 0


def publish(
    tx: Connection,
    candidate: Candidate,
    *,
    by: str,
    note: str,
    now: int,
    needs_second: bool = False,
    upon: int | None = None,
) -> int:
    """Keep this set of conversations for ever under a new number, which is given.

    New calls hear it at once, or from its approval by a second person on; calls under way end on their own version.
    `upon`: the release whose difference was shown; Refused when another is heard meanwhile.
    """
    if upon is not None and release_tables.current_number(tx) != upon:
        raise Refused("somebody else published meanwhile: look at the difference again")
    return _keep(tx, candidate, by=_name(by), note=note[:LONGEST_NOTE], now=now, needs_second=needs_second)


def _keep(tx: Connection, candidate: Candidate, *, by: str, note: str, now: int, needs_second: bool = False) -> int:
    body = json.dumps(dict(sorted(candidate.sources.items())), ensure_ascii=False)
    number = release_tables.add_release(
        tx, hash=candidate.hash, body=body, note=note, by=by, now=now, approved_by=None if needs_second else by
    )
    if number is None:
        raise Refused("somebody else published at this very moment: look at the difference again")
    for flow in candidate.library.flows.values():
        conversation_tables.keep_flow_version(tx, flow.hash, flow.id, flow.version, flow.bundle, now)
    return number


def _name(by: str) -> str:
    """Who does it, as it is kept. Refused when nobody is named, or the program itself."""
    name = " ".join(by.split())
    if _letters(name) in ("", _letters(SHIPPED_BY)) or len(name) > LONGEST_NAME:
        raise Refused(f"--by takes the name of a person, {LONGEST_NAME} letters at most")
    return name


def _letters(name: str) -> str:
    """The letters of a name: capitals, accents, blanks and points make no second person."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def approve(tx: Connection, number: int, by: str, now: int) -> None:
    """The second person's yes. Refused when it is the first person's own, or comes too late."""
    by = _name(by)
    found = release_tables.release(tx, number)
    current = release_tables.current_number(tx) or 0
    if found is None:
        raise Refused(f"there is no release {number}: `laseli flow releases` lists them")
    if found.approved_at is not None:
        raise Refused(f"release {number} was approved already, by {found.approved_by}")
    if _letters(found.published_by) == _letters(by):
        raise Refused(f"{by} published release {number}: somebody else must approve it")
    if number < current:
        raise Refused(f"release {current} was published after {number}: publish again on top of it")
    release_tables.approve(tx, number, by, now)


def roll_back(tx: Connection, number: int | None, by: str, now: int) -> tuple[int, int]:
    """Let callers hear an earlier release again, as a new one; gives (the new number, the earlier one)."""
    by, approved = _name(by), release_tables.approved_numbers(tx)
    if number is None:
        number = _before(tx, approved)
    if number not in approved:
        raise Refused(f"there is no approved release {number}: `laseli flow releases` lists them")
    body = release_tables.release_body(tx, number)
    found = release_tables.release(tx, number)
    assert body is not None
    assert found is not None
    new = release_tables.add_release(
        tx, hash=found.hash, body=body, note=f"back to release {number}", by=by, now=now, approved_by=by
    )
    if new is None:
        raise Refused("somebody else published at this very moment: look again")
    return new, number


def _before(tx: Connection, approved: list[int]) -> int:
    """The last release that differs from the one heard now: rolling back twice goes further back."""
    current = release_tables.release(tx, approved[0]) if approved else None
    for number in approved[1:]:
        earlier = release_tables.release(tx, number)
        if current and earlier and earlier.hash != current.hash:
            return number
    raise Refused("there is no earlier release to go back to")


def publish_shipped(tx: Connection, runtime: Runtime, now: int) -> str:
    """Publish what comes with the program where nobody has published anything else; gives a hint for people, or ""."""
    current = release_tables.current_number(tx)
    found = release_tables.release(tx, current) if current is not None else None
    if runtime.shipped is None:
        if found is None:
            raise Refused(runtime.mistake)
        return f"The program's own conversations cannot be read, release {found.number} goes on. {runtime.mistake}"
    candidate = Candidate(sources_of(runtime.shipped), runtime.shipped)
    if found is not None and found.hash == candidate.hash:
        return ""
    if found is not None and found.published_by != SHIPPED_BY:
        return (
            f"The program brings other conversations than release {found.number} by {found.published_by}: "
            "`laseli flow publish --dry-run --by NAME` shows the difference."
        )
    _keep(tx, candidate, by=SHIPPED_BY, note="comes with the program", now=now)
    return ""


def sources_of(library: Library) -> dict[str, str]:
    return {flow.file: flow.source for flow in library.flows.values()}


def hash_of(sources: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(sorted(sources.items())), ensure_ascii=False).encode()).hexdigest()
