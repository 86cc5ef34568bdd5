"""The mediators' list in words: what a line asks for, and what was noted for whoever takes it up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "unfinished": "Formulaire inachevé",
    "amv_request": "Demande d'AMV",
    "cover_ended": "Famille dont la couverture est finie",
    "ramed_visit": "Visite demandée pour le RAMED",
    "muac_referral": "Enfant à orienter après la mesure du bras",
    "treatment_referral": "Enfant envoyé au centre : le revoir",
    "treatment_missed": "Enfant absent à sa visite, famille qui ne veut pas de passage",
    "treatment_absent": "Enfant qui ne vient plus à ses visites",
    "moved": "Famille déménagée",
    "moved_away": "Famille partie hors de nos quartiers",
    "visit_refused": "Refus lors d'une visite",
    "wrong_number": "Numéro qui n'est pas celui de la famille",
    "birth_doubt": "Enfant dont on ne dit plus rien, dans le doute",
    "same_child": "Peut-être un même enfant, inscrit deux fois",
    "beside_doubt": "Autre suivi du foyer arrêté dans le doute",
    "resumed": "Enfant suivi à nouveau",
    "wrong_family": "Messages reçus par une autre famille",
    "phone_changed": "Téléphone changé avec le code de l'enfant",
    "follow_up_phone": "Suivi sans téléphone : lequel noter ?",
    "handover_refused": "Nouveau numéro qui a dit non",
    "code_tries": "Code d'enfant essayé trop souvent",
    "robot_loop": "Numéro qui répond sans cesse, peut-être une machine",
    "dead_number": "Numéro qui ne reçoit plus rien",
    "silent_number": "Numéro sans nouvelles depuis six mois",
    "mediator_locked": "Compte de médiatrice bloqué",
    "call_asked": "Famille qui demande à être appelée",
    "complaint": "Plainte",
    "suggestion": "Suggestion",
}

VALUES: Final[Mapping[str, str]] = {
    "communautaire_public": "communautaire et public",
    "mixte_public_prive": "public et privé",
}


def title_of(kind: str) -> str:
    """The kind of a line in French words."""
    return KINDS.get(kind, kind)


def lines_of(details: str | None) -> list[str]:
    """What a mediator reads below it: a form's title, questions and answers, or the labels and words noted."""
    found = json.loads(details) if details else {}
    if not isinstance(found, dict):
        return [str(found)] if found else []
    title = [str(found["form"])] if "form" in found else []
    noted = {name: str(value) for name, value in found.items() if name not in ("answers", "form")}
    words = [f"{name}: {VALUES.get(value, value)}" for name, value in noted.items()]
    return [*title, *words, *(f"{question} {answer}" for question, answer in found.get("answers") or ())]
