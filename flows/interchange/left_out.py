"""The report of an import: one line for everything that is not in the flow as it was in the other form."""

from dataclasses import dataclass, field
from typing import Final

# Somebody reads these lines; a file that fills more of them is better read itself.
_MOST_LINES: Final = 400
_LONGEST: Final = 400
_LONGEST_LIST: Final = 2000


class NotCarried(Exception):
    """This rule has no form in a conversation; the message says why, to follow "is not carried over:"."""


@dataclass(slots=True)
class Report:
    """Lines in the order things were met, each said once. `left_out` is lost, `changed` is there in another way."""

    _lines: dict[str, None] = field(default_factory=dict)
    _together: dict[str, dict[str, None]] = field(default_factory=dict)

    def left_out(self, where: str, what: str, why: str) -> None:
        self._add(f"{where}: {what} is not carried over: {why}")

    def changed(self, where: str, how: str) -> None:
        self._add(f"{where}: {how}")

    def also(self, matter: str, where: str) -> None:
        """One more place for a matter that is told once, with all its places."""
        self._together.setdefault(matter, {})[where] = None

    def lines(self) -> list[str]:
        """Everything said. More lines than anybody reads are counted instead."""
        together = [
            _short(f"{matter}: {', '.join(places)}", _LONGEST_LIST) for matter, places in self._together.items()
        ]
        lines = [*self._lines, *together]
        if len(lines) > _MOST_LINES:
            rest = len(lines) - _MOST_LINES
            return [*lines[:_MOST_LINES], f"and {rest} more lines like these: cut the form into smaller ones"]
        return lines

    def _add(self, line: str) -> None:
        self._lines[_short(line)] = None


def quoted(words: str, most: int = 60) -> str:
    """Somebody else's words as a report shows them: on one line, and not too many."""
    line = " ".join(words.split())
    return f"'{line if len(line) <= most else line[: most - 3] + '...'}'"


def at(place: str, name: str) -> str:
    return f"{place} '{name}'" if place else f"'{name}'"


def _short(line: str, most: int = _LONGEST) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in line)
    return plain if len(plain) <= most else plain[: most - 3] + "..."
