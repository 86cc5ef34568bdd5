"""A table that nobody names beside the others is in no backup and moves to no other database."""

from __future__ import annotations

import re
from pathlib import Path

from service.store import schema

STORE = Path(schema.__file__).parent


def test_every_module_with_a_table_of_ours_is_named_where_copies_are_made() -> None:
    holding = {
        one.stem for one in STORE.glob("*.py") if re.search(r"= Table\(\s*\"\w+\",\s*metadata,", one.read_text())
    }
    assert holding == {module.__name__.rpartition(".")[2] for module in schema.TABLES}
