"""Lists of doses made to harm, or only odd: refused in a sentence, before they cost time or memory."""

from __future__ import annotations

import contextlib
import io
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from service.config import Config
from service.runtime import Runtime
from service.store.care_tables import dose
from service.stories.care.dose_list_files import MOST_COLUMNS, CannotOpen, rows_of
from tests import cover
from tests.interchange.odd_workbooks import ODD


@pytest.mark.parametrize("case", ODD)
def test_a_workbook_made_to_harm_is_refused_before_it_is_read(case: str) -> None:
    good = io.BytesIO()
    Workbook().save(good)
    data = ODD[case](good.getvalue())
    began = time.process_time()
    with pytest.raises(CannotOpen) as told:
        rows_of(data, "liste.xlsx")
    assert time.process_time() - began < 3
    assert ("au plus 50000 lignes et 60 colonnes" if "cells" in case else "qu'aucun tableur n'y met") in str(told.value)


def test_a_cell_far_to_the_right_does_not_widen_every_row() -> None:
    book = Workbook(write_only=True)
    page = book.create_sheet()
    for _ in range(50):
        page.append(["code", "dose", "date", *[None] * 16_000, "x"])
    written = io.BytesIO()
    book.save(written)
    tracemalloc.start()
    try:
        rows = rows_of(written.getvalue(), "liste.xlsx")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [len(row) for row in rows] == [MOST_COLUMNS] * 50
    assert kept < 1_000_000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\3\4", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b'"']))
def test_any_octets_are_rows_or_a_reason(octets: bytes, begins: bytes) -> None:
    with contextlib.suppress(CannotOpen):
        assert all(isinstance(cell, str) for row in rows_of(begins + octets, "liste") for cell in row)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_signs_that_no_workbook_may_hold_are_told_and_written_for_mending(
    settings: Config, runtime: Runtime, tmp_path: Path, kind: str
) -> None:
    file, rejects = tmp_path / "liste.csv", tmp_path / f"refus.{kind}"
    file.write_text("code;dose;date\n\x1b[2J\u202e48\x07;PENTA1;13/10/2026\n", "utf-8")
    done = cover.command(settings, "dose", "import", str(file), "--by", "Fatou", "--rejects", str(rejects))
    assert done.exit_code == 0, done.output
    assert "ligne 2 : code « ?[2J?48? »" in done.output
    assert not cover.rows_of(runtime, dose)
    if kind == "xlsx":
        [_, row] = load_workbook(rejects).active.iter_rows(values_only=True)  # type: ignore[union-attr]
        assert row[:2] == ("2", "?[2J?48?")
