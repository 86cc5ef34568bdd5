"""What the console says, in French, and how its pages write days and doses."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from service.domain.late_order import Band
from service.domain.vaccination import Reason
from service.store.care_tables import RecordedDose
from service.store.people_tables import Child
from service.stories.care.dose_corrections import FULL, NOT_YET, Line
from service.stories.homes.families import show_code

NO_CHILD: Final = "Aucun enfant trouvé ici. Vérifiez le code sur le carnet, ou le numéro."
TOO_MANY_SEARCHES: Final = "Trop de recherches sans résultat. Attendez un quart d'heure."
OWN_WORDS: Final = (NO_CHILD, TOO_MANY_SEARCHES)
WRONG_ENTRY: Final = "Identifiant, mot de passe ou code incorrect. Un code ne sert qu'une fois : attendez le suivant."
TOO_MANY_TRIES: Final = "Trop d'essais. Attendez un quart d'heure, puis réessayez."
BUSY: Final = "Trop de connexions en ce moment. Réessayez dans quelques secondes."
_REFUSALS: Final = {
    400: "Le formulaire n'est pas complet. Revenez en arrière et vérifiez.",
    403: "Cette page n'est plus valable. Ouvrez-la de nouveau, puis recommencez.",
    404: "Cette page n'existe pas.",
    405: "Cette page ne s'ouvre pas ainsi.",
    413: "C'est trop grand. Une liste a 1 Mo au plus : coupez-la en deux.",
    429: TOO_MANY_TRIES,
    503: "Le service est occupé. Rien n'a été changé : réessayez dans quelques secondes.",
}
DONE: Final = {
    "ecrit": "C'est écrit.",
    "rien": "Rien de nouveau : tout était déjà au dossier.",
    "corrige": "La correction est faite. L'enfant est replanifié.",
    "confie": "C'est fait. Les deux médiatrices reçoivent un SMS, en journée.",
    "fini": "La session est terminée. Connectez-vous de nouveau ; rien n'a été changé.",
    "sorti": "Vous êtes déconnecté.",
    "choisi": "Le mot de passe est changé.",
}
ALARMS: Final = {
    "door": "Quelqu'un a essayé plusieurs fois le mot de passe de {login}",
    "code": "Quelqu'un connaît le mot de passe de {login} et a essayé des codes",
    "former": "Sur une page ouverte de {login}, quelqu'un a essayé son mot de passe",
    "search": "{login} a cherché beaucoup d'enfants qui ne sont pas ici",
}
WEAK: Final = {
    "short": "Le mot de passe a douze signes au moins.",
    "long": "Le mot de passe a deux cents signes au plus.",
    "easy": "Ce mot de passe est trop facile à deviner, ou c'est l'ancien. Prenez quatre mots sans rapport.",
    "former": "L'ancien mot de passe n'est pas le bon.",
    "differ": "Les deux mots de passe ne sont pas les mêmes.",
    "wait": TOO_MANY_TRIES,
}
WHYS: Final = {
    "wrong-child": "elle est d'un autre enfant",
    "wrong-dose": "un autre vaccin a été donné",
    "not-given": "elle n'a pas été donnée",
    "forged": "quelqu'un a écrit au nom d'un autre",
    "other": "autre raison (à écrire)",
}
_WHYS_DONE: Final = WHYS | {"wrong-date": "donnée un autre jour", "taken-back": "annulée par la médiatrice"}
NOT_CORRECTED: Final = {
    "no_child": NO_CHILD,
    "no_dose": "Cette dose n'est plus au dossier : quelqu'un l'a déjà corrigée.",
    "same_day": "C'est déjà le jour écrit au dossier.",
    "future": "Ce jour n'est pas encore venu.",
    "before_birth": "Ce jour est avant la naissance.",
    "on_record": "Une dose de ce vaccin est déjà au dossier ce jour-là : retirez celle des deux qui est fausse.",
}
REASONS: Final[dict[Reason, str]] = {
    "too_young": "enfant trop jeune ce jour-là",
    "interval_too_short": "trop près de la dose d'avant",
    "live_spacing": "trop près d'un autre vaccin vivant",
}
SOURCES: Final = {
    "mother": "dit par la famille",
    "card": "carnet",
    "centre": "centre",
    "mediator": "médiatrice",
    "list": "liste",
    "correction": "correction",
    "demo": "démonstration",
}
QUALITIES: Final = {"assumed": "jour supposé", "told": "jour dit par la famille"}
SILENT: Final = {"no_phone": "sans téléphone", "stopped": "ARRET", "unreachable": "numéro muet"}
ROLES: Final = {"supervisor": "superviseur", "centre": "centre de santé"}
_STYLE: Final = (Path(__file__).parent / "console.css").read_bytes()
STYLE_TAG: Final = hashlib.sha256(_STYLE).hexdigest()[:10]


def refusal(code: int) -> str:
    return _REFUSALS.get(code, "Quelque chose n'a pas marché de notre côté. Réessayez plus tard.")


def style() -> Response:
    """The one style sheet; its address changes with its content, so that phones may keep it for good."""
    kept = "public, max-age=31536000, immutable" if request.args.get("v") == STYLE_TAG else "no-store"
    return Response(_STYLE, mimetype="text/css", headers={"Cache-Control": kept})


# --- how pages write ----------------------------------------------------------------------------------------


def day(one: date | None) -> str:
    return f"{one:%d/%m/%Y}" if one else "jour pas encore connu"


def born(child: Child) -> str:
    """As exactly as it is known."""
    written = day(child.born_on)
    return {"week": f"vers le {written}", "month": written[3:], "year": written[6:]}.get(
        child.birth_precision, f"le {written}"
    )


def band(one: Band) -> str:
    return f"{one.first}+ j" if one.last is None else f"{one.first}-{one.last} j"


def counts(line: Line) -> str:
    """What becomes of a dose: 'compte : PENTA2', or why it does not count."""
    if line.dose.voided_at is not None:
        return f"retirée\u00a0: {_WHYS_DONE.get(line.dose.voided_why or '', 'raison inconnue')}"
    if line.reasons:
        return f"ne compte pas\u00a0: {', '.join(REASONS[one] for one in line.reasons)}"
    if line.counts_as in (FULL, NOT_YET):
        return "en plus\u00a0: la série était complète" if line.counts_as == FULL else "le jour n'est pas encore venu"
    return f"compte\u00a0: {line.counts_as}"


def origin(one: RecordedDose) -> str:
    """Who wrote it down and how surely: never a name, since accounts sign."""
    quality = QUALITIES.get(one.date_quality)
    return SOURCES.get(one.source, one.source) + (f", {quality}" if quality else "")


def typeset(words: str) -> str:
    """With the space before : ; ? ! that French asks for and no line may break at."""
    return re.sub(r" (?=[:;?!](?:\s|$))", "\u00a0", words)


def dress(pages: Blueprint) -> None:
    """Teach the templates these words."""
    for word in (day, born, band, counts, origin, typeset):
        pages.add_app_template_filter(word, f"console_{word.__name__}")
    pages.add_app_template_filter(show_code, "console_code")
