"""What is sealed stays sealed, and only its own column opens it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.vault import CannotOpen, Vault

OLD, NEW = b"o" * 32, b"n" * 32
VAULT = Vault({1: OLD}, b"i" * 32)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again(text: str) -> None:
    assert VAULT.open("person.name", VAULT.seal("person.name", text)) == text


def test_sealing_twice_gives_different_octets() -> None:
    assert VAULT.seal("person.name", "Awa") != VAULT.seal("person.name", "Awa")


def test_a_value_moved_to_another_column_does_not_open() -> None:
    with pytest.raises(CannotOpen, match=r"message\.text"):
        VAULT.open("message.text", VAULT.seal("person.name", "Awa"))


@given(st.integers(0, 40), st.integers(1, 255))
def test_a_changed_octet_is_noticed(place: int, flip: int) -> None:
    sealed = bytearray(VAULT.seal("person.name", "Awa Diarra 76"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(CannotOpen):
        VAULT.open("person.name", bytes(sealed))


def test_after_a_rotation_the_old_values_open_and_the_new_key_writes() -> None:
    rotated = Vault({2: NEW, 1: OLD}, b"i" * 32)
    assert rotated.open("person.name", VAULT.seal("person.name", "Awa")) == "Awa"
    assert rotated.seal("person.name", "Awa")[0] == 2
    with pytest.raises(CannotOpen, match="key 2"):
        VAULT.open("person.name", rotated.seal("person.name", "Awa"))


def test_the_blind_index_finds_equal_numbers_only() -> None:
    assert VAULT.index("+22370000001") == VAULT.index("+22370000001")
    assert VAULT.index("+22370000001") != VAULT.index("+22370000002")
    assert VAULT.index("at", "s1", "+1") != VAULT.index("at", "s", "1+1")
    assert VAULT.index("+22370000001") != Vault({1: OLD}, b"j" * 32).index("+22370000001")
