"""Numbers as people type them and carriers send them. All are made up. Expected readings: data/mali-numbering.yaml."""

import re
from pathlib import Path

import phonenumbers
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from flows import phone_numbers
from flows.phone_numbers import is_mobile, mask, region, show, to_e164

MALI = yaml.safe_load((Path(__file__).parent / "data" / "mali-numbering.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", MALI["normalise"], ids=lambda row: row["input"])
def test_numbers_are_read_as_agreed(row):
    assert to_e164(row["input"]) == row["e164"]


@pytest.mark.parametrize("row", MALI["examples_by_kind"], ids=lambda row: row["number"])
def test_only_mobile_numbers_of_mali_can_be_texted(row):
    national = row["number"]
    mobile = row["kind"] == "mobile"
    assert to_e164(national) == (f"+223{national}" if mobile else None)
    assert is_mobile(f"+223{national}") is mobile


@pytest.mark.parametrize(
    "typed",
    [
        " 22370000001",  # the + became a space on the way
        "tel:+22370000001",
        "whatsapp:+22370000001",
        "TEL: 70 00 00 01",
        "70\u202f00\u202f00\u202f01",
        "70\u200900\u200900\u200901",
        "\u200e+223 70 00 00 01\u200e",
        "\u202a+22370000001\u202c",
        "70\u00a000\u00a000\u00a001",
        "７０００００01",
        "＋２２３ ７０００００01",
        "٧٠٠٠٠٠٠١",
        "߇߀߀߀߀߀߀߁",
        "(+223) 70.00.00.01",
        "70–00–00–01",
        "+00223 70000001",
        "\t70000001\n",
    ],
)
def test_a_number_is_read_kindly(typed):
    assert to_e164(typed) == "+22370000001"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "+",
        "70000001 / 66000002",
        "70000001/66000002",
        "70000001,66000002",
        "70000001 66000002",
        "7000\n0001",
        "7000/0001",
        "+22370000001+22366000002",
        "70000001 ou 66000002",
        "36011",
        "7400",
        "15",
        "OrangeMoney",
        "SANTE",
        "anonymous",
        "7O00OO01",
        "70000001²",
        "70000001#",
        "*123#",
        "70000001;ext=2",
        "tel:70000001;phone-context=+223",
        "+223 (0) 70 00 00 01",
        "+99970000001",
        "70000001\x00",
        "\ud83d70000001",
        "7" * 10_000,
        " " * 10_000 + "70000001",
    ],
)
def test_what_is_not_one_number_is_refused(typed):
    assert to_e164(typed) is None


def test_a_full_foreign_number_is_read_but_never_guessed():
    assert to_e164("00 33 6 12 34 56 78") == "+33612345678"
    assert to_e164("+221 70 123 45 67") == "+221701234567"
    assert to_e164("+15005550006") == "+15005550006"
    assert to_e164("33612345678") is None
    assert to_e164("70 123 45 67") is None
    assert to_e164("70 123 45 67", country="SN") == "+221701234567"
    assert to_e164("+33140000000") is None, "a fixed line"


def test_a_wrong_country_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="write ML for Mali"):
        to_e164("70000001", "Mali")


def test_is_mobile_wants_the_one_form():
    assert is_mobile("+22370000001")
    assert is_mobile("+33612345678")
    assert is_mobile("+12015550123"), "in North America nobody can tell"
    assert not is_mobile("70000001")
    assert not is_mobile("+223 70000001")
    assert not is_mobile("+15005550006")
    assert not is_mobile("+22370000001\n")
    assert not is_mobile("")


def test_region_names_the_country():
    assert region("+22370000001") == "ML"
    assert region("+22320200001") == "ML"
    assert region("+221701234567") == "SN"
    assert region("+22330000001") is None
    assert region("70000001") is None


def test_mask_shows_the_country_and_two_digits():
    assert mask("+22370000001") == "+223••••••01"
    assert mask("+22330000001") == "+223••••••01"
    assert mask("+33612345678") == "+33•••••••78"
    assert mask("+99970000001") == "+•••••••••01"
    for nothing in ("", "70000001", "OrangeMoney", "+223", "Awa +22370000001", "\ud800"):
        assert mask(nothing) == "••••••"


def test_show_groups_by_two():
    assert show("+22370000001") == MALI["display"]
    assert show("+33612345678") == "+33 6 12 34 56 78"
    assert show("+99970000001") == "+99970000001"
    assert show("OrangeMoney") == "OrangeMoney"


# --- the quick path for the numbers of Mali, used at every keystroke, is exact ---


def slow_reading(e164):
    try:
        number = phonenumbers.parse(e164, "ML")
    except phonenumbers.NumberParseException:
        return None
    mobile = phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) == PhoneNumberType.MOBILE
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if mobile else None


def test_the_quick_path_has_the_pattern_of_the_library():
    """When this fails after an update of `phonenumbers`, the numbering plan of Mali has changed: copy the new one."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("ML")
    theirs = re.sub(r"\s", "", metadata.mobile.national_number_pattern).replace(r"\d", "[0-9]")
    ours = phone_numbers._MALIAN_MOBILE.pattern.removeprefix(r"\+223(?:").removesuffix(")")
    assert ours == theirs


def test_the_quick_path_agrees_with_the_library_for_every_block():
    # Patterns look at the first four digits only; the last four take every digit once.
    for block in range(10_000):
        for rest in ("0000", "9876"):
            e164 = f"+223{block:04}{rest}"
            quick = e164 if phone_numbers._MALIAN_MOBILE.fullmatch(e164) else None
            assert quick == slow_reading(e164), e164


near_numbers = st.from_regex(r"\+?(00)?(223)?[ ./-]?[0-9]{6,9}\n?", fullmatch=True)


@settings(deadline=None)
@given(st.one_of(near_numbers, st.text(), st.text("+0123456789 .-/()٧７\u200e\u202f\ud800", max_size=70)))
@example("+22370000001")
def test_any_text_gives_a_number_we_can_text_or_nothing(typed):
    read = to_e164(typed)
    is_mobile(typed), region(typed), mask(typed), show(typed)
    if read is not None:
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", read)
        assert to_e164(read) == read, "reading is idempotent"
        assert to_e164(show(read)) == read, "what we show can be typed back"
        assert len(mask(read)) == len(read)
        assert region(read)
        if read.startswith("+223"):
            assert is_mobile(read)
            assert slow_reading(read) == read
