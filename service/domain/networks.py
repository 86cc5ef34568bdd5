"""Whose network a number is on: what was told, or else a guess by its first digits. Dated data, `networks/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse

FOLDER = Path(__file__).parent / "networks"
CODE_LONGEST = 12  # what the columns hold


class NetworksMistake(DataMistake):
    """A file of networks cannot be used; the text names the place and the remedy."""


class Operator(NamedTuple):
    """`code` is what calls and receipts tell (mobile country and network code); `prefixes` are national, a guess."""

    code: str
    name: str
    spellings: tuple[str, ...]
    prefixes: tuple[str, ...]


class Networks(NamedTuple):
    """The operators of one country; "" stands for an operator that nobody knows, and for all of them together."""

    country_code: str
    operators: tuple[Operator, ...]
    by_word: Mapping[str, str]
    by_prefix: Mapping[str, str]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.operators)

    def of(self, number: str, *told: str | None) -> str:
        """The operator's code: the first of `told` that names one wins, else the prefix is asked; "" when neither."""
        heard = (self.recognise(word) for word in told)
        return next(filter(None, heard), "") or self.guess(number)

    def recognise(self, told: str | None) -> str:
        """The code of the operator that a carrier named by code or by name; "" for any other word.

        Only known ones: a word in somebody's request must not make a new operator.
        """
        return self.by_word.get(_plain(told), "") if told else ""

    def guess(self, number: str) -> str:
        """The operator to whom the block of this E.164 number was first given; "" for other countries."""
        start = "+" + self.country_code
        if not self.country_code or not number.startswith(start):
            return ""
        national = number.removeprefix(start)
        return next((self.by_prefix[national[:n]] for n in range(4, 0, -1) if national[:n] in self.by_prefix), "")

    def name(self, code: str) -> str:
        """For people who read a table; a code nobody knows is shown as it is."""
        return next((one.name for one in self.operators if one.code == code), code or "all")


def load_networks(text: str) -> Networks:
    """The operators written in this YAML text; raises NetworksMistake naming the place and the remedy."""
    file = Table(parse(text, NetworksMistake), "networks", NetworksMistake)
    file.where = file.text("networks")
    country_code = file.text("country_code")
    file.text("why")
    file.plain("sources")
    operators = tuple(_operator(part) for part in file.tables("operators"))
    file.done()
    words = [(word, one.code) for one in operators for word in dict.fromkeys(map(_plain, (*one[:2], *one.spellings)))]
    prefixes = [(prefix, one.code) for one in operators for prefix in one.prefixes]
    return Networks(country_code, operators, _once(words, file.where), _once(prefixes, file.where))


@cache
def built_in_networks(country: str = "ML") -> Networks:
    """The operators of a country; none at all where no file was written yet."""
    file = FOLDER / f"{country.lower()}.yaml"
    return load_networks(file.read_text("utf-8")) if file.is_file() else Networks("", (), {}, {})


def _operator(part: Table) -> Operator:
    one = Operator(part.text("code"), part.text("name"), part.maybe_texts("spellings"), part.texts("prefixes"))
    part.one_of("confidence", CONFIDENCES)
    part.done()
    if len(one.code) > CODE_LONGEST:
        raise part.wrong("code", f"{CODE_LONGEST} characters at most")
    if not all(re.fullmatch(r"[0-9]{1,4}", prefix) for prefix in one.prefixes):
        raise part.wrong("prefixes", "one to four digits each")
    return one


def _once(pairs: list[tuple[str, str]], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word, code in pairs:
        if word in found:
            raise NetworksMistake(f"{where}: '{word}' stands for {found[word]} and for {code}")
        found[word] = code
    return found


def _plain(told: str) -> str:
    return re.sub(r"[^a-z0-9]", "", told[:60].casefold())
