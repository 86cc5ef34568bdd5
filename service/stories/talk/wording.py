"""The small words that actions hand to a flow: dates, labels of children and of visits."""

from __future__ import annotations

from datetime import date

from service.store.people_tables import Child

VISITS = {
    "none": {"fr": "Aucun", "bm": "Foyi", "en": "None"},
    "birth": {"fr": "Naissance", "bm": "Bange", "en": "Birth"},
    "w6": {"fr": "6 semaines", "bm": "Dɔgɔkun 6", "en": "6 weeks"},
    "w10": {"fr": "10 semaines", "bm": "Dɔgɔkun 10", "en": "10 weeks"},
    "w14": {"fr": "14 semaines", "bm": "Dɔgɔkun 14", "en": "14 weeks"},
    "m9": {"fr": "9 mois", "bm": "Kalo 9", "en": "9 months"},
    "m15": {"fr": "15 mois", "bm": "Kalo 15", "en": "15 months"},
}
WHOLE_FAMILY = {"fr": "Toute la famille", "bm": "Du bɛɛ", "en": "The whole family"}
# Where the name of a centre would stand, when none is known.
SOME_CENTRE = {"fr": "centre de santé", "bm": "kɛnɛyaso la", "en": "health centre"}
WEEKDAYS = {
    "mon": {"fr": "lundi", "bm": "ntɛnɛn", "en": "Mon"},
    "tue": {"fr": "mardi", "bm": "tarata", "en": "Tue"},
    "wed": {"fr": "mercredi", "bm": "araba", "en": "Wed"},
    "thu": {"fr": "jeudi", "bm": "alamisa", "en": "Thu"},
    "fri": {"fr": "vendredi", "bm": "juma", "en": "Fri"},
    "sat": {"fr": "samedi", "bm": "sibiri", "en": "Sat"},
    "sun": {"fr": "dimanche", "bm": "kari", "en": "Sun"},
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
    return {
        "fr": f"Enfant {place}, {born} {month}",
        "bm": f"Den {place}, a bangera {month}",
        "en": f"Child {place}, born {month}",
    }


def born_label(child: Child, language: str) -> str:
    """The same to a mediator who named the child by its code: 'Enfant né 03/2026'."""
    month, born = f"{child.born_on:%m/%Y}", "née" if child.sex == "F" else "né"
    return {"bm": f"Den, {month}", "en": f"Child born {month}"}.get(language, f"Enfant {born} {month}")


def place_label(centre: str | None, language: str) -> str:
    """'CSCom ASACODAR', or the words for some health centre."""
    return f"CSCom {centre}" if centre else SOME_CENTRE.get(language, SOME_CENTRE["fr"])


def weekdays(days: tuple[str, ...], language: str) -> str:
    """'lundi, jeudi'; nothing when nobody told us the days."""
    return ", ".join(WEEKDAYS[day].get(language, WEEKDAYS[day]["fr"]) for day in days if day in WEEKDAYS)


def show_code(code: str) -> str:
    """A code as it stands in the booklet: '4821 7730'."""
    return f"{code[:4]} {code[4:]}"
