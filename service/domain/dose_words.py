"""`VU 4821 7730 PENTA2 OPV2 12/11`: what a mediator writes of doses that were given, read as thumbs type it.

`ANNULE` in the place of VU takes them back. Lists of doses have the same words in their cells.

Kind, but never guessing: what could be two things is said to be unclear, and nothing is written down.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse
from service.domain.vaccine_calendar import Calendar

FOLDER: Final = Path(__file__).parent / "spellings"
LONGEST: Final = 320
"""Two SMS; a longer text is no report, and takes no longer to refuse."""
CODE_DIGITS: Final = (4, 8)
"""A code whole, or its first half as it is shown, "4821 7730"."""
MOST_WORDS_OF_A_NAME: Final = 4

_REPORT: Final = re.compile(r"\W*(?:VU(?:E|S|ES)?|V\.\s?U\.?)(?=[\W\d_]|$)")
_ANNULMENT: Final = re.compile(r"\W*ANNUL(?:E|ER|EZ|ES|EE|ATION)(?=[\W\d_]|$)")
_CODE: Final = re.compile(r"[\W_]*(\d+(?:[\s.\-]+\d+)*)(?![/\d])")
_DAY: Final = re.compile(
    r"\b(?:\d{1,2}[/.\-]\d{1,2}(?:[/.\-](?:\d{4}|\d{2}))?|\d{8}|\d{6}|HIER|AUJ(?:OURD\W?HUI)?)\b(?![/.\-]?\d)"
)
_TWO_NUMBERS: Final = re.compile(r"(\d{1,2})[.\-](\d{1,2})")
_AROUND: Final = " .,;:!?"
_BESIDE: Final = frozenset(
    word
    for words in ("A AU AVEC DATE DE DES DOSE DOSES DU ET", "LA LE LES MERCI SVP VACCIN VACCINS")
    for word in words.split()
)


Trouble = Literal["words", "code", "day", "unknown", "same_day"]


class NotRead(Exception):
    """The report could not be read; `word` is what is unclear, in capitals without accents, or empty."""

    def __init__(self, trouble: Trouble, word: str = "") -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble
        self.word = word


class SpellingMistake(DataMistake):
    """A file of spellings cannot be used; the text names the place and the remedy."""


class DoseWord(NamedTuple):
    """An antigen, and which dose of it was written; None when no number was."""

    antigen: str
    number: int | None


class Report(NamedTuple):
    """`code` has four or eight digits. `day` is as it was written, empty for the day it arrives."""

    code: str
    doses: tuple[DoseWord, ...]
    day: str


def is_report(text: str) -> bool:
    """Whether an SMS is meant as one: VU alone, or VU and something with a digit. "Vu que le centre..." is not."""
    return rest_after(_REPORT, text) is not None


def is_annulment(text: str) -> bool:
    """The same of ANNULE."""
    return rest_after(_ANNULMENT, text) is not None


def rest_after(begins: re.Pattern[str], text: str, *, whole: bool = False) -> str | None:
    """What stands after the word that a report begins with, in capitals without accents; None when it is no report.

    Empty when nothing does. `whole`: empty too when the text is longer than any report.
    """
    plain = plain_capitals(text[: LONGEST + 1])
    found = begins.match(plain)
    if found is None:
        return None
    rest = plain[found.end() :].strip(_AROUND)
    if whole and len(plain) > LONGEST:
        return ""
    return rest if not rest or any(sign.isdigit() for sign in rest) else None


def take_code_and_day(rest: str) -> tuple[str, str, str]:
    """The code that stands first, the day if one is written, and what is left; raises NotRead."""
    found = _CODE.match(rest)
    code = re.sub(r"\D", "", found[1]) if found else ""
    if found is None or len(code) not in CODE_DIGITS:
        raise NotRead("code")
    left, day = take_day(rest[found.end() :])
    return code, day, left


def take_day(plain: str) -> tuple[str, str]:
    """The rest, and the one day in these capitals as it was written, empty when there is none; raises NotRead."""
    days = _DAY.findall(plain)
    if len(days) > 1:
        raise NotRead("day")
    return _DAY.sub(" ", plain), days[0] if days else ""


def read_report(text: str, calendar: Calendar) -> Report:
    """What was written; raises NotRead. Every dose is one of the calendar's."""
    return _read(_REPORT, text, calendar)


def read_annulment(text: str, calendar: Calendar) -> Report:
    """What is to be taken back; raises NotRead."""
    return _read(_ANNULMENT, text, calendar)


def read_doses(text: str, calendar: Calendar) -> tuple[DoseWord, ...]:
    """The doses in a cell, 'PENTA2' or 'penta 2, vpo 2'; raises NotRead."""
    if len(text) > LONGEST:
        raise NotRead("words")
    return _all_doses(plain_capitals(text), calendar)


