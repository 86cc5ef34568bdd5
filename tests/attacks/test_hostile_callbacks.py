"""Requests that no carrier writes, with the right secret: refused with a clear status, no effect, no trace of them."""

from __future__ import annotations

import contextlib
import gzip
import http.client
from io import StringIO
from urllib.parse import urlsplit

import pytest

from service.runtime import Runtime
from tests.conftest import HOOK_SECRET
from tests.web.test_webhooks import nothing_written

NUMBER, WORDS = "+22370000001", "ma fille tousse"
FORM = "application/x-www-form-urlencoded"
SMS = f"from=%2B22370000001&to=99000&text={WORDS.replace(' ', '+')}&id=1&date=2026-11-20+10%3A00%3A00".encode()
STEP = b"sessionId=s1&phoneNumber=%2B22370000001&networkCode=61001&serviceCode=*384*223%23&text=1"
RECEIPT = b"id=ATXid_1&status=Success&phoneNumber=%2B22370000001&networkCode=61001"
BODIES = {"sms-in": SMS, "ussd": STEP, "receipt": RECEIPT}
Made = tuple[bytes, dict[str, str]]


def odd_requests(body: bytes) -> dict[str, Made]:
    form = {"Content-Type": FORM}
    text = body.decode()
    return {
        "in UTF-16": (text.encode("utf-16"), {"Content-Type": f"{FORM}; charset=utf-16"}),
        "in UTF-7": (text.encode("utf-7"), {"Content-Type": "text/plain; charset=utf-7"}),
        "zipped": (gzip.compress(body), form | {"Content-Encoding": "gzip"}),
        "JSON": (b'{"from": "+22370000001", "text": "ma fille tousse"}', {"Content-Type": "application/json"}),
        "JSON as a form": (b'{"from": "+22370000001", "text": "ma fille tousse"}', form),
        "two bodies in one": (b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nma fille tousse\r\n--x--',
                              {"Content-Type": "multipart/form-data; boundary=x"}),
        "every field twice": (body + b"&" + body, form),
        "another number": (body + b"&from=%2B22370000009&phoneNumber=%2B22370000009", form),
        "NUL": (body.replace(b"%2B223", b"%00%2B223"), form),
        "an overlong sign": (b"\xc0\xaf" + body, form),
        "half a letter": (body.replace(b"%2B223", b"\xed\xa0\x80%2B223"), form),
        "many fields": (body + b"&a=1" * 60, form),
        "a long number": (body.replace(b"70000001", b"7" * 300), form),
        "no kind": (body, {}),
        "nothing": (b"", form),
        "too much": (body + b"&x=" + b"a" * 20_000, form),
    }  # fmt: skip


def ask(product: str, event: str, made: Made, query: str = "") -> tuple[int, str]:
    body, headers = made
    line = http.client.HTTPConnection(urlsplit(product).netloc, timeout=10)
    try:
        line.request("POST", f"/hooks/africastalking/{event}/{HOOK_SECRET}{query}", body, headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


@pytest.mark.parametrize("event", BODIES)
def test_what_no_carrier_writes_is_refused_and_leaves_nothing(
    runtime: Runtime, product: str, log_lines: StringIO, event: str
) -> None:
    body = BODIES[event]
    for name, made in odd_requests(body).items():
        status, said = ask(product, event, made)
        assert 400 <= status < 500, (name, status)
        assert not any(secret in said for secret in (NUMBER, "70000001", "tousse", HOOK_SECRET)), name
    assert nothing_written(runtime)
    logged = log_lines.getvalue()
    assert not any(secret in logged for secret in (NUMBER, "70000001", "tousse", HOOK_SECRET))
    assert ask(product, event, (body, {"Content-Type": FORM}))[0] == 200


def test_what_stands_in_the_address_is_no_part_of_the_form(runtime: Runtime, product: str) -> None:
    without = SMS.replace(b"from=%2B22370000001&", b"")
    status, _ = ask(product, "sms-in", (without, {"Content-Type": FORM}), "?from=%2B22370000001")
    assert status == 400
    assert nothing_written(runtime)


@pytest.mark.parametrize("length", ["-1", "1e3", "+5", " 7 ", "99999999999", "٣"])
def test_a_length_that_is_none_is_no_server_error(runtime: Runtime, product: str, length: str) -> None:
    """The framework's own server may close the line; what it passes on is refused by us."""
    line = http.client.HTTPConnection(urlsplit(product).netloc, timeout=10)
    try:
        line.putrequest("POST", f"/hooks/africastalking/sms-in/{HOOK_SECRET}")
        line.putheader("Content-Type", FORM)
        line.putheader("Content-Length", length.encode())
        line.endheaders()
        if line.sock is not None:
            line.sock.shutdown(1)  # nothing more comes
        with contextlib.suppress(http.client.HTTPException):
            assert 400 <= line.getresponse().status < 500
    finally:
        line.close()
    assert nothing_written(runtime)
