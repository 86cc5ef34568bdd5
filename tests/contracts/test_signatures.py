"""Twilio's signature, and what a signature does not prove: every forgery is refused at one of the two doors.

Twilio signs address + names and values in the order of the names, with no mark between them. One captured request can
therefore be cut into other fields without breaking its signature. `forgeries` makes every such cut.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from twilio.request_validator import RequestValidator

from service.channels import twilio_forms as forms
from service.channels.base import Fields, Unreadable
from service.channels.via_twilio import Twilio
from tests.contracts.carriers import PUBLIC_URL, twilio
from tests.contracts.recordings import Recording, load, names
from tests.loopback import ACCOUNT, TOKEN

TWILIO = twilio("https://api.example.org")
FORGED = {"twilio-sms-in-forged", "twilio-sms-in-no-signature"}
GENUINE = [load(name) for name in names("twilio") if name not in FORGED]
READ = [recording for recording in GENUINE if recording.event in {"sms-in", "sms-receipt"}]
Pairs = list[tuple[str, str]]


def genuine(pairs: Iterable[tuple[str, str]], recording: Recording, channel: Twilio = TWILIO) -> bool:
    return channel.is_genuine(recording.path_and_query, pairs, recording.signature)


def is_refused(pairs: Pairs, recording: Recording, path: str = "", query: Pairs | None = None) -> bool:
    """Refused by the signature, or by the form."""
    if not TWILIO.is_genuine(path or recording.path_and_query, pairs, recording.signature):
        return True
    return is_unreadable(pairs, recording, recording.query if query is None else query)


def is_unreadable(pairs: Pairs, recording: Recording, query: Iterable[tuple[str, str]]) -> bool:
    try:
        if recording.event == "sms-in":
            TWILIO.read_sms(Fields(pairs))
        else:
            TWILIO.read_receipt(Fields(pairs), Fields(query))
    except Unreadable:
        return True
    return False


def named(recording: Recording) -> str:
    return recording.name


@pytest.mark.parametrize("recording", GENUINE, ids=named)
def test_what_twilio_signed_is_genuine(recording: Recording) -> None:
    assert genuine(recording.pairs, recording)
    assert genuine(reversed(recording.pairs), recording)


@pytest.mark.parametrize("name", sorted(FORGED))
def test_a_changed_body_and_a_missing_signature_are_refused(name: str) -> None:
    assert not genuine(load(name).pairs, load(name))


@pytest.mark.parametrize("recording", READ, ids=named)
def test_another_address_is_refused(recording: Recording) -> None:
    path = recording.path_and_query
    for other in (path + "/", path + "&a=b", path.upper(), path[1:], "", "//" + path, path + "#rc=3"):
        assert not TWILIO.is_genuine(other, recording.pairs, recording.signature), other
    for public_url in (
        "http://alertes.example.org",
        "https://alertes.example.com",
        "https://alertes.example.org/laseli",
    ):
        assert not genuine(recording.pairs, recording, twilio("https://a.org", public_url=public_url))
    assert not genuine(recording.pairs, recording, twilio("https://a.org", auth_token=TOKEN + "x"))


def test_a_port_in_our_own_setting_does_no_harm() -> None:
    """Twilio sometimes signs with the port and sometimes without; the setting is ours, no request can change it."""
    recording = load("twilio-sms-in")
    for port in (":443", ":8443"):
        assert genuine(recording.pairs, recording, twilio("https://a.org", public_url=PUBLIC_URL + port))


@pytest.mark.parametrize("recording", READ, ids=named)
def test_every_flipped_octet_is_refused(recording: Recording) -> None:
    signature = recording.signature or ""
    for place in range(len(signature)):
        for bit in (1, 2, 32):
            flipped = signature[:place] + chr(ord(signature[place]) ^ bit) + signature[place + 1 :]
            assert not TWILIO.is_genuine(recording.path_and_query, recording.pairs, flipped)
    for at, (name, value) in enumerate(recording.pairs):
        for place in range(len(name)):
            changed = name[:place] + chr(ord(name[place]) ^ 1) + name[place + 1 :]
            assert not genuine(_with(recording, at, (changed, value)), recording)
        for place in range(len(value)):
            changed = value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
            assert not genuine(_with(recording, at, (name, changed)), recording)


def _with(recording: Recording, at: int, *instead: tuple[str, str]) -> Pairs:
    return [*recording.pairs[:at], *instead, *recording.pairs[at + 1 :]]


@pytest.mark.parametrize("recording", READ, ids=named)
def test_a_field_dropped_added_swapped_or_repeated_is_refused(recording: Recording) -> None:
    pairs = list(recording.pairs)
    for at, (name, value) in enumerate(pairs):
        assert is_refused(_with(recording, at), recording), f"without {name}"
        assert is_refused([*pairs, (name, value)], recording), f"{name} twice"
        assert is_refused([*pairs, (name, "")], recording), f"{name} twice, once empty"
        assert is_refused(_with(recording, at, (name + "X", value)), recording)
        for other_name, other in pairs:
            if value != other:
                swapped = {**dict(pairs), name: other, other_name: value}
                assert is_refused(list(swapped.items()), recording), f"{name} and {other_name} swapped"
    assert is_refused([*pairs, ("Zusatz", "1")], recording)
    assert is_refused([*pairs, ("", "")], recording)


@pytest.mark.parametrize("signature", [None, "", " ", "x", "=" * 28, "é" * 28, "\ud800", "9jx4tkwQpC7K7rJ2n1edQmErvbc"])
def test_a_broken_signature_is_refused_without_a_crash(signature: str | None) -> None:
    recording = load("twilio-sms-in")
    assert not TWILIO.is_genuine(recording.path_and_query, recording.pairs, signature)


@pytest.mark.parametrize(
    "pairs",
    [[], [("", "")], [("\ud800", "x")], [("Body", "\udcff")], [("Body", "\0")], [("a", "b")] * 3000],
    ids=["none", "empty", "half name", "half value", "nul", "many"],
)
def test_odd_forms_are_refused_without_a_crash(pairs: Pairs) -> None:
    for path in ("/hooks/twilio/sms", "/\ud800", "/[", "//[::1", "/?bodySHA256=x", "/%zz"):
        assert not TWILIO.is_genuine(path, pairs, "9jx4tkwQpC7K7rJ2n1edQmErvbc=")


@pytest.mark.parametrize("recording", READ, ids=named)
def test_another_account_is_refused_even_when_signed(recording: Recording) -> None:
    pairs = [(name, "AC" + "1" * 32 if name == "AccountSid" else value) for name, value in recording.pairs]
    signed = signature_of(pairs, recording.path_and_query)
    assert TWILIO.is_genuine(recording.path_and_query, pairs, signed)
    assert is_unreadable(pairs, recording, recording.query)


def signature_of(pairs: Iterable[tuple[str, str]], path: str) -> str:
    return str(RequestValidator(TOKEN).compute_signature(PUBLIC_URL + path, dict(pairs)))


# -- the same octets, cut another way


def in_order(pairs: Pairs) -> bool:
    """Only then do the same octets give the same signature."""
    keys = [name for name, _ in pairs]
    return all(first < second for first, second in pairwise(keys)) and all(keys)


def cuts(pairs: Pairs) -> Iterator[Pairs]:
    """Every form that differs by one border: moved, taken away or added. `pairs` are in the order of their names."""
    for at, (name, value) in enumerate(pairs):
        before, after, both = pairs[:at], pairs[at + 1 :], name + value
        for end in range(1, len(both) + 1):  # the border between name and value
            if end != len(name):
                yield [*before, (both[:end], both[end:]), *after]
        for start in range(len(value) + 1):  # a new field out of the value
            for end in range(start + 1, len(value) + 1):
                yield [*before, (name, value[:start]), (value[start:end], value[end:]), *after]
        if after:
            (next_name, next_value), rest = after[0], after[1:]
            yield [*before, (name, value + next_name + next_value), *rest]  # two fields in one
            tail = value + next_name
            for end in range(len(tail)):  # the border between value and next name
                if end != len(value):
                    yield [*before, (name, tail[:end]), (tail[end:], next_value), *rest]


def forgeries(pairs: Pairs) -> Iterator[Pairs]:
    for forgery in cuts(sorted(pairs)):
        if in_order(forgery):
            yield forgery


def known_part(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Without the fields that nobody knows yet: cutting those anew tells us nothing else."""
    known = (
        forms.SMS_NEEDS.keys() | forms.SMS_MAY_HAVE.keys() | forms.STATUS_NEEDS.keys() | forms.STATUS_MAY_HAVE.keys()
    )
    return sorted(pair for pair in pairs if pair[0] in known)


