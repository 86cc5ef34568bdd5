"""No octets in the tables of which nobody says what they are: each is rotated, moved, or known to be neither."""

from __future__ import annotations

from sqlalchemy import LargeBinary

from service.store import conversation_tables, schema  # noqa: F401 -- fills the metadata
from service.store.columns import Sealed, metadata
from service.store.reindexing import MOVED
from service.store.resealing import sealed_places
from service.stories.talk.threads import SEALED_AS

LOOKED_UP_BY_EVERY_KEY = {
    "conversation.key": "a day",
    "conversation.session_idx": "a day",
    "conversation.number_idx": "a day",
    "inbound_body.number_idx": "30 days; asked for by an erasure only",
    "inbound_event.key_hash": "400 days; the old key is asked too",
    "inbound_body.key_hash": "30 days; names its event",
}
NO_ROTATION = {
    "staff_session.token_hash": "a plain hash of 256 random bits",
    "staff_try.key_hash": "a day: who changes the key while somebody tries passwords begins to count anew",
    "message.batch_key": "only compared within one queue, for as long as a message waits",
}


def octets() -> dict[str, object]:
    return {
        f"{table.name}.{column.name}": column
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(getattr(column.type, "impl", column.type), LargeBinary)
    }


def test_every_column_of_octets_is_sealed_indexed_or_explained() -> None:
    sealed = {f"{place.table.name}.{place.column.name}" for place in sealed_places()}
    moved = {f"{table.name}.number_idx" for table in MOVED} | {"phone.number_idx", "opt_out.number_idx"}
    assert octets().keys() == sealed | moved | LOOKED_UP_BY_EVERY_KEY.keys() | NO_ROTATION.keys()


def test_every_sealed_column_is_bound_to_its_own_name_and_its_rows_have_an_id() -> None:
    for place in sealed_places():
        assert place.name == f"{place.table.name}.{place.column.name}"
        assert [column.name for column in place.table.primary_key] == ["id"]
    assert len([column for column in octets().values() if isinstance(column.type, Sealed)]) == len(sealed_places()) - 1  # type: ignore[attr-defined]
    assert SEALED_AS in {place.name for place in sealed_places()}


def test_nothing_else_is_sealed_with_a_name_of_its_own() -> None:
    """`vault.seal` outside a sealed column: the progress of a conversation, and the check of the keys themselves."""
    import re
    from pathlib import Path

    rooms = [Path(__file__).parents[2] / room for room in ("service", "scheduler")]
    found = {
        file.name
        for room in rooms
        for file in room.rglob("*.py")
        if re.search(r"vault\w*(\(\w+\))?\.seal\(", file.read_text("utf-8"))
    }
    assert found == {"threads.py", "columns.py", "resealing.py", "key_checks.py"}
