"""What people type at a question, and the words that stop and start messages."""

import time
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.answers import (
    HELP_KEYS,
    Unclear,
    keyword,
    read_choice,
    read_date,
    read_number,
    read_phone,
    read_text,
)

TODAY = date(2026, 3, 9)
EARLIEST = date(2021, 3, 9)

NASTY = [
    "",
    " ",
    "\x00",
    "\ud800",
    "\udc00\ud800",
    "\u200e\u200d",
    "9" * 10_000,
    " " * 10_000,
    "stop " * 2_000,
    "a" + "\u0316\u0301" * 5_000,
    "\ufdfa" * 10_000,
    "1" + "٠" * 9_999,
    "5/" * 5_000,
    "🌊" * 10_000,
    "ne " * 3_000 + "plus",
]


def refusal(read, *arguments, **named):
    with pytest.raises(Unclear) as refused:
        read(*arguments, **named)
    assert refused.value.key in HELP_KEYS
    return refused.value


def born(typed, today=TODAY, earliest=EARLIEST, latest=TODAY):
    return read_date(typed, today, earliest, latest)


# --- choices and numbers ---


@pytest.mark.parametrize(
    "typed", ["2", " 2 ", "2.", "02", "2)", "2 !", "(2)", "２", "٢", "߂", "2️⃣", "2\n", "2*", "2#", "+2"]
)
def test_a_choice_is_read_kindly(typed):
    assert read_choice(typed, 3) == 2


@pytest.mark.parametrize("typed", ["", "0", "4", "-1", "1 2", "1*2", "12", "1.2", "un", "oui", "1 oui", "2²", "?"])
def test_an_unclear_choice_is_asked_again(typed):
    refused = refusal(read_choice, typed, 3)
    assert (refused.key, refused.low, refused.high) == ("help.choice", 1, 3)


@pytest.mark.parametrize(
    ("typed", "number"), [("0", 0), ("007", 7), ("12 000", 12000), ("12\u202f000", 12000), ("٣٤", 34), ("-4", -4)]
)
def test_a_number_is_read_kindly(typed, number):
    assert read_number(typed, -10, 20_000) == number


def test_a_code_is_read_as_it_is_shown():
    assert read_number("4821 7730", 1, 99_999_999) == 48_217_730
    assert refusal(read_number, "48 217 730 1", 1, 99_999_999).key == "help.number"
    assert refusal(read_number, "2024 2025", 2000, 2100).key == "help.number_range", "two years are no number"


@pytest.mark.parametrize("typed", ["", "3,5", "3.5", "1 2", "5 ans", "trois", "- 4", "1e3", "9" * 30])
def test_an_unclear_number_is_asked_again(typed):
    assert refusal(read_number, typed, 0, 20).key == "help.number"


def test_a_number_out_of_range_tells_the_range():
    refused = refusal(read_number, "21", 1, 20)
    assert (refused.key, refused.low, refused.high) == ("help.number_range", 1, 20)
    assert read_number("20", 1, 20) == 20
    assert read_number("1", 1, 20) == 1


# --- dates ---


@pytest.mark.parametrize(
    "typed",
    [
        "05032026",
        "050326",
        "05/03/2026",
        "5/3/2026",
        "5/3/26",
        "05.03.2026",
        "05-03-26",
        "05 03 2026",
        "5 3 26",
        "05 / 03 / 2026",
        "0503 2026",
        "05/032026",
        "2026-03-05",
        "2026/3/5",
        " 05032026. ",
        "05–03–2026",
        "05\u202f03\u202f2026",
        "０５０３２０２６",
        "٠٥٠٣٢٠٢٦",
        "٥/٣/٢٠٢٦",
        "０５／０３／２６",
        "05,03,2026",
        "05_03_2026",
        "05:03:2026",
        "05\x0003\x002026",
    ],
)
def test_a_date_is_read_kindly(typed):
    assert born(typed) == date(2026, 3, 5)


def test_yesterday_is_a_day():
    assert born("Hier.") == date(2026, 3, 8)
    assert born("aujourd’hui") == TODAY
    assert born("auj") == TODAY


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "31022025",
        "29022025",
        "310225",
        "00012025",
        "01002025",
        "12/25/2025",
        "5032026",
        "532026",
        "5326",
        "5/3",
        "5/3/202",
        "5/3/20261",
        "20250305",
        "2010 12",
        "050 326",
        "05/03/2026/1",
        "05+03+2026",
        "mars",
        "290201",
        "00/00/0000",
    ],
)
def test_an_impossible_or_unclear_date_is_asked_again(typed):
    assert refusal(born, typed).key == "help.date"