@pytest.mark.parametrize("recording", READ, ids=named)
def test_every_other_cut_of_the_same_octets_is_refused(recording: Recording) -> None:
    found = 0
    for forgery in forgeries(list(recording.pairs)):
        if known_part(forgery) == known_part(recording.pairs):
            continue
        if found % 50 == 0:
            assert genuine(forgery, recording), "the cut should keep the signature; the test proves nothing otherwise"
        found += 1
        assert is_unreadable(forgery, recording, recording.query), forgery
    assert found > 100


@pytest.mark.parametrize("recording", READ, ids=named)
def test_two_other_cuts_are_refused_too(recording: Recording) -> None:
    dice = random.Random(recording.name)
    whole = sorted(recording.pairs)
    for first in dice.sample(once := list(cuts(whole)), min(len(once), 40)):
        seconds = list(cuts(first))
        for second in dice.sample(seconds, min(len(seconds), 300)):
            if in_order(second) and known_part(second) != known_part(whole):
                assert is_unreadable(second, recording, recording.query), second


@pytest.mark.parametrize("recording", [each for each in READ if each.event == "sms-receipt"], ids=named)
def test_the_address_and_the_first_field_are_parted_too(recording: Recording) -> None:
    """`?m=12` + `AccountSid` has the same octets as `?m=1` + a field called `2`."""
    path, whole = recording.path_and_query, sorted(recording.pairs)
    for end in range(path.index("?m=") + 3, len(path)):
        query = [("m", path[path.index("?m=") + 3 : end])]
        rest = path[end:]
        for split in range(1, len(rest) + 1):
            forged = [(rest[:split], rest[split:]), *whole]
            assert TWILIO.is_genuine(path[:end], forged, recording.signature)
            assert is_refused(forged, recording, path[:end], query)
        assert is_refused([(rest + whole[0][0], whole[0][1]), *whole[1:]], recording, path[:end], query)
    swallowed = path + whole[0][0] + whole[0][1]
    assert is_refused(whole[1:], recording, swallowed, [("m", swallowed.partition("?m=")[2])])


