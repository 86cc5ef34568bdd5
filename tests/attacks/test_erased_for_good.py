"""Somebody had herself erased. A thief of the file, with or without the keys, looks for her; so does a log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import LargeBinary, select, type_coerce

from service.cli import main
from service.clock import DAY_MS
from service.config import Config
from service.runtime import Runtime
from service.store import phone_tables
from service.store.columns import metadata
from service.store.message_tables import message
from service.store.phone_tables import opt_out
from service.store.tally_tables import erasure
from service.stories.delivery import dispatcher
from service.stories.keeping import retention
from tests.conftest import HOOK_SECRET
from tests.cover import everything, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_privacy import live_through, names_found, phone_id_of

MOTHER, NEIGHBOUR = "+22370000001", "+22370000002"
SPELLINGS = (b"70000001", b"70 00 00 01", "Traoré".encode(), b"Moussa", b"Awa", b"jeudi")


@pytest.fixture
def mother(handset: Handset, runtime: Runtime, clock: TestClock) -> Handset:
    live_through(handset, runtime, clock)
    return handset


def purge_person(settings: Config, *words: str, typed: str = "") -> Result:
    keys = settings.keys
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": keys.index.get_secret_value(),
    }
    command = ["purge", "person", "--by", "Fanta", "--reason", "asked at the centre", *words]
    return CliRunner().invoke(main, command, env=environment, input=typed)


def traces(runtime: Runtime) -> set[bytes]:
    """Every sealed value and every index that stands in the tables."""
    found: set[bytes] = set()
    with runtime.database.read() as tx:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(getattr(column.type, "impl", column.type), LargeBinary):
                    found |= {
                        bytes(value)
                        for value in tx.execute(select(type_coerce(column, LargeBinary))).scalars()
                        if value
                    }
    return found


def octets(runtime: Runtime) -> bytes:
    file = Path(str(runtime.database.engine.url.database))
    journal = file.with_name(file.name + "-wal")
    return file.read_bytes() + (journal.read_bytes() if journal.exists() else b"")


def kept_index(runtime: Runtime) -> set[bytes]:
    return {row.number_idx for row in rows_of(runtime, opt_out)}


def test_the_number_is_typed_and_stands_in_no_command_and_no_log(
    mother: Handset, runtime: Runtime, settings: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    phone_id = phone_id_of(runtime, MOTHER)
    done = purge_person(settings, "--yes", typed="70 00 00 01\n")
    assert done.exit_code == 0, done.output
    assert "rows are erased" in done.stdout
    assert set(names_found(runtime, mother, phone_id)) == {"opt_out.number_idx"}
    said = done.stdout.encode() + caplog.text.encode()
    for spelling in (*SPELLINGS, b"22370"):
        assert spelling not in said


def test_the_file_holds_no_octet_of_her_sealed_or_not(mother: Handset, runtime: Runtime, settings: Config) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL's pages are its own affair: docs/keys-and-retention.md")
    before = traces(runtime)
    assert len(before) > 20
    assert sum(trace in octets(runtime) for trace in before) == len(before), "they are found before"
    assert purge_person(settings, "--number", MOTHER, "--yes").exit_code == 0
    after = octets(runtime)
    stays = kept_index(runtime) | traces(runtime)
    assert [trace for trace in before - stays if trace in after] == []
    assert all(spelling not in after for spelling in SPELLINGS[:3])


def test_what_time_erases_leaves_the_file_too(mother: Handset, runtime: Runtime, clock: TestClock) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("about the file")
    dispatcher.send_due(runtime)
    clock.advance(days=5)
    dispatcher.look_after(runtime)
    with runtime.database.read() as tx:
        texts = {bytes(sealed) for sealed in tx.execute(select(type_coerce(message.c.text, LargeBinary))).scalars()}
    clock.advance(days=90)
    retention.purge(runtime)
    assert texts
    assert [sealed for sealed in texts if sealed in octets(runtime)] == []


def test_a_dry_run_tells_rows_by_table_and_changes_nothing(mother: Handset, runtime: Runtime, settings: Config) -> None:
    before = everything(runtime)
    told = purge_person(settings, "--number", MOTHER, "--dry-run")
    assert told.exit_code == 0, told.output
    assert everything(runtime) == before
    counts = {words[1]: int(words[0]) for words in map(str.split, told.stdout.splitlines()) if len(words) == 2}
    assert counts["phone"] == counts["household"] == counts["child"] == 1
    done = purge_person(settings, "--number", MOTHER, "--yes")
    assert f"{sum(counts.values())} rows are erased" in done.stdout


def test_without_a_yes_nothing_is_erased(mother: Handset, runtime: Runtime, settings: Config) -> None:
    before = everything(runtime)
    assert purge_person(settings, typed=f"{MOTHER}\nn\n").exit_code == 1
    assert purge_person(settings, typed=f"{MOTHER}\n").exit_code == 1, "a number that comes through a pipe is no yes"
    assert everything(runtime) == before


def test_that_it_was_done_is_kept_without_a_name(mother: Handset, runtime: Runtime, settings: Config) -> None:
    refused = purge_person(settings, "--number", MOTHER, "--yes", "--reason", "she called from 70 00 00 01")
    assert refused.exit_code == 1
    assert "name nobody" in refused.output
    assert purge_person(settings, "--number", MOTHER, "--yes").exit_code == 0
    (kept,) = rows_of(runtime, erasure)
    assert (kept.done_by, kept.reason) == ("Fanta", "asked at the centre")
    assert kept.gone > 20


def test_the_neighbour_is_untouched(
    mother: Handset, product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock, settings: Config
) -> None:
    neighbour = Handset(product, carrier, NEIGHBOUR, HOOK_SECRET)
    live_through(neighbour, runtime, clock)
    but = ("conversation", "opt_out", "counter", "care_tally", "message_tally", "erasure")
    before = everything(runtime, *but)
    assert purge_person(settings, "--number", MOTHER, "--yes").exit_code == 0
    for place, rows in everything(runtime, *but).items():
        assert set(rows) <= set(before[place]), f"a row of {place} was changed"
    with runtime.database.read() as tx:
        assert phone_tables.find_phone(tx, NEIGHBOUR)
    assert purge_person(settings, "--number", "22", "--yes").exit_code == 1


def test_purge_shows_what_it_does(mother: Handset, runtime: Runtime, settings: Config) -> None:
    environment: dict[str, Any] = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
    }
    with runtime.database.begin() as tx:
        phone_tables.add_opt_out(tx, b"0" * 16, "all", "sms", 1_000 * DAY_MS)
    dry = CliRunner().invoke(main, ["purge", "--dry-run", "--rule", "refusals"], env=environment)
    assert dry.stdout.split()[:2] == ["1", "refusals"]
    assert "rows in all would go" in dry.stdout
    assert len(rows_of(runtime, opt_out)) == 1
    done = CliRunner().invoke(main, ["purge", "--rule", "refusals"], env=environment)
    assert done.exit_code == 0
    assert rows_of(runtime, opt_out) == []
    assert CliRunner().invoke(main, ["purge", "--rule", "everything"], env=environment).exit_code == 2
