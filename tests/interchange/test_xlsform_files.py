"""Files that are no forms, are broken, or were made to hurt: one readable line, soon, and nothing written."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile

import pytest

from flows.interchange.form_file import LONGEST_CELL, MOST_BYTES
from flows.interchange.xlsform_in import from_xlsform
from flows.mistakes import FlowMistake
from tests.interchange.form_samples import OUI_NON, locked_workbook, old_workbook, survey, workbook
from tests.interchange.odd_workbooks import ODD

FORM = survey(
    ["integer", "age", "Age ?", None, ". >= 1 and . <= 30"], ["select_one oui_non", "ok", "Ok ?"], choices=OUI_NON
)


def refused(data: bytes, file: str = "forme.xlsx") -> str:
    """The one line a file is refused with."""
    with pytest.raises(FlowMistake) as caught:
        from_xlsform(data, file)
    line = str(caught.value)
    assert line.startswith(f"{file}: ")
    assert "\n" not in line
    assert len(line) < 500
    return line


def line_or_flow(data: bytes, file: str) -> str:
    """What comes of a file that may be damaged or not: the line it is refused with, or its flow."""
    try:
        return next(iter(from_xlsform(data, file)[0]))
    except FlowMistake as mistake:
        return str(mistake)


def changed_part(part: str, content: bytes, **others: bytes) -> bytes:
    """The form with one part of its zip replaced, and others put in."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(FORM))) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
        for name, data in others.items():
            new.writestr(name, data)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(rows: str) -> bytes:
    return f"<worksheet {NAMESPACE}><sheetData>{rows}</sheetData></worksheet>".encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no form"),
        (b"bonjour", "save it as"),
        (b"PK\x03\x04 and nothing more", "cut off or broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read"),
        (b"x" * (MOST_BYTES + 1), "no form"),
        (locked_workbook(), "password"),
    ],
    ids=["nothing", "blanks", "a picture", "words", "half a zip", "an empty container", "too large", "locked"],
)
def test_what_is_no_form_is_refused(data: bytes, words: str) -> None:
    assert words in refused(data)


def test_a_workbook_cut_in_the_middle_is_refused() -> None:
    whole = workbook(FORM)
    for size in range(1, len(whole), 97):
        refused(whole[:size])


def test_a_workbook_with_a_bit_turned_is_a_form_or_a_readable_line() -> None:
    whole = bytearray(workbook(FORM))
    for place in range(0, len(whole), 61):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        assert len(line_or_flow(bytes(damaged), "forme.xlsx").splitlines()) == 1


def test_an_xls_with_a_bit_turned_is_a_form_or_a_readable_line() -> None:
    whole = old_workbook(FORM)
    for place in range(0, len(whole), 47):
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        assert len(line_or_flow(bytes(damaged), "forme.xls").splitlines()) == 1


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    bomb = changed_part(SHEET, sheet("<row><c t='inlineStr'><is><t>" + " " * 40_000_000 + "</t></is></c></row>"))
    tracemalloc.start()
    began = time.perf_counter()
    assert "unpacked are no form" in refused(bomb)
    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 1
    assert peak < 20_000_000


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_says() -> None:
    bomb = changed_part(SHEET, sheet("<row/>" * 3_000_000))
    end = bomb.rfind(b"PK\x05\x06")
    directory = struct.unpack_from("<I", bomb, end + 16)[0]
    lying = bytearray(bomb)
    at = directory
    while lying[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<HHH", lying, at + 28)
        struct.pack_into("<I", lying, at + 24, min(500, struct.unpack_from("<I", lying, at + 24)[0]))
        at += 46 + name + extra + comment
    tracemalloc.start()
    refused(bytes(lying))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_zip_with_many_thousand_parts_is_refused() -> None:
    many = {f"p{each}": b"" for each in range(20_000)}
    began = time.perf_counter()
    data = changed_part("none", b"", **many)
    began = time.perf_counter()
    assert "too many parts" in refused(data)
    assert time.perf_counter() - began < 1


def test_a_sheet_that_declares_entities_is_refused() -> None:
    doctype = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    assert "DOCTYPE" in refused(changed_part(SHEET, doctype + sheet("<row/>")))


@pytest.mark.parametrize("case", ODD)
def test_a_sheet_cannot_hide_what_it_holds(case: str) -> None:
    good = workbook({"survey": [["type", "name", "label"], ["text", "nom", "Nom ?"]]})
    assert ("tags" if "cells" in case else "DOCTYPE") in refused(ODD[case](good))


def test_a_row_at_the_end_of_the_sheet_and_a_cell_at_its_last_column_are_harmless() -> None:
    cell = "<c r='{}' t='inlineStr'><is><t>{}</t></is></c>"
    head = "".join(
        cell.format(f"{letter}1", text) for letter, text in zip("ABC", ("type", "name", "label"), strict=True)
    )
    row = "".join(cell.format(f"{letter}2", text) for letter, text in zip("ABC", ("text", "nom", "Nom ?"), strict=True))
    far = "<row r='1048576'><c r='A1048576' t='inlineStr'><is><t>x</t></is></c></row>"
    began = time.perf_counter()
    sources, _ = from_xlsform(
        changed_part(SHEET, sheet(f"<row r='1'>{head}</row><row r='2'>{row}</row>{far}")), "forme.xlsx"
    )
    assert "id: nom" in sources["forme.yaml"]
    wide = f"<row r='1'>{head}{cell.format('XFD1', 'x')}</row>"
    assert "more than 300 columns in row 1" in refused(changed_part(SHEET, sheet(wide)))
    assert time.perf_counter() - began < 5


def test_a_cell_too_long_is_named() -> None:
    long = survey(["text", "a", "x" * (LONGEST_CELL + 1)])
    assert "sheet 'survey', cell C2" in refused(workbook(long))


def test_a_csv_in_another_encoding_says_where() -> None:
    data = 'survey\n,type,name,label\n,text,nom,"Prénom ?"\n'.encode("cp1252")
    assert "line 3, cell 4: the byte 0xE9 is not UTF-8" in refused(data, "forme.csv")


@pytest.mark.parametrize(
    "cell",
    [
        "${" * 1500,
        "(" * 3000,
        "not(" * 900,
        "if(" * 900,
        "${age} > 5 or " * 250,
        "'" * 3001,
        "${age}" * 600,
        "." * 3000,
        "-" * 3000,
        "../" * 1000,
        "a-" * 1500,
        "${age} = " + "1" * 3000,
        "<" * 3000,
        "*" * 3000 + "\n#" * 200,
        "\u0301" * 3000,
    ],
)
def test_no_cell_takes_long_to_read(cell: str) -> None:
    columns = "type name label relevant constraint calculation"
    for place in range(2, 6):
        row: list[object] = ["text", "b", "B ?", None, None, None]
        row[place] = cell
        row[0] = "calculate" if place == 5 else "text"
        form = survey(["integer", "age", "Age ?"], row, columns=columns)
        began = time.perf_counter()
        assert len(line_or_flow(workbook(form), "forme.xlsx").splitlines()) == 1
        assert time.perf_counter() - began < 5


def test_groups_nested_without_end_are_refused() -> None:
    deep = [["begin_group", f"g{each}", "G"] for each in range(100)]
    ends = [["end_group", None]] * 100
    assert "nested deeper" in refused(workbook(survey(*deep, ["text", "a", "A ?"], *ends)))