@pytest.mark.parametrize(
    "body",
    [
        "BonjourFrom+22360000002FromAaa",
        "BonjourFrom+22360000002FromAaaBbb",
        "BonjourFrom+22360000002FromCity",
        "BonjourFrom+22360000002FromCityFromCountryMLFromStateFromZipMessageSidSM" + "a" * 32 + "N",
        "BonjourFrom+22360000002FromCityFromCountryMLFromStateFromZipMessageSidSM" + "a" * 32 + "NewThing",
        "OK Daccord",
        "OK EuxAussi",
        "Bonjour ErrorCode",
        "BonjourButtonPayload",
    ],
)
def test_a_text_written_to_be_cut_changes_nothing_but_itself(body: str) -> None:
    """A person may write such a text. Whoever then catches the request may shorten that text, and nothing else."""
    recording = load("twilio-sms-in")
    pairs = sorted((name, body if name == "Body" else value) for name, value in recording.pairs)
    honest = TWILIO.read_sms(Fields(pairs))
    assert honest.text == body
    dice = random.Random(body)
    for forgery in (carved(pairs, dice) for _ in range(6000)):
        if in_order(forgery) and not is_unreadable(forgery, recording, ()):
            read = TWILIO.read_sms(Fields(forgery))
            assert replace(read, text=body) == honest, forgery
            assert body.startswith(read.text)


