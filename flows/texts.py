"""Words for people with their `{names}`, in every language, made ready for the wire when they are read.

The true spelling is kept as written. Its folding to GSM 7-bit letters is done once here, not at every keystroke.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from flows.sms_text import EXTENSION, fit, fold, units

# Words and names by turns: ("Demande ", "numero", ". Merci."). Names stand at the odd places.
Template: TypeAlias = tuple[str, ...]

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}", re.ASCII)
_TWICE: Final = re.compile(f"[{re.escape(EXTENSION)}]")


@dataclass(frozen=True, slots=True)
class Text:
    """One text. `written` is what the author wrote: by language, or under `all` for every language.

    `true` and `folded` have every language of the flow; one that was not written has the first one's words.
    """

    written: Mapping[str, str]
    true: Mapping[str, Template]
    folded: Mapping[str, Template]
    line: int = field(default=0, compare=False)

    @property
    def names(self) -> frozenset[str]:
        """Every name put into the text, in whichever language."""
        return frozenset(name for template in self.true.values() for name in template[1::2])

    def says(self, language: str) -> bool:
        """Whether the author wrote this language, with words in it."""
        return bool(self.written.get(language, self.written.get("all", "")).strip())


def compile_text(written: Mapping[str, str], languages: tuple[str, ...], line: int = 0) -> Text:
    """The text ready to be said. ValueError tells of a brace that is no `{name}`."""
    templates = {language: template_of(words) for language, words in written.items()}
    usual = next((templates[each] for each in ("all", *languages) if each in templates), ("",))
    true = {language: templates.get(language, usual) for language in languages}
    folded = {language: tuple(_folded(template)) for language, template in true.items()}
    return Text(dict(written), true, folded, line)


def template_of(words: str) -> Template:
    """Words and names by turns. ValueError tells of a brace that is no `{name}`."""
    parts = tuple(_SLOT.split(words))
    for loose in parts[::2]:
        if "{" in loose or "}" in loose:
            raise ValueError(f'"{words}" has a brace that is no {{name}}; names are small plain letters, as in {{nom}}')
    return parts


def fill(template: Template, shown: Callable[[str], str]) -> str:
    """The words with every name replaced by what `shown` makes of it."""
    if len(template) == 1:
        return template[0]
    return "".join([shown(part) if place & 1 else part for place, part in enumerate(template)])


def width(text: str) -> int:
    """`units` of a folded text, at a third of its price where no character counts twice, as in nearly all of ours."""
    return len(text) if _TWICE.search(text) is None else units(text)


def shortened(text: str, limit: int) -> str:
    """The folded text, cut to `limit` septets if it is longer."""
    return text if width(text) <= limit else fit(text, limit)


def _folded(template: Template) -> list[str]:
    return [part if place & 1 else fold(part) for place, part in enumerate(template)]
