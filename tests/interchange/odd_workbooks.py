"""Workbooks whose sheet hides from whoever judges parts by their names or reads them as plain letters."""

import io
import os
import zipfile
from collections.abc import Callable

PAGE = "xl/worksheets/sheet1.xml"
LAUGHS = '<!DOCTYPE x [<!ENTITY a "{}"><!ENTITY b "{}"><!ENTITY c "{}">]>'.format("x" * 1000, "&a;" * 100, "&b;" * 100)


def with_entities(page: str) -> str:
    """The sheet with a cell that grows to ten million letters."""
    cell = '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&c;</t></is></c></row>'
    return LAUGHS + page.partition("?>")[2].replace("<sheetData>", cell)


def in_utf16(page: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-16"?>' + with_entities(page)).encode("utf-16")


def behind_a_comment(page: str) -> bytes:
    return ('<?xml version="1.0"?>' + f"<!--{'y' * 70_000}-->" + with_entities(page)).encode()


def crowded(page: str) -> bytes:
    """One row of two million cells."""
    return page.replace("</sheetData>", f'<row r="9">{"<c/>" * 2_000_000}</row></sheetData>').encode()


def as_it_is(page: str) -> bytes:
    return ('<?xml version="1.0"?>' + with_entities(page)).encode()


def odd(good: bytes, change: Callable[[str], bytes], name: str = PAGE) -> bytes:
    """A good workbook with its first sheet changed, under another name; noise in it hides how much it shrank."""
    written = io.BytesIO()
    old_name, new_name = (each.rpartition("/")[2].encode() for each in (PAGE, name))
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            data = old.read(part)
            if part == PAGE:
                new.writestr(name, change(data.decode()))
            else:
                new.writestr(part, data.replace(old_name, new_name))
        new.writestr("xl/media/image1.png", os.urandom(200_000))
    return written.getvalue()


ODD: dict[str, Callable[[bytes], bytes]] = {
    "entities in UTF-16": lambda good: odd(good, in_utf16),
    "entities behind a long comment": lambda good: odd(good, behind_a_comment),
    "entities under another name": lambda good: odd(good, as_it_is, "xl/worksheets/sheet1.bin"),
    "two million cells under another name": lambda good: odd(good, crowded, "xl/worksheets/sheet1.bin"),
}
