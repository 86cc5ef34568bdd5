"""Strict reading of the data files beside the rules: what is misspelt or missing is said in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, TypeVar

import yaml

T = TypeVar("T")
CONFIDENCES = ("high", "medium", "low")


class DataMistake(Exception):
    """A data file cannot be used; the text names the place and the remedy."""


class _EveryScalarIsText(yaml.SafeLoader):
    """Dates, numbers and yes/no stay text: the schema gives the type, and a key written twice is an error."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012  # PyYAML's own spelling
        first: [(tag, pattern) for tag, pattern in pairs if tag in ("tag:yaml.org,2002:null",)]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is written twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse(text: str, mistake: type[DataMistake]) -> object:
    """The YAML text as mappings, lists, texts and None; raises `mistake` in one line."""
    try:
        return yaml.load(text, _EveryScalarIsText)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise mistake(f"not readable as YAML: {one_line(error)}") from None
    except (ValueError, RecursionError) as error:
        raise mistake(f"not readable as YAML: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()


class Table:
    """One mapping of a data file, taken key by key. Keys nobody took are a mistake (`done`)."""

    def __init__(self, data: object, where: str, mistake: type[DataMistake]) -> None:
        self.where, self.mistake = where, mistake
        if not isinstance(data, dict):
            raise mistake(f"{where}: expected a mapping of keys to values")
        self.data: dict[str, object] = data
        self.taken: set[str] = set()

    def wrong(self, key: str, wanted: str) -> DataMistake:
        return self.mistake(f"{self.where}: '{key}' must be {wanted}, not {self.data.get(key)!r}")

    def has(self, key: str) -> bool:
        return self.data.get(key) is not None

    def take(self, key: str) -> object:
        self.taken.add(key)
        if key not in self.data:
            raise self.mistake(f"{self.where}: '{key}' is missing")
        return self.data[key]

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "a text")
        return value.strip()

    def whole(self, key: str, low: int = 0) -> int:
        value = self.take(key)
        if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,6}", value) or int(value) < low:
            raise self.wrong(key, f"a whole number, {low} or more")
        return int(value)

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise self.wrong(key, "one of " + ", ".join(allowed))
        return value

    def yes(self, key: str) -> bool:
        """False when the key is absent."""
        self.taken.add(key)
        return self.has(key) and self.one_of(key, ("true", "false")) == "true"

    def maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        """None when the key is absent or null, else what `read` makes of it."""
        self.taken.add(key)
        return read(key) if self.has(key) else None

    def day(self, key: str) -> date:
        try:
            return date.fromisoformat(self.text(key))
        except ValueError:
            raise self.wrong(key, "a date like 2026-02-28") from None

    def hour(self, key: str) -> time:
        return self.read_hour(key, self.text(key))

    def read_hour(self, key: str, written: str) -> time:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", written):
            raise self.wrong(key, "an hour like 09:00")
        return time.fromisoformat(written)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def maybe_texts(self, key: str) -> tuple[str, ...]:
        return self.maybe(key, self.texts) or ()

    def tables(self, key: str) -> list[Table]:
        """A list of mappings, each knowing its place."""
        value = self.take(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return [Table(item, f"{self.where}: {key} {n}", self.mistake) for n, item in enumerate(value, 1)]

    def table(self, key: str) -> Table:
        return Table(self.take(key), f"{self.where}: {key}", self.mistake)

    def named(self, key: str) -> dict[str, Table]:
        """A mapping of names to mappings, in the file's order."""
        inside = self.table(key)
        return {str(name): inside.table(name) for name in inside.data}

    def plain(self, key: str) -> Mapping[str, str]:
        """A mapping of names to texts."""
        inside = self.table(key)
        return {str(name): inside.text(name) for name in inside.data}

    def done(self) -> None:
        """Raises when a key was not understood: a misspelt key must not be silently ignored."""
        left = sorted(str(key) for key in self.data if key not in self.taken)
        if left:
            known = ", ".join(sorted(self.taken))
            raise self.mistake(f"{self.where}: '{left[0]}' is not a key here; known: {known}")
