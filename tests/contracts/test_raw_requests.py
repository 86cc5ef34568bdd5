"""Four ways to write a request, one result: fields as they came, or Unreadable, which never repeats what was sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.base import Fields, TooMuch, Unreadable
from service.channels.raw_request import FORM, LARGEST_BODY, Raw
from tests.contracts.carriers import RECIPES, SECRET, africastalking, twilio

JSON, XML = "application/json", "text/xml"


def a_request(body: bytes = b"", kind: str = FORM, query: bytes = b"") -> Raw:
    return Raw("POST", "/hooks/x/sms-in/y", query, kind, body)


def from_json(text: str) -> list[tuple[str, str]]:
    return list(a_request(text.encode(), JSON).json_fields())


def from_xml(text: str) -> list[tuple[str, str]]:
    return list(a_request(text.encode(), XML).xml_fields())


def test_a_form_is_read_as_it_came() -> None:
    raw = a_request(b"text=a+b%C9%9B&text=&vide=", query=b"text=c")
    assert list(raw.form_fields()) == [("text", "a bɛ"), ("text", ""), ("vide", "")]
    assert list(raw.query_fields()) == [("text", "c")]
    assert raw.path_and_query == "/hooks/x/sms-in/y?text=c"
    assert a_request().path_and_query == "/hooks/x/sms-in/y"


def test_a_query_may_hold_octets_of_any_alphabet() -> None:
    raw = a_request(query=b"raw=%02%5B%00+%00%E9&from=%2B223&x&=y&raw=%ff")
    assert raw.query_octets() == [
        ("raw", b"\x02[\x00 \x00\xe9"),
        ("from", b"+223"),
        ("x", b""),
        ("", b"y"),
        ("raw", b"\xff"),
    ]


def test_json_is_read_to_its_leaves() -> None:
    text = '{"a": {"b": "x", "c": [{"d": 1.50}, true]}, "e": null, "f": "", "g": [], "a": {"b": "y"}}'
    assert from_json(text) == [("a.b", "x"), ("a.c.0.d", "1.50"), ("a.c.1", "true"), ("f", ""), ("a.b", "y")]
    with pytest.raises(Unreadable, match=r"a\.b comes twice"):
        Fields(from_json(text)).one("a.b")


def test_xml_is_read_to_its_leaves() -> None:
    text = '<?xml version="1.0"?><u>x<a> 1 &amp; 2 </a><b k="v"><c>é</c><d/>rest</b><a>3</a></u>'
    assert from_xml(text) == [("a", " 1 & 2 "), ("b.c", "é"), ("b.d", ""), ("a", "3")]
    assert list(a_request("<u><a>é</a></u>".encode("utf-16"), XML).xml_fields()) == [("a", "é")]


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE u [<!ENTITY a "ha">]><u><a>&a;</a></u>',
        '<!DOCTYPE u SYSTEM "file:///etc/passwd"><u/>',
        "<u><a>1</a>",
        "<u><a>&b;</a></u>",
        '<?xml version="1.0" encoding="nowhere"?><u/>',
        "",
    ],
)
def test_xml_that_grows_or_breaks_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        from_xml(body)


@pytest.mark.parametrize("body", ["", "{", "[" * 8000, '{"a":' * 3000, "NaN x", '{"a": "' + "\x01" + '"}'])
def test_json_that_breaks_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        from_json(body)


def test_too_many_fields_are_refused_in_every_form() -> None:
    table = json.dumps({str(number): "x" for number in range(51)})
    tags = "<u>" + "<a>1</a>" * 51 + "</u>"
    for read in (
        lambda: from_json(table),
        lambda: from_xml(tags),
        lambda: a_request(b"a=1&" * 51).form_fields(),
        lambda: a_request(query=b"a=1&" * 51).query_fields(),
        lambda: a_request(query=b"a=1&" * 51).query_octets(),
        lambda: a_request(query=b"a=" + b"1" * LARGEST_BODY).query_octets(),
        lambda: a_request(query=b"a=" + b"1" * LARGEST_BODY).query_fields(),
    ):
        with pytest.raises(TooMuch):
            read()
    assert len(from_xml("<u>" + "<a>1</a>" * 50 + "</u>")) == 50


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data"])
def test_another_kind_of_body_is_refused(kind: str) -> None:
    raw = a_request(b"a=1", kind)
    for read in (raw.form_fields, raw.json_fields, raw.xml_fields):
        with pytest.raises(Unreadable, match="send "):
            read()


READERS: dict[str, Callable[[bytes], object]] = {
    "form": lambda octets: a_request(octets).form_fields(),
    "json": lambda octets: a_request(octets, JSON).json_fields(),
    "xml": lambda octets: a_request(octets, XML).xml_fields(),
    "query": lambda octets: a_request(query=octets).query_fields(),
    "octets": lambda octets: a_request(query=octets).query_octets(),
}
PIECES = st.sampled_from([b"<u>", b"<a>", b"</a>", b"</u>", b"&", b"=", b"%", b"{", b"}", b'"a"', b":", b"[", b"]"])
OCTETS = st.one_of(
    st.binary(max_size=60), st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=25).map(b"".join)
)


@given(octets=OCTETS, reader=st.sampled_from(sorted(READERS)))
def test_any_octets_are_read_or_unreadable(octets: bytes, reader: str) -> None:
    with contextlib.suppress(Unreadable):
        assert READERS[reader](octets) is not None


@pytest.mark.parametrize("name", RECIPES)
def test_a_channel_is_let_in_by_its_secret_or_by_its_signature(name: str) -> None:
    channel = RECIPES[name]("https://api.example.org")
    assert channel.knows_secret(SECRET) is (name != "twilio")
    assert not channel.knows_secret("")
    assert channel.methods <= {"GET", "POST"}


def test_each_says_its_own_thanks() -> None:
    at, signed = africastalking("https://api.example.org"), twilio("https://api.example.org")
    assert at.thanks("sms-in") == at.thanks("receipt") == signed.thanks("receipt")
    assert at.thanks("sms-in").body == ""
    assert signed.thanks("sms-in")[1:] == ("<Response/>", "text/xml")


def test_every_carrier_that_can_be_set_up_can_be_made() -> None:
    from service.channels.registry import MAKERS
    from service.config import CARRIERS

    assert set(MAKERS) == set(CARRIERS)
    assert set(MAKERS) >= set(RECIPES)
