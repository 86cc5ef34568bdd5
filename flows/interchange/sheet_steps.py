"""The lines of the steps: a step, its choices, its branches, what it says after a wrong answer."""

import re
from typing import Any, Final

from flows.interchange.sheet_cells import Cell, read_pairs, read_setting
from flows.interchange.sheet_lines import Line
from flows.interchange.sheet_making import NAME, Making, Path, Tree
from flows.interchange.sheet_words import FIXED, PAIRS, TARGETS, YES_NO, french_nearest, header_of, row_word
from flows.step_reading import KINDS

# What a kind cannot do without, besides its words.
_MUST_HAVE: Final = {"text": ("max",), "number": ("from", "to"), "date": ("from", "to"), "set": ("set",)}
_WHAT: Final = {
    "max": "le plus grand nombre de lettres, comme 24",
    "from": "la plus petite valeur, comme 1 (ou un jour : -5y)",
    "to": "la plus grande valeur, comme 30 (ou un jour : today)",
    "set": "ce qui est noté, comme : age = mois",
    "do": "le nom de l'action, comme enrol_child",
    "run": "le nom de la conversation qu'elle appelle",
}
_WHOLE_NUMBERS: Final = frozenset({"max", "show", "again", "parts", "replaces"})
_CHOOSING: Final = ("menu", "pick")


