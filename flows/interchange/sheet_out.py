"""A flow as a table that people edit in Excel or LibreOffice: a row per step and per text, a column per language.

The table is made from the file of the flow, so that every key of it has its cell, also one we have no word for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml

from flows.interchange.sheet_cells import cell_of, fact_cell, pairs_cell, read_cell, setting_cell, words_cell
from flows.interchange.sheet_widths import message_septets, screens_of, septets_of
from flows.interchange.sheet_words import (
    FIXED,
    PAIRS,
    SETTINGS,
    SEVERAL,
    YES_NO,
    header_of,
    row_word,
    setting_word,
)
from flows.mistakes import FlowMistake
from flows.model import LANGUAGES, Flow
from flows.step_reading import KINDS
from flows.strict_yaml import read

# What one cell of a workbook holds (Microsoft: Excel specifications and limits).
LONGEST_CELL: Final = 32_767
_OWN_ROWS: Final = frozenset({"flow", "title", "reviewed", "facts", "lists", "steps", "texts"})
_YES: Final = {"true": "oui", "false": "non"}

# Cells by column key.
Row: TypeAlias = dict[str, str]
Tree: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """The sheet before it is a file: the keys of its columns, its languages, and the cells of each row by column."""

    flow: str
    columns: tuple[str, ...]
    languages: tuple[str, ...]
    rows: tuple[Row, ...]

    def header(self) -> list[str]:
        return [header_of(column) for column in self.columns]

    def lines(self) -> list[list[str]]:
        """Every row as the cells of all columns."""
        return [[row.get(column, "") for column in self.columns] for row in self.rows]


def table_of(flow: Flow, limit: int = 160) -> Table:
    """The whole flow. `limit` is what the septets of its screens are compared with."""
    tree = tree_of(flow.source, flow.file)
    languages = flow.languages
    rows = list(_rows(tree, languages))
    used = {column for row in rows for column in row}
    fixed = [key for key in FIXED if key != "remark" and (key not in LANGUAGES or key in languages)]
    more = [key for key in (*SETTINGS, *sorted(used)) if key in used and key not in fixed]
    columns = tuple(dict.fromkeys([*fixed, *more]))
    rows.insert(_after_settings(rows), _setting("columns", [header_of(key) for key in columns if key != "info"]))
    _tell_septets(rows, flow, limit)
    for row in rows:
        if any(len(cell) > LONGEST_CELL for cell in row.values()):
            problem = f"a text is longer than the {LONGEST_CELL} characters of a cell: it cannot go into a sheet"
            raise FlowMistake(problem, file=flow.file, step=row.get("step", ""))
    return Table(flow.id, columns, languages, tuple(rows))


def tree_of(source: str, file: str) -> Tree:
    """The file as plain dicts, lists and strings; None where nothing stands after a key."""
    tree: Tree = _plain(read(source.replace("\r\n", "\n").removeprefix("\ufeff"), file).node)
    return tree


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    assert isinstance(node, yaml.ScalarNode)
    return node.value if node.value or node.style is not None else None


def is_text(value: object, languages: tuple[str, ...]) -> bool:
    """Whether this is words in languages, and not a mapping of something else."""
    if not isinstance(value, Mapping) or not value:
        return False
    return value.keys() <= {"all", *languages} and all(isinstance(words, str) for words in value.values())


# --- the head -----------------------------------------------------------------------------------------------------


def _rows(tree: Tree, languages: tuple[str, ...]) -> Iterator[Row]:
    yield {"step": tree["flow"], "kind": row_word("flow"), **_texts(tree["title"])}
    for key, value in tree.items():
        if key not in _OWN_ROWS:
            yield from _settings(key, value, languages)
    if "reviewed" in tree:
        said = {language: _YES.get(word, word) for language, word in tree["reviewed"].items()}
        yield {"kind": row_word("reviewed"), **said}
    for name, fact in (tree.get("facts") or {}).items():
        yield {"kind": row_word("fact"), "name": cell_of(name), "value": fact_cell(fact)}
    for name, entries in (tree.get("lists") or {}).items():
        for key, text in entries.items():
            yield {"step": name, "kind": row_word("list"), "name": key, **_texts(text)}
    for step in tree["steps"]:
        yield from _step(step)
    for key, text in (tree.get("texts") or {}).items():
        yield {"step": cell_of(key), "kind": row_word("message"), **_texts(text)}


def _settings(path: str, value: Any, languages: tuple[str, ...]) -> Iterator[Row]:
    """A row for each leaf of a setting of the whole conversation: `resume.within`, `resume.ask`."""
    if is_text(value, languages):
        yield _setting(path, "") | _texts(value)
    elif isinstance(value, dict) and value and not any("." in key for key in value):
        for key, inner in value.items():
            yield from _settings(f"{path}.{key}", inner, languages)
    else:
        yield _setting(path, value)


def _setting(path: str, value: Any) -> Row:
    written = words_cell(value) if path in SEVERAL else _value(path, value)
    return {"kind": row_word("setting"), "name": setting_word(path), "value": written}


def _value(key: str, value: Any) -> str:
    if key in YES_NO and value in _YES:
        return _YES[value]
    if key in PAIRS and isinstance(value, Mapping):
        return pairs_cell(value)
    return setting_cell(value)


def _after_settings(rows: list[Row]) -> int:
    return 1 + max(place for place, row in enumerate(rows) if row["kind"] == row_word("setting"))


def _texts(text: Mapping[str, str]) -> Row:
    return {language: cell_of(words) for language, words in text.items()}


# --- steps --------------------------------------------------------------------------------------------------------


def _step(step: Tree) -> Iterator[Row]:
    kind = next(key for key in KINDS if key in step)
    yield _first_row(step, kind)
    for branch in step[kind] if kind == "when" else []:
        yield _branch(step["id"], branch)
    left = dict(step.get("go") or {})
    for key, row in (("options", "option"), ("or", "or")):
        choices = step.get(key)
        for name, label in choices.items() if isinstance(choices, dict) else ():
            yield _choice(step["id"], row, name, left.pop(name, ""), label)
    for name, target in left.items():
        yield _choice(step["id"], "option", name, target, {})
    if "wrong" in step:
        yield {"step": step["id"], "kind": row_word("wrong"), **_texts(step["wrong"])}


def _first_row(step: Tree, kind: str) -> Row:
    row: Row = {"step": step["id"], "kind": row_word(kind)}
    asked = step[kind]
    if kind == "set":
        row["set"] = pairs_cell(asked)
    elif isinstance(asked, str):
        row["name"] = setting_cell(asked)
    elif isinstance(asked, dict):
        row |= _texts(asked)
    for key, value in step.items():
        has_rows = key in ("id", kind, "or", "wrong", "go") or (key == "options" and isinstance(value, dict))
        if not has_rows:
            row[key] = _value(key, value)
    return row


def _branch(step: str, branch: Mapping[str, str]) -> Row:
    if "else" in branch:
        return {"step": step, "kind": row_word("else"), "next": cell_of(branch["else"])}
    return {"step": step, "kind": row_word("branch"), "if": cell_of(branch["if"]), "next": cell_of(branch["go"])}


def _choice(step: str, row: str, name: str, target: str, label: Mapping[str, str]) -> Row:
    return {"step": step, "kind": row_word(row), "name": cell_of(name), "next": cell_of(target) if target else ""} | (
        _texts(label)
    )


def _tell_septets(rows: list[Row], flow: Flow, limit: int) -> None:
    """What each text takes, for information: the whole screen for a step, its own words for others."""
    screens = screens_of(flow, limit)
    kinds = {row_word(kind) for kind in KINDS}
    for row in rows:
        words = {key: read_cell("", row[key]).text for key in ("all", *flow.languages) if key in row}
        if not words or row["kind"] == row_word("reviewed"):
            continue
        if row["kind"] in kinds:
            row["info"] = screens[row["step"]]
        elif row["kind"] == row_word("message"):
            row["info"] = message_septets(flow, row["step"])
        else:
            row["info"] = septets_of(flow, words)
