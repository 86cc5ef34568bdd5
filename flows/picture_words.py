"""The words of a picture that are not the flow's own: names of kinds, of ways out, and the legend."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FRENCH: Final = {
    "kind.say": "message", "kind.sms": "SMS", "kind.menu": "menu", "kind.pick": "choix multiple",
    "kind.number": "nombre", "kind.text": "texte libre", "kind.date": "date", "kind.phone": "téléphone",
    "kind.when": "selon", "kind.do": "action", "kind.set": "retenir", "kind.run": "sous-dialogue", "kind.end": "fin",
    "start": "début", "missing": "cette étape n'existe pas", "else": "sinon", "fails": "échec",
    "give_up": "abandon (3 erreurs)", "empty": "aucun choix", "answer": "réponse", "to": "à", "letters": "lettres",
    "choices": "choix :", "several": "plusieurs réponses", "sets_language": "choisit la langue",
    "again": "retours au plus :", "personal": "réponse personnelle", "version": "version", "over": "Fin du dialogue",
    "picture": "Dessin du dialogue", "steps": "Étapes", "legend": "Légende", "question": "question",
    "today": "aujourd'hui", "unit.d": "jours", "unit.w": "semaines", "unit.m": "mois", "unit.y": "ans",
    "line.way": "suite ou choix", "line.fail": "échec ou abandon", "line.back": "retour plus haut",
}  # fmt: skip
_ENGLISH: Final = {
    "kind.say": "message", "kind.sms": "SMS", "kind.menu": "menu", "kind.pick": "several choices",
    "kind.number": "number", "kind.text": "free text", "kind.date": "date", "kind.phone": "phone",
    "kind.when": "depending on", "kind.do": "action", "kind.set": "remember", "kind.run": "sub-flow",
    "kind.end": "end", "start": "start", "missing": "this step does not exist", "else": "otherwise",
    "fails": "failure", "give_up": "gives up (3 mistakes)", "empty": "no choices", "answer": "answer", "to": "to",
    "letters": "letters", "choices": "choices:", "several": "several answers", "sets_language": "sets the language",
    "again": "times back at most:", "personal": "personal answer", "version": "version",
    "over": "End of the conversation", "picture": "Picture of the conversation", "steps": "Steps", "legend": "Legend",
    "question": "question",
    "today": "today", "unit.d": "days", "unit.w": "weeks", "unit.m": "months", "unit.y": "years",
    "line.way": "next or choice", "line.fail": "failure or giving up",
    "line.back": "back up the page",
}  # fmt: skip


def said_in(language: str) -> Mapping[str, str]:
    """The words for a reader of this language: English for `en`, else French."""
    return MappingProxyType(_ENGLISH if language == "en" else _FRENCH)
