"""A file of settings, as systemd's `EnvironmentFile=` reads it: a person and a timer have what the services have.

# a remark
LASELI_ROUTES=kannel
LASELI_ORGANISATION="Suivi vaccinal, Commune III"
"""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")


class NoSettings(Exception):
    """The file cannot be used. What it says quotes no value: values are secrets."""


def use(file: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Put the file's lines into the environment; what is set there already stays."""
    for name, value in read(file).items():
        environment.setdefault(name, value)


def read(file: Path) -> dict[str, str]:
    """The variables of the file, in its order; a name that stands twice has its last value."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise NoSettings(f"{file} is not a text file in UTF-8") from None
    except OSError as reason:
        raise NoSettings(f"{file}: {reason.strerror}; run this as its owner, or name another with --settings") from None
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith(("#", ";")):
            name, value = _parted(line, f"{file}, line {number}")
            found[name] = value
    return found


def _parted(line: str, place: str) -> tuple[str, str]:
    matched = _LINE.fullmatch(line)
    if matched is None:
        raise NoSettings(f"{place}: write NAME=value, without `export` and without blanks around =")
    name, value = matched.groups()
    value = value.strip()
    if value[:1] in ('"', "'"):
        # systemd would join what follows the second quote; whoever writes that meant something else.
        if len(value) < 2 or value[-1] != value[0] or value[0] in value[1:-1] or "\\" in value:
            raise NoSettings(f"{place}: the quotes of {name} do not fit; one at the beginning, one at the end, no \\")
        return name, value[1:-1]
    if re.search(r"\s#|\\", value):
        # systemd keeps a remark behind a value as a part of it, and reads a backslash in its own way.
        raise NoSettings(f"{place}: put the value of {name} into quotes, and a remark on a line of its own")
    return name, value