@pytest.mark.parametrize("typed", ["10032026", "100326", "08032021", "8/3/21", "05/03/1026", "29/02/28", "05/03/9999"])
def test_a_day_out_of_range_tells_the_range(typed):
    refused = refusal(born, typed)
    assert (refused.key, refused.low, refused.high) == ("help.date_range", EARLIEST, TODAY)


def test_both_ends_of_the_range_count():
    assert born("09032026") == TODAY
    assert born("09032021") == EARLIEST
    assert refusal(born, "hier", earliest=TODAY).key == "help.date_range"


def test_a_short_year_is_the_latest_one_possible():
    long_ago = date(1920, 1, 1)
    assert born("090326", earliest=long_ago) == TODAY
    assert born("100326", earliest=long_ago) == date(1926, 3, 10)
    assert born("010199", earliest=long_ago) == date(1999, 1, 1)
    assert born("290200", earliest=long_ago) == date(2000, 2, 29)
    assert born("290228", earliest=long_ago) == date(1928, 2, 29)
    next_year = TODAY + timedelta(366)
    assert born("010327", earliest=TODAY, latest=next_year) == date(2027, 3, 1)


@settings(deadline=None)
@given(st.dates(date(1926, 3, 10), TODAY), st.sampled_from(["", "/", ".", "-", " ", " / "]), st.booleans())
def test_every_day_of_a_century_is_read_back(day, between, short):
    typed = day.strftime(between.join(("%d", "%m", "%y" if short else "%Y")))
    assert born(typed, earliest=date(1900, 1, 1)) == day


@settings(deadline=None)
@given(st.dates(date(1930, 1, 1), TODAY), st.sampled_from("/.- "))
def test_every_day_without_zeros_is_read_back(day, between):
    typed = f"{day.day}{between}{day.month}{between}{day.year % 100:02}"
    assert born(typed, earliest=date(1900, 1, 1)) == day


# --- words and numbers of phones ---


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("  Awa   Test ", "Awa Test"),
        ("Awa\tTest\r\nB", "Awa Test B"),
        ("Awa\x00\x1b Test", "Awa Test"),
        ("Awa\u202fTest\u200e", "Awa Test"),
        ("e\u0301tat", "état"),
        ("ɲɛ", "ɲɛ"),
        ("ߒߞߏ", "ߒߞߏ"),
        ("\ud800Awa", "Awa"),
        ("A \u200b B", "A B"),
    ],
)
def test_words_keep_their_spelling(typed, text):
    assert read_text(typed, 20) == text


@pytest.mark.parametrize("typed", ["", "   ", ".", "-", "\u200e", "\x00", "🌊", "\u0301"])
def test_a_text_without_a_letter_is_asked_again(typed):
    assert refusal(read_text, typed, 20).key == "help.text"


def test_a_long_text_is_asked_again_and_never_cut():
    assert read_text("a" * 20, 20) == "a" * 20
    refused = refusal(read_text, "a" * 21, 20)
    assert (refused.key, refused.high) == ("help.text_long", 20)


def test_a_typed_phone_is_a_mobile_of_the_country():
    assert read_phone("70 00 00 01", "ML") == "+22370000001"
    assert read_phone("+221 70 123 45 67", "SN") == "+221701234567"
    assert refusal(read_phone, "20200001", "ML").key == "help.phone"
    assert refusal(read_phone, "7000001").key == "help.phone"
    assert refusal(read_phone, "70000001 / 66000002").key == "help.phone"
    assert refusal(read_phone, "+33612345678").key == "help.phone_abroad"
    assert read_phone("+33612345678", abroad=True) == "+33612345678"


# --- nothing breaks them ---


def read_all(typed):
    readings, keys = [], set()
    for read in (
        lambda: read_choice(typed, 9),
        lambda: read_number(typed, 0, 99),
        lambda: born(typed),
        lambda: read_text(typed, 40),
        lambda: read_phone(typed, "ML"),
    ):
        try:
            readings.append(read())
        except Unclear as refused:
            keys.add(refused.key)
            readings.append(None)
    assert keys <= set(HELP_KEYS)
    return (*readings, keyword(typed))


hard_letters = st.one_of(
    st.sampled_from("0123456789/.- \n\x00+*#\ud800\udc00\u0301\u200e٣７stoparrêtSTOP"), st.characters(categories=["Cs"])
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text(hard_letters, max_size=60)))
def test_any_text_is_read_or_asked_again(typed):
    choice, number, day, text, phone, word = read_all(typed)
    assert choice is None or 1 <= choice <= 9
    assert number is None or 0 <= number <= 99
    assert day is None or EARLIEST <= day <= TODAY
    assert phone is None or phone.startswith("+223")
    assert word in {"stop", "start", None}
    if text is not None:
        assert 0 < len(text) <= 40
        assert read_text(text, 40) == text
        text.encode()
        assert "\x00" not in text


