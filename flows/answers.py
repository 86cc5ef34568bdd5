"""What people type, read kindly: with a full stop from T9, digits of another script, spaces where none were asked.

Kind, but never guessing: what can be read in two ways is asked again. Every `read_*` gives a value or raises `Unclear`.
"""

import re
import unicodedata
from datetime import date, timedelta
from typing import Final, Literal

from flows.phone_numbers import is_mobile, region, to_e164
from flows.sms_text import fold

# Every key an answer can be refused with: flows/phrases/ has a sentence for each.
HELP_KEYS: Final = (
    "help.choice",
    "help.number",
    "help.number_range",
    "help.date",
    "help.date_range",
    "help.text",
    "help.text_long",
    "help.phone",
    "help.phone_abroad",
)


_ANY_DAY: Final = "05032026"


class Unclear(Exception):
    """The answer could not be read: ask again with the sentence of `key`, which may name `low` and `high`."""

    def __init__(self, key: str, low: int | date | None = None, high: int | date | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.low = low
        self.high = high

    @property
    def example(self) -> str:
        """A day that would be taken, as it is typed: the last 5 March, or the last day where that is too early."""
        if not isinstance(self.high, date):
            return _ANY_DAY
        fifth = date(self.high.year, 3, 5)
        fifth = fifth if fifth <= self.high else date(self.high.year - 1, 3, 5)
        taken = fifth if not isinstance(self.low, date) or self.low <= fifth else self.high
        return f"{taken:%d%m%Y}"


# No answer to one question is longer; more is refused unread, so that reading takes bounded time.
_LONGEST: Final = 200
_LONGEST_TEXT: Final = 2000

_AROUND: Final = " \n.,;:!?'\"()*#"
# Day first, as on the health booklet; year first only where the separators show it.
_BETWEEN: Final = "[ ./,_:\n-]+"
_DATES: Final = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?P<day>\d\d)(?:{_BETWEEN})?(?P<month>\d\d)(?:{_BETWEEN})?(?P<year>\d{{4}})",
        r"(?P<day>\d\d)(?P<month>\d\d)(?P<year>\d\d)",
        rf"(?P<day>\d{{1,2}}){_BETWEEN}(?P<month>\d{{1,2}}){_BETWEEN}(?P<year>\d{{4}}|\d\d)",
        rf"(?P<year>\d{{4}}){_BETWEEN}(?P<month>\d{{1,2}}){_BETWEEN}(?P<day>\d{{1,2}})",
    )
)
_DAYS_AGO: Final = {"aujourd'hui": 0, "aujourdhui": 0, "auj": 0, "hier": 1}


def read_choice(typed: str, count: int) -> int:
    """The number of the chosen line, from 1 to `count`: "1", " 1.", "01", "1)"."""
    number = _whole_number(typed)
    if number is None or not 1 <= number <= count:
        raise Unclear("help.choice", 1, count)
    return number


