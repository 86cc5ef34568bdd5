"""Worked children and indicators from a file: what the schedule answers, for anyone who wants to check it."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import yaml

from service.domain.data_files import one_line
from service.domain.indicators import drop_out, is_timely
from service.domain.vaccination import Assessment, Calendar, CalendarMistake, DoseError, Given, assess

Case = dict[str, Any]

STATUSES_FR = {"due": "à faire", "overdue": "en retard", "defaulter": "très en retard"}
REASONS_FR = {
    "too_young": "enfant trop jeune",
    "interval_too_short": "trop tôt après la dose précédente",
    "live_spacing": "trop près d'un autre vaccin vivant",
}
ERRORS_FR = {
    "dose_before_birth": "une dose est datée d'avant la naissance",
    "dose_after_as_of": "une dose est datée d'après le jour demandé",
    "as_of_before_birth": "le jour demandé est avant la naissance",
}
FLAGS_FR = {True: "oui", False: "non", None: "sans objet"}


class CaseMistake(Exception):
    """The file cannot be read as cases; one line that names the case and what is wrong."""


class _DatesStayText(yaml.SafeLoader):
    """So that a date that does not exist is reported with its case, not from inside the YAML reader."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012  # PyYAML's own spelling
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def run_cases(text: str, calendar: Calendar) -> list[Case]:
    """One result per child, then one per indicator, in the file's order; dates as ISO texts.

    A child with impossible dates gives {"id", "error"}; what cannot be read at all raises CaseMistake.
    """
    children, indicators = _read(text)
    return [_child(case, place, calendar) for place, case in enumerate(children, 1)] + [
        _indicator(case, place, calendar) for place, case in enumerate(indicators, 1)
    ]


def _read(text: str) -> tuple[list[Any], list[Any]]:
    data = _parsed(text)
    if isinstance(data, list):
        return data, []
    if not isinstance(data, dict) or not ("cases" in data or "indicator_cases" in data):
        raise CaseMistake("expected a mapping with 'cases' or 'indicator_cases'")
    children, indicators = data.get("cases") or [], data.get("indicator_cases") or []
    for key, found in (("cases", children), ("indicator_cases", indicators)):
        if not isinstance(found, list):
            raise CaseMistake(f"'{key}' must be a list")
    return children, indicators


def _parsed(text: str) -> object:
    try:
        return json.loads(text)  # JSON written with tabs is not YAML
    except ValueError:
        pass
    try:
        return yaml.load(text, _DatesStayText)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CaseMistake(f"not readable as YAML or JSON: {one_line(error)}") from None


def _child(case: object, place: int, calendar: Calendar) -> Case:
    fields, where = _fields(case, f"case {place}")
    profile = fields.get("profile")
    if not isinstance(profile, str) or profile not in calendar.profiles:
        known = ", ".join(calendar.profiles)
        raise CaseMistake(f"{where}: 'profile' must be one of {known}, not {profile!r}")
    dob, as_of = _date(fields, "dob", where), _date(fields, "as_of", where)
    doses, grace = _doses(fields.get("doses"), where), _grace(fields.get("grace_days"), where)
    try:
        assessment = assess(calendar, profile, dob, as_of, doses, grace_days=grace)
    except DoseError as error:
        return {"id": fields["id"], "error": error.code}
    except (ValueError, OverflowError):
        raise CaseMistake(f"{where}: the dates are too far in the past or future to count with") from None
    return {"id": fields["id"], **_as_texts(assessment)}


def _as_texts(assessment: Assessment) -> Case:
    return {
        "due": [
            {"dose": dose.dose, "due_date": dose.due_on.isoformat(), "status": dose.status} for dose in assessment.due
        ],
        "upcoming": [{"dose": dose.dose, "due_date": dose.due_on.isoformat()} for dose in assessment.upcoming],
        "lapsed": list(assessment.lapsed),
        "invalid": [
            {"antigen": dose.antigen, "date": dose.on.isoformat(), "reasons": list(dose.reasons)}
            for dose in assessment.invalid
        ],
        "next_contact": assessment.next_contact.isoformat() if assessment.next_contact else None,
        "penta_zero_dose": assessment.penta_zero_dose,
        "fully_immunised_basic": assessment.fully_immunised_basic,
    }


def _indicator(case: object, place: int, calendar: Calendar) -> Case:
    fields, where = _fields(case, f"indicator case {place}")
    kind = fields.get("indicator")
    if kind == "dropout":
        counts, _ = _fields(fields.get("counts"), f"{where}: counts", named=False)
        found = drop_out(_count(counts, "from", where), _count(counts, "to", where))
        return {"id": fields["id"], "percent": found.percent, "negative": found.negative}
    if kind == "timely":
        return _timely(fields, where, calendar)
    raise CaseMistake(f"{where}: 'indicator' must be dropout or timely, not {kind!r}")


