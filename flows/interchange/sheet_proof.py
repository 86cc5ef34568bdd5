"""What the loader says of a sheet's flow, told with the cell it is about, and links that lead nowhere."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flows.interchange.sheet_cells import Cell
from flows.interchange.sheet_lines import Problems
from flows.interchange.sheet_making import NAME, Making, Path, Sheet, Tree
from flows.interchange.sheet_words import french_nearest
from flows.linking import Draft, strange_choices
from flows.loader import read_flow
from flows.mistakes import FlowMistake
from flows.model import Ask, Run
from flows.names import defined_by
from flows.texts import template_of

# Each mistake of the loader costs one more reading.
_MOST_READINGS: Final = 15
_BRACES: Final = re.compile(r"[{｛]([^{}｛｝]{0,80})[}｝]")


def prove(making: Making) -> Draft:
    """The flow, read by the loader. FlowMistake tells what is wrong with it by cell."""
    sheet, problems = making.sheet, making.problems
    known = _names_of(sheet.tree)
    for _, cell in sheet.texts:
        if (told := _wrong_brace(cell, known)) is not None:
            problems.tell(cell.ref, told)
    steps = [step["id"] for step in sheet.tree["steps"]]
    for target in sheet.targets:
        if target.text not in steps:
            problems.tell(
                target.ref, f"l'étape « {target.text[:40]} » n'existe pas ; {french_nearest(target.text, steps)}"
            )
    draft = _read(sheet, problems)
    problems.stop_if_any()
    assert draft is not None
    _judge_choices(draft, making)
    problems.stop_if_any()
    sheet.notes += _unknown_names(draft, sheet)
    return draft


def _judge_choices(draft: Draft, making: Making) -> None:
    for step in draft.steps.values():
        for choice in strange_choices(step):
            known = [option.key for option in step.options] if isinstance(step, Ask) else []
            told = f"« {choice} » n'est pas un choix de l'étape « {step.id} » ; {french_nearest(choice, known)}"
            making.problems.tell(making.sheet.place_of(("steps", step.id, "go", choice, NAME)), told)
    if draft.if_dropped is not None and draft.if_dropped.sms not in draft.texts:
        told = f"le message « {draft.if_dropped.sms} » n'existe pas ; "
        told += french_nearest(draft.if_dropped.sms, list(draft.texts))
        making.problems.tell(making.sheet.place_of(("if_dropped", "sms")), told)


def _read(sheet: Sheet, problems: Problems) -> Draft | None:
    """What the loader reads. Its mistakes are told step after step: one is put aside, so that the next is told too."""
    tree = dict(sheet.tree)
    for _ in range(_MOST_READINGS):
        lines = list(_one_thing_a_line(tree, ()))
        try:
            return read_flow("\n".join(text for text, _ in lines), f"{tree['flow']}.yaml")
        except FlowMistake as mistake:
            path = lines[mistake.line - 1][1] if 0 < mistake.line <= len(lines) else ()
            # A brace is told before, in words for whoever writes the text.
            if "has a brace" not in mistake.problem:
                problems.tell(sheet.place_of(path), mistake.problem)
            wrong = path[1] if path[:1] == ("steps",) and len(path) > 1 else ""
            kept = [step for step in tree["steps"] if step["id"] != wrong]
            if not kept or len(kept) == len(tree["steps"]):
                return None
            tree["steps"] = kept
    return None


def _one_thing_a_line(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """The tree as YAML that is only read by the program, so that the line of a mistake says which value it is."""
    if isinstance(value, Mapping):
        yield " {", path
        for key, inner in value.items():
            yield f" {json.dumps(key)}:", (*path, key, NAME)
            yield from _one_thing_a_line(inner, (*path, key))
            yield " ,", path
        yield " }", path
    elif isinstance(value, list):
        yield " [", path
        for place, item in enumerate(value):
            name = item["id"] if path == ("steps",) else str(place)
            yield from _one_thing_a_line(item, (*path, name))
            yield " ,", path
        yield " ]", path
    else:
        yield "" if value is None else f" {json.dumps(value)}", path


def _wrong_brace(cell: Cell, known: set[str]) -> str | None:
    """What to write where a `{name}` lost its shape to a correction or a hurry."""
    try:
        template_of(cell.text)
    except ValueError:
        for found in _BRACES.finditer(cell.text):
            name = _meant(found[1], known)
            if found[0] != f"{{{name}}}":
                return f"« {found[0]} » n'est pas un nom : écrivez {{{name or 'nom'}}}, sans blancs ni accents"
        example = f"{{{min(known)}}}" if known else "{nom}"
        return f"une accolade est seule : écrivez le nom entre deux accolades, comme {example}, ou ôtez l'accolade"
    return None


def _meant(written: str, known: set[str]) -> str | None:
    """The known name that is spelt so, but for capitals, accents and blanks."""
    letters = unicodedata.normalize("NFKD", written.casefold())
    plain = re.sub(r"[\s-]+", "_", "".join(each for each in letters if not unicodedata.combining(each)).strip())
    return plain if plain in known else None


def _names_of(tree: Tree) -> set[str]:
    """What may stand between braces, as far as the sheet knows."""
    names = set(tree.get("facts") or {})
    for step in tree["steps"]:
        names.add(step["id"])
        for key in ("gives", "set"):
            names |= set(step[key]) if isinstance(step.get(key), dict) else set()
    return names


def _unknown_names(draft: Draft, sheet: Sheet) -> list[str]:
    """Names in texts that no step gives: the checker refuses them later, the cell is known now."""
    steps = draft.steps.values()
    known = {*draft.facts, *(name for step in steps for name in defined_by(step))}
    runs = tuple(f"{step.id}." for step in steps if isinstance(step, Run))
    notes = []
    for _, cell in sheet.texts:
        for name in template_of(cell.text)[1::2]:
            if name not in known and not name.startswith(runs):
                told = f"personne ne donne {{{name}}} ; {french_nearest(name, sorted(known))}"
                notes.append(f"{cell.ref} : {told}")
    return notes