def read_number(typed: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`. "3,5", "1 2" and "5 ans" are asked again: the unit may be another one.

    A code of eight digits may be typed as it is shown, "4821 7730".
    """
    number = _whole_number(typed)
    if number is None:
        raise Unclear("help.number", low, high)
    if not low <= number <= high:
        raise Unclear("help.number_range", low, high)
    return number


def read_date(typed: str, today: date, earliest: date, latest: date) -> date:
    """A day from `earliest` to `latest`: 05032026, 050326, 5/3/2026, 5.3.26, 2026-03-05, "hier", "aujourd'hui".

    A year of two digits is the most recent one that gives a day not after `latest`.
    """
    plain = _plain(typed).lower()
    day = today - timedelta(_DAYS_AGO[plain]) if plain in _DAYS_AGO else _written_day(plain, latest)
    if day is None:
        raise Unclear("help.date", earliest, latest)
    if not earliest <= day <= latest:
        raise Unclear("help.date_range", earliest, latest)
    return day


def read_text(typed: str, max_length: int) -> str:
    """Words in their own spelling and script, spaces squeezed, with at least one letter; never cut."""
    if len(typed) > _LONGEST_TEXT:
        raise Unclear("help.text_long", high=max_length)
    spaced = " ".join(typed.split())
    # Control and invisible characters, and halves of a surrogate pair, which no database takes.
    visible = "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    text = " ".join(unicodedata.normalize("NFC", visible).split())
    if not any(c.isalpha() for c in text):  # "1" is a key pressed once too often
        raise Unclear("help.text")
    if len(text) > max_length:
        raise Unclear("help.text_long", high=max_length)
    return text


def read_phone(typed: str, country: str = "ML", *, abroad: bool = False) -> str:
    """A mobile number in E.164; one of another country only if `abroad`, as its messages cost many times more."""
    number = to_e164(typed, country)
    if number is None or not is_mobile(number):
        raise Unclear("help.phone")
    if not abroad and region(number) != country:
        raise Unclear("help.phone_abroad")
    return number


def _plain(typed: str) -> str:
    """The answer in plain letters and 0-9, without the marks around it; empty when too long to be one."""
    if len(typed) > _LONGEST:
        return ""
    return fold(typed).strip(_AROUND)


def _whole_number(typed: str) -> int | None:
    plain = _plain(typed)
    if re.fullmatch(r"[+-]?\d{1,9}", plain, re.ASCII):
        return int(plain)
    if re.fullmatch(r"\d{1,3}(?: \d{3}){1,2}|\d{4} \d{4}", plain, re.ASCII):
        return int(plain.replace(" ", ""))
    return None


def _written_day(plain: str, latest: date) -> date | None:
    for pattern in _DATES:
        if found := pattern.fullmatch(plain):
            day, month, year = int(found["day"]), int(found["month"]), found["year"]
            return _day_of_short_year(day, month, int(year), latest) if len(year) == 2 else _day(day, month, int(year))
    return None


def _day_of_short_year(day: int, month: int, year: int, latest: date) -> date | None:
    """The most recent such day up to `latest`. 29 February may be one century back, where that year was a leap year."""
    this_century = latest.year - latest.year % 100
    days = (_day(day, month, century + year) for century in (this_century, this_century - 100))
    return next((found for found in days if found and found <= latest), None)


def _day(day: int, month: int, year: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


# STOP and START. A missed STOP is worse than a STOP too many, because the answer to STOP says how to start again.
# So a message of at most sixteen words (case, accents, marks and punctuation forgiven) is a stop when it has
#   1. a stop word first: "STOP je ne veux pas de ces messages";
#   2. a stop word anywhere, and at most one word beside it that is not mere politeness: "bonjour, arrêtez ça svp";
#   3. "ne ... plus" said about messages: "ne m'envoyez plus de sms".
# Words that may also mean something else here, as cancelling an appointment, count only when they stand alone.
# "N'arrêtez pas" and "il a arrêté" are no stops. A longer text that holds the word, as forwarded messages do, is for
# a human to read. START must stand alone, politeness aside; "oui" answers too many questions to start anything.
_MOST_WORDS: Final = 16
_LONGEST_SMS: Final = 400


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


# With Twilio's default words for opting out, some of them below; a carrier that hears one stops us by itself.
_STOP: Final = _set_of(
    "stop stope stoper stopez stopper stoppez stopall unsubscribe optout revoke "
    "arret arrets arrete arretes arreter arretez aret arete areter aretez arette arrette arretter arrettez "
    "desabonner desabonnez desabonne desabonnement desinscrire desinscrivez desinscris desinscription "
    "desactiver desactivez resilier"
)
_STOP_ALONE: Final = _set_of("end quit cancel quitter quittez annuler annulez annule fin")
_START: Final = _set_of(
    "start unstop restart reprendre reprenez reprends reprise recommencer recommencez recommence "
    "demarrer demarrez demarre redemarrer redemarrez reabonner reabonnez reactiver reactivez"
)
_POLITE: Final = _set_of(
    "a au aux bonjour bonsoir c ca ce cela ces d de des du encore envoi envoyer et faut i il j je l la laseli le les "
    "m ma maintenant me merci mes message messages moi mon ni notre nous numero ok on plait please pls pour pouvez "
    "rappel rappels recevoir s salut se sil sms sogoma stp svp te texte textes tous tout tu va vais veut veux vos "
    "votre voudrais voulez vous"
)
_DENIAL: Final = _set_of("n ne pas plus")
_WILL: Final = "veu[xt]|veulent|voulons|souhaite|envoies?|envoye[zr]|ecri[a-z]{1,4}"
_NO_MORE: Final = re.compile(rf"\bne? (?:\w+ ){{0,3}}(?:{_WILL}) plus\b")
_ABOUT_MESSAGES: Final = re.compile(r"\b(?:messages?|sms|rappels?|textes?|recevoir|envoi|envoies?|envoye[zr]|ecri)")


def keyword(text: str) -> Literal["stop", "start"] | None:
    """What a whole SMS asks for when it is STOP or START, said shortly in French or English; None for anything else."""
    words = _words(text)
    if _is_stop(words):
        return "stop"
    meaning = [word for word in words if word not in _POLITE]
    return "start" if meaning and _START.issuperset(meaning) else None


def _is_stop(words: list[str]) -> bool:
    if not words or len(words) > _MOST_WORDS:
        return False
    if any(map(_asks_to_stop, words, ["", *words])):
        beside = [word for word in words if word not in _STOP | _POLITE | _DENIAL]
        return words[0] in _STOP or len(beside) <= 1
    meaning = [word for word in words if word not in _POLITE]
    if meaning and _STOP_ALONE.issuperset(meaning):
        return True
    sentence = " ".join(words)
    return bool(_NO_MORE.search(sentence) and _ABOUT_MESSAGES.search(sentence))


def _asks_to_stop(word: str, before: str) -> bool:
    """Not after "ne", nor a verb after "pas"; and "il a arrêté" tells of something else."""
    if word in {"stop", "arret"}:
        return before not in {"n", "ne"}
    told = word == "arrete" and before in {"a", "ai", "as", "ont", "est", "etait", "avait", "s"}
    return word in _STOP and before not in {"n", "ne", "pas"} and not told


def _words(text: str) -> list[str]:
    """The words in small plain letters. Only the beginning is read: no keyword stands in a longer text."""
    letters = unicodedata.normalize("NFKD", text.strip()[:_LONGEST_SMS])
    plain = "".join(c for c in letters if unicodedata.category(c) not in {"Mn", "Me", "Cf"}).casefold()
    words = re.findall(r"[^\W\d_]+|\d+", plain)
    if all(len(word) == 1 for word in words):  # S.T.O.P.
        words = ["".join(words)] if words else []
    return " ".join(words).replace("opt out", "optout").split()
