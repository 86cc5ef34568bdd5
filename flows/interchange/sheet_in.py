"""A sheet read back into a flow. Every mistake names its cell, and all of them are told together."""

from collections.abc import Callable
from typing import Final

from flows.interchange.sheet_cells import read_fact, read_setting, read_words
from flows.interchange.sheet_lines import Grid, Line, Problems, lines_of
from flows.interchange.sheet_making import NAME, Making, Path, Sheet, Tree
from flows.interchange.sheet_proof import prove
from flows.interchange.sheet_steps import StepRows
from flows.interchange.sheet_words import (
    SEVERAL,
    YES_NO,
    column_of,
    nearest_row,
    row_of,
    row_word,
    setting_of,
    setting_word,
)
from flows.model import LANGUAGES
from flows.step_reading import ID, KINDS, LONGEST_ID

_DEEPEST: Final = 6
_NO_SETTINGS: Final = {
    "flow": "flow", "title": "flow", "reviewed": "reviewed", "facts": "fact", "lists": "list", "texts": "message",
    "steps": "menu",
}  # fmt: skip


def read_sheet(grid: Grid) -> Sheet:
    """The flow of a sheet, which loads. FlowMistake tells every cell that is wrong, and what to write there."""
    problems = Problems(grid.file)
    lines = lines_of(grid, problems)
    reader = _Reader(Making(Sheet(grid.file, notes=list(grid.notes)), problems))
    for line in lines:
        reader.read(line)
    reader.finish(lines)
    problems.stop_if_any()
    prove(reader.making)
    return reader.making.sheet


