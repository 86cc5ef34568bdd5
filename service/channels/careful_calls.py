"""How we call a carrier, over urllib3. Three things that it alone does not promise:

 - a failure before the connection stood (`NeverConnected`) is told apart from one after it;
 - no redirect is ever followed: the key would travel to another host, and a 307 would post the message again;
 - an answer is read up to a size and a time, so a carrier cannot fill our memory or hold a sender for ever.

The session of `requests` would cost half of what a message costs us in all. It tells us once, at the start, by which
proxy and with which certificates a carrier is reached.
"""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from service.channels.transport import NeverConnected

ANSWER_LIMIT = 64 * 1024
LIST_LIMIT = 4 * 1024 * 1024  # a page of a hundred texts of ten parts, with everything escaped
# Routers on the way forget quiet connections without a word; a message sent on one would end as "ambiguous".
FRESH_SECONDS = 20.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVERY_CALL = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # no small answer that unpacks to a huge one
    "User-Agent": "laseli",
}

# At DEBUG it writes every address, and a question about a message has the number in its address.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class CarrierAnswer(NamedTuple):
    """What a carrier answered; `content` is the whole body, or nothing where it was too long, too slow or cut."""

    status_code: int
    headers: Mapping[str, str]  # found however they are spelled
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


class CarefulClient:
    """Calls one carrier, and no other address. Safe to share between threads.

    `timeouts`: seconds to connect, and between two octets. `whole_seconds` bounds a call from its start to the last
    octet of its answer; both timeouts together unless it is given.
    """

    def __init__(self, base_url: str, timeouts: tuple[float, float], whole_seconds: float | None = None) -> None:
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._timeout = Timeout(connect=timeouts[0], read=timeouts[1])
        self._whole_seconds = sum(timeouts) if whole_seconds is None else whole_seconds
        self._pool, self._before_path = _way_to(self._origin)

    def post(self, url: str, body: bytes | Mapping[str, object], headers: Mapping[str, str]) -> CarrierAnswer:
        """A mapping is sent as a form, in UTF-8; a list in it repeats its field."""
        if isinstance(body, Mapping):
            body, headers = _query(body).encode(), FORM | {**headers}
        return self._call("POST", url, body, headers, ANSWER_LIMIT)

    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, object] | None = None) -> CarrierAnswer:
        if params:
            url += f"?{_query(params)}"
        return self._call("GET", url, None, headers, LIST_LIMIT)

    def _call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], limit: int) -> CarrierAnswer:
        if not url.startswith(self._origin + "/"):
            raise ValueError("another address than this carrier's")  # our key would go there
        with _Watch(self._whole_seconds) as watch:
            response = self._pool.urlopen(
                method,
                self._before_path + url[len(self._origin) :],
                body=body,
                headers=EVERY_CALL | {**headers},
                retries=False,  # a POST repeated by a library would be a second SMS
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
            return CarrierAnswer(response.status, response.headers, _read(response, watch, limit))


def _query(fields: Mapping[str, object]) -> str:
    """In UTF-8; a field without a value is left out, as the SDKs expect."""
    return urlencode({name: value for name, value in fields.items() if value is not None}, doseq=True)


def _way_to(origin: str) -> tuple[Any, str]:
    """The connections to a carrier, and what stands before a path on them: a proxy for plain HTTP is told the host.

    A proxy or a certificate bundle from the environment is for the outside world, never for this machine.
    """
    request = requests.Request("GET", f"{origin}/").prepare()
    with requests.Session() as session:
        session.trust_env = not _is_loopback(origin)
        found = session.merge_environment_settings(f"{origin}/", {}, None, None, None)
    adapter = _CarefulAdapter(pool_maxsize=64)
    pool = adapter.get_connection_with_tls_context(request, found["verify"], proxies=found["proxies"])
    adapter.cert_verify(pool, origin, found["verify"], None)  # type: ignore[no-untyped-call]
    return pool, adapter.request_url(request, found["proxies"]).removesuffix("/")


class _Watch:
    """Ends the call of this thread when its time is over, however slowly the carrier goes on talking."""

    _of_thread = threading.local()

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self._socket: socket.socket | None = None

    def __enter__(self) -> _Watch:
        _Watch._of_thread.watch = self
        _WATCHMAN.look_at(self)
        return self

    def __exit__(self, *_: object) -> None:
        _WATCHMAN.leave(self)
        self._socket = _Watch._of_thread.watch = None

    @staticmethod
    def of_this_call() -> _Watch | None:
        return getattr(_Watch._of_thread, "watch", None)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.end

    def guard(self, connected: socket.socket | None) -> None:
        self._socket = connected

    def cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Watchman:
    """One thread for all calls of the process: a timer of its own would cost each call a new thread."""

    def __init__(self) -> None:
        self._watched: set[_Watch] = set()
        self._changed = threading.Condition()
        self._next = math.inf
        self._thread: threading.Thread | None = None

    def look_at(self, watch: _Watch) -> None:
        with self._changed:
            self._watched.add(watch)
            if self._thread is None or not self._thread.is_alive():  # never yet, or left behind by a fork
                self._thread = threading.Thread(target=self._walk, name="watchman", daemon=True)
                self._thread.start()
            elif watch.end < self._next:
                self._changed.notify()

    def leave(self, watch: _Watch) -> None:
        with self._changed:
            self._watched.discard(watch)

    def _walk(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watch in [watch for watch in self._watched if watch.end <= now]:
                    self._watched.discard(watch)
                    watch.cut()
                self._next = min((watch.end for watch in self._watched), default=math.inf)
                self._changed.wait(None if self._next == math.inf else self._next - now)


_WATCHMAN = _Watchman()


def _read(response: BaseHTTPResponse, watch: _Watch, limit: int) -> bytes:
    """The whole body, or nothing of it when it is too long, too slow or cut: half an answer must not be believed."""
    body = b""
    try:
        while len(body) <= limit and not watch.is_over:
            piece = response.read1(16 * 1024, decode_content=False)
            if not piece:
                return b"" if watch.is_over else body
            body += piece
    except (HTTPError, HTTPException, OSError):
        pass
    response.close()
    return b""


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Connection(HTTPConnection):
    """Says so when it never came about, and does not trust a connection that was quiet for long."""

    _last_used = 0.0

    def connect(self) -> None:
        try:
            super().connect()
        except Exception as trouble:
            raise NeverConnected(_why(trouble)) from None
        watch = _Watch.of_this_call()
        if watch and watch.is_over:  # names and many addresses have no time-out of their own
            self.close()
            raise NeverConnected("connecting took too long")
        self._last_used = time.monotonic()

    def getresponse(self) -> Any:
        watch = _Watch.of_this_call()
        if watch:
            watch.guard(self.sock)
        response = super().getresponse()
        self._last_used = time.monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._last_used < FRESH_SECONDS


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _CarefulAdapter(HTTPAdapter):
    """No retries (that is its default): a POST repeated by a library would be a second SMS."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager


def _why(trouble: Exception) -> str:
    if isinstance(trouble, (NameResolutionError, socket.gaierror)):
        return "its name was not found"
    if isinstance(trouble, (ssl.SSLError, ssl.CertificateError)):
        return "no TLS with it"
    # urllib3 makes the refusal a kind of time-out, so it is asked first.
    if isinstance(trouble, (ConnectTimeoutError, TimeoutError)) and not isinstance(trouble, NewConnectionError):
        return "connecting took too long"
    return "no connection with it"