def _timely(fields: Case, where: str, calendar: Calendar) -> Case:
    dob, given = _date(fields, "dob", where), _date(fields, "given", where)
    if given < dob:
        return {"id": fields["id"], "error": "dose_before_birth"}
    grace = _grace(fields.get("grace_days"), where)
    try:
        timely = is_timely(calendar, str(fields.get("dose")), dob, given, grace_days=grace)
    except CalendarMistake as mistake:
        raise CaseMistake(f"{where}: {mistake}") from None
    except (ValueError, OverflowError):
        raise CaseMistake(f"{where}: the dates are too far in the past or future to count with") from None
    return {"id": fields["id"], "timely": timely}


def _fields(case: object, where: str, *, named: bool = True) -> tuple[Case, str]:
    if not isinstance(case, dict):
        raise CaseMistake(f"{where}: expected a mapping of keys to values")
    if not named:
        return case, where
    if not isinstance(case.get("id"), str | int | float):
        raise CaseMistake(f"{where}: 'id' is missing")
    return case, f"{where} ({case['id']})"


def _date(fields: Case, key: str, where: str) -> date:
    if fields.get(key) is None:
        raise CaseMistake(f"{where}: '{key}' is missing")
    written = fields[key]
    try:
        return datetime.fromisoformat(str(written).strip()).date()
    except ValueError:
        raise CaseMistake(f"{where}: '{key}' must be a date like 2025-01-31, not {written!r}") from None


def _count(fields: Case, key: str, where: str) -> int:
    value = fields.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise CaseMistake(f"{where}: counts: '{key}' must be a whole number, 0 or more, not {value!r}")
    return value


def _grace(value: object, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 366:
        raise CaseMistake(f"{where}: 'grace_days' must be a whole number of days, not {value!r}")
    return value


def _doses(entries: object, where: str) -> list[Given]:
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise CaseMistake(f"{where}: 'doses' must be a list")
    return [
        Given(antigen, _date(entry, "date", place))
        for entry, place in ((entry, f"{where}: dose {n}") for n, entry in enumerate(entries, 1))
        for antigen in _antigens(entry, place)
    ]


def _antigens(entry: object, where: str) -> list[str]:
    if not isinstance(entry, dict):
        raise CaseMistake(f"{where}: expected a date and its antigens")
    found = entry.get("antigens", entry.get("antigen"))
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(antigen, str) for antigen in listed):
        raise CaseMistake(f"{where}: 'antigens' must be a list of codes, not {found!r}")
    return [antigen.strip() for antigen in listed]


def card(result: Case) -> str:
    """One result as a card in French, to be read by people; no line break at its end."""
    if "error" in result:
        return f"{result['id']}\n  Erreur : {ERRORS_FR.get(result['error'], result['error'])}"
    if "next_contact" not in result:
        return f"{result['id']}\n  {_indicator_fr(result)}"
    lines = [str(result["id"])]
    lines += _part("À faire maintenant", [_due_fr(dose) for dose in result["due"]])
    lines += _part("À venir", [f"{dose['dose']:<8}à partir du {_fr(dose['due_date'])}" for dose in result["upcoming"]])
    lines += _part("Doses non valables", [_invalid_fr(dose) for dose in result["invalid"]])
    if result["lapsed"]:
        lines.append(f"  Âge dépassé : {', '.join(result['lapsed'])}")
    lines.append(f"  Prochain contact : {_fr(result['next_contact']) if result['next_contact'] else 'aucun'}")
    lines.append(f"  Penta zéro dose : {FLAGS_FR[result['penta_zero_dose']]}")
    lines.append(f"  Complètement vacciné (base) : {FLAGS_FR[result['fully_immunised_basic']]}")
    return "\n".join(lines)


def _part(title: str, lines: list[str]) -> list[str]:
    return [f"  {title}", *(f"    {line}" for line in lines)] if lines else []


def _due_fr(dose: Case) -> str:
    return f"{dose['dose']:<8}depuis le {_fr(dose['due_date'])} ({STATUSES_FR[dose['status']]})"


def _invalid_fr(dose: Case) -> str:
    reasons = ", ".join(REASONS_FR[reason] for reason in dose["reasons"])
    return f"{dose['antigen']:<8}du {_fr(dose['date'])} : {reasons}"


def _indicator_fr(result: Case) -> str:
    if "timely" in result:
        return f"Dans les temps : {FLAGS_FR[result['timely']]}"
    if result["percent"] is None:
        return "Abandon : sans objet (personne n'a commencé)"
    percent = str(result["percent"]).replace(".", ",")
    return f"Abandon : {percent} %" + (" (négatif : données à vérifier)" if result["negative"] else "")


def _fr(day: str) -> str:
    return date.fromisoformat(day).strftime("%d/%m/%Y")
