"""Whatever is posted, reading it gives a value or Unreadable, and Unreadable never repeats what was sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.base import Fields, Unreadable
from tests.contracts.carriers import africastalking, twilio
from tests.contracts.recordings import load

AT = africastalking("https://api.example.org")
TWILIO = twilio("https://api.example.org")

Reader = Callable[[Fields], object]
READERS: dict[str, tuple[Reader, str, set[str]]] = {
    # name: the reader, a recording it reads, the fields that it can do without
    "keystroke": (AT.read_keystroke, "at-ussd-3-answer-1-name", {"networkCode"}),
    "session end": (
        AT.read_session_end,
        "at-ussd-end-failed",
        {
            "date",
            "serviceCode",
            "networkCode",
            "phoneNumber",
            "status",
            "cost",
            "durationInMillis",
            "hopsCount",
            "input",
            "lastAppResponse",
            "errorMessage",
        },
    ),
    "text": (AT.read_sms, "at-sms-in-with-cost", {"date", "id", "linkId", "networkCode", "cost"}),
    "receipt": (
        lambda fields: AT.read_receipt(fields, Fields()),
        "at-dlr-rejected-blacklist",
        {"phoneNumber", "networkCode", "failureReason"},
    ),
    "opt-out": (AT.read_opt_out, "at-opt-out", {"senderId"}),
    "twilio text": (
        TWILIO.read_sms,
        "twilio-sms-in-stop",
        {"SmsMessageSid", "NumMedia", "SmsSid", "SmsStatus", "NumSegments", "ApiVersion", "OptOutType"}
        | {end + place for end in ("From", "To") for place in ("City", "State", "Zip", "Country")}
        | {"MessagingServiceSid"},
    ),
    "twilio receipt": (
        lambda fields: TWILIO.read_receipt(fields, Fields()),
        "twilio-status-undelivered-30003",
        {"SmsSid", "SmsStatus", "From", "ApiVersion", "ErrorCode"},
    ),
}


@pytest.fixture(params=READERS)
def case(request: pytest.FixtureRequest) -> tuple[Reader, list[tuple[str, str]], set[str]]:
    read, recording, optional = READERS[request.param]
    return read, list(load(recording).pairs), optional


def test_each_needed_field_is_needed(case: tuple[Reader, list[tuple[str, str]], set[str]]) -> None:
    read, pairs, optional = case
    for gone in pairs:
        rest = Fields(pair for pair in pairs if pair != gone)
        if gone[0] in optional:
            read(rest)
        else:
            with pytest.raises(Unreadable, match=gone[0]):
                read(rest)


READ_EVERYWHERE = {"sessionId", "phoneNumber", "text", "from", "to", "id", "status", "senderId", "failureReason"}


def test_no_field_that_counts_may_come_twice(case: tuple[Reader, list[tuple[str, str]], set[str]]) -> None:
    read, pairs, _ = case
    for name, value in pairs:
        if name in READ_EVERYWHERE or name[0].isupper():
            for other in (value, value + "1", ""):
                with pytest.raises(Unreadable):
                    read(Fields([*pairs, (name, other)]))


@pytest.mark.parametrize("bad", ["\0", "a\0b", "\ud800", "x" * 2001], ids=["nul", "nul inside", "half", "long"])
def test_what_no_text_holds_is_refused(case: tuple[Reader, list[tuple[str, str]], set[str]], bad: str) -> None:
    read, pairs, optional = case
    for name, _ in pairs:
        if name in READ_EVERYWHERE - {"failureReason"} and name not in optional:
            with pytest.raises(Unreadable) as refusal:
                read(Fields((key, bad if key == name else value) for key, value in pairs))
            assert name in str(refusal.value)


def test_a_refusal_names_the_field_and_never_its_value(
    case: tuple[Reader, list[tuple[str, str]], set[str]],
) -> None:
    read, pairs, _ = case
    canary = "canary 70 00 00 01 Awa"
    for name, _value in pairs:
        for bad in (canary, canary * 200, canary + "\0"):
            told = refusal_of(read, [(key, bad if key == name else value) for key, value in pairs])
            assert "70 00" not in told
            assert "Awa" not in told


def refusal_of(read: Reader, pairs: list[tuple[str, str]]) -> str:
    """What Unreadable says; nothing when the form was read. Any other exception rises."""
    try:
        assert read(Fields(pairs)) is not None
    except Unreadable as refusal:
        return str(refusal)
    return ""


words = st.one_of(
    st.text(max_size=40), st.sampled_from(["", " ", "+22370000001", "Success", "delivered", "SM" + "0" * 32])
)


@given(data=st.data(), which=st.sampled_from(sorted(READERS)))
def test_anything_is_a_value_or_unreadable(data: st.DataObject, which: str) -> None:
    read, recording, _ = READERS[which]
    pairs = list(load(recording).pairs)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(pairs) - 1))
        name = data.draw(st.one_of(st.just(pairs[place][0]), words))
        pairs[place] = (name, data.draw(words))
    pairs += data.draw(st.lists(st.tuples(words, words), max_size=3))
    assert "22370000001" not in refusal_of(read, pairs)


@pytest.mark.parametrize("phone", ["OrangeMoney", "36011", "", " ", "+000", "70000001 / 66000002", "anonymous"])
def test_ussd_without_a_number_is_unreadable(phone: str) -> None:
    pairs = [(name, phone if name == "phoneNumber" else value) for name, value in load("at-ussd-1-first").pairs]
    with pytest.raises(Unreadable, match="phoneNumber"):
        AT.read_keystroke(Fields(pairs))


@pytest.mark.parametrize(
    "query", [[("m", "x")], [("m", "")], [("m", "1"), ("m", "2")], [("m", "-1")], [("m", "1" * 20)]]
)
def test_a_reference_that_is_not_ours_is_unreadable(query: list[tuple[str, str]]) -> None:
    recording = load("twilio-status-delivered")
    with pytest.raises(Unreadable, match="m "):
        TWILIO.read_receipt(Fields(recording.pairs), Fields(query))


def test_a_receipt_without_our_reference_is_still_a_receipt() -> None:
    recording = load("twilio-status-delivered")
    assert TWILIO.read_receipt(Fields(recording.pairs), Fields()).message_ref is None


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(Unreadable):
        Fields((f"name{n}", "") for n in range(101))


def test_fields_give_back_every_pair_in_order() -> None:
    pairs = [("a", "1"), ("b", "2"), ("a", "3")]
    assert list(Fields(pairs)) == pairs
    with pytest.raises(Unreadable, match="a comes twice"):
        Fields(pairs).maybe("a")
    assert Fields(pairs).maybe("c") is None
    assert Fields(pairs).one("b") == "2"
