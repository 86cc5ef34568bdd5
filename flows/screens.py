"""From words and numbered lines to the pages a handset can show: never over the limit, never cut short.

What fits on one screen stays on one. A longer text turns page by page at its spaces; a longer menu gets pages that each
number their choices from 1, so that one key is always enough and never one of the two page keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.model import Handset
from flows.progress import Shown
from flows.sms_text import fit
from flows.texts import shortened, width
from flows.words import foot, help_with_choice, say


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    shown: Shown


def most_choices(handset: Handset) -> int:
    """Choices on one page: all digits below the key that turns it."""
    return min(int(handset.more) - 1, 9) if handset.more.isdecimal() and int(handset.more) > 1 else 8


def pages_of_question(
    said: str, question: str, labels: Sequence[str], *, can_go_back: bool, language: str, handset: Handset
) -> list[Page]:
    """The pages of a question. What was said before it stands on its first page if all fits on one, else before it."""
    whole = f"{said}\n{question}" if said else question
    one = _one_page(whole, labels, can_go_back, language, handset)
    if one is not None:
        return [one]
    before = _word_pages(said, can_go_back, language, handset) if said else []
    back = can_go_back or bool(before)
    one = _one_page(question, labels, back, language, handset) if before else None
    if one is not None:
        return [*before, one]
    if not labels:
        return [*before, *_long_question(question, back, language, handset)]
    return [*before, *_long_menu(question, labels, back, language, handset)]


def pages_of_end(said: str, *, language: str, handset: Handset) -> list[Page]:
    """The pages of the last words; nothing can be typed after the last one."""
    if width(said) <= handset.limit:
        return [Page(said, Shown())]
    parts = cut(said, _room(False, language, handset), handset.limit)
    return [*_turned(parts[:-1], False, language, handset), Page(parts[-1], Shown())]


def in_front(notice: str, page: Page, handset: Handset) -> Page | None:
    """The same page with a notice above it, if that fits."""
    text = f"{notice}\n{page.text}"
    return Page(text, page.shown) if width(text) <= handset.limit else None


def with_start(text: str, language: str, handset: Handset) -> str:
    """The page with the key to the first menu in its last line, where there is a way back and room to tell."""
    keys = foot(language, "", handset.back)
    longer = f"{text} {handset.start} {say('start', language)}"
    return longer if text.endswith(keys) and width(longer) <= handset.limit else text


def cut(text: str, room: int, last_room: int | None = None) -> list[str]:
    """The text in pieces of at most `room` septets, cut at spaces; nothing but the spaces at the cuts is left out."""
    pieces = []
    rest = text.strip()
    while width(rest) > room and (last_room is None or width(rest) > last_room):
        piece = fit(rest, room)
        if not rest[len(piece)].isspace():
            edge = max(piece.rfind(" "), piece.rfind("\n"))
            piece = piece[:edge] if edge > 0 else piece
        pieces.append(piece.rstrip())
        rest = rest[len(piece) :].lstrip()
    return [*pieces, rest]


def _one_page(words: str, labels: Sequence[str], can_go_back: bool, language: str, handset: Handset) -> Page | None:
    if len(labels) > most_choices(handset):
        return None
    text = _with_foot(_with_choices(words, labels), "", handset.back if can_go_back else "", language)
    return Page(text, Shown(0, len(labels))) if width(text) <= handset.limit else None


def _word_pages(words: str, can_go_back: bool, language: str, handset: Handset) -> list[Page]:
    return _turned(cut(words, _room(can_go_back, language, handset)), can_go_back, language, handset)


def _turned(pieces: Sequence[str], can_go_back: bool, language: str, handset: Handset) -> list[Page]:
    """Pages that hold only words, each with the key for the next."""
    shown = Shown(0, 0, more=True, asks=False)
    backs = [handset.back if can_go_back or place else "" for place, _ in enumerate(pieces)]
    feet = [_with_foot(piece, handset.more, back, language) for piece, back in zip(pieces, backs, strict=True)]
    return [Page(text, shown) for text in feet]


def _long_question(question: str, can_go_back: bool, language: str, handset: Handset) -> list[Page]:
    pieces = cut(question, _room(can_go_back, language, handset))
    last = _with_foot(pieces[-1], "", handset.back if can_go_back or len(pieces) > 1 else "", language)
    return [*_turned(pieces[:-1], can_go_back, language, handset), Page(last, Shown())]


def _long_menu(question: str, labels: Sequence[str], can_go_back: bool, language: str, handset: Handset) -> list[Page]:
    """The question stands on the first page only: whoever turns it knows what was asked, and more choices fit."""
    # A wrong answer gets its help above the same page.
    room = _room(True, language, handset) - width(help_with_choice(most_choices(handset), language)) - 1
    longest = max(width(label) for label in labels) + len("1 \n")
    words: list[Page] = []
    if width(question) + longest > room:
        words = _word_pages(question, can_go_back, language, handset)
        question = ""
    pages: list[Page] = []
    first = 0
    while first < len(labels):
        heading = question if first == 0 else ""
        count = _how_many_fit(heading, labels[first:], room, handset)
        lines = [shortened(label, room - len("1 \n")) for label in labels[first : first + count]]
        more = first + count < len(labels)
        back = handset.back if can_go_back or words or first else ""
        text = _with_foot(_with_choices(heading, lines), handset.more if more else "", back, language)
        pages.append(Page(text, Shown(first, count, more)))
        first += count
    return [*words, *pages]


def _how_many_fit(question: str, labels: Sequence[str], room: int, handset: Handset) -> int:
    used = width(question)
    for count, label in enumerate(labels[: most_choices(handset)]):
        used += width(label) + len("1 \n")
        if used > room + (0 if question else 1):
            return max(count, 1)
    return min(len(labels), most_choices(handset))


def _room(can_go_back: bool, language: str, handset: Handset) -> int:
    """Septets left for words on a page that can be turned; any page but the first can be turned back."""
    return handset.limit - width(foot(language, handset.more, handset.back)) - 1


def _with_choices(words: str, labels: Sequence[str]) -> str:
    lines = [words] if words else []
    return "\n".join([*lines, *[f"{place} {label}" for place, label in enumerate(labels, 1)]])


def _with_foot(text: str, more: str, back: str, language: str) -> str:
    keys = foot(language, more, back)
    if not keys:
        return text
    return f"{text}\n{keys}" if text else keys
