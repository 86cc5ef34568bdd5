"""USSD gateways of other kinds: TruRoute sends the last key in XML, another fetches our pages. Both walk it all."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

import pytest
import requests
from sqlalchemy import select

from service.channels.base import Answer, Fields, Keystroke, Unreadable
from service.channels.raw_request import Raw
from service.channels.via_pages import Pages
from service.channels.via_truroute import TruRoute
from service.config import Config
from service.domain.message_states import Refused
from service.runtime import Runtime
from service.store.conversation_tables import conversation
from service.store.message_tables import message
from service.store.people_tables import child
from service.store.system_tables import counters
from tests.conftest import HOOK_SECRET
from tests.contracts.carriers import a_message
from tests.other_handsets import LastKeyHandset, OtherHandset, PagesHandset
from tests.people import TestClock
from tests.stories.test_enrolment import code_on, enrol_awa
from tests.web.test_webhooks import nothing_written, rows

PHONE, OTHER = "+22370000001", "+22360000002"
OTHER_SECRET = "another-webhook-secret-of-thirty-two-characters"
KINDS = {"truroute": LastKeyHandset, "pages": PagesHandset}


@pytest.fixture
def settings(settings: Config) -> Config:
    """Both set up by their settings, as anybody would."""
    both = {name: {"hook_secrets": (HOOK_SECRET,)} for name in KINDS}
    return Config.model_validate(settings.model_dump() | both)


@pytest.fixture(params=sorted(KINDS))
def phone(request: pytest.FixtureRequest, product: str, clock: TestClock) -> OtherHandset:
    return KINDS[request.param](product, PHONE, HOOK_SECRET, clock)


def other_phone(like: OtherHandset) -> OtherHandset:
    return type(like)(like.product, OTHER, like.secret, like.clock)


# -- the whole way


def test_a_mother_enrols_her_child_and_every_repeat_does_nothing(phone: OtherHandset, runtime: Runtime) -> None:
    phone.times = 3
    assert code_on(enrol_awa(phone))
    assert not phone.open
    assert rows(runtime, child) == 1
    assert rows(runtime, message) == 0
    with runtime.database.read() as tx:
        assert len(tx.execute(select(conversation.c.id)).all()) == 1


def test_what_was_enrolled_is_found_again(phone: OtherHandset) -> None:
    code = code_on(enrol_awa(phone))
    phone.dial()
    assert "Mon enfant" in phone.screen, "the language is known now"
    phone.choose("Mon enfant")
    assert code in phone.choose("Prochain rendez-vous")


def test_another_phone_on_the_session_gets_its_own_conversation(phone: OtherHandset, runtime: Runtime) -> None:
    phone.dial()
    phone.choose("Français")
    phone.choose("Mon enfant")
    mine = phone.choose("Inscrire un enfant")
    other = other_phone(phone)
    if isinstance(phone, PagesHandset) and isinstance(other, PagesHandset):
        theirs = other.fetch(phone.links["1"])
    else:
        other.session, other.open = phone.session, True
        theirs = other.xml(1, "*123#") if isinstance(other, LastKeyHandset) else ""
    assert "Langue" in theirs
    phone.clock.advance(seconds=5)
    assert phone.choose("Oui") != mine
    assert rows(runtime, conversation) == 2


def test_a_wrong_answer_is_asked_again(phone: OtherHandset) -> None:
    phone.dial()
    phone.choose("Français")
    phone.choose("Mon enfant")
    phone.choose("Inscrire un enfant")
    phone.choose("Oui")
    asked = phone.press("Awa <b>&\"'")
    again = phone.press("31 février")
    assert phone.open
    assert "Date de naissance" in asked
    assert again != asked
    assert "31" not in asked
    assert "Date" in phone.press("1 2 3")
    assert "Nom et" in phone.press("0"), "and back works"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_number_that_is_none_is_refused_and_not_repeated(name: str, product: str, runtime: Runtime) -> None:
    door = f"{product}/hooks/{name}/ussd/{HOOK_SECRET}"
    for number in ("", "Orange", "223", "+", "22320221122"):
        if name == "pages":
            answer = requests.get(door, params={"msisdn": number}, timeout=5)
        else:
            xml = f"<ussd><msisdn>{number}</msisdn><sessionid>1</sessionid><type>1</type><msg/></ussd>"
            answer = requests.post(door, data=xml, headers={"Content-Type": "text/xml"}, timeout=5)
        assert answer.status_code == 400
        assert "22320221122" not in answer.text
    assert nothing_written(runtime)


@pytest.mark.parametrize("channel", [TruRoute([HOOK_SECRET]), Pages([HOOK_SECRET])], ids=lambda one: one.name)
def test_a_gateway_of_screens_sends_nothing_and_reads_nothing_else(channel: TruRoute | Pages) -> None:
    outcome = channel.send(a_message())
    assert outcome == Refused(f"{channel.name} sends no SMS", "account", opt_out=False)
    for read in (channel.read_sms, channel.read_receipt, channel.read_opt_out, channel.read_session_end):
        with pytest.raises(Unreadable, match=channel.name):
            read(Fields())


# -- TruRoute


@pytest.fixture
def keys(product: str, clock: TestClock) -> LastKeyHandset:
    return LastKeyHandset(product, PHONE, HOOK_SECRET, clock)


@pytest.mark.parametrize("kind", [3, 4, 10])
def test_the_end_of_a_session_is_thanked_and_she_may_go_on(keys: LastKeyHandset, runtime: Runtime, kind: int) -> None:
    keys.dial()
    keys.choose("Français")
    keys.choose("Mon enfant")
    keys.choose("Inscrire un enfant")
    keys.choose("Oui")
    asked = keys.press("Awa Diarra")
    assert keys.xml(kind) == "", "who hung up is shown nothing"
    assert keys.xml(kind) == ""
    assert "1" in keys.dial(), "asked whether to go on"
    assert keys.press("1") == asked
    keys.press("12102026", "1")
    keys.choose("Darsalam")
    keys.press("1", "1")
    assert rows(runtime, child) == 1


def test_the_end_of_a_session_nobody_knows_invents_none(keys: LastKeyHandset, runtime: Runtime) -> None:
    keys.session = "4711"
    for kind in (3, 4, 10):
        assert keys.xml(kind) == ""
    assert nothing_written(runtime)


@pytest.mark.parametrize("body", ["", "<ussd/>", "<ussd><type>5</type></ussd>", "<!DOCTYPE x><ussd/>"])
def test_what_truroute_never_sends_is_refused(product: str, runtime: Runtime, body: str) -> None:
    door = f"{product}/hooks/truroute/ussd/{HOOK_SECRET}"
    assert requests.post(door, data=body, headers={"Content-Type": "text/xml"}, timeout=5).status_code == 400
    assert nothing_written(runtime)


def test_a_screen_is_well_made_xml() -> None:
    shown = TruRoute([HOOK_SECRET]).show(Keystroke("truroute", "1", PHONE, "", "", ""), 'a < b & "c"\n1 d', True)
    assert shown == Answer(
        200, '<ussd><type>2</type><msg>a &lt; b &amp; "c"\n1 d</msg></ussd>', "text/xml; charset=utf-8"
    )


# -- pages

PAGES = Pages([HOOK_SECRET])


@pytest.fixture
def browser(product: str, clock: TestClock) -> PagesHandset:
    return PagesHandset(product, PHONE, HOOK_SECRET, clock)


def test_no_page_holds_a_number_a_secret_or_what_was_typed(browser: PagesHandset) -> None:
    enrol_awa(browser)
    asked_back = [
        name for answer in browser.answers for name in re.findall(r'[?&;]s=([^&"]*)|value="([^"]*)"', answer.text)
    ]
    assert len(asked_back) > 10
    for answer in browser.answers:
        assert "70000001" not in answer.text
        assert HOOK_SECRET not in answer.text
        for link in re.findall(r'(?:href|value)="([^"]*)"', answer.text):
            for told in ("Awa", "Diarra", "12102026", "1*1"):
                assert told not in link


def test_keys_are_links_and_words_are_a_form(browser: PagesHandset) -> None:
    browser.dial()
    assert set(browser.links) >= {"1", "2"}
    assert "Langue" in browser.screen.splitlines()[0]
    for label in ("Français", "Mon enfant", "Inscrire un enfant", "Oui"):
        browser.choose(label)
    assert '<input type="text" name="k"/>' in browser.page
    assert "1" not in browser.links
    asked = browser.press("Awa Diarra")
    assert set(browser.links) == {"1", "0", "00"}, "who does not know, or goes back; beside the form"
    browser.press("0")
    assert browser.press("Awa Diarra") == asked


def test_the_first_page_asked_for_twice_enrols_once(browser: PagesHandset, runtime: Runtime) -> None:
    first = browser.dial()
    assert browser.dial() == first
    enrol_awa(browser)
    assert rows(runtime, child) == 1


def test_a_link_outlives_a_new_secret_but_not_another_phone(browser: PagesHandset) -> None:
    browser.dial()
    link = browser.links["1"]["s"]
    query = f"msisdn=22370000001&s={link}&k=1"
    renewed = Pages([OTHER_SECRET, HOOK_SECRET])
    known = stroke_of(PAGES, query)
    assert stroke_of(renewed, query) == known
    assert known.text == "1"
    for stranger in (Pages([OTHER_SECRET]), PAGES):
        asked = query.replace("22370000001", "22360000002") if stranger is PAGES else query
        strange = stroke_of(stranger, asked)
        assert strange.text == "", "a new call"
        assert strange.session != known.session


@pytest.mark.parametrize("link", ["", "x", "AAAA", "é", "A" * 64, "=" * 40, "A" * 3000])
def test_a_link_that_is_not_ours_begins_a_new_call(link: str) -> None:
    stroke = stroke_of(PAGES, f"msisdn=22370000001&s={link}&k=7")
    assert stroke.text == ""
    assert len(urlsafe_b64decode(stroke.session)) == 12


def test_an_answer_longer_than_any_is_refused() -> None:
    with pytest.raises(Unreadable):
        stroke_of(PAGES, "msisdn=22370000001&k=" + "x" * 5000)


def stroke_of(channel: Pages, query: str) -> Keystroke:
    return channel.read_keystroke(channel.fields(Raw("GET", "/hooks/pages/ussd/x", query.encode(), "", b"")))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Langue?\n1 Français\n2 Bamanankan", ["1", "2"]),
        ("Mon enfant\n1 Inscrire\n2 Ses vaccins\n0 Retour", ["1", "2", "0"]),
        ("1 Mali\n2 De 6 mois\n9 Suite 0 Retour", ["1", "2", "9", "0"]),
        ("1 Mali\n2 De 6 mois", ["1", "2"]),
        ("Son prenom?", []),
        ("Ne le? JJMMAAAA\nEx: 12032026\n0 Retour", ["0"]),
        ("Il a 9 mois\n9 Suite 0 Retour", ["9", "0"]),
        ("12 enfants suivis\nLequel?", []),
    ],
)
def test_which_lines_are_keys(text: str, keys: list[str]) -> None:
    page = PAGES.show(Keystroke("pages", "s", PHONE, "", "1", ""), text, True).body
    assert re.findall(r'accesskey="(\d+)"', page) == keys
    assert "<form" in page
    over = PAGES.show(Keystroke("pages", "s", PHONE, "", "1", ""), text, False).body
    assert "<a " not in over
    assert "<form" not in over


def test_two_phones_on_a_session_are_counted(keys: LastKeyHandset, runtime: Runtime) -> None:
    keys.dial()
    other = other_phone(keys)
    other.dial()
    with runtime.database.read() as tx:
        assert counters(tx)["ussd_other_phone_in_session"] == 1
