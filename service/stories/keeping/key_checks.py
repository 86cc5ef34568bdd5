"""Whether the settings' keys are those of this database: serving with others would ignore every STOP."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.store.system_tables import drop_marks, mark, marks, read_mark
from service.store.vault import CannotOpen, Vault

KEY_CHECK = "key_check"
"""Mark: the index of these words by the key that everybody stands under, them sealed, and the number of that key."""
OLDER = "index_key:"
"""Marks: for an index key that writes no more, the index of the same words and since when."""


class WrongKeys(Exception):
    """The keys of the settings are not those that this database was made with; serving would ignore every STOP."""


def check(tx: Connection, vault: Vault) -> None:
    """Raise WrongKeys unless the settings' keys are this database's."""
    kept = read_mark(tx, KEY_CHECK)
    if kept is None:
        return
    index, sealed, number = (*kept.split(" "), "1")[:3]
    if vault.index_by(int(number), KEY_CHECK) != bytes.fromhex(index):
        if bytes.fromhex(index) in vault.indexes(KEY_CHECK):
            raise WrongKeys(f"LASELI_KEYS__INDEX: the key of this database has number {number}: write {number}:KEY")
        raise WrongKeys("LASELI_KEYS__INDEX is not the key that this database was made with")
    try:
        vault.open(KEY_CHECK, bytes.fromhex(sealed))
    except CannotOpen:
        raise WrongKeys(
            "LASELI_KEYS__IDENTITY lacks the key that this database was made with: take it from the safe"
        ) from None
    for older, (was, _) in _older(tx).items():
        if vault.index_by(older, KEY_CHECK) != bytes.fromhex(was):
            raise WrongKeys(
                f"LASELI_KEYS__INDEX lacks key {older}: refusals of people who were erased, or events of the last 400 "
                "days, are known by it (`laseli keys status`)"
            )


def keep(tx: Connection, vault: Vault) -> None:
    """Remember these keys as the database's, unless it has some."""
    if read_mark(tx, KEY_CHECK) is None:
        renew(tx, vault)


def renew(tx: Connection, vault: Vault) -> None:
    """The first keys are the database's from now on: nothing needs an older identity key any more."""
    mark(tx, KEY_CHECK, f"{vault.index(KEY_CHECK).hex()} {vault.seal(KEY_CHECK, 'ok').hex()} {vault.index_writing}")


def note_older_index_keys(tx: Connection, vault: Vault, now: int) -> None:
    """From now on the first index key writes; the others are needed until nothing is known by them."""
    *_, number = (*(read_mark(tx, KEY_CHECK) or "").split(" "), "1")[:3]
    if int(number) == vault.index_writing:
        return
    known = _older(tx)
    for older in vault.index_numbers:
        if older != vault.index_writing and older not in known:
            index = vault.index_by(older, KEY_CHECK)
            assert index is not None
            mark(tx, f"{OLDER}{older}", f"{index.hex()} {now}")
    forget_index_key(tx, vault.index_writing)


def older_index_keys(tx: Connection) -> dict[int, int]:
    """By number, since when it writes no more."""
    return {number: since for number, (_, since) in _older(tx).items()}


def needed_keys(tx: Connection) -> tuple[set[int], set[int]]:
    """The numbers of the identity key and of the index keys without which `check` refuses."""
    kept = read_mark(tx, KEY_CHECK)
    if kept is None:
        return set(), set()
    _, sealed, number = (*kept.split(" "), "1")[:3]
    return {bytes.fromhex(sealed)[0]}, {int(number), *_older(tx)}


def forget_index_key(tx: Connection, number: int) -> None:
    """Nothing is known by it any more: the settings may leave it out."""
    drop_marks(tx, f"{OLDER}{number}")


def _older(tx: Connection) -> dict[int, tuple[str, int]]:
    found = {}
    for name, value in marks(tx, OLDER).items():
        index, since = value.split(" ")
        found[int(name.removeprefix(OLDER))] = index, int(since)
    return found
