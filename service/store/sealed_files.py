"""Files sealed to public keys in the age format (age-encryption.org): whoever writes one cannot read it again.

Everything streams: a database of a gigabyte takes a second and no memory to speak of. What comes out was proved piece
by piece, and a file that was cut short is known at its end: act only once `unseal` has returned.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

PRIVATE, PUBLIC = "AGE-SECRET-KEY-1", "age1"


class CannotUnseal(Exception):
    """It does not open with these keys, or it is not what was written; the text says which, and names no key."""


class Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Writer(Protocol):
    def write(self, piece: bytes, /) -> object: ...


def seal(source: Reader, target: Path, public_keys: Sequence[str]) -> int:
    """Write `source` sealed into the new file `target` (0600) and onto the disk; gives its size.

    When anything fails, or somebody interrupts, nothing of it stays.
    """
    import pyrage

    recipients = [pyrage.x25519.Recipient.from_str(key) for key in public_keys]
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            _run(pyrage.encrypt_io, _Reading(source), _Writing(file), recipients)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise


def unseal(source: Path, private_keys: Sequence[str], target: Writer) -> None:
    """Write what is sealed in `source` to `target`; raises CannotUnseal, at the latest at its end."""
    import pyrage

    identities = [pyrage.x25519.Identity.from_str(key) for key in private_keys]
    with source.open("rb") as file:
        try:
            _run(pyrage.decrypt_io, _Reading(file), _Writing(target), identities)
        except pyrage.DecryptError as reason:
            if "matching keys" in str(reason):
                raise CannotUnseal("this private key does not open it: it was sealed to others") from None
            raise CannotUnseal("it is no sealed file, or its beginning was changed") from None
        except _Stopped as trouble:
            raise CannotUnseal("it is damaged: cut short, or changed after it was written") from trouble.__cause__


def new_pair() -> tuple[str, str]:
    """A new private key and its public one. The private one is written down nowhere here."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def is_public_key(text: str) -> bool:
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def private_keys(text: str) -> list[str]:
    """The keys in a file of age-keygen's form; raises CannotUnseal when it holds none."""
    import pyrage

    found = [line.strip() for line in text.splitlines() if line.strip().startswith(PRIVATE)]
    try:
        for key in found:
            pyrage.x25519.Identity.from_str(key)
    except pyrage.IdentityError:
        raise CannotUnseal("a line of the private key's file was changed or cut") from None
    if not found:
        raise CannotUnseal(f"the private key's file has no line that begins with {PRIVATE}")
    return found


def public_key_of(private_key: str) -> str:
    import pyrage

    return str(pyrage.x25519.Identity.from_str(private_key).to_public())


class _Stopped(Exception):
    """The library stopped by itself, not because of the reader or the writer."""


class _Reading:
    def __init__(self, source: Reader) -> None:
        self._source, self.trouble = source, None

    def read(self, size: int = -1) -> bytes:
        return _remembered(self, self._source.read, size)  # type: ignore[no-any-return]


class _Writing:
    def __init__(self, target: Writer) -> None:
        self._target, self.trouble = target, None

    def write(self, piece: bytes) -> int:
        _remembered(self, self._target.write, piece)
        return len(piece)

    def flush(self) -> None:
        pass


def _remembered(side: Any, call: Any, argument: Any) -> Any:
    """The library makes its own error of whatever happens in here, Ctrl-C too: the true one is kept."""
    try:
        return call(argument)
    except BaseException as trouble:
        side.trouble = trouble
        raise


def _run(work: Any, reading: _Reading, writing: _Writing, keys: Sequence[Any]) -> None:
    try:
        work(reading, writing, keys)
    except OSError as stopped:
        _raise_trouble_of(reading, writing)
        raise _Stopped from stopped
    except Exception:
        _raise_trouble_of(reading, writing)
        raise


def _raise_trouble_of(*sides: _Reading | _Writing) -> None:
    for side in sides:
        if side.trouble is not None:
            raise side.trouble