@pytest.mark.parametrize("typed", NASTY, ids=range(len(NASTY)))
def test_nasty_texts_take_little_time(typed):
    started = time.perf_counter()
    read_all(typed)
    assert time.perf_counter() - started < 1


# --- STOP and START ---

STOPS = [
    *[
        "STOP",
        "stop",
        "Stop.",
        "STOP!!!",
        " stop \n",
        "S.T.O.P.",
        "ＳＴＯＰ",
        "«STOP»",
        "ST\u200bOP",
        "stop 🙏",
        "STOP1",
    ],
    *["ARRET", "arrêt", "Arrêt !", "ARRETER", "arrêter", "arrêtez", "Arretez", "arete", "ARRÊTÉ", "stopper"],
    *[
        "stop svp",
        "STOP s'il vous plaît",
        "arret merci",
        "svp arrêtez",
        "Bonjour, stop.",
        "merci stop",
        "I ni ce, stop",
    ],
    *["stop les messages", "arrêter les sms", "je veux arrêter les messages svp", "Il faut arrêter ça", "on arrête"],
    *["STOP, je ne veux pas de messages", "Stop ! C'est trop", "stop pas intéressé", "STOP Awa", "stop pour enfant 2"],
    *["STOP! Je vous ai déjà dit que je ne veux plus recevoir vos messages, merci", "je veux stop"],
    *[
        "je ne veux plus recevoir vos messages",
        "Ne m'envoyez plus de SMS",
        "n'envoyez plus rien",
        "je ne veux plus stop",
    ],
    *["désabonner", "DESABONNEMENT", "me désabonner", "désinscription svp", "résilier"],
    *["UNSUBSCRIBE", "END", "QUIT", "STOPALL", "stop all", "REVOKE", "OPTOUT", "opt-out", "CANCEL", "annuler", "fin"],
    *["stop start", "start stop", "STOP" + " " * 5_000, "STOP" + "!" * 5_000],
]
STARTS = [
    *["START", "start.", "UNSTOP", "REPRENDRE", "reprendre svp", "Je veux reprendre les messages", "RECOMMENCER"],
    *["recommencez s'il vous plaît", "DÉMARRER", "Démarrer !", "redémarrer", "réabonner"],
]
NEITHER = [
    *["", "   ", "\ud800", "?", "1", "oui", "OUI", "yes", "non", "merci", "ok", "bonjour", "I ni ce", "5"],
    *["stopp", "stopover", "arrestation", "non-stoppé"],
    *["n'arrêtez pas", "Ne pas arrêter les messages", "il ne faut pas arrêter", "je n'ai pas dit stop moi"],
    *["le bébé a arrêté de téter", "Il a arrêté", "je ne veux plus attendre", "je ne peux plus marcher"],
    *["annuler le rendez-vous", "fin du mois", "la fièvre ne s'arrête pas depuis hier soir", "ne reprendre pas"],
    "Dites STOP à la violence faite aux femmes et aux filles, faites passer ce message à dix personnes du quartier",
    "STOP au paludisme: dormez sous la moustiquaire chaque nuit, toute l'année, petits et grands, partout au Mali",
    "Le car pour Ségou fait un stop à Bla vers midi",
    "quand est-ce que je peux reprendre le travail",
]


@pytest.mark.parametrize("text", STOPS)
def test_stop_is_understood(text):
    assert keyword(text) == "stop"
    assert keyword(unicodedata.normalize("NFD", text)) == "stop"
    assert keyword(text.upper()) == "stop"


@pytest.mark.parametrize("text", STARTS)
def test_start_is_understood(text):
    assert keyword(text) == "start"
    assert keyword(unicodedata.normalize("NFD", text)) == "start"
    assert keyword(text.lower()) == "start"


@pytest.mark.parametrize("text", NEITHER)
def test_other_messages_are_for_somebody_to_read(text):
    assert keyword(text) is None


@pytest.mark.parametrize(
    ("low", "high", "example"),
    [
        (date(2021, 11, 20), date(2026, 11, 20), "05032026"),
        (date(2022, 1, 2), date(2027, 1, 2), "05032026"),
        (date(2027, 3, 5), date(2027, 3, 5), "05032027"),
        (date(2027, 1, 2), date(2027, 1, 9), "09012027"),
    ],
)
def test_the_example_of_a_day_is_one_that_would_be_taken(low: date, high: date, example: str) -> None:
    with pytest.raises(Unclear) as refused:
        read_date("bientot", high, low, high)
    assert refused.value.example == example
    assert read_date(example, high, low, high) <= high
