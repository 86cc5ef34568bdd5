"""The small words that actions hand to a flow: dates, labels of children and of visits."""

from __future__ import annotations

from datetime import date

from service.store.people_tables import Child

VISITS = {
    "none": {"fr": "Aucun", "bm": "Foyi"},
    "birth": {"fr": "Naissance", "bm": "Bange"},
    "w6": {"fr": "6 semaines", "bm": "Dɔgɔkun 6"},
    "w10": {"fr": "10 semaines", "bm": "Dɔgɔkun 10"},
    "w14": {"fr": "14 semaines", "bm": "Dɔgɔkun 14"},
    "m9": {"fr": "9 mois", "bm": "Kalo 9"},
    "m15": {"fr": "15 mois", "bm": "Kalo 15"},
}


def short_date(day: date) -> str:
    """'16/04/26': eight characters, as on the booklet."""
    return day.strftime("%d/%m/%y")


def visit_label(visit: str) -> dict[str, str]:
    return VISITS[visit]


def birth_label(place: int, child: Child) -> dict[str, str]:
    """A child on a shared screen has no name: 'Enfant 1, né 03/2026'."""
    born = "née" if child.sex == "F" else "né"
    month = f"{child.born_on:%m/%Y}"
    return {"fr": f"Enfant {place}, {born} {month}", "bm": f"Den {place}, a bangera {month}"}
