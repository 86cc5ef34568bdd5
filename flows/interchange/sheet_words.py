"""The words of the sheet: its columns, the sorts of its rows, and yes and no, in French with the English beside them.

What we write is the French word; what is read may be either, whatever its capitals, accents and blanks.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from flows.fmt import _STEP as STEP_KEYS  # the one list of what a step may hold: a key added there is known here
from flows.mistakes import nearest
from flows.model import LANGUAGES
from flows.step_reading import KINDS

SHEET: Final = "conversation"

# The columns that every sheet has, and the others a step's settings may have: ours first, then other spellings.
FIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "step": ("étape", "step", "id"),
    "kind": ("sorte", "kind", "type"),
    "name": ("nom", "name", "choix", "choice"),
    "all": ("toutes", "toutes les langues", "all"),
    "fr": ("fr", "français", "french"),
    "bm": ("bm", "bambara", "bamanankan"),
    "en": ("en", "anglais", "english"),
    "info": ("septets (pour information)", "septets", "septets (for information)"),
    "next": ("aller à", "go to", "go", "next"),
    "if": ("si", "condition", "if"),
    "value": ("valeur", "value"),
    "remark": ("remarques", "remarque", "remarks", "commentaires"),
}
SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "options": ("liste", "options"),
    "options_from": ("choix tirés de", "options_from"),
    "with": ("avec", "with"),
    "set": ("valeurs notées", "set"),
    "gives": ("donne", "gives"),
    "max": ("longueur maximale", "max"),
    "from": ("de", "from"),
    "to": ("jusqu'à", "to"),
    "country": ("pays", "country"),
    "personal": ("personnel", "personal"),
    "sets_language": ("choisit la langue", "sets_language"),
    "show": ("largeur d'un choix", "show"),
    "skip_if_one": ("passer si un seul", "skip_if_one"),
    "by": ("par", "by"),
    "parts": ("parties de sms", "parts"),
    "reads": ("lecture seule", "reads"),
    "empty": ("si vide", "empty"),
    "fails": ("si échec", "fails"),
    "again": ("reprises", "again"),
    "give_up": ("si abandon", "give_up"),
    "replaces": ("remplace", "replaces"),
}
# Columns whose cells nobody has to fill and nobody reads.
IGNORED: Final = frozenset({"info", "remark"})
NEEDED: Final = ("step", "kind", "name", "next", "if", "value")
# Step keys that have rows or columns of another name.
_HAVE_ROWS: Final = frozenset({"id", "go", "or", "wrong", *KINDS}) - {"set"}
YES_NO: Final = frozenset({"personal", "sets_language", "skip_if_one", "reads", "resume.ask", "sensitive"})
PAIRS: Final = frozenset({"with", "gives", "set"})
TARGETS: Final = frozenset({"next", "empty", "fails", "give_up"})

ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "flow": ("conversation", "flow", "flux"),
    "setting": ("réglage", "setting"),
    "reviewed": ("relu", "reviewed"),
    "fact": ("fait", "fact"),
    "list": ("liste", "list"),
    "say": ("dire", "say"),
    "menu": ("menu",),
    "pick": ("choix multiple", "pick"),
    "number": ("nombre", "number"),
    "text": ("saisie", "text", "texte"),
    "date": ("date",),
    "phone": ("téléphone", "phone"),
    "when": ("aiguillage", "when"),
    "run": ("sous-conversation", "run"),
    "do": ("action", "do"),
    "set": ("noter", "set"),
    "end": ("fin", "end"),
    "option": ("choix", "option", "choice"),
    "or": ("autre réponse", "or"),
    "wrong": ("si erreur", "wrong"),
    "branch": ("branche", "branch"),
    "else": ("sinon", "else"),
    "message": ("message",),
}
SETTING_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "version": ("version",),
    "languages": ("langues", "languages"),
    "start.ussd": ("départ ussd", "start.ussd"),
    "start.sms": ("mots-clés sms", "start.sms"),
    "resume.within": ("reprise : pendant", "resume.within"),
    "resume.ask": ("reprise : demander", "resume.ask"),
    "if_dropped.after": ("coupure : attendre", "if_dropped.after"),
    "if_dropped.sms": ("coupure : message", "if_dropped.sms"),
    "sensitive": ("conversation sensible", "sensitive"),
    "columns": ("colonnes", "columns"),
}
# Settings that hold several words, written with commas.
SEVERAL: Final = frozenset({"start.ussd", "start.sms", "languages", "columns"})
_MOST_NAMED: Final = 25
_YES: Final = frozenset({"oui", "vrai", "true", "yes", "x", "1"})
_NO: Final = frozenset({"non", "faux", "false", "no", "0"})


def spelling(word: str) -> str:
    """The word without capitals, accents, signs and double blanks: "Aller  À" and "aller a" are the same."""
    letters = unicodedata.normalize("NFKD", word[:200].casefold())
    plain = "".join(sign for sign in letters if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", plain)) or plain.strip()


def _read_as(words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {spelling(word): key for key, spelt in words.items() for word in spelt}


_COLUMNS: Final = (
    _read_as({key: (key,) for key in STEP_KEYS if key not in _HAVE_ROWS}) | _read_as(SETTINGS) | _read_as(FIXED)
)
_ROW_KEYS: Final = _read_as(ROWS)
_SETTING_KEYS: Final = _read_as(SETTING_NAMES)


def column_of(header: str) -> str | None:
    """The key of a column by its header, None when there is no such column."""
    return _COLUMNS.get(spelling(header))


def header_of(column: str) -> str:
    """The header we write; a setting that came to the format later has its own key."""
    return (FIXED.get(column) or SETTINGS.get(column) or (column,))[0]


def row_of(word: str) -> str | None:
    """The sort of a row by the word in its cell: a kind of step, or "option", "branch", "setting" ..."""
    return _ROW_KEYS.get(spelling(word))


def row_word(row: str) -> str:
    return ROWS[row][0]


def setting_of(word: str) -> str:
    """The path of a setting of the whole conversation, as in "resume.within"; what we have no word for is its path."""
    return _SETTING_KEYS.get(spelling(word), word)


def setting_word(path: str) -> str:
    return SETTING_NAMES.get(path, (path,))[0]


def yes_or_no(word: str) -> str | None:
    """ "true" or "false" for what people write, None for anything else."""
    plain = spelling(word)
    return "true" if plain in _YES else "false" if plain in _NO else None


def nearest_column(header: str) -> str:
    return _nearest(header, [header_of(key) for key in (*FIXED, *SETTINGS)])


def nearest_row(word: str) -> str:
    return _nearest(word, [spelt[0] for spelt in ROWS.values()])


def _nearest(word: str, known: list[str]) -> str:
    by_spelling = {spelling(each): each for each in known}
    found = re.search(r"did you mean '(.*)'", nearest(spelling(word), by_spelling))
    if found:
        return f"vouliez-vous dire « {by_spelling[found[1]]} » ?"
    return f"on connaît ici : {', '.join(known[:_MOST_NAMED])}{' …' if len(known) > _MOST_NAMED else ''}"


def french_nearest(word: str, known: list[str]) -> str:
    """ "vouliez-vous dire « chef » ?", or the names there are."""
    return _nearest(word, known) if known else "il n'y en a aucun"


assert {*LANGUAGES, "all"} <= set(FIXED)
