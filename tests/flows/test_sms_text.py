"""What an SMS part and a USSD screen hold. Expected: data/sms-segments.json, data/gsm0338.json."""

import json
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.sms_text import BASIC, EXTENSION, LIMITS, Size, fit, fold, is_gsm7, measure, split, units

DATA = Path(__file__).parent / "data"
ALPHABET = json.loads((DATA / "gsm0338.json").read_text(encoding="utf-8"))
TEXTS = json.loads((DATA / "sms-segments.json").read_text(encoding="utf-8"))["strings"]

# Any code point at all, with lone surrogates, and often those that matter here.
letters = st.one_of(
    st.sampled_from(BASIC + EXTENSION + "\x1b\x00\r\n\t«» \u00a0\u0301\u0300\u0302\u200e\u200d"),
    st.sampled_from("êçôîûëïœÀÈŒɛɔɲŋƐƆƝŊɓɗƴ’…–ߒت٧７🌊\ud83c\udf0a\ufdfa"),
    st.characters(),
    st.characters(categories=["Cs"]),
)
texts = st.text(letters, max_size=400)
inside = st.text(st.sampled_from(BASIC + EXTENSION * 6), max_size=500)


@pytest.mark.parametrize("expected", TEXTS, ids=lambda row: row["id"])
def test_sizes_agree_with_the_counted_texts(expected):
    size = measure(expected["text"])
    assert size == Size(expected["encoding"], expected["units"], expected["segments"], tuple(expected["part_units"]))


def test_all_counted_texts_are_there():
    assert len(TEXTS) == 84


def test_the_alphabet_is_the_standard_one():
    assert [row["char"] for row in ALPHABET["basic"] if row["code"] != ALPHABET["escape_code"]] == list(BASIC)
    assert [row["char"] for row in ALPHABET["extension"]] == list(EXTENSION)
    for encoding, (alone, joined) in LIMITS.items():
        assert alone == ALPHABET["limits"][encoding]["single_units"]
        assert joined == ALPHABET["limits"][encoding]["part_units"]


@pytest.mark.parametrize("language", ["french", "bambara", "punctuation", "fulfulde"])
def test_spellings_are_the_agreed_ones(language):
    agreed = dict(ALPHABET["transliteration"][language]["map"])
    if language == "fulfulde":
        # One letter, two spellings: without knowing the language, Bambara's is taken.
        assert (agreed.pop("ŋ"), agreed.pop("Ŋ")) == ("nh", "Nh")
    assert {letter: fold(letter) for letter in agreed} == agreed


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Même bientôt, à l’hôpital…", "Meme bientot, à l'hopital..."),
        ("« Où ? »", '"Où ?"'),
        ("I ni sɔgɔma. Den ka boloci waati sera", "I ni sògòma. Den ka boloci waati sera"),
        ("bɛ́ mùsò", "bè mùsò"),
        ("e\u0301te\u0301 gare\u0327on", "été gareon"),
        ("reçu par CŒUR à NOËL", "recu par COEUR à NOEL"),
        ("À ÈRE Ò", "A ERE O"),
        ("Đoko Łódź ə̀", "Doko Lodz e"),
        ("10\u202f000\u00a0F", "10 000 F"),
        ("٧٠ ００ ߇߀", "70 00 70"),
        ("½ ﬁn ① ™", "1/2 fin 1 TM"),
        ("ߒߞߏ", "???"),
        ("Crue 🌊!", "Crue ?!"),
        ("👨\u200d👩\u200d👧", "???"),
        ("a\r\nb\rc\u2028d\x0be\x0cf", "a\nb\nc\nd\ne\nf"),
        ("a\x1bb\x00c\x7fd\u200ee\ufefff\u00adg", "abcdefg"),
        ("\ud83c", "?"),
        ("", ""),
    ],
)
def test_fold_writes_what_a_plain_handset_can_show(written, sent):
    assert fold(written) == sent


@settings(deadline=None)
@given(texts)
def test_folded_text_is_inside_and_folding_again_changes_nothing(text):
    folded = fold(text)
    assert is_gsm7(folded)
    assert not {"\r", "\f", "\x1b"} & set(folded)
    assert fold(folded) == folded
    assert units(folded) == measure(folded).units


@settings(deadline=None)
@given(inside)
def test_fold_keeps_what_is_inside(text):
    plain = text.replace("\r", "").replace("\f", "")
    assert fold(plain) == plain


@settings(deadline=None)
@given(texts)
def test_composed_and_decomposed_spelling_are_sent_alike(text):
    composed = unicodedata.normalize("NFC", text)
    assert fold(unicodedata.normalize("NFD", composed)) == fold(composed)


def test_every_code_point_can_be_folded():
    every = "".join(map(chr, range(0x110000)))
    assert is_gsm7(fold(every))


@settings(deadline=None)
@given(st.one_of(texts, inside))
def test_parts_hold_the_whole_text_and_split_nothing(text):
    size = measure(text)
    parts = split(text)
    alone, joined = LIMITS[size.encoding]
    assert "".join(parts) == text
    assert len(parts) == size.parts == len(size.part_units)
    assert size.units == sum(size.part_units)
    assert all(0 < part <= (alone if size.parts == 1 else joined) for part in size.part_units)
    # Full parts: only a character of two units can leave one unit free.
    assert all(part >= joined - 1 for part in size.part_units[:-1])
    if size.encoding == "gsm7":
        assert tuple(map(units, parts)) == size.part_units
    else:
        octets = [part.encode("utf-16-be", "surrogatepass") for part in parts]
        assert tuple(len(part) // 2 for part in octets) == size.part_units
        for before, after in pairwise(octets):
            assert not (0xD8 <= before[-2] <= 0xDB and 0xDC <= after[0] <= 0xDF)


@settings(deadline=None)
@given(inside, st.integers(-1, 20))
def test_fit_takes_as_much_as_fits(text, limit):
    cut = fit(text, limit)
    assert text.startswith(cut)
    assert units(cut) <= max(limit, 0)
    if cut != text:
        assert units(text[: len(cut) + 1]) > limit


def test_fit_keeps_an_escape_pair_whole():
    assert fit("ab€c", 3) == "ab"
    assert fit("ab€c", 4) == "ab€"


@pytest.mark.parametrize("text", ["ߒ" * 10_000, "a" + "\u0316\u0301" * 5_000, "€" * 10_000, "\ufdfa" * 10_000])
def test_a_very_long_text_takes_little_time(text):
    started = time.perf_counter()
    measure(fold(text))
    assert time.perf_counter() - started < 1
