"""What is Kannel's alone: its answers, its receipt address, its numbers, its alphabets, its recorded callbacks."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.base import Capabilities, Fields, IncomingSms, Receipt, Unreadable
from service.channels.raw_request import Raw
from service.channels.via_kannel import SMPP
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, Refused
from tests.contracts.carriers import API_KEY, OTHER_SECRET, PHONE, SECRET, a_message, kannel
from tests.contracts.recordings import load, names
from tests.loopback import LoopbackCarrier

KANNEL = kannel("http://127.0.0.1:13013")
STATE_OF = {"1": "delivered", "2": "undelivered", "4": "accepted", "8": "accepted", "16": "undelivered"}


# -- out


def answer_to(carrier: LoopbackCarrier, status: int, body: bytes) -> Outcome:
    """What we make of this answer to a send."""
    carrier.next("say", status=status, body=body)
    return kannel(carrier.base_url).send(a_message())


def test_the_request_is_what_smsbox_reads(carrier: LoopbackCarrier) -> None:
    kannel(carrier.base_url).send(a_message(message_id=2**62, text="C'est prêt"[:8]))
    assert carrier.requests[0].path == "/cgi-bin/sendsms"
    assert carrier.requests[0].form == {
        "from": "LASELI",
        "to": PHONE,
        "text": "C'est pr",
        "coding": "0",
        "dlr-mask": "31",
        "dlr-url": f"http://127.0.0.1:8000/hooks/kannel/receipt/{SECRET}?m={2**62}&type=%d&answer=%A&to=%p",
    }


def test_neither_password_nor_text_stands_in_the_address(carrier: LoopbackCarrier) -> None:
    kannel(carrier.base_url).send(a_message(text="Zanzibar"))
    for told in (API_KEY, "Zanzibar", PHONE):
        assert told not in carrier.requests[0].path


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Été à 9h: ça va? [€]", "2"),  # the small ç is outside: Kannel would send it as code 09, a Ç
        ("Été à 9h: Ca va? [€]".replace("É", "é"), "0"),
        ("i ka kɛnɛ wa", "2"),
        ("التلقيح", "2"),
        ("ߒߞߏ", "2"),
        ("😀", "2"),
        ("l’été", "2"),
    ],
)
def test_a_letter_outside_the_alphabet_asks_for_the_other_coding(
    carrier: LoopbackCarrier, text: str, coding: str
) -> None:
    outcome = kannel(carrier.base_url).send(a_message(text=text))
    assert carrier.requests[0].form["coding"] == coding
    assert carrier.accepted[0].text == text
    assert isinstance(outcome, Accepted)
    assert outcome.parts == 1


@pytest.mark.parametrize(("seconds", "minutes"), [(None, None), (3600, "60"), (119, "1"), (5, "1"), (0, "1")])
def test_what_is_no_longer_of_use_may_not_leave_late(
    carrier: LoopbackCarrier, seconds: int | None, minutes: str | None
) -> None:
    kannel(carrier.base_url).send(a_message(useful_for_s=seconds))
    assert carrier.requests[0].form.get("validity") == minutes


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"0: Accepted for delivery", "accepted"), (b"3: Queued for later delivery", "queued at Kannel")],
)
def test_a_message_taken_is_known_by_our_own_id(carrier: LoopbackCarrier, body: bytes, detail: str) -> None:
    assert answer_to(carrier, 202, body) == Accepted("7", 1, None, detail)


@pytest.mark.parametrize("body", [b"", b"Sent.", b"1: ", b"0:", b"00: Accepted", b"\xff\xfe"])
def test_other_words_with_202_are_ambiguous(carrier: LoopbackCarrier, body: bytes) -> None:
    assert isinstance(answer_to(carrier, 202, body), Ambiguous)


@pytest.mark.parametrize(
    ("status", "body", "scope"),
    [
        (400, b"Missing receiver(s) number(s), rejected", "message"),
        (400, b"Charset or body misformed, rejected", "message"),
        (400, b"Sender missing and no global set, rejected", "sender"),
        (400, b"Number(s) has/have been denied by white- and/or black-lists.", "person"),
        (403, b"Not routable. Do not try again.", "person"),
        (403, b"Authorization failed for sendsms", "account"),
        (404, b"Unknown request.", "account"),
        (413, b"", "message"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(carrier: LoopbackCarrier, status: int, body: bytes, scope: str) -> None:
    outcome = answer_to(carrier, status, body)
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == (scope, False)


def test_not_now_is_not_sent_when_kannel_says_so_itself(carrier: LoopbackCarrier) -> None:
    outcome = answer_to(carrier, 503, b"Temporal failure, try again later.")
    assert outcome == NotSent("HTTP 503, not now", None)
    assert isinstance(answer_to(carrier, 503, b"Bad gateway"), Ambiguous)


@pytest.mark.parametrize("to", ["", "70000001", "+22370000001 +22360000002", "+22370000001\r\nX-Kannel-To: 1", "abc"])
def test_what_is_no_number_is_not_even_tried(carrier: LoopbackCarrier, to: str) -> None:
    assert kannel(carrier.base_url).send(a_message(to=to)) == Refused("not a number in E.164", "person", False)
    assert carrier.requests == []


@pytest.mark.parametrize("sender", ["x" * 12, "Santé", "A\nB", " A", "+1234567890123456", "%d"])
def test_a_sender_that_no_phone_shows_is_not_even_tried(carrier: LoopbackCarrier, sender: str) -> None:
    outcome = kannel(carrier.base_url).send(a_message(sender=sender))
    assert isinstance(outcome, Refused)
    assert outcome.scope == "sender"
    assert carrier.requests == []


@pytest.mark.parametrize("sender", ["LASELI", "Croix Rouge", "8888", "+22370000001", "36 011"])
def test_names_and_numbers_are_senders(carrier: LoopbackCarrier, sender: str) -> None:
    assert isinstance(kannel(carrier.base_url).send(a_message(sender=sender)), Accepted)
    assert carrier.accepted[0].sender == sender


@pytest.mark.parametrize(
    "wrong",
    [
        {"hook_secrets": ("s%dcret" * 6,)},
        {"hook_secrets": ("sécret" * 6,)},
        {"hook_secrets": ()},
        {"callback_url": "http://127.0.0.1:8000/%41"},
        {"callback_url": "127.0.0.1:8000"},
        {"callback_url": ""},
        {"password": "two words"},
        {"password": "a\r\nX: y"},
        {"username": ""},
    ],
)
def test_settings_that_would_break_an_address_or_a_header_are_refused_at_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError) as refusal:
        kannel("http://127.0.0.1:13013", **wrong)
    assert "two words" not in str(refusal.value)


def test_what_it_can() -> None:
    assert kannel("http://a.org", sender="8888").capabilities == Capabilities(True, True, own_id=True)
    assert not KANNEL.capabilities.two_way
    assert KANNEL.methods == {"GET"}
    assert KANNEL.thanks("sms-in").body == "", "a body would go to the person as an SMS"


# -- in


def query_of(text: str) -> Fields:
    return KANNEL.fields(Raw("GET", "/hooks/kannel/x/y", text.encode(), "", b""))


def test_every_recording_is_read() -> None:
    assert len(names("kannel")) == 7
    assert {load(name).event for name in names("kannel")} == {"sms-in", "sms-receipt"}


@pytest.mark.parametrize("name", names("kannel", "sms-receipt"))
def test_a_receipt_by_kannel(name: str) -> None:
    recording = load(name)
    receipt = KANNEL.read_receipt(KANNEL.fields(recording.raw))
    assert (receipt.carrier_id, receipt.message_ref) == ("1", 1)
    assert receipt.phone == "+22370000001"
    assert receipt.state == STATE_OF[recording.form["type"]]
    assert (receipt.state != "accepted") == recording.expect["final"]


@pytest.mark.parametrize(("name", "text"), [("kannel-sms-in", "ALERTE inondation"), ("kannel-sms-in-ucs2", "ɛɔŋ é")])
def test_a_text_by_kannel(name: str, text: str) -> None:
    recording = load(name)
    assert recording.expect.get("text", text) == text
    event_id = parse_qs(urlsplit(recording.path_and_query).query)["id"][0]
    assert KANNEL.read_sms(KANNEL.fields(recording.raw)) == IncomingSms(
        channel="kannel", event_id=event_id, phone=PHONE, sender=PHONE, text=text, to="8888"
    )


@pytest.mark.parametrize(
    ("raw", "coding", "charset", "text"),
    [
        ("ARRET++deux", "0", "UTF-8", "ARRET  deux"),
        ("R%C3%A9ponse", "0", "UTF-8", "Réponse"),
        ("R%E9ponse", "0", "UTF-8", "Réponse"),  # a stray latin-1 octet
        ("R%E9ponse", "1", "8-BIT", "Réponse"),
        ("R%E9ponse", "0", "ISO-8859-1", "Réponse"),
        ("%02%5B%00%20%00%E9", "2", "UTF-16BE", "ɛ é"),
        ("%02%5B%00+%00%E9", "2", "", "ɛ é"),
        ("%D8%3D%DE%00%00%41", "2", "UTF-16BE", "😀A"),
        ("%00%41%00%00%00%42", "2", "UTF-16BE", "AB"),  # NUL is no letter
        ("%D8%3D%00%41%00", "2", "UTF-16BE", "\ufffdA\ufffd"),  # half a pair, half an octet pair
        ("ARRET", "0", "KLINGON", "ARRET"),
        ("ARRET", "", "", "ARRET"),
        ("", "0", "UTF-8", ""),
    ],
)
def test_every_alphabet_becomes_a_text(raw: str, coding: str, charset: str, text: str) -> None:
    fields = query_of(f"id=1&from=%2B22370000001&to=8888&raw={raw}&coding={coding}&charset={charset}")
    assert KANNEL.read_sms(fields).text == text


def test_a_text_longer_than_any_is_cut_and_not_refused() -> None:
    fields = query_of("from=%2B22370000001&to=8888&coding=0&charset=UTF-8&raw=ARRET+" + "x" * 5000)
    assert KANNEL.read_sms(fields).text.startswith("ARRET x")
    assert KANNEL.read_sms(fields).event_id is None


@pytest.mark.parametrize("sender", ["OrangeMoney", "36011"])
def test_machines_have_no_phone(sender: str) -> None:
    sms = KANNEL.read_sms(query_of(f"id=1&from={sender}&to=8888&raw=Bonjour"))
    assert (sms.phone, sms.sender) == (None, sender)


def receipt(kind: str, answer: str = "", m: str = "7") -> Receipt:
    return KANNEL.read_receipt(query_of(f"m={m}&type={kind}&to=%2B22370000001&answer={answer}"))


@pytest.mark.parametrize("code", sorted(SMPP))
def test_a_refusal_by_the_operator_is_named(code: int) -> None:
    name, fault = SMPP[code]
    told = receipt("16", f"NACK/0x{code:08x}/Whatever+70+00+00+01")
    assert (told.state, told.fault) == ("undelivered", fault)
    assert told.detail == f"refused by the operator, SMPP 0x{code:02X} {name}"


def test_only_the_number_itself_counts_against_the_number() -> None:
    assert [code for code, (_, fault) in SMPP.items() if fault == "person"] == [0x0B]
    assert receipt("16", "NACK/0x00000058/Throttling+error").fault == "message"
    assert receipt("16", "NACK/validity+expired").detail == "refused by the operator, no longer of use"
    for answer in ("NACK/validity+expired", "NACK/0x00000456/Vendor-specific+error", "NACK/", "NACK/expired", ""):
        assert receipt("16", answer).fault == "message"


@pytest.mark.parametrize(
    ("stat", "fault"), [("UNDELIV", "person"), ("EXPIRED", "person"), ("REJECTD", "message"), ("", "person")]
)
def test_of_a_failure_only_the_operators_codes_are_kept(stat: str, fault: str) -> None:
    answer = f"id:0123 sub:001 dlvrd:000 submit date:2611201000 done date:2611201001 stat:{stat} err:027 text:Awa D"
    told = receipt("2", answer.replace(" ", "+"))
    assert (told.state, told.fault) == ("undelivered", fault)
    assert told.detail == f"failed, {f'stat:{stat} ' if stat else ''}err:027"


def test_an_unknown_type_changes_nothing() -> None:
    assert receipt("32").state is None
    assert receipt("32", m="0007").message_ref == 7


@pytest.mark.parametrize("query", ["type=1", "m=7", "m=x&type=1", "m=9223372036854775808&type=1", "m=1&m=2&type=1"])
def test_a_receipt_of_no_message_of_ours_is_unreadable(query: str) -> None:
    with pytest.raises(Unreadable):
        KANNEL.read_receipt(query_of(query))


def test_octets_of_the_message_in_a_receipt_do_no_harm() -> None:
    told = receipt("2", "stat:UNDELIV+err:001+text:%06%2A%00%00%ff")
    assert told.detail == "failed, stat:UNDELIV err:001"


def test_it_has_no_ussd_and_no_opt_outs() -> None:
    for read in (KANNEL.read_keystroke, KANNEL.read_session_end, KANNEL.read_opt_out):
        with pytest.raises(Unreadable, match="kannel"):
            read(Fields())


NAMES = st.sampled_from([b"m", b"type", b"answer", b"to", b"from", b"raw", b"coding", b"charset", b"id", b"x"])
VALUES = st.one_of(
    st.binary(max_size=12), st.sampled_from([b"2", b"16", b"UTF-16BE", b"UTF-8", b"%2B22370000001", b"%00%D8", b"7"])
)


@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=9))
def test_any_query_is_a_value_or_unreadable(pairs: list[tuple[bytes, bytes]]) -> None:
    raw = Raw("GET", "/", b"&".join(name + b"=" + value for name, value in pairs), "", b"")
    for read in (KANNEL.read_sms, KANNEL.read_receipt):
        try:
            assert read(KANNEL.fields(raw)) is not None
        except Unreadable as refusal:
            assert "22370000001" not in str(refusal)  # noqa: PT017 -- a refusal is as good as a value


def test_either_secret_opens_and_the_first_is_the_one_we_give() -> None:
    assert KANNEL.knows_secret(SECRET)
    assert KANNEL.knows_secret(OTHER_SECRET)
    assert not KANNEL.knows_secret(SECRET + OTHER_SECRET)
