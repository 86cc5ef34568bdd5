"""Every recorded callback of Africa's Talking and Twilio is understood as its file says, or listed as not handled."""

from __future__ import annotations

import pytest

from service.channels.base import Fields, IncomingSms, Keystroke, OptOut, Receipt, SessionEnd, Unreadable
from tests.contracts.carriers import africastalking, simulator, twilio
from tests.contracts.recordings import load, names

AT = africastalking("https://api.example.org")
PRETEND = simulator("https://api.example.org")
TWILIO = twilio("https://api.example.org")

# No phone line, no airtime, no premium subscription in this product yet: nothing reads these.
NOT_HANDLED = {
    "at-airtime-status",
    "at-airtime-validation",
    "at-subscription-addition",
    "at-subscription-capital",
    "at-subscription-deletion",
    "at-voice-1-ringing",
    "at-voice-2-digits",
    "at-voice-3-recording",
    "at-voice-4-end",
    "at-voice-outbound-no-answer",
    "at-voice-plus-date",
    "twilio-voice-1-ringing",
    "twilio-voice-2-digits",
    "twilio-voice-2-no-digits",
    "twilio-voice-3-recording",
    "twilio-voice-status-completed",
    "twilio-voice-status-no-answer",
}
NOT_A_REQUEST = {"at-sms-in-empty", "at-sms-in-latin1-raw"}  # nothing is left of these when the form is parsed
NOT_GENUINE = {"twilio-sms-in-forged", "twilio-sms-in-no-signature"}
EVENTS = {"ussd", "ussd-end", "sms-in", "sms-receipt", "opt-out"}

PHONE_OF = {"22370000001": "+22370000001", " 22370000001": "+22370000001", "OrangeMoney": None}
STATE_OF = {
    "Sent": "accepted",
    "Submitted": "accepted",
    "Buffered": "accepted",
    "Success": "delivered",
    "Rejected": "undelivered",
    "Failed": "undelivered",
    "AbsentSubscriber": "undelivered",
    "Expired": "undelivered",
    "Parked": None,
    "queued": "accepted",
    "sent": "accepted",
    "partially_delivered": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
}


def test_every_recording_is_read_or_listed_as_not_handled() -> None:
    every = set(names("at")) | set(names("twilio"))
    assert len(every) == 58 + 29
    assert {name for name in every if load(name).event not in EVENTS} == NOT_HANDLED
    assert every > NOT_A_REQUEST | NOT_GENUINE


def phone_of(written: str) -> str | None:
    return PHONE_OF.get(written, written)


@pytest.mark.parametrize("name", names("at", "ussd"))
def test_a_ussd_step(name: str) -> None:
    recording = load(name)
    form = recording.form
    assert AT.read_keystroke(Fields(recording.pairs)) == Keystroke(
        channel="africastalking",
        session=form["sessionId"],
        phone=recording.expect.get("phone") or form["phoneNumber"],
        service_code=form["serviceCode"],
        text=form["text"],
        network="99999",
        whole=True,
    )
    assert PRETEND.read_keystroke(Fields(recording.pairs)).channel == "simulator"


@pytest.mark.parametrize("name", names("at", "ussd-end"))
def test_the_end_of_a_session(name: str) -> None:
    recording = load(name)
    assert AT.read_session_end(Fields(recording.pairs)) == SessionEnd(
        channel="africastalking",
        session=recording.form["sessionId"],
        phone="+22370000001",
        status={"Success": "done", "Incomplete": "cut", "Failed": "failed"}[recording.form["status"]],
        detail=recording.form.get("errorMessage") or recording.form["status"],
    )


def test_the_end_of_a_session_needs_nothing_but_the_session() -> None:
    bare = AT.read_session_end(Fields([("sessionId", "ATUid_1")]))
    assert bare == SessionEnd("africastalking", "ATUid_1", None, "cut", "")
    with pytest.raises(Unreadable, match="sessionId"):
        AT.read_session_end(Fields([("status", "Success")]))


@pytest.mark.parametrize("name", sorted(set(names("at", "sms-in")) - NOT_A_REQUEST))
def test_a_text_by_africas_talking(name: str) -> None:
    recording = load(name)
    form = recording.form
    assert AT.read_sms(Fields(recording.pairs)) == IncomingSms(
        channel="africastalking",
        event_id=form["id"],
        phone=phone_of(form["from"]),
        sender=form["from"],
        text=form["text"],
        to=form["to"],
        opt_out=False,
    )


