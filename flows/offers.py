"""Two lines to choose from, asked around a conversation and not inside one: go on or start again, stay or leave."""

from typing import Final, Literal

from flows import words
from flows.answers import Unclear
from flows.model import Handset
from flows.phrases import standard
from flows.progress import Shown
from flows.reading import chosen
from flows.screens import in_front, pages_of_question

Offer = Literal["resume", "leave"]
_LINES: Final[dict[Offer, tuple[str, str]]] = {
    "resume": ("resume.go_on", "resume.afresh"),
    "leave": ("leave.stay", "leave.go"),
}


def screen_of(offer: Offer, title: str, language: str, handset: Handset, *, again: bool = False) -> str:
    """The question with its two lines; `again`: with the help of somebody whose answer was not understood."""
    question = standard().folded(f"{offer}.ask", language, title=title)
    page = pages_of_question(
        "", question, _labels(offer, language), can_go_back=False, language=language, handset=handset
    )[0]
    helped = in_front(words.help_with_choice(2, language), page, handset) if again else None
    return (helped or page).text


def goes_on(offer: Offer, typed: str, language: str) -> bool | None:
    """True for the first line (go on), False for the second, None when neither was meant."""
    choices = [("on", _labels(offer, language)[0]), ("off", _labels(offer, language)[1])]
    try:
        return chosen(typed, choices, Shown(0, 2)) == "on"
    except Unclear:
        return None


def _labels(offer: Offer, language: str) -> tuple[str, str]:
    go_on, other = _LINES[offer]
    return words.say(go_on, language), words.say(other, language)