def written(dose: DoseWord) -> str:
    """PENTA2; PENTA when no number was written."""
    return f"{dose.antigen}{'' if dose.number is None else dose.number}"


def _read(begins: re.Pattern[str], text: str, calendar: Calendar) -> Report:
    rest = rest_after(begins, text, whole=True)
    if not rest:
        raise NotRead("words")
    code, day, rest = take_code_and_day(rest)
    doses = _all_doses(rest, calendar)
    if _may_be_numbers(day, doses, calendar):
        raise NotRead("day")
    return Report(code, doses, day)


def _may_be_numbers(day: str, doses: tuple[DoseWord, ...], calendar: Calendar) -> bool:
    """PENTA 2-3 may be the second of March, or two doses of one vaccine."""
    found = _TWO_NUMBERS.fullmatch(day)
    if found is None:
        return False
    written = {int(found[1]), int(found[2])}
    known = (_numbers(calendar, dose.antigen) for dose in doses if dose.number is None)
    return any(len(numbers) > 1 and written <= set(numbers) for numbers in known)


def _all_doses(plain: str, calendar: Calendar) -> tuple[DoseWord, ...]:
    doses = tuple(_doses(re.findall(r"[A-Z]+\d*|\d+", plain), calendar))
    if not doses:
        raise NotRead("words")
    _once(doses)
    return doses


def _doses(words: list[str], calendar: Calendar) -> Iterator[DoseWord]:
    """Each name with its number, written together or apart: PENTA2, PENTA 2, MEN A, FIEVRE JAUNE."""
    names, place = _names(calendar), 0
    while place < len(words):
        for size in range(min(MOST_WORDS_OF_A_NAME, len(words) - place), 0, -1):
            dose = _dose("".join(words[place : place + size]), names, calendar)
            if dose is not None:
                yield dose
                place += size
                break
        else:
            if words[place] not in _BESIDE:
                raise NotRead("unknown", words[place])
            place += 1


def _dose(word: str, names: Mapping[str, str], calendar: Calendar) -> DoseWord | None:
    if word in names:
        return DoseWord(names[word], None)
    name, number = word[:-1], word[-1]
    if not number.isdigit() or name not in names:
        return None
    dose = DoseWord(names[name], int(number))
    if dose.number not in _numbers(calendar, dose.antigen):
        raise NotRead("unknown", word)
    return dose


def _once(doses: tuple[DoseWord, ...]) -> None:
    """An antigen is given once a day: PENTA1 and PENTA2 in one report are a slip."""
    seen: set[str] = set()
    for antigen, number in doses:
        if antigen in seen:
            raise NotRead("same_day", written(DoseWord(antigen, number)))
        seen.add(antigen)


def _numbers(calendar: Calendar, antigen: str) -> range:
    """The numbers that doses of this antigen have; 0 is a birth dose."""
    series = [one for one in calendar.series.values() if one.record_as == antigen]
    most = max(len(one.doses) for one in series if one.birth_dose_of is None)
    return range(0 if any(one.birth_dose_of for one in series) else 1, most + 1)


# --- spellings ----------------------------------------------------------------------------------------------


@cache
def _names(calendar: Calendar) -> Mapping[str, str]:
    """Every written name without spaces -> antigen, of the antigens that the calendar has."""
    antigens = {one.record_as for one in calendar.series.values()}
    file = FOLDER / f"{calendar.country.lower()}.yaml"
    spelt = load_spellings(file.read_text("utf-8")) if file.is_file() else {}
    others = {word: antigen for word, antigen in spelt.items() if antigen in antigens and word not in antigens}
    return {antigen: antigen for antigen in antigens} | others


def load_spellings(text: str) -> Mapping[str, str]:
    """The spellings written in this YAML text, without spaces, each with its antigen; raises SpellingMistake."""
    file = Table(parse(text, SpellingMistake), "spellings", SpellingMistake)
    file.where = file.text("spellings")
    file.text("why")
    file.plain("sources")
    found: dict[str, str] = {}
    for antigen, part in file.named("antigens").items():
        part.one_of("confidence", CONFIDENCES)
        for word in part.texts("written"):
            plain = re.sub(r"[^A-Z0-9]", "", plain_capitals(word))
            if plain in found:
                raise SpellingMistake(f"{part.where}: '{word}' stands for {found[plain]} already")
            found[plain] = antigen
        part.done()
    file.done()
    return found


def plain_capitals(text: str) -> str:
    """Capitals without accents; what is no letter, digit or sign of a plain phone is a space."""
    letters = unicodedata.normalize("NFKD", text).upper()
    return "".join(sign if sign.isascii() else " " for sign in letters if not unicodedata.combining(sign)).strip()
