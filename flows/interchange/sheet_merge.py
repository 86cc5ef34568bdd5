"""What a sheet changes in the conversation there is: its texts, its version, and the comments of its file kept."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from flows.fmt import format_source
from flows.interchange.flow_writing import yaml_of
from flows.interchange.sheet_making import Path, Sheet, Tree
from flows.interchange.sheet_out import tree_of
from flows.loader import read_flow
from flows.mistakes import FlowMistake, together
from flows.model import LANGUAGES
from flows.strict_yaml import read

_LOST_LETTER: Final = re.compile(r"\w\?\w")
# UTF-8 that was read as Windows-1252: é as "Ã©", ɛ as "É›".
_TWICE_READ: Final = re.compile("Ã[\u00a0-\u00bf]|É[›”]|É[\u0080-\u009f]")
_WORDS: Final = frozenset({"all", *LANGUAGES})
_ORDERED: Final = frozenset({"options", "or"})


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is not what it was; None stands for nothing. `ref` is its cell, empty for what went away."""

    path: Path
    before: str | None
    after: str | None
    ref: str = ""

    @property
    def is_text(self) -> bool:
        return len(self.path) > 1 and self.path[-1] in _WORDS and self.path[0] != "reviewed" and "go" not in self.path

    def __str__(self) -> str:
        where = f" ({self.ref})" if self.ref else ""
        return f"{_named(self.path)}{where} : {_shown(self.before)} → {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What would be written: the file, and what is new in it. `yaml` is the old file when nothing changed."""

    flow: str
    yaml: str
    before: int | None
    after: int
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def changed(self) -> bool:
        return self.is_new or bool(self.changes)


def bring_in(sheet: Sheet, existing: str | None) -> Arrival:
    """The sheet put over the file there is, if there is one. FlowMistake when that one cannot be read."""
    tree, file = sheet.tree, f"{sheet.tree['flow']}.yaml"
    if existing is None:
        return Arrival(tree["flow"], yaml_of(tree), None, int(tree["version"]), (), tuple(sheet.notes))
    read_flow(existing, file)
    old = tree_of(existing, file)
    version, said = int(old["version"]), int(tree["version"])
    notes = list(sheet.notes)
    changes = list(_changes(_without_version(old), _without_version(tree), sheet))
    if not changes and said <= version:
        return Arrival(tree["flow"], existing, version, version, (), tuple(notes))
    if said < version:
        told = f"la feuille vient de la version {said}, la conversation en est à {version}"
        notes.append(f"{told} : regardez si ce qui change ci-dessus est bien de vous")
    _judge_letters(changes, sheet.file)
    after = max(version + 1, said)
    if not changes:
        changes = [Change(("version",), str(version), str(said), sheet.place_of(("version",)))]
    merged = _in_old_order({**tree, "version": str(after)}, old, ())
    written, lost = with_comments(yaml_of(merged), existing, file)
    notes += [f"commentaire perdu avec son étape : {comment}" for comment in lost]
    notes += [*_odd_letters(changes), *_to_confirm(old, changes)]
    return Arrival(tree["flow"], written, version, after, tuple(changes), tuple(notes))


def with_comments(written: str, old: str, file: str) -> tuple[str, list[str]]:
    """The file with the comments of the old one where what they are about is still there, and those that are not."""
    if "#" not in old:
        return written, []
    lines = format_source(old, file).split("\n")
    now = {path: line for line, path in reversed(_paths(written, file).items())}
    then = _paths("\n".join(lines), file)
    new_lines = written.split("\n")
    above: dict[int, list[str]] = {}
    lost: list[str] = []
    first = min(then)
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("#"):
            continue
        about = next((then[each] for each in range(number, len(lines)) if each in then), None)
        place = 0 if number < first else len(new_lines) if about is None else _place_of(about, now)
        if place is None:
            lost.append(line.strip())
        else:
            above.setdefault(place, []).append(line.strip())
    whole = [each for number in range(len(new_lines) + 1) for each in [*above.get(number, []), *new_lines[number:][:1]]]
    return format_source("\n".join(whole), file), lost


def _place_of(about: Path, now: Mapping[Path, int]) -> int | None:
    """The line of the same thing, or of what it is part of: its step, its list; None when that is gone."""
    shortest = 2 if about[0] in ("steps", "lists", "texts", "facts") and len(about) > 1 else 1
    for length in range(len(about), shortest - 1, -1):
        if about[:length] in now:
            return now[about[:length]]
    return None


def _paths(source: str, file: str) -> dict[int, Path]:
    """By line, the outermost thing that begins there."""
    found: dict[int, Path] = {}
    for path, node in _walk(read(source, file).node, ()):
        found.setdefault(node.start_mark.line, path)
    return dict(sorted(found.items()))


