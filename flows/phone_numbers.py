"""Telephone numbers as people and carriers write them, read into one form: E.164, "+22370000001".

What is a valid number is the business of the `phonenumbers` library; it speaks only here.
"""

import re
import unicodedata
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

# Mobile numbers of Mali in libphonenumber's metadata 9.0.43. Tests compare it with the installed library.
_MALIAN_MOBILE: Final = re.compile(r"\+223(?:2(?:0(?:01|79)|17[0-9])[0-9]{4}|(?:5[0-3]|[679][0-9]|8[2-59])[0-9]{6})")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST: Final = 64
_SCHEMES: Final = ("tel:", "whatsapp:", "sms:")
_BETWEEN_DIGITS: Final = str.maketrans("", "", " \t-.()")
_PLAIN_MARKS: Final = {"Zs": " ", "Cf": "", "Pd": "-"}
# In North America a mobile number looks like a fixed one; carriers lend VOIP and personal numbers to machines.
_TEXTABLE: Final = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}
_KINDS: Final = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "premium",
}
_MOBILE: Final = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def to_e164(typed: str, country: str = "ML") -> str | None:
    """The number in E.164 when it is one that can receive a text, else None, whatever was typed.

    A number without country code belongs to `country` (two letters, else ValueError); a full international one may
    be of any country. None for fixed lines, toll-free numbers, short codes, sender names, and two numbers at once.
    """
    # The caller's own number comes in this form at every keystroke of a USSD session: a hundred times quicker.
    if _MALIAN_MOBILE.fullmatch(typed):
        return typed
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{country!r} is not the two-letter code of a country: write ML for Mali")
    dialled = _dialled(typed)
    number = _parsed(dialled, country) if dialled else None
    if number is None or phonenumbers.number_type(number) not in _TEXTABLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_mobile(e164: str) -> bool:
    """Whether a number in E.164 is a mobile one. Any other writing is not."""
    if _MALIAN_MOBILE.fullmatch(e164):
        return True
    number = _parsed(e164, None) if _E164.fullmatch(e164) else None
    return number is not None and phonenumbers.number_type(number) in _MOBILE


def kind(e164: str) -> str:
    """What a number in E.164 is: "mobile", "fixed", "toll-free", "premium", "other", or "none" for no valid number."""
    if _MALIAN_MOBILE.fullmatch(e164):
        return "mobile"
    number = _parsed(e164, None) if _E164.fullmatch(e164) else None
    return _KINDS.get(phonenumbers.number_type(number), "other") if number else "none"


def is_country(letters: str) -> bool:
    """Whether these two letters are a country with telephone numbers: "ML"."""
    return letters in phonenumbers.SUPPORTED_REGIONS


def region(e164: str) -> str | None:
    """The country of a number in E.164 by its two letters, "ML"; None when it is not a valid number."""
    if _MALIAN_MOBILE.fullmatch(e164):
        return "ML"
    number = _parsed(e164, None) if _E164.fullmatch(e164) else None
    return phonenumbers.region_code_for_number(number) if number else None


def mask(e164: str) -> str:
    """For logs: "+223••••••01". The country and the last two digits; nothing at all of what is not a number."""
    if not _E164.fullmatch(e164):
        return "••••••"
    shown = len(_country_code(e164))
    return e164[:shown] + "•" * (len(e164) - shown - 2) + e164[-2:]


def show(e164: str) -> str:
    """For screens: "+223 70 00 00 01", other countries by their custom. What is not a number comes back as it is."""
    if not _E164.fullmatch(e164):
        return e164
    if e164.startswith("+223") and len(e164) == 12:
        return " ".join((e164[:4], e164[4:6], e164[6:8], e164[8:10], e164[10:]))
    number = _parsed(e164, None)
    if number is None:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _dialled(typed: str) -> str | None:
    """The digits, with a plus if one was typed first; None when there is anything that a number does not hold."""
    if len(typed) > _LONGEST:
        return None
    text = "".join(map(_plain, typed)).strip().lower()
    for scheme in _SCHEMES:
        text = text.removeprefix(scheme)
    text = text.translate(_BETWEEN_DIGITS)
    # A slash, a comma, a letter, a second line: two numbers or none. Joining them would make up somebody's number.
    return text if re.fullmatch(r"\+?[0-9]{4,20}", text) else None


def _plain(char: str) -> str:
    """A digit of any script as 0-9; spaces and invisible characters, which copied numbers bring along, as nothing."""
    if char.isascii():
        return char
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    return _PLAIN_MARKS.get(unicodedata.category(char), "+" if char == "＋" else char)


def _parsed(dialled: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(dialled, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _country_code(e164: str) -> str:
    if e164.startswith("+223"):
        return "+223"
    number = _parsed(e164, None)
    return f"+{number.country_code}" if number else "+"
