"""One request as it came, and the four ways in which carriers write one: form, query, JSON, XML.

Read by hand: decoded exactly once, and at half the price of the framework's parser on the road of every keystroke.
Whatever is no well-made request is Unreadable, and its text never holds what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

from service.channels.base import Fields, TooMuch, Unreadable

LARGEST_BODY = 16 * 1024
MOST_FIELDS = 50
FORM = "application/x-www-form-urlencoded"


class Raw(NamedTuple):
    """Nothing is decoded before the channel whose address was called says how: `Channel.fields`."""

    method: str
    path: str
    query: bytes  # what stands behind the `?`, octet for octet
    content_type: str  # in small letters, without its parameters
    body: bytes

    @property
    def path_and_query(self) -> str:
        """What a carrier signs: the request line's address, its query undecoded."""
        return f"{self.path}?{self.query.decode('latin-1')}" if self.query else self.path

    def form_fields(self) -> Fields:
        """The form in the body, as often as each field came; only a small UTF-8 form is taken."""
        self._needs(FORM)
        return Fields(_pairs(self._text("the form")))

    def query_fields(self) -> Fields:
        """The query of the address, in UTF-8."""
        try:
            query = self._small_query().decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable("the query is not in UTF-8") from None
        return Fields(_pairs(query))

    def query_octets(self) -> list[tuple[str, bytes]]:
        """The query of the address; its values as octets, for a carrier that puts other alphabets there."""
        pieces = [piece.partition(b"=") for piece in self._small_query().split(b"&") if piece]
        if len(pieces) > MOST_FIELDS:
            _too_many()
        return [
            (unquote_to_bytes(name).decode("utf-8", "replace"), unquote_to_bytes(value.replace(b"+", b" ")))
            for name, _, value in pieces
        ]

    def json_fields(self) -> Fields:
        """The leaves of a JSON body, named by their path: `inbound.message.0.text`; what is null is absent."""
        self._needs("application/json")
        try:
            found = json.loads(
                self._text("the JSON"), object_pairs_hook=_Table, parse_int=str, parse_float=str, parse_constant=str
            )
            return _few(_leaves("", found))
        except (ValueError, RecursionError):
            raise Unreadable("the body is not JSON") from None

    def xml_fields(self) -> Fields:
        """The elements of an XML body that hold no others, named by their path below the root: `message.text`."""
        self._needs("text/xml", "application/xml")
        return _few(_Elements(self.body).found)

    def _needs(self, *kinds: str) -> None:
        if self.content_type not in kinds:
            raise Unreadable(f"send {kinds[0]}")

    def _text(self, what: str) -> str:
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable(f"{what} is not in UTF-8") from None

    def _small_query(self) -> bytes:
        if len(self.query) > LARGEST_BODY:
            raise TooMuch("the query is too long")
        return self.query


def _pairs(text: str) -> list[tuple[str, str]]:
    if text.count("&") >= MOST_FIELDS:
        _too_many()
    pieces = [piece.partition("=") for piece in text.split("&") if piece]
    if not pieces:
        raise Unreadable("no form fields")
    return [(_unescaped(name), _unescaped(value)) for name, _, value in pieces]


def _unescaped(written: str) -> str:
    """What stood there before a form was made of it; octets that are no UTF-8 become the sign for that."""
    plain = written.replace("+", " ")
    if "%" in plain:
        plain = plain.replace(
            "%2A", "*"
        )  # nearly all that is escaped in what people key; no other escape is made by it
    return unquote_to_bytes(plain).decode("utf-8", "replace") if "%" in plain else plain


def _few(pairs: Iterable[tuple[str, str]]) -> Fields:
    found = []
    for pair in pairs:
        found.append(pair)
        if len(found) > MOST_FIELDS:
            _too_many()
    return Fields(found)


def _too_many() -> NoReturn:
    raise TooMuch(f"more than {MOST_FIELDS} fields")


class _Table(list[tuple[str, Any]]):
    """A JSON object with every name as often as it came."""


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        named = value if isinstance(value, _Table) else enumerate(value)
        for name, inner in named:
            yield from _leaves(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif value is not None:
        yield path, str(value)


class _Elements:
    """The leaves of a small XML document. A document type is refused: entities are how XML grows without end."""

    def __init__(self, body: bytes) -> None:
        self.found: list[tuple[str, str]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._is_leaf = False
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, ValueError, LookupError):
            raise Unreadable("the body is not XML") from None

    def _start(self, name: str, _: object) -> None:
        self._path.append(name)
        self._text.clear()
        self._is_leaf = True

    def _end(self, _: str) -> None:
        if self._is_leaf and len(self._path) > 1 and len(self.found) <= MOST_FIELDS:
            self.found.append((".".join(self._path[1:]), "".join(self._text)))
        self._is_leaf = False
        self._path.pop()

    def _refuse(self, *_: object) -> None:
        raise Unreadable("the XML has a document type")
