"""What the checker needs to be told, and what it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ERROR: Final = "error"
WARNING: Final = "warning"
NOTE: Final = "note"
_LEVELS: Final = {ERROR: 0, WARNING: 1, NOTE: 2}

# Types of arguments and results. One that ends in "?" may be unknown: "date?".
TYPES: Final = ("text", "number", "date", "phone", "choice", "id", "list", "yes_no")


@dataclass(frozen=True, slots=True)
class Signature:
    """An action as a flow may use it. `options`: it gives choices; `writes`: nobody goes back over it.

    Types are those of `TYPES`; "date?" is a date that may be unknown.
    """

    args: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    options: bool = False
    writes: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the checker found: where, how bad, what, and what to do. `check` is its number in `CHECKS`."""

    file: str
    step: str
    language: str
    level: str
    message: str
    check: int
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        step = f" step '{self.step}'" if self.step else ""
        language = f" [{self.language}]" if self.language else ""
        return f"{place}:{step}{language} {self.level} ({CHECKS[self.check]}): {self.message}"


def in_order(findings: list[Finding]) -> list[Finding]:
    """Errors first, then by file and line; the same thing said twice is said once."""
    return sorted(dict.fromkeys(findings), key=lambda each: (_LEVELS[each.level], each.file, each.line, each.check))


CHECKS: Final = {
    1: "the file can be read",
    2: "links lead somewhere",
    3: "every step can be reached",
    4: "every path ends",
    5: "no loop without a question",
    6: "every text in every language",
    7: "every screen fits",
    8: "letters of the GSM alphabet",
    9: "menus and their pages",
    10: "names are known where they are read",
    11: "types",
    12: "branches of a when",
    13: "choices can be told apart",
    14: "keywords",
    15: "actions",
    16: "consent and personal answers",
    17: "nobody goes back over what was written",
    18: "questions before the first writing",
    19: "changed steps say what they replace",
    20: "the same again after a journey through FLOIP",
    21: "no dialling code written out",
    22: "true whenever it is read",
    23: "read by a speaker",
    24: "what must not leave a trace",
    25: "when the line drops",
}
