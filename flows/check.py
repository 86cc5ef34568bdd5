"""Everything that can be proved about the conversations before anybody dials.

The numbers of the checks are those of `findings.CHECKS`. An error must be mended before a flow is published; a warning
deserves a look; a note is for knowing.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from flows.checks.actions_used import check_actions, check_consent, check_length
from flows.checks.branches import check_branches
from flows.checks.dropped import check_dropped
from flows.checks.keywords import check_keywords
from flows.checks.known import check_known
from flows.checks.paths import check_ends, check_links, check_loops, check_reached
from flows.checks.replaced import check_replaced, check_replaces
from flows.checks.round_trip import check_round_trip, check_sound
from flows.checks.sensitive import check_sensitive
from flows.checks.sentences import check_sentences
from flows.checks.types import check_types
from flows.checks.widths import Seen, check_screens, seen_by_callers
from flows.checks.words_said import check_choices, check_languages, check_letters, check_reviewed, check_truth
from flows.describe import lines_of_check
from flows.findings import ERROR, Finding, Signature, in_order
from flows.loader import DEFINITIONS, load_library
from flows.mistakes import FlowMistake
from flows.model import Flow, Library
from flows.phrases import Phrases

__all__ = ["Finding", "Seen", "Signature", "check", "check_against", "check_folder", "check_phrases", "lines", "widest"]


def check(library: Library, actions: Mapping[str, Signature], limit: int = 160) -> list[Finding]:
    """All that is found in the flows, errors first. An empty list of errors means every caller gets to an end."""
    findings = list(check_keywords(library))
    for flow in library.flows.values():
        findings += _of_flow(flow, library, actions, limit)
    if not any(finding.level == ERROR for finding in findings):
        findings += check_sound(library)
    return in_order(findings)


def check_against(old: Library, new: Library) -> list[Finding]:
    """What must be said before `new` is published over `old`, where callers may still be on their way."""
    kept = [flow for flow in new.flows.values() if flow.id in old.flows]
    return in_order([finding for flow in kept for finding in check_replaced(old.get(flow.id), flow)])


def check_phrases(phrases: Phrases) -> list[Finding]:
    """All that is found in the sentences outside conversations, errors first."""
    return in_order(list(check_sentences(phrases)))


def check_folder(
    folder: Path = DEFINITIONS, actions: Mapping[str, Signature] | None = None, limit: int = 160
) -> list[Finding]:
    """The same for a folder that may not even load: what cannot be read is a finding too."""
    try:
        library = load_library(folder, strict=False)
    except FlowMistake as mistake:
        return [Finding(m.file, m.step, "", ERROR, m.problem, 1, m.line) for m in mistake.all()]
    return check(library, actions or {}, limit)


def widest(library: Library, limit: int = 160) -> dict[str, list[Seen]]:
    """By flow, its widest screen in each language."""
    return {flow.id: _widest_of(flow, limit) for flow in library.flows.values()}


def lines(library: Library, findings: Iterable[Finding], limit: int = 160) -> list[str]:
    """Findings and widest screens as lines to read."""
    return lines_of_check(findings, widest(library, limit), limit)


def _widest_of(flow: Flow, limit: int) -> list[Seen]:
    seen = list(seen_by_callers(flow, limit))
    of_language = {language: [each for each in seen if each.language == language] for language in flow.languages}
    return [max(each, key=lambda one: one.units) for each in of_language.values() if each]


def _of_flow(flow: Flow, library: Library, actions: Mapping[str, Signature], limit: int) -> Iterator[Finding]:
    yield from check_links(flow, library)
    yield from check_reached(flow)
    yield from check_ends(flow)
    yield from check_loops(flow)
    yield from check_languages(flow)
    yield from check_screens(flow, limit)
    yield from check_letters(flow)
    yield from check_known(flow, actions)
    yield from check_types(flow, actions)
    yield from check_branches(flow)
    yield from check_choices(flow)
    yield from check_actions(flow, actions)
    yield from check_consent(flow, actions)
    yield from check_length(flow, actions)
    yield from check_round_trip(flow, library)
    yield from check_truth(flow)
    yield from check_reviewed(flow)
    yield from check_dropped(flow)
    yield from check_replaces(flow)
    yield from check_sensitive(flow, actions)
