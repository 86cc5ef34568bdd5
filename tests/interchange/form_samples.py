"""Forms as field staff write them, as workbooks and as csv."""

import csv
import io
from collections.abc import Mapping, Sequence

from openpyxl import Workbook

Sheets = Mapping[str, Sequence[Sequence[object]]]


def workbook(sheets: Sheets) -> bytes:
    """An .xlsx with these sheets, each a list of rows, the first one its columns."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_csv(sheets: Sheets, delimiter: str = ",") -> bytes:
    """The same as a csv, the name of a sheet on a line of its own."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    for name, rows in sheets.items():
        writer.writerow([name])
        writer.writerows([["", *("" if cell is None else cell for cell in row)] for row in rows])
    return out.getvalue().encode()


def old_workbook(sheets: Sheets) -> bytes:
    """The same as an .xls of Excel 5: records of sheets behind one another, in the container all .xls have."""
    bodies = [_bof(0x10) + _labels(rows) + _record(0x000A, b"") for rows in sheets.values()]
    names = [bytes([len(name)]) + name.encode("cp1252") for name in sheets]
    head_size = len(_bof(5)) + 6 + sum(4 + 6 + len(name) for name in names) + 4
    places = [head_size + sum(map(len, bodies[:place])) for place in range(len(bodies))]
    bounds = [
        _record(0x0085, at.to_bytes(4, "little") + bytes(2) + name) for at, name in zip(places, names, strict=True)
    ]
    codepage = _record(0x0042, (1252).to_bytes(2, "little"))
    return _in_container("Book", b"".join([_bof(5), codepage, *bounds, _record(0x000A, b""), *bodies]))


def _bof(kind: int) -> bytes:
    return _record(0x0809, b"".join(each.to_bytes(2, "little") for each in (0x0500, kind, 0x0DBB, 1996)))


def _labels(rows: Sequence[Sequence[object]]) -> bytes:
    cells = [(row, column, cell) for row, each in enumerate(rows) for column, cell in enumerate(each) if cell]
    texts = [(row, column, str(cell).encode("cp1252", "replace")) for row, column, cell in cells]
    return b"".join(
        _record(0x0204, b"".join(each.to_bytes(2, "little") for each in (row, column, 0, len(text))) + text)
        for row, column, text in texts
    )


def locked_workbook() -> bytes:
    """What Excel writes when it is told a password: the same container, with an encrypted package in it."""
    return _in_container("EncryptedPackage", b"\1" * 600)


def _record(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "little") + len(data).to_bytes(2, "little") + data