def _walk(node: yaml.Node, path: Path) -> Iterator[tuple[Path, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key
            yield from _walk(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            name = next((v.value for k, v in item.value if k.value == "id"), "") if path == ("steps",) else str(place)
            yield (*path, name), item
            yield from _walk(item, (*path, name))


# --- what changed -------------------------------------------------------------------------------------------------


def _changes(old: Tree, new: Tree, sheet: Sheet) -> Iterator[Change]:
    """Every value that is not what it was, in the order of the sheet; steps that came or went are one change each."""
    before, after = dict(_leaves(old, ())), dict(_leaves(new, ()))
    gone = {path[:2] for path in before if path[0] == "steps"} - {path[:2] for path in after}
    come = {path[:2] for path in after if path[0] == "steps"} - {path[:2] for path in before}
    for path in dict.fromkeys([*after, *before]):
        one, other = before.get(path), after.get(path)
        if path[:2] in gone | come:
            if path[2:] == ("id",):
                yield Change(path[:2], one, other, sheet.place_of(path) if other is not None else "")
        elif one != other or (path in before) != (path in after):
            yield Change(path, one, other, sheet.place_of(path) if path in after else "")
    yield from _new_orders(old, new, sheet)


def _new_orders(old: Tree, new: Tree, sheet: Sheet) -> Iterator[Change]:
    then, now = dict(_orders(old, ())), dict(_orders(new, ()))
    for path in then.keys() & now.keys():
        one = [each for each in then[path] if each in now[path]]
        other = [each for each in now[path] if each in then[path]]
        moved = [place for place, each in enumerate(one) if other[place] != each]
        if moved:
            some = slice(moved[0], moved[-1] + 1)
            yield Change((*path, "ordre"), ", ".join(one[some]), ", ".join(other[some]), sheet.place_of(path))


def _orders(value: Any, path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Where the order of keys means something: steps, choices, entries of a list."""
    if path == ("steps",):
        yield path, [step["id"] for step in value]
        for step in value:
            yield from _orders(step, (*path, step["id"]))
    elif isinstance(value, Mapping):
        if path[-1:] and (path[-1] in _ORDERED or (path[0] == "lists" and len(path) == 2)):
            yield path, list(value)
        for key, inner in value.items():
            yield from _orders(inner, (*path, key))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str | None]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        if path[:1] in (("start",), ("languages",)):  # one word, or a list of one: the same thing
            yield path, ", ".join(map(str, value))
            return
        for place, item in enumerate(value):
            yield from _leaves(item, (*path, item["id"] if path == ("steps",) else str(place)))
    else:
        yield path, value


def _without_version(tree: Tree) -> Tree:
    return {key: value for key, value in tree.items() if key != "version"}


def _in_old_order(new: Any, old: Any, path: Path) -> Any:
    """The keys of a mapping as they stood in the old file, unless their order means something."""
    if path == ("steps",):
        by_id = {step["id"]: step for step in old}
        return [_in_old_order(step, by_id.get(step["id"], {}), (*path, step["id"])) for step in new]
    if not isinstance(new, Mapping) or not isinstance(old, Mapping):
        return new
    is_ordered = bool(path) and (path[-1] in _ORDERED or path[0] == "lists")
    keys = list(new) if is_ordered else [*[key for key in old if key in new], *[key for key in new if key not in old]]
    return {key: _in_old_order(new[key], old.get(key), (*path, key)) for key in keys}


def _judge_letters(changes: list[Change], file: str) -> None:
    """FlowMistake for texts that only lost their letters on the way through another alphabet."""
    mistakes = []
    for change in changes:
        if change.is_text and change.before and change.after:
            if change.before.encode("cp1252", "replace").decode("cp1252") == change.after:
                how = "a perdu des lettres (« ? »)"
            elif change.before.encode().decode("cp1252", "replace") == change.after:
                how = "a été ouvert dans un autre alphabet"
            else:
                continue
            remedy = f"remettez « {change.before} », puis enregistrez en .xlsx ou « CSV UTF-8 »"
            told = f"{change.ref} : ce texte {how} : {remedy}"
            mistakes.append(FlowMistake(told, file=file))
    if mistakes:
        raise together(mistakes)


def _odd_letters(changes: list[Change]) -> Iterator[str]:
    for change in changes:
        if change.is_text and _LOST_LETTER.search(change.after or ""):
            yield f"{change.ref} : un « ? » au milieu d'un mot : une lettre comme ɛ ou ɔ s'est peut-être perdue"
        if change.is_text and _TWICE_READ.search(change.after or ""):
            yield f"{change.ref} : « Ã » ou « É› » : le fichier a peut-être été ouvert dans un autre alphabet"


def _to_confirm(old: Tree, changes: list[Change]) -> Iterator[str]:
    """A speaker has read these languages, but not the words that are new."""
    for language, said in (old.get("reviewed") or {}).items():
        count = sum(change.is_text and change.path[-1] in (language, "all") for change in changes)
        if said == "true" and count:
            texts = "un texte changé" if count == 1 else f"{count} textes changés"
            yield f"{language} : relu par un locuteur : à confirmer ({texts})"


def _named(path: Path) -> str:
    if path[0] == "steps":
        return "étape " + " ".join(path[1:])
    return " ".join(path)


def _shown(value: str | None) -> str:
    return "rien" if value is None else f"« {value} »"
