"""The environment says how the world is reached, and nothing else about a carrier's call."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from service.channels.careful_calls import CarefulClient
from service.channels.transport import NeverConnected

CARRIER = "http://api.carrier.invalid"  # a name that is never found: only a proxy can answer for it
FAST = (3.0, 3.0)


class Seen(BaseHTTPRequestHandler):
    requests: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Seen]]:
    handler = type("Handler", (Seen,), {"requests": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://us:secret@127.0.0.1:{server.server_port}")
    handler.port = server.server_port  # type: ignore[attr-defined]
    yield handler
    server.shutdown()
    server.server_close()


def test_the_worlds_carriers_are_reached_by_the_proxy_of_the_environment(seen: type[Seen]) -> None:
    answer = CarefulClient(CARRIER, FAST).post(f"{CARRIER}/send?a=1", {"message": "é", "none": None}, {"X-Key": "k"})
    assert (answer.status_code, answer.text) == (200, "ok")
    ((path, headers, body),) = seen.requests
    assert path == f"{CARRIER}/send?a=1"
    assert body == b"message=%C3%A9", "UTF-8, and a field without a value is left out"
    assert headers["Host"] == "api.carrier.invalid"
    assert headers["X-Key"] == "k"
    assert headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"us:secret").decode()


def test_this_machine_is_never_reached_by_a_proxy(seen: type[Seen]) -> None:
    home = f"http://127.0.0.1:{seen.port}"  # type: ignore[attr-defined]
    CarefulClient(home, FAST).post(f"{home}/send", b"text", {})
    ((path, headers, body),) = seen.requests
    assert (path, body) == ("/send", b"text")
    assert "Proxy-Authorization" not in headers


def test_a_host_may_be_left_out_of_the_proxy(seen: type[Seen], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "api.carrier.invalid")
    with pytest.raises(NeverConnected, match="name was not found"):
        CarefulClient(CARRIER, FAST).post(f"{CARRIER}/send", b"text", {})
    assert seen.requests == []


def test_a_password_file_of_this_machine_adds_nothing(
    seen: type[Seen], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    CarefulClient(CARRIER, FAST).post(f"{CARRIER}/send", b"text", {})
    ((_, headers, _),) = seen.requests
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    "address", ["http://api.carrier.invalid.example/send", "http://api.carrier.invalid@example/", "https://example/"]
)
def test_no_other_address_is_called(seen: type[Seen], address: str) -> None:
    with pytest.raises(ValueError, match="another address"):
        CarefulClient(CARRIER, FAST).post(address, b"text", {"X-Key": "k"})
    assert seen.requests == []


def test_a_bundle_of_the_environment_is_what_a_certificate_is_held_against(
    seen: type[Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    with pytest.raises(OSError, match="CA certificate bundle"):
        CarefulClient("https://api.carrier.invalid", FAST)


def test_without_one_it_is_the_worlds_certificates(seen: type[Seen]) -> None:
    pool = CarefulClient("https://api.carrier.invalid", FAST)._pool
    assert (pool.cert_reqs, pool.ca_certs) == ("CERT_REQUIRED", requests.certs.where())