@pytest.mark.parametrize(
    ("body", "text", "name", "value"),
    [
        ("OK Daccord, je viens", "OK ", "Daccord", ", je viens"),
        ("OK EuxAussi", "OK ", "EuxAussi", ""),
        ("Merci DIEU", "Merci ", "DIEU", ""),
        ("On est Demain", "On est ", "D", "emain"),
    ],
)
def test_the_end_of_an_ordinary_text_is_no_field(body: str, text: str, name: str, value: str) -> None:
    recording = load("twilio-sms-in")
    honest = [pair for pair in recording.pairs if pair[0] != "Body"]
    forged = [*honest, ("Body", text), (name, value)]
    signed = signature_of([*honest, ("Body", body)], recording.path_and_query)
    assert TWILIO.is_genuine(recording.path_and_query, forged, signed), "the same octets"
    assert is_unreadable(forged, recording, ())


@pytest.mark.parametrize("name", names("twilio", "sms-in"))
def test_cuts_through_american_places_are_refused(name: str) -> None:
    """Numbers there bring cities, states and zip codes: more letters to cut."""
    recording = load(name)
    places = {"FromCity": "NEW YORK", "FromState": "NY", "FromZip": "10001", "FromCountry": "US"}
    places |= {"ToCity": "TOLEDO", "ToState": "OH", "ToZip": "43601"}
    pairs = sorted((name, places.get(name, value)) for name, value in recording.pairs)
    assert not is_unreadable(pairs, recording, ())
    for forgery in forgeries(pairs):
        assert known_part(forgery) == known_part(pairs) or is_unreadable(forgery, recording, ()), forgery


def carved(pairs: Pairs, dice: random.Random) -> Pairs:
    """Some fields cut out of the text; the last of them, or the text, swallows some of the fields behind it."""
    at = [name for name, _ in pairs].index("Body")
    body, after = pairs[at][1], pairs[at + 1 :]
    capitals = [place for place, letter in enumerate(body) if letter.isupper()]
    starts = sorted(dice.sample(capitals, min(len(capitals), dice.randint(0, 4))))
    pieces = [body[start:end] for start, end in pairwise([0, *starts, len(body)])]
    new = [("Body", pieces[0])]
    for piece in pieces[1:]:
        end = dice.randint(1, len(piece))
        for name in ("From", "MessageSid"):
            end = len(name) if piece.startswith(name) and dice.random() < 0.7 else end
        new.append((piece[:end], piece[end:]))
    swallowed = dice.choice([0, 0, 1, 2, dice.randint(0, len(after))])
    tail = "".join(name + value for name, value in after[:swallowed])
    return [*pairs[:at], *new[:-1], (new[-1][0], new[-1][1] + tail), *after[swallowed:]]


def test_new_fields_of_twilio_are_welcome() -> None:
    recording = load("twilio-sms-in")
    for name in ("SomethingNew", "CarrierName", "ErrorCode", "Zone", "A2pCampaign", "ReferralBody", "OriginalTo"):
        pairs = [*recording.pairs, (name, "1")]
        signed = signature_of(pairs, recording.path_and_query)
        assert TWILIO.is_genuine(recording.path_and_query, pairs, signed)
        assert TWILIO.read_sms(Fields(pairs)).text == recording.form["Body"]


def test_the_account_of_the_recordings_is_the_tests() -> None:
    assert {recording.form["AccountSid"] for recording in READ} == {ACCOUNT}
