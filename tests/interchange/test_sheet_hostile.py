"""Files made to harm, or only broken: refused in a sentence, before they cost time or memory."""

import contextlib
import io
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.interchange.sheet_files import csv_of, xlsx_of
from flows.interchange.sheet_in import read_sheet
from flows.interchange.sheet_lines import Grid
from flows.interchange.sheet_merge import bring_in
from flows.interchange.sheet_opening import LARGEST, open_sheet
from flows.interchange.sheet_out import table_of
from flows.mistakes import FlowMistake
from tests.interchange.odd_workbooks import ODD
from tests.interchange.sheet_people import Paper, read, refused, run, small

GOOD = xlsx_of(table_of(small()))
PAGE = "xl/worksheets/sheet1.xml"


def repacked(change: Callable[[str, bytes], bytes] = lambda name, data: data, **more: bytes) -> bytes:
    """The good workbook with parts changed or added; `__` in a name stands for a slash."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(GOOD)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in more.items():
            new.writestr(name.replace("__", "/") + ".xml", data)
    return written.getvalue()


def in_page(change: Callable[[bytes], bytes]) -> bytes:
    return repacked(lambda name, data: change(data) if name == PAGE else data)


def with_rows(count: int, start: int = 100, cell: str = '<c r="A{n}" t="inlineStr"><is><t>x</t></is></c>') -> bytes:
    rows = "".join(f'<row r="{n}">{cell.format(n=n)}</row>' for n in range(start, start + count))
    return in_page(lambda data: data.replace(b"</sheetData>", rows.encode() + b"</sheetData>"))


def lying() -> bytes:
    """A part of 40 MB whose entry says it has ten bytes."""
    data = bytearray(repacked(xl__worksheets__sheet9=b" " * 40_000_000))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = (
            data.index(b"xl/worksheets/sheet9.xml")
            if mark == b"PK\x03\x04"
            else data.rindex(b"xl/worksheets/sheet9.xml")
        )
        start = data.rindex(mark, 0, at)
        data[start + place : start + place + 4] = struct.pack("<I", 10)
    return bytes(data)


def without_relations() -> bytes:
    return repacked(lambda name, data: b"<x/>" if "rels" in name else data)


def many_entries() -> bytes:
    return repacked(**{f"x{number}": b"<a/>" for number in range(600)})


HOSTILE = {
    "a bomb": (lambda: repacked(xl__worksheets__sheet9=b" " * 100_000_000), "trop grand une fois ouvert"),
    "a bomb of tags": (lambda: repacked(xl__sharedStrings2=b"<si/>" * 700_000), "trop grand une fois ouvert"),
    "a size that lies": (lying, "abîmé"),
    "many entries": (many_entries, "trop grand une fois ouvert"),
    "an entity": (
        lambda: in_page(lambda data: b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + data),
        "ce qu'aucun tableur n'y met",
    ),
    "many columns": (
        lambda: with_rows(1, 99, '<c r="XFD{n}"><v>1</v></c>'),
        "colonnes vides",
    ),
    "many rows": (lambda: with_rows(3000), "la feuille s'étend"),
    "a row far down": (lambda: with_rows(1, 1_048_000), "la feuille s'étend"),
    "a broken page": (lambda: in_page(lambda data: data[: len(data) // 2]), "ne s'ouvre pas"),
    "a part that is missing": (without_relations, "ne s'ouvre pas"),
    "half a file": (lambda: GOOD[: len(GOOD) // 2], "abîmé"),
    "another archive": (lambda: archive_of("a.txt"), "ce n'est pas un classeur"),
    "LibreOffice's own": (lambda: archive_of("mimetype", "content.xml"), "c'est un .ods"),
    "an old workbook": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "ancien classeur"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "en .xlsx"),
    "nothing": (lambda: b" \n", "le fichier est vide"),
    "a long file": (lambda: b"x" * (LARGEST + 1), "dépasse 5 Mo"),
    "a long csv": (lambda: csv_of(table_of(small())) + b"a;b\r\n" * 3000, "A2001 : plus de 2000 lignes"),
    "a wide csv": (lambda: csv_of(table_of(small())) + b"a;" * 70, "BI1 : plus de 60 colonnes"),
    "a csv of quotes": (lambda: b'"' * 100_000, "A1"),
    "a cell without an end": (lambda: "étape;sorte\r\n".encode() + b"a" * 200_000, "A2"),
    "deep brackets": (lambda: deep(), "C3"),
    "a name longer than a file's": (lambda: named("x" * 400), "ne peut pas être un nom : au plus 60"),
    "a name with a path": (lambda: named("../../etc/passwd"), "A2 : « ../../etc/passwd » ne peut pas être un nom"),
}  # fmt: skip


def archive_of(*names: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return written.getvalue()


def deep() -> bytes:
    paper = Paper(small())
    paper.write("", "réglage", "nom", ".".join("a" * 500), "version")
    paper.write("", "réglage", "valeur", "[" * 5000 + "]" * 5000, ".".join("a" * 500))
    return paper.csv()


def named(name: str) -> bytes:
    paper = Paper(small())
    paper.write("essai", "conversation", "étape", name)
    return paper.xlsx()


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_in_a_sentence(case: str) -> None:
    make, told = HOSTILE[case]
    data = make()
    before = time.process_time()
    said = refused(data, "essai.csv")
    assert time.process_time() - before < 3
    assert told in said
    assert "Traceback" not in said


@pytest.mark.parametrize("case", ODD)
def test_a_sheet_cannot_hide_what_it_holds(case: str) -> None:
    said = refused(ODD[case](GOOD), "essai.xlsx")
    assert ("trop grand" if "cells" in case else "ce qu'aucun tableur n'y met") in said


def test_a_bomb_takes_no_memory() -> None:
    data = repacked(xl__worksheets__sheet9=b" " * 100_000_000)
    tracemalloc.start()
    try:
        refused(data)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_links_to_other_files_are_not_followed() -> None:
    relation = (
        b'<Relationship Id="rId99" TargetMode="External" Target="http://127.0.0.1:9/x.xlsx" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath"/></Relationships>'
    )
    data = repacked(
        lambda name, part: part.replace(b"</Relationships>", relation) if name.endswith("workbook.xml.rels") else part,
        xl__externalLinks__externalLink1=b"<externalLink/>",
    )
    assert not bring_in(read(data), small().source).changed


def test_brackets_in_a_setting_are_read_with_care() -> None:
    paper = Paper(small())
    ref = paper.write("nom", "saisie", "longueur maximale", '{"a": [1, true, null]}')
    assert f'{ref} : « {{"a": [1, true, null]}} » n\'est pas un nombre entier' in refused(paper.xlsx())
    paper.write("nom", "saisie", "longueur maximale", '{"a": ["1"]}')
    assert f"{ref} : 'max' must be one value" in refused(paper.xlsx())


def test_a_hostile_file_leaves_no_trace_by_command(tmp_path: Any) -> None:
    for case, (make, _) in list(HOSTILE.items())[:3]:
        sheet = tmp_path / "essai.xlsx"
        sheet.write_bytes(make())
        done = run("in", sheet, "--folder", tmp_path)
        assert done.exit_code == 1, case
        assert len(done.output.splitlines()) == 1
        assert list(tmp_path.iterdir()) == [sheet]


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(GOOD)), st.booleans())
def test_no_bytes_raise_anything_but_a_sentence(noise: bytes, at: int, inside: bool) -> None:
    for data in (noise, GOOD[:at] + noise + GOOD[at + len(noise) * inside :]):
        with contextlib.suppress(FlowMistake):
            read(data)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 12),
    st.integers(0, 11),
    st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.booleans(), st.dates(), st.times(), st.timedeltas()),
)
def test_no_cell_raises_anything_but_a_sentence(row: int, column: int, value: Any) -> None:
    cells = [[*line, ""] for line in Paper(small()).cells]
    cells[min(row, len(cells) - 1)][column % len(cells[0])] = value
    with contextlib.suppress(FlowMistake):
        bring_in(read_sheet(Grid("essai.xlsx", cells)), small().source)


def test_the_file_says_which_it_is_not_its_name() -> None:
    assert open_sheet(GOOD, "essai.csv").rows == open_sheet(GOOD, "essai.xlsx").rows
