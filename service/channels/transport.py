"""How we call a carrier: every call ends in one of four outcomes, and "not sent" is said only when that is sure.

Used by the adapters through their SDKs. Three things that `requests` alone does not promise:
 - a failure before the connection stood (`NeverConnected`) is told apart from one after it;
 - no redirect is ever followed: the key would travel to another host, and a 307 would post the message again;
 - an answer is read up to a size and a time, so a carrier cannot fill our memory or hold a sender for ever.
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from service.channels.base import CannotAsk
from service.domain.message_states import Ambiguous, NotSent, Outcome, Refused

Said = TypeVar("Said")
ANSWER_LIMIT = 64 * 1024
LIST_LIMIT = 4 * 1024 * 1024  # a page of a hundred texts of ten parts, with everything escaped
LONGEST_RETRY_AFTER = 24 * 3600
# Routers on the way forget quiet connections without a word; a message sent on one would end as "ambiguous".
FRESH_SECONDS = 20.0

# At DEBUG it writes every address, and a question about a message has the number in its address.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class NeverConnected(Exception):
    """No connection came about, so nothing can have been sent."""


class Decided(Exception):
    """The HTTP status has settled the outcome; it passes through an SDK that would lose the status."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def attempt(call: Callable[[], Outcome]) -> Outcome:
    """The outcome of one call to a carrier. Never raises: what may have reached the carrier is ambiguous.

    An exception's text may hold the number or the message, so only its kind is kept.
    """
    try:
        return call()
    except Decided as decided:
        return decided.outcome
    except NeverConnected as reason:
        return NotSent(str(reason), None)
    except Exception as trouble:
        return Ambiguous(f"no readable answer ({type(trouble).__name__})")


def ask(call: Callable[[], Said]) -> Said:
    """The answer to a question that changes nothing at the carrier; raises CannotAsk, and nothing else."""
    try:
        return call()
    except CannotAsk:
        raise
    except Decided as decided:
        raise CannotAsk(getattr(decided.outcome, "detail", "")) from None
    except NeverConnected as reason:
        raise CannotAsk(str(reason)) from None
    except Exception as trouble:
        raise CannotAsk(f"no readable answer ({type(trouble).__name__})") from None


def outcome_of_status(status: int, headers: Mapping[str, str]) -> Outcome | None:
    """What the HTTP status settles alone; None where the carrier's own words decide."""
    if status == 429:
        return NotSent("HTTP 429, too many requests", retry_after(headers))
    if 300 <= status < 400:
        return Refused(f"HTTP {status}, a redirect: wrong address", "account", opt_out=False)
    if status >= 500 or status < 200 or status == 408:
        return Ambiguous(f"HTTP {status}")
    return None


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Seconds to wait, from `Retry-After`; a date is measured from the answer's own `Date`, not from our clock."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(int(value), LONGEST_RETRY_AFTER)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
        return min(max(0, int((until - now).total_seconds())), LONGEST_RETRY_AFTER)
    except (TypeError, ValueError):
        return None


def word(value: object) -> str:
    """A carrier's word for our notes: letters only, so that no number, name or text can come along."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_ -]{0,59}", value) else ""


def checked_address(base_url: str) -> str:
    """The address without a trailing slash; ValueError, without the address in it, when it cannot be one."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a carrier's address looks like https://api.example.org")
    if parts.username or parts.password:
        raise ValueError("a carrier's address holds no user name and no password")
    return base_url.rstrip("/")


def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """For `auth`: without it, requests would add a password that it finds for the host in ~/.netrc."""
    return request


class CarefulSession(requests.Session):
    """A `requests` session that keeps the promises at the head of this file. Safe to share between threads.

    `whole_seconds` bounds a call from its start to the last octet of its answer; the time-out of `requests` starts
    anew with every octet.
    """

    def __init__(self, base_url: str, whole_seconds: float) -> None:
        super().__init__()
        self._whole_seconds = whole_seconds
        # A proxy or a certificate bundle from the environment is for the outside world, never for this machine.
        self.trust_env = not _is_loopback(base_url)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers["Accept-Encoding"] = "identity"  # no small answer that unpacks to a huge one
        self.mount("https://", _CarefulAdapter(pool_maxsize=64))
        self.mount("http://", _CarefulAdapter(pool_maxsize=64))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        with _Watch(self._whole_seconds) as watch:
            response = super().send(request, **(kwargs | {"stream": True, "allow_redirects": False}))
            limit = LIST_LIMIT if request.method == "GET" else ANSWER_LIMIT
            response._content = _read_answer(response, watch, limit)
        response._content_consumed = True  # type: ignore[attr-defined]  # requests' own mark, missing in its stubs
        response.encoding = "utf-8"
        return response


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


def _read_answer(response: requests.Response, watch: _Watch, limit: int) -> bytes:
    """The whole body, or nothing of it when it is too long, too slow or cut: half an answer must not be believed."""
    body = b""
    try:
        while len(body) <= limit and not watch.is_over:
            piece = response.raw.read1(16 * 1024, decode_content=False)
            if not piece:
                return b"" if watch.is_over else body
            body += piece
    except (HTTPError, HTTPException, OSError):
        pass
    response.raw.close()
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