class _Reader:
    """Puts line after line into the tree."""

    def __init__(self, making: Making) -> None:
        self.making = making
        self.tree = making.sheet.tree
        self._steps = StepRows(making)
        self._title = 0
        self._rows: Final[dict[str, Callable[[Line, str], None]]] = {
            **dict.fromkeys(KINDS, self._steps.step),
            "option": self._steps.option,
            "or": self._steps.option,
            "wrong": self._steps.wrong,
            "branch": self._steps.branch,
            "else": self._steps.branch,
            "flow": self._flow,
            "setting": self._setting,
            "reviewed": self._reviewed,
            "fact": self._fact,
            "list": self._entry,
            "message": self._message,
        }

    def read(self, line: Line) -> None:
        word = line.word("kind")
        row = row_of(word)
        if row is not None:
            self._rows[row](line, row)
            line.finish(row_word(row))
        elif word:
            self.making.refuse(line, "kind", f"on ne connaît pas la sorte « {word[:40]} » ; {nearest_row(word)}")
        else:
            remedy = f"écrivez la sorte de la ligne, comme {row_word('menu')} ou {row_word('option')}"
            self.making.refuse(line, "kind", f"la cellule « sorte » est vide : {remedy}")

    def finish(self, lines: list[Line]) -> None:
        """What can only be judged when everything was read."""
        if not self._title:
            remedy = "ajoutez-la, avec le nom de la conversation sous « étape » et son titre sous les langues"
            told = f"il manque la ligne « {row_word('flow')} » : {remedy}"
            self.making.problems.tell(lines[0].ref("kind"), told)
        if not self._steps.steps:
            told = "il n'y a aucune étape : ajoutez des lignes, comme un menu et une fin"
            self.making.problems.tell(lines[-1].ref("kind"), told)
        self._steps.finish()
        self.tree.setdefault("languages", [key for key in LANGUAGES if key in lines[0].columns])
        self.tree.setdefault("version", "1")
        self.tree["steps"] = list(self._steps.steps.values())
        self.making.judge_languages(lines[0])

    def _flow(self, line: Line, row: str) -> None:
        if self._title:
            self.making.refuse(line, "kind", f"la conversation est déjà en ligne {self._title} : ôtez cette ligne-ci")
            return
        self._title = line.number
        name = line.needed("step", "le nom de la conversation, en petites lettres, comme adhesion_amv")
        if name and (not ID.fullmatch(name) or len(name) > LONGEST_ID):
            told = f"« {name[:40]} » ne peut pas être un nom : au plus 60 petites lettres sans accents, chiffres et _"
            self.making.problems.tell(line.ref("step"), told)
        self.making.put(self.tree, "flow", name, ("flow",), line.ref("step"))
        self.making.put_text(self.tree, "title", line, ("title",))

    def _setting(self, line: Line, row: str) -> None:
        path = setting_of(line.needed("name", "le nom du réglage, comme version"))
        keys: Path = tuple(path.split("."))
        if path == "columns":
            self._all_columns(line)
        elif keys[0] in _NO_SETTINGS:
            own = row_word(_NO_SETTINGS[keys[0]])
            told = f"« {path[:40]} » n'est pas un réglage : cela s'écrit dans une ligne « {own} »"
            self.making.refuse(line, "name", told)
        else:
            inside = self._inside(keys, line)
            if inside is not None:
                self._value(inside, path, keys, line)

    def _value(self, inside: Tree, path: str, keys: Path, line: Line) -> None:
        if line.texts():
            self.making.put_text(inside, keys[-1], line, keys)
            return
        cell = line.cell("value")
        if cell.is_empty:
            told = f"la valeur de « {setting_word(path)} » est vide : écrivez-la, ou ôtez la ligne"
            self.making.problems.tell(cell.ref, told)
            return
        value = line.yes("value") if path in YES_NO else read_words(cell) if path in SEVERAL else read_setting(cell)
        if path == "languages" and isinstance(value, str):
            value = [value]
        self.making.put(inside, keys[-1], value, keys, cell.ref)

    def _inside(self, keys: Path, line: Line) -> Tree | None:
        """The mapping the last key goes into; None when there is no such place."""
        inside = self.tree
        for key in keys[:-1] if len(keys) <= _DEEPEST else ():
            inside = inside.setdefault(key, {}) if isinstance(inside, dict) else inside
        if not all(keys) or len(keys) > _DEEPEST or not isinstance(inside, dict) or keys[-1] in inside:
            told = "ce réglage est écrit deux fois, ou son nom est mal formé : ôtez la ligne"
            self.making.refuse(line, "name", told)
            return None
        self.making.sheet.places.setdefault((keys[0], NAME), line.ref("name"))
        self.making.sheet.places.setdefault(keys[:1], line.ref("name"))
        self.making.sheet.places[(*keys, NAME)] = line.ref("name")
        return inside

    def _all_columns(self, line: Line) -> None:
        """Columns that went out must come back: one that was deleted would take its settings with it."""
        found = read_words(line.cell("value"))
        for name in [found] if isinstance(found, str) else found:
            column = column_of(str(name))
            if column is not None and column not in line.columns:
                remedy = "remettez-la avec ses valeurs, ou ôtez son nom de cette cellule"
                told = f"la colonne « {name} » n'est plus dans la feuille : {remedy}"
                self.making.problems.tell(line.ref("value"), told)

    def _reviewed(self, line: Line, row: str) -> None:
        said = {language: line.yes(language) for language in LANGUAGES if line.has(language)}
        self.making.put(self.tree, "reviewed", said, ("reviewed",), line.ref("kind"))
        for language in said:
            self.making.sheet.places["reviewed", language] = line.ref(language)

    def _fact(self, line: Line, row: str) -> None:
        name = line.needed("name", "le nom de ce que l'on sait déjà, comme enfants")
        line.needed("value", "sa sorte, comme yes_no, ou text 12")
        facts = self.tree.setdefault("facts", {})
        if self.making.is_new(facts, name, line, f"le fait « {name} » est déjà écrit plus haut"):
            self.making.put(facts, name, read_fact(line.cell("value")), ("facts", name), line.ref("value"))

    def _entry(self, line: Line, row: str) -> None:
        name = line.needed("step", "le nom de la liste, comme oui_non")
        line.needed("name", "le nom du choix, comme oui")
        key = line.word("name")
        entries = self.tree.setdefault("lists", {}).setdefault(name, {})
        if self.making.is_new(entries, key, line, f"le choix « {key} » est déjà dans la liste « {name} »"):
            self.making.put_text(entries, key, line, ("lists", name, key))

    def _message(self, line: Line, row: str) -> None:
        key = line.needed("step", "le nom du message, comme rappel")
        texts = self.tree.setdefault("texts", {})
        if self.making.is_new(texts, key, line, f"le message « {key} » est déjà écrit plus haut", "step"):
            self.making.put_text(texts, key, line, ("texts", key))