class StepRows:
    """Puts the lines of steps into the tree, in the order of the sheet."""

    def __init__(self, making: Making) -> None:
        self.making = making
        self.steps: dict[str, Tree] = {}
        self._last = ""

    def step(self, line: Line, kind: str) -> None:
        step_id = line.needed("step", "le nom de l'étape, en petites lettres, comme chef")
        if step_id in self.steps:
            first = self.making.sheet.places["steps", step_id]
            remedy = "donnez un autre nom à celle-ci, ou ôtez la ligne"
            self.making.refuse(line, "step", f"l'étape « {step_id} » est déjà en {first} : {remedy}")
            return
        self._last = step_id
        step: Tree = {"id": step_id}
        self.steps[step_id] = step
        path = ("steps", step_id)
        places = self.making.sheet.places
        places |= {path: line.ref("step"), (*path, "id"): line.ref("step")}
        self._asked(step, kind, line, path)
        for column in line.columns:
            if (column not in FIXED or column == "next") and line.has(column):
                self._set(step, column, line, path)
        for column in _MUST_HAVE.get(kind, ()):
            if column not in step:
                self._missing(line, column)

    def option(self, line: Line, row: str) -> None:
        """A choice (`option`), or a way out under a question whose answer is typed (`or`)."""
        step = self._of_step(line)
        if step is None:
            return
        line.needed("name", "le nom du choix, comme oui")
        key, texts = line.word("name"), line.texts()
        path: Path = ("steps", step["id"])
        is_only_a_way = row == "option" and not texts and (_is_listed(step) or not _chooses(step))
        group = "go" if is_only_a_way else "options" if row == "option" else "or"
        if texts and row == "option" and not self._may_have_choices(step, line):
            return
        choices = step.get(group, {})
        if not self.making.is_new(choices, key, line, f"le choix « {key} » est déjà dans l'étape « {step['id']} »"):
            return
        if line.has("next"):
            self.making.put_target(step.setdefault("go", {}), key, line, "next", (*path, "go", key))
            self.making.sheet.places[(*path, "go", key, NAME)] = line.ref("name")
        elif is_only_a_way:
            remedy = "écrivez l'étape où l'on va, ou ôtez la ligne"
            self.making.refuse(line, "next", f"ce choix n'a ni texte ni suite : {remedy}")
        if not is_only_a_way:
            self.making.put_text(step.setdefault(group, {}), key, line, (*path, group, key))

    def wrong(self, line: Line, row: str) -> None:
        step = self._of_step(line)
        if step is not None and self.making.is_new(
            step, "wrong", line, f"cette étape a déjà une ligne « {row_word(row)} »", "kind"
        ):
            self.making.put_text(step, "wrong", line, ("steps", step["id"], "wrong"))

    def branch(self, line: Line, row: str) -> None:
        """One way of a `when`: under its condition, or the last one (`else`)."""
        step = self._of_step(line)
        if step is None:
            return
        if "when" not in step:
            told = (
                f"l'étape « {step['id']} » n'est pas un « {row_word('when')} » et n'a pas de branches : ôtez la ligne"
            )
            self.making.refuse(line, "kind", told)
            return
        branch: Tree = {}
        path = ("steps", step["id"], "when", str(len(step["when"])))
        self.making.sheet.places[path] = line.ref("kind")
        if row == "branch":
            line.needed("if", "la condition, comme pb < 115")
            self.making.put(branch, "if", line.word("if"), (*path, "if"), line.ref("if"))
        key = "go" if row == "branch" else "else"
        line.needed("next", "l'étape où l'on va")
        self.making.put_target(branch, key, line, "next", (*path, key))
        step["when"].append(branch)

    def finish(self) -> None:
        """Menus have choices: that can be said only when all lines were read."""
        for step in self.steps.values():
            if _chooses(step) and "options" not in step and "options_from" not in step:
                remedy = f"ajoutez dessous des lignes « {row_word('option')} », ou nommez une liste"
                place = self.making.sheet.places["steps", step["id"]]
                self.making.problems.tell(place, f"ce menu n'a pas de choix : {remedy}")

    def _asked(self, step: Tree, kind: str, line: Line, path: Path) -> None:
        """What the kind itself says: its words, its action, nothing yet."""
        if kind in ("run", "do"):
            self.making.put(step, kind, line.needed("name", _WHAT[kind]), (*path, kind), line.ref("name"))
        elif kind == "when":
            self.making.put(step, kind, [], (*path, kind), line.ref("kind"))
        elif kind == "end" and not line.texts():
            self.making.put(step, kind, None, (*path, kind), line.ref("kind"))
        elif kind != "set":
            self.making.put_text(step, kind, line, (*path, kind))

    def _set(self, step: Tree, column: str, line: Line, path: Path) -> None:
        """A setting of the step, from its own column."""
        if column in TARGETS:
            self.making.put_target(step, column, line, column, (*path, column))
            return
        value = line.yes(column) if column in YES_NO else self._value(line, column)
        self.making.put(step, column, value, (*path, column), line.ref(column))
        is_whole = column in _WHOLE_NUMBERS or ("number" in step and column in ("from", "to"))
        if is_whole and isinstance(value, str) and value and not re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
            told = f"« {value[:30]} » n'est pas un nombre entier : écrivez des chiffres, comme 24"
            self.making.problems.tell(line.ref(column), told)

    def _value(self, line: Line, column: str) -> Any:
        cell = line.cell(column)
        plain = Cell(cell.ref, line.word(column), cell.quoted)
        if column not in PAIRS or cell.quoted:
            return read_setting(plain)
        try:
            return read_pairs(plain)
        except ValueError as reason:
            remedy = "écrivez une paire par ligne, comme scheme = formule, chaque nom une fois"
            self.making.problems.tell(cell.ref, f"« {str(reason)[:60]} » : {remedy}")
            return {}

    def _missing(self, line: Line, column: str) -> None:
        if column in line.columns:
            line.needed(column, _WHAT[column])
            return
        told = f"ajoutez une colonne « {header_of(column)} », et sur cette ligne {_WHAT[column]}"
        self.making.problems.tell(line.ref("kind"), f"une ligne « {line.word('kind')} » a besoin d'une valeur : {told}")

    def _of_step(self, line: Line) -> Tree | None:
        """The step this line belongs to: the one it names, or the one above."""
        name = line.id("step") or self._last
        if name in self.steps:
            return self.steps[name]
        told = "écrivez ici le nom de son étape, qui doit être plus haut"
        if name:
            told = f"l'étape « {name} » n'est pas plus haut dans la feuille ; {french_nearest(name, list(self.steps))}"
        self.making.refuse(line, "step", told)
        return None

    def _may_have_choices(self, step: Tree, line: Line) -> bool:
        if not _chooses(step):
            kind = row_word(next((key for key in step if key in KINDS), "end"))
            remedy = f"écrivez « {row_word('or')} » pour une ligne numérotée sous la question, ou ôtez la ligne"
            self.making.refuse(line, "kind", f"l'étape « {step['id']} » ({kind}) n'a pas de choix : {remedy}")
        elif _is_listed(step):
            column = "options" if "options" in step else "options_from"
            where = self.making.sheet.places["steps", step["id"], column]
            remedy = f"changez-les là où ils sont, ou videz {where} et la cellule de texte reste"
            self.making.refuse(line, "name", f"cette étape prend déjà ses choix d'ailleurs ({where}) : {remedy}")
        else:
            return True
        return False


def _chooses(step: Tree) -> bool:
    return any(kind in step for kind in _CHOOSING)


def _is_listed(step: Tree) -> bool:
    """Whether its choices stand elsewhere: in a list of the conversation, or in data."""
    return isinstance(step.get("options"), str) or "options_from" in step
