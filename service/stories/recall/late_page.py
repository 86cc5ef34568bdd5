"""The list of late children as A4 pages: one HTML file without a script or a host, to be printed and ticked by hand.

The pages are cut here and not by the browser: each has its own heading, number and place to sign, and no line is torn.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from textwrap import wrap
from typing import Final, NamedTuple

from service.stories.recall.late_sheet import Line, Sheet

ROOM_MM = 220.0
"""For lines on a page of 277 mm: without what stands above and below them."""
LINE_MM, TEXT_MM, PADDING_MM, QUARTIER_MM = 8.0, 3.9, 0.5, 7.2
DOSES_WIDTH = {False: 21, True: 14}
"""Letters of one line of doses, without names and with them."""
NAME_WIDTH = {False: 15, True: 10}
"""The same of a name, in small letters and in capitals."""
MOST_PLACES = 110
"""Letters of the quartiers in the heading; more of them are counted, and stand in the table."""
STATUSES = ("Vu", "Refus", "Parti", "N° faux", "Hôp.", "Décès")
SILENT = {"no_phone": "sans tél.", "stopped": "ARRET", "unreachable": "n° muet"}
STYLE = """
@page { size: A4 portrait; margin: 10mm }
* { box-sizing: border-box }
body { margin: 0; font: 10.5pt/1.25 "DejaVu Sans Condensed", "Liberation Sans Narrow", Arial, sans-serif; color: #000 }
.page { width: 190mm; height: 276mm; display: flex; flex-direction: column; break-after: page; overflow: hidden }
.page:last-child { break-after: auto }
header { display: flex; justify-content: space-between; border-bottom: .6mm solid #000; padding-bottom: 1.5mm }
h1 { font-size: 15pt; margin: 0 }
header p { margin: .5mm 0 0 }
header .right { text-align: right; max-width: 115mm }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin-top: 2mm }
th, td { border: .25mm solid #000; padding: 0 1mm; height: 7.9mm; vertical-align: middle; overflow: hidden }
thead th { font-size: 8.5pt; line-height: 1.1; background: #e8e8e8 }
thead th.status { font-size: 7.5pt; padding: 0 }
td.tick { text-align: center; padding: 0 }
td.tick i { display: inline-block; width: 4.2mm; height: 4.2mm; border: .35mm solid #000; vertical-align: middle }
td.code { font: bold 12.5pt/1 "DejaVu Sans Mono", "Liberation Mono", monospace; white-space: nowrap }
td.born { font-size: 10pt; white-space: nowrap }
td.name { font-size: 9.5pt; line-height: 3.9mm; overflow-wrap: anywhere }
td.doses { font-size: 9.5pt; line-height: 3.9mm }
td.late { text-align: right; font-weight: bold; line-height: 1.05 }
td.late small { display: block; font-weight: normal; font-size: 7pt; white-space: nowrap }
td.number { text-align: right; font-size: 8pt; padding: 0 .6mm }
tr.quartier th { text-align: left; height: 7mm; background: #e8e8e8; font-size: 11pt }
footer { margin-top: auto; font-size: 8.5pt }
footer p { margin: 1mm 0 0 }
.sign { display: flex; gap: 6mm; margin-top: 5mm; font-size: 10pt }
.sign span { flex: 1; border-bottom: .25mm solid #000; padding-bottom: .5mm }
.last { display: flex; justify-content: space-between; align-items: end; margin-top: 2mm }
.keep { border: .5mm solid #000; padding: .5mm 1.5mm; font-weight: bold }
@media screen {
  body { background: #ccc }
  .page { background: #fff; margin: 6mm auto; padding: 6mm; width: 202mm; height: 288mm }
}
"""
COLUMNS: Final = {False: (7, 27, 24, 0, 13, *(9.5,) * 6, 15), True: (7, 27, 24, 31, 0, 13, *(8.5,) * 6, 13)}
"""Millimetres; 0 is what is left over."""


def _widths() -> str:
    """As classes and not beside each column: so the page needs no style that its policy does not know by its hash."""
    every = sorted({mm for widths in COLUMNS.values() for mm in widths if mm})
    return "".join(f"col.{_class(mm)} {{ width: {mm}mm }}\n" for mm in every)


def _class(mm: float) -> str:
    return f"w{str(mm).replace('.', '-')}"


_ALL_STYLE: Final = STYLE + _widths()
STYLE_HASH: Final = f"'sha256-{base64.b64encode(hashlib.sha256(_ALL_STYLE.encode()).digest()).decode()}'"
"""The page's one style, for the policy of whoever serves it."""


class Piece(NamedTuple):
    """A line of the table, or the heading of a quartier where `line` is None."""

    number: int
    line: Line | None
    words: str
    height: float


def page_of(sheet: Sheet) -> str:
    """The whole file."""
    pages = list(_cut(sheet))
    body = "\n".join(_page(sheet, pieces, place, len(pages)) for place, pieces in enumerate(pages, 1))
    policy = f"default-src 'none'; style-src {STYLE_HASH}"
    return (
        f'<!doctype html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>Enfants à visiter, {sheet.on:%d/%m/%Y}</title>\n<style>{_ALL_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


# --- cutting it into pages ----------------------------------------------------------------------------------


def _cut(sheet: Sheet) -> Iterator[list[Piece]]:
    """Pieces page by page; a quartier that goes on has its heading again. At least one page."""
    page, room, number = list[Piece](), ROOM_MM, 0
    for quartier, lines in sheet.quartiers:
        heading = Piece(0, None, _heading(quartier, lines), QUARTIER_MM)
        for place, line in enumerate(lines):
            number += 1
            piece = Piece(number, line, "", _height(line, with_names=sheet.with_names))
            needed = piece.height + (QUARTIER_MM if place == 0 else 0)
            if needed > room:
                yield page
                page, room = [], ROOM_MM
            if place == 0 or not page:
                page.append(heading if place == 0 else heading._replace(words=f"{heading.words} (suite)"))
                room -= QUARTIER_MM
            page.append(piece)
            room -= piece.height
    yield page


def _heading(quartier: str, lines: tuple[Line, ...]) -> str:
    return f"{quartier} : {len(lines)} à voir"


def _height(line: Line, *, with_names: bool) -> float:
    """A little more than the browser needs: what does not fit would be cut off."""
    rows = max(1, len(wrap(" ".join(line.doses), DOSES_WIDTH[with_names])))
    if with_names:
        rows = max(rows, len(wrap(line.name, NAME_WIDTH[line.name.isupper()])))
    return max(LINE_MM, rows * TEXT_MM + PADDING_MM)


# --- one page -----------------------------------------------------------------------------------------------


def _page(sheet: Sheet, pieces: list[Piece], place: int, pages: int) -> str:
    return (
        f'<section class="page">\n{_header(sheet)}\n{_table(sheet, pieces) if pieces else _nobody()}\n'
        f"{_footer(sheet, place, pages)}\n</section>"
    )


def _header(sheet: Sheet) -> str:
    whose = escape(sheet.whose) or "Médiatrice : ______________________"
    quartiers = escape(", ".join(name for name, _ in sheet.quartiers))
    if len(quartiers) > MOST_PLACES:
        quartiers = f"{len(sheet.quartiers)} quartiers"
    summary = f"<b>{sheet.on:%d/%m/%Y}</b> · {sheet.children} en tout"
    return (
        f"<header><div><h1>Enfants à visiter</h1><p>{whose}</p></div>"
        f'<div class="right"><p>{summary}</p><p>{quartiers}</p></div></header>'
    )


def _table(sheet: Sheet, pieces: Iterable[Piece]) -> str:
    widths = "".join(f'<col class="{_class(mm)}">' if mm else "<col>" for mm in COLUMNS[sheet.with_names])
    titles = ["", "Code", "Né(e) le", *(["Nom"] if sheet.with_names else []), "À faire", "Jours de retard"]
    head = "".join(f"<th>{title}</th>" for title in titles)
    head += "".join(f'<th class="status">{title}</th>' for title in STATUSES) + "<th>Date</th>"
    rows = "\n".join(_row(piece, len(COLUMNS[sheet.with_names]), with_names=sheet.with_names) for piece in pieces)
    return f"<table><colgroup>{widths}</colgroup>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"


def _row(piece: Piece, columns: int, *, with_names: bool) -> str:
    line = piece.line
    if line is None:
        return f'<tr class="quartier"><th colspan="{columns}">{escape(piece.words)}</th></tr>'
    name = f'<td class="name">{escape(line.name)}</td>' if with_names else ""
    silent = f"<small>{SILENT[line.silent]}</small>" if line.silent else ""
    ticks = '<td class="tick"><i></i></td>' * len(STATUSES)
    return (
        f'<tr class="child"><td class="number">{piece.number}</td><td class="code">{escape(line.code)}</td>'
        f'<td class="born">{escape(line.born)}</td>{name}<td class="doses">{escape(" ".join(line.doses))}</td>'
        f'<td class="late">{line.days_late}{silent}</td>{ticks}<td></td></tr>'
    )


def _nobody() -> str:
    return "<p><b>Personne à visiter cette semaine.</b></p>"


def _footer(sheet: Sheet, place: int, pages: int) -> str:
    keep = (
        "Cette feuille porte des noms : la garder sous clé, ne pas la photographier, la détruire après la saisie."
        if sheet.with_names
        else "Sans nom ni numéro : à garder au centre, à détruire après la saisie."
    )
    return (
        "<footer><p>Jours de retard : depuis le jour dit à la famille. « sans tél. », « ARRET », « n° muet » : aucun "
        "SMS ne l'atteint. Avant de vacciner, le carnet fait foi.</p>"
        f"<p>Saisie par téléphone : {escape(sheet.code)}, puis 6.</p>"
        '<div class="sign"><span>Remis à (signature, date)</span><span>Rendu et saisi (signature, date)</span></div>'
        f'<div class="last"><span class="keep">{keep}</span>'
        f"<b>{escape(sheet.sender)} · page {place} / {pages}</b></div></footer>"
    )
