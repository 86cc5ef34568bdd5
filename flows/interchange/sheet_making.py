"""A flow in the making while its sheet is read: the tree so far, and the cell each thing in it came from."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from flows.interchange.sheet_cells import Cell
from flows.interchange.sheet_lines import Line, Problems
from flows.model import LANGUAGES

Tree: TypeAlias = dict[str, Any]
# Where something stands in the tree: ("steps", "chef", "max").
Path: TypeAlias = tuple[str, ...]
# The last part of a path that means the name of a thing, and not what is under it.
NAME: Final = "@"

_IN_WORDS: Final = "en {first} au moins, ou une fois pour toutes les langues dans « toutes »"


@dataclass(slots=True)
class Sheet:
    """What a sheet says: the flow as its file would say it, and the cell of everything in it."""

    file: str
    tree: Tree = field(default_factory=dict)
    places: dict[Path, str] = field(default_factory=dict)
    texts: list[tuple[Path, Cell]] = field(default_factory=list)
    targets: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def place_of(self, path: Path) -> str:
        """The cell of this, or of the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, "A2")


@dataclass(slots=True)
class Making:
    """The sheet so far with its problems, and how lines are put into it."""

    sheet: Sheet
    problems: Problems
    text_lines: list[tuple[Line, frozenset[str]]] = field(default_factory=list)

    def put(self, inside: Tree, key: str, value: Any, path: Path, ref: str) -> None:
        inside[key] = value
        self.sheet.places[path] = ref

    def put_text(self, inside: Tree, key: str, line: Line, path: Path) -> None:
        """The words of the line, under their languages. Whether the first language is there is judged at the end."""
        texts = line.texts()
        self.put(inside, key, {language: cell.text for language, cell in texts.items()}, path, line.ref("kind"))
        self.text_lines.append((line, frozenset(texts)))
        for language, cell in texts.items():
            self.sheet.places[(*path, language)] = cell.ref
            self.sheet.texts.append(((*path, language), cell))

    def put_target(self, inside: Tree, key: str, line: Line, column: str, path: Path) -> None:
        """The step a caller goes to; whether it exists is judged at the end."""
        word = line.id(column)
        self.sheet.targets.append(Cell(line.ref(column), word))
        self.put(inside, key, word, path, line.ref(column))

    def is_new(self, inside: Tree, key: str, line: Line, problem: str, column: str = "name") -> bool:
        if key in inside:
            self.refuse(line, column, f"{problem} : donnez un autre nom, ou ôtez la ligne")
        return key not in inside

    def refuse(self, line: Line, column: str, problem: str) -> None:
        """A line that cannot be used at all: one problem is told, not one for each of its cells."""
        self.problems.tell(line.ref(column), problem)
        line.leave()

    def judge_languages(self, line: Line) -> None:
        """Every language of the flow has its column, every text the first of them, and no other column has words."""
        written = self.sheet.tree["languages"]
        languages = [each for each in written if each in LANGUAGES] if isinstance(written, list) else []
        place = self.sheet.places.get(("languages",), line.ref("value"))
        for language in languages:
            if language not in line.columns:
                remedy = f"ajoutez une colonne « {language} » à droite du dernier titre, ou ôtez {language} d'ici"
                self.problems.tell(place, f"la langue « {language} » n'a pas de colonne : {remedy}")
        for path, cell in self.sheet.texts:
            if path[-1] not in ("all", *languages):
                remedy = f"ajoutez {path[-1]} en {place}, ou videz la cellule"
                self.problems.tell(cell.ref, f"« {path[-1]} » n'est pas une langue de cette conversation : {remedy}")
        first = languages[0] if languages else "fr"
        for line, said in self.text_lines:
            if not said & {"all", first}:
                remedy = _IN_WORDS.format(first=first)
                self.problems.tell(line.ref(first), f"il manque le texte : écrivez-le, {remedy}")