def _in_container(name: str, stream: bytes) -> bytes:
    """A compound file: the header, a table of sectors, a directory, and the stream in sectors of 512 bytes."""
    sectors = -(-len(stream) // 512)
    end, none = 0xFFFFFFFE, 0xFFFFFFFF
    chain = [0xFFFFFFFD, end, *range(3, sectors + 2), end]
    table = b"".join(each.to_bytes(4, "little") for each in [*chain, *[none] * (128 - len(chain))])
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + bytes.fromhex("3e000300feff09000600") + bytes(10)
    numbers = [1, 1, 0, 0, end, 0, end, 0, 0, *[none] * 108]
    header += b"".join(each.to_bytes(4, "little") for each in numbers)
    directory = _entry("Root Entry", 5, 1, end, 0) + _entry(name, 2, none, 2, len(stream)) + bytes(256)
    return header + table + directory + stream.ljust(512 * sectors, b"\0")


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    written = name.encode("utf-16-le")
    head = written.ljust(64, b"\0") + (len(written) + 2).to_bytes(2, "little") + bytes([kind, 1]) + b"\xff" * 8
    tail = bytes(36) + start.to_bytes(4, "little") + size.to_bytes(4, "little") + bytes(4)
    return head + child.to_bytes(4, "little") + tail


def survey(*rows: Sequence[object], columns: str = "type name label relevant constraint", **sheets: object) -> Sheets:
    """A form of these rows; other sheets by name."""
    return {"survey": [columns.split(), *rows], **sheets}  # type: ignore[dict-item]


OUI_NON = [["list_name", "name", "label"], ["oui_non", "oui", "Oui"], ["oui_non", "non", "Non"]]


def household_visit() -> Sheets:
    """A visit to a household: consent, the mother, her children, the arm of the smallest, what to do."""
    columns = [
        "type", "name", "label::French (fr)", "label::Bambara (bm)", "hint::French (fr)", "relevant", "constraint",
        "constraint_message::French (fr)", "constraint_message::Bambara (bm)", "required", "appearance", "calculation",
    ]  # fmt: skip
    rows = [
        ["start", "start"],
        ["deviceid", "deviceid"],
        ["note", "bienvenue", "Visite à domicile du relais.", "Relais ka taama."],
        ["select_one oui_non", "accord", "La famille accepte la visite ?", "Du sɔnna taama ma wa?",
         None, None, None, None, None, "yes"],
        ["begin_group", "mere", "Mère", "Ba", None, "${accord} = 'oui'"],
        ["text", "Nom de la mère", "Nom et prénom de la mère ?", "Ba tɔgɔ ni jamu?", None, None,
         "string-length(.) <= 24", None, None, "yes"],
        ["text", "tel", "Son numéro ?", "A ka nimɔrɔ?", None, None, None, None, None, "yes", "numbers"],
        ["integer", "enfants", "Combien d'enfants de moins de 5 ans ?", "Den san duuru duguma joli?", None, None,
         ". >= 0 and . <= 9", "De 0 à 9 enfants.", "Den 0 fo 9.", "yes"],
        ["end_group", None],
        ["begin_group", "enfant", None, None, None, "${accord} = 'oui' and ${enfants} > 0"],
        ["date", "naissance", "Date de naissance du plus petit ?", "Den fitinin wolodon?", "JJMMAAAA", None,
         ". <= today() and . >= today() - 1826", "Moins de 5 ans.", "San duuru duguma.", "yes"],
        ["integer", "pb", "Tour de bras de l'enfant en mm ?", "Den bolo fɛnɲɛ mm la?", None, None,
         ". >= 50 and . <= 250", None, None, "yes"],
        ["select_multiple signes", "danger", "Quels signes ?", "Taamasiyɛn jumɛnw?",
         None, None, None, None, None, "yes"],
        ["calculate", "statut", None, None, None, None, None, None, None, None, None,
         "if(${pb} < 115, 'rouge', if(${pb} < 125, 'jaune', 'vert'))"],
        ["note", "refere", "Référez l'enfant de {nom} au CSCom.", "Den ci kɛnɛyaso la.", None,
         "${statut} = 'rouge' or count-selected(${danger}) >= 2"],
        ["note", "suivi", "Revenez dans une semaine.", "Segin dɔgɔkun kelen.", None, "${statut} = 'jaune'"],
        ["end_group", None],
        ["image", "photo", "Photo du carnet", "Karine ja"],
        ["geopoint", "gps", "Position", "Yɔrɔ"],
    ]  # fmt: skip
    choices = [
        ["list_name", "name", "label::French (fr)", "label::Bambara (bm)"],
        ["oui_non", "oui", "Oui", "Awɔ"],
        ["oui_non", "non", "Non", "Ayi"],
        ["signes", "fievre", "Fièvre", "Farigan"],
        ["signes", "1", "Vomit tout", "Bɛ fɛn bɛɛ fɔɔnɔ"],
        ["signes", "ne-mange-pas", "Ne mange pas", "Tɛ dumuni kɛ"],
    ]
    settings = [["form_title", "form_id", "default_language", "version"], ["Visite", "Visite 2", "French (fr)", "3"]]
    rows[5][1] = "nom_mere"
    rows[14][2:4] = ["Référez l'enfant de ${nom_mere} au CSCom.", "${nom_mere} den ci kɛnɛyaso la."]
    return {"survey": [columns, *rows], "choices": choices, "settings": settings}
