"""What the parts of a workbook would cost a reader, counted while they unpack: their own table may lie.

A reader finds its parts by the links between them, so a part counts by what stands in it and never by its name.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import Final, Literal

MOST_UNPACKED: Final = 30_000_000
# Signs "<" in all parts: a sheet of the most rows and columns has fewer, and each costs the reader time and memory.
MOST_TAGS: Final = 600_000
_CHUNK: Final = 1 << 16
_DECLARED: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_XML_NAMES: Final = (".xml", ".rels", ".vml")
_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"


class HostilePart(Exception):
    """A workbook that no spreadsheet wrote. `kind` says why, `part` is its name in the archive."""

    def __init__(self, kind: Literal["large", "declares"], part: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.part = part


def count_parts(archive: zipfile.ZipFile) -> None:
    """Unpack everything that is XML once, a piece at a time; raises HostilePart, and what a broken archive raises."""
    unpacked = tags = 0
    for entry in archive.infolist():
        before = b""
        for chunk in _xml_chunks(archive, entry):
            unpacked += len(chunk)
            tags += chunk.count(b"<")
            if unpacked > MOST_UNPACKED or tags > MOST_TAGS:
                raise HostilePart("large", entry.filename)
            # In UTF-16, which no spreadsheet writes, a declaration would pass unseen.
            if b"\0" in chunk or _DECLARED.search(before[-16:] + chunk):
                raise HostilePart("declares", entry.filename)
            before = chunk


def _xml_chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The pieces of a part that a reader could take for XML; none of a picture."""
    with archive.open(entry) as part:
        chunk = part.read(_CHUNK)
        if not entry.filename.lower().endswith(_XML_NAMES) and chunk.lstrip(_BEFORE_XML)[:1] not in (b"<", b""):
            return
        while chunk:
            yield chunk
            chunk = part.read(_CHUNK)
