"""The last step of an import: what was made is written, loaded, proved, and mended where the mending is plain.

What the checker still says after that is told in the report: the author mends it in the YAML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flows.check import check
from flows.checks.known import known_at
from flows.conditions import BadCondition, parse
from flows.findings import ERROR, NOTE, Finding
from flows.interchange.flow_writing import yaml_of
from flows.interchange.imported_words import Written, names_of_words, without_names
from flows.interchange.left_out import Report, at
from flows.loader import load_sources
from flows.model import Flow, Library
from flows.step_reading import KINDS

# Dates without limits of their own.
FIRST_DAY: Final = "-100y"
LAST_DAY: Final = "+10y"
_ROUNDS: Final = 4
_WORDS: Final = (*KINDS, "wrong")
_MOST_MENDED: Final = 40


@dataclass(slots=True)
class Made:
    """A flow as `flow_writing` takes it, and by step the question without the hint that was put behind it."""

    flow: dict[str, Any]
    without_hint: dict[str, Written] = field(default_factory=dict)

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        return {step["id"]: step for step in self.flow["steps"]}


def sources_of(made: Sequence[Made], report: Report, comment: str) -> dict[str, str]:
    """The files of these flows, by name. They load; what was put right for that, and what is left, is reported."""
    written = {_file_of(each): yaml_of(each.flow, [comment]) for each in made}
    library = load_sources(written)
    for _ in range(_ROUNDS):
        mended = [each for each in made if _mended(each, library.get(each.flow["flow"]), report)]
        if not mended:
            break
        written |= {_file_of(each): yaml_of(each.flow, [comment]) for each in mended}
        library = load_sources(written)
    findings = [finding for finding in check(library, {}) if finding.level == ERROR]
    for finding in findings[:_MOST_MENDED]:
        where = at(finding.file, finding.step) if finding.step else finding.file
        language = f" [{finding.language}]" if finding.language else ""
        report.changed(f"to mend in {where}{language}", finding.message)
    return {file: written[file] for file in sorted(written)}


def can_be_read(condition: str) -> bool:
    """Whether a condition we wrote is one: it may be longer than conditions are."""
    try:
        parse(condition)
    except BadCondition:
        return False
    return True


def _file_of(made: Made) -> str:
    return f"{made.flow['flow']}.yaml"


def _mended(made: Made, flow: Flow, report: Report) -> bool:
    """Whether anything had to be put right."""
    changed = _unknown_names_taken_out(made, flow, report)
    findings = [each for each in check(Library({flow.id: flow}), {}) if each.level != NOTE]
    changed |= _hints_taken_off(made, findings, report)
    changed |= _rings_opened(made, flow, findings, report)
    return _unreached_taken_out(made, findings, report) or changed


def _unknown_names_taken_out(made: Made, flow: Flow, report: Report) -> bool:
    """An answer that some callers were never asked for cannot stand in a text, nor be the limit of a date."""
    known, changed = known_at(flow), False
    for step_id, step in made.steps.items():
        here = known.get(step_id, frozenset(flow.names)) | set(flow.facts)
        for key in _WORDS:
            if isinstance(step.get(key), dict) and key not in ("set", "when"):
                changed |= _unknown_in_text(step, key, here, report)
        for key, usual in (("from", FIRST_DAY), ("to", LAST_DAY)):
            bound = step.get(key, "")
            if "date" in step and bound in flow.names and bound not in here:
                report.changed(
                    at("step", step_id), f"`{key}: {bound}` became {usual}: not everybody is asked '{bound}'"
                )
                step[key], changed = usual, True
    return changed


def _unknown_in_text(step: dict[str, Any], key: str, known: frozenset[str] | set[str], report: Report) -> bool:
    written: Mapping[str, str] = step[key]
    unknown = {name for words in written.values() for name in names_of_words(words)} - known
    if not unknown:
        return False
    step[key] = without_names(written, lambda name: name in unknown)
    for name in sorted(unknown):
        report.changed(
            at("step", step["id"]), f"{{{name}}} became '...': some callers come here without an answer to it"
        )
    return True


def _hints_taken_off(made: Made, findings: Sequence[Finding], report: Report) -> bool:
    changed = False
    for finding in findings:
        if finding.check in (7, 9) and finding.step in made.without_hint:
            step = made.steps[finding.step]
            kind = next(key for key in KINDS if key in step)
            step[kind] = made.without_hint.pop(finding.step)
            report.left_out(at("step", finding.step), "its hint", "with it the question does not fit one screen")
            changed = True
    return changed


def _rings_opened(made: Made, flow: Flow, findings: Sequence[Finding], report: Report) -> bool:
    """Somebody who cannot be understood must come to an end: no `give_up` leads into a ring of them."""
    if not any(finding.check == 4 and "give_up" in finding.message for finding in findings):
        return False
    leading = [step for step in made.steps.values() if "give_up" in step]
    upward = [step for step in leading if flow.position[step["give_up"]] <= flow.position[step["id"]]]
    for step in upward or leading:
        del step["give_up"]
        why = "such ways go round for ever; whoever is not understood three times is let go with a kind word"
        report.left_out(at("step", step["id"]), "the way of answers that are not understood", why)
    return bool(leading)


def _unreached_taken_out(made: Made, findings: Sequence[Finding], report: Report) -> bool:
    unreached = {finding.step for finding in findings if finding.check == 3}
    for step_id in sorted(unreached):
        report.also("steps nobody comes to any more", f"'{step_id}'")
    made.flow["steps"] = [step for step in made.flow["steps"] if step["id"] not in unreached]
    return bool(unreached)