@pytest.mark.parametrize("name", sorted(NOT_A_REQUEST))
def test_what_is_no_form_is_unreadable(name: str) -> None:
    with pytest.raises(Unreadable):
        AT.read_sms(Fields(load(name).pairs))


@pytest.mark.parametrize("name", names("at", "sms-receipt"))
def test_a_receipt_by_africas_talking(name: str) -> None:
    recording = load(name)
    form, expect = recording.form, recording.expect
    receipt = AT.read_receipt(Fields(recording.pairs), Fields())
    assert receipt == Receipt(
        channel="africastalking",
        carrier_id=form["id"],
        phone=form["phoneNumber"],
        message_ref=None,
        state=STATE_OF[form["status"]],
        detail=f"{form['status']} {form.get('failureReason', '')}".strip(),
        opt_out=expect.get("opt_out", False),
    )
    meets(receipt, expect)


@pytest.mark.parametrize("name", names("at", "opt-out"))
def test_an_opt_out(name: str) -> None:
    assert AT.read_opt_out(Fields(load(name).pairs)) == OptOut("africastalking", "+22370000001", "SANTE")


@pytest.mark.parametrize("name", sorted(set(names("twilio", "sms-in")) - NOT_GENUINE))
def test_a_text_by_twilio(name: str) -> None:
    recording = load(name)
    form = recording.form
    assert TWILIO.read_sms(Fields(recording.pairs)) == IncomingSms(
        channel="twilio",
        event_id=form["MessageSid"],
        phone="+22370000001",
        sender="+22370000001",
        text=form["Body"],
        to="+15005550006",
        opt_out="OptOutType" in form,
    )


@pytest.mark.parametrize("name", names("twilio", "sms-receipt"))
def test_a_receipt_by_twilio(name: str) -> None:
    recording = load(name)
    form = recording.form
    receipt = TWILIO.read_receipt(Fields(recording.pairs), Fields(recording.query))
    assert receipt == Receipt(
        channel="twilio",
        carrier_id=form["MessageSid"],
        phone="+22370000001",
        message_ref=int(recording.path_and_query.partition("?m=")[2]),
        state=STATE_OF[form["MessageStatus"]],
        detail=f"{form['MessageStatus']} {form.get('ErrorCode', '')}".strip(),
    )
    meets(receipt, recording.expect)


def meets(receipt: Receipt, expect: dict[str, object]) -> None:
    """What the recordings' own words say of a receipt."""
    if "final" in expect:
        assert (receipt.state in {"delivered", "undelivered"}) == expect["final"]
    if "class" in expect:  # transient and permanent faults alike: the ladder's next step is the retry
        assert receipt.state == "undelivered"
    if "phone" in expect:
        assert receipt.phone == expect["phone"]
    if "change nothing" in str(expect.get("rule")):
        assert receipt.state is None


def test_a_receipt_by_twilio_may_tell_an_opt_out() -> None:
    recording = load("twilio-status-undelivered-30003")
    pairs = [(name, "21610" if name == "ErrorCode" else value) for name, value in recording.pairs]
    assert TWILIO.read_receipt(Fields(pairs), Fields()).opt_out


@pytest.mark.parametrize("sender", ["+33612345678", "36011", "OrangeMoney", "whatsapp:+22370000001"])
def test_a_text_by_twilio_from_other_senders(sender: str) -> None:
    pairs = [(name, sender if name == "From" else value) for name, value in load("twilio-sms-in").pairs]
    sms = TWILIO.read_sms(Fields(pairs))
    assert sms.phone == {"+33612345678": "+33612345678", "whatsapp:+22370000001": "+22370000001"}.get(sender)


@pytest.mark.parametrize("kind", ["START", "HELP"])
def test_other_words_that_twilio_handled_are_no_opt_out(kind: str) -> None:
    recording = load("twilio-sms-in-stop")
    pairs = [(name, kind if name == "OptOutType" else value) for name, value in recording.pairs]
    assert not TWILIO.read_sms(Fields(pairs)).opt_out
