"""What every page of the console asks before it answers: whose session, which role, is this our own form?"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from service.channels.raw_request import MOST_FIELDS
from service.logs import log
from service.runtime import Runtime
from service.store import staff_tables
from service.store.people_tables import Child
from service.store.staff_tables import Session, Staff
from service.stories.staff import known_browsers, staff_sessions
from service.web.console import console_words

POLICY: Final = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
ANYBODY: Final = frozenset[str]()
EVERY_ROLE: Final = frozenset({"supervisor", "centre"})
SUPERVISORS: Final = frozenset({"supervisor"})
LARGEST_FORM: Final = 32 * 1024
WORTH_PACKING: Final = 600
_REF_BYTES: Final = 8
_Page = TypeVar("_Page", bound=Callable[..., Any])


class Visit(NamedTuple):
    """A request's cookie, and the session that it opens; a token without a session is a stranger's, for the form."""

    token: str
    session: Session | None
    is_new: bool


class Guard:
    """One for the application. `roles` says who may open a page; `large` how many octets its form may have."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.roles: dict[str, frozenset[str]] = {}
        self.large: dict[str, int] = {}
        # A demo is reached over http on loopback, where browsers keep no cookie that asks for https.
        self.is_secure = runtime.config.demo_secret is None
        self.cookie = "__Host-laseli" if self.is_secure else "laseli"
        self.marks_cookie = f"{self.cookie}-connu"

    # --- pages ----------------------------------------------------------------------------------------------

    def page(
        self, pages: Blueprint, address: str, roles: frozenset[str], *methods: str, largest: int = LARGEST_FORM
    ) -> Callable[[_Page], _Page]:
        """Like `route`, and says who may open it."""

        def add(view: _Page) -> _Page:
            name = f"{pages.name}.{view.__name__}"
            self.roles[name], self.large[name] = roles, largest
            pages.add_url_rule(address, endpoint=view.__name__, view_func=view, methods=list(methods or ("GET",)))
            return view

        return add

    def stand_at(self, pages: Blueprint) -> None:
        pages.before_request(self.look)
        pages.after_request(self.dress)
        pages.register_error_handler(HTTPException, _refused)
        for cannot in (OperationalError, InterfaceError, TimeoutError):
            pages.register_error_handler(cannot, _database_is_away)
        pages.register_error_handler(DBAPIError, _bug)
        pages.register_error_handler(Exception, _bug)

        @self.page(pages, "/<path:rest>", ANYBODY, "GET", "POST")
        def nothing(rest: str) -> Response:
            abort(404)

        @pages.record
        def every_page_has_its_roles(state: BlueprintSetupState) -> None:
            """The last that is recorded: all pages stand."""
            ours = {one.endpoint for one in state.app.url_map.iter_rules() if one.endpoint.startswith(f"{pages.name}.")}
            assert ours == self.roles.keys(), "a page is added by `Guard.page`, which asks who may open it"

    # --- before ---------------------------------------------------------------------------------------------

    def look(self) -> BaseResponse | None:
        """None lets the request in; else what to answer in its place."""
        allowed = self.roles[request.endpoint or ""]
        request.max_content_length = self.large[request.endpoint or ""]
        token = request.cookies.get(self.cookie, "")[:100]
        session = staff_sessions.who_is(self.runtime, token) if token and request.endpoint != "console.style" else None
        g.visit = Visit(token or secrets.token_urlsafe(32), session, not token)
        if request.method == "POST":
            _only_from_our_pages(self.runtime)
        if allowed:
            answer = self._only_for(allowed, session)
            if answer is not None:
                return answer
        if request.method == "POST" and sum(map(len, request.form.listvalues())) > MOST_FIELDS:
            abort(413)
        if request.method == "POST" and not _is_ours(request.form.get("jeton", "")):
            log.warning("console_refused", why="no token of the form")
            abort(403)
        return None

    def _only_for(self, allowed: frozenset[str], session: Session | None) -> BaseResponse | None:
        if session is None:
            return redirect(url_for("console.enter", dit="fini" if request.method == "POST" else None), 303)
        if session.staff.role not in allowed:
            abort(404)
        if session.staff.start_until is not None and request.endpoint not in ("console.password", "console.leave"):
            return redirect(url_for("console.password"), 303)
        return None

    def address(self) -> str:
        """From where the request came. Only our own proxy is believed when it says so."""
        peer, proxy = staff_sessions.plain_address(request.remote_addr or ""), self.runtime.config.console.proxy
        if proxy and peer == proxy:
            return request.headers.get("X-Forwarded-For", peer).rsplit(",", 1)[-1].strip()
        return peer

    # --- after ----------------------------------------------------------------------------------------------

    def dress(self, response: Response) -> Response:
        for name, value in (
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            # Not "no-referrer": browsers would then post our own forms with the Origin "null". No other host gets any.
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
            ("Cache-Control", "no-store"),
        ):
            response.headers.setdefault(name, value)
        if self.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        visit = g.get("visit")
        if visit is not None and visit.is_new and request.endpoint != "console.style":
            self.give_cookie(response, visit.token)
        return _packed(response)

    def give_cookie(self, response: BaseResponse, token: str) -> None:
        """For as long as the browser is open, or until the session ends by itself."""
        response.set_cookie(self.cookie, token, path="/", secure=self.is_secure, httponly=True, samesite="Strict")

    def marks(self) -> str:
        """By what this browser is known (`known_browsers`)."""
        return request.cookies.get(self.marks_cookie, "")[: known_browsers.LONGEST]

    def give_marks(self, response: BaseResponse, marks: str) -> None:
        """They stay when the session ends and the browser is closed; they open nothing."""
        response.set_cookie(
            self.marks_cookie,
            marks,
            max_age=known_browsers.KEPT_DAYS * 86_400,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="Strict",
        )

    def take_cookie(self, response: BaseResponse) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self.is_secure, httponly=True, samesite="Strict")


# --- what pages ask ------------------------------------------------------------------------------------------


def session() -> Session:
    """The session of this request; only for pages that ask for a role."""
    found: Visit = g.visit
    assert found.session is not None, "the page lets anybody in"
    return found.session


def who() -> Staff:
    return session().staff


def csrf_token() -> str:
    """What our own forms carry: made from the cookie, which no other site can read."""
    return _made_from_token(b"form").hex()


def ref_of(child_id: int) -> str:
    """How this session's addresses name a child: no code, and nothing to anybody else or later on."""
    nonce = os.urandom(12)
    sealed = AESGCM(_made_from_token(b"child")).encrypt(nonce, child_id.to_bytes(_REF_BYTES, "big"), b"child")
    return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def child_named(tx: Connection, ref: str) -> Child:
    """The child of this reference, if it is within the remit; 404, in the same words whyever it is not."""
    child_id = _id_in(ref)
    found = staff_tables.child_within(tx, who().remit, id=child_id) if child_id is not None else None
    if found is None:
        abort(404, console_words.NO_CHILD)
    return found


def _id_in(ref: str) -> int | None:
    try:
        octets = base64.urlsafe_b64decode(ref[:100] + "=" * (-len(ref) % 4))
        return int.from_bytes(AESGCM(_made_from_token(b"child")).decrypt(octets[:12], octets[12:], b"child"), "big")
    except (ValueError, InvalidTag):
        return None


def _made_from_token(what: bytes) -> bytes:
    visit: Visit = g.visit
    return hmac.digest(visit.token.encode(), what, hashlib.sha256)


def form_text(name: str, most: int = 200) -> str:
    """What stands in this field, without what PostgreSQL's texts cannot hold."""
    return request.form.get(name, "")[:most].replace("\0", "").strip()


def form_number(name: str) -> int:
    """The number in this field, as our own form wrote it; 0 for anything else."""
    typed = form_text(name, 19)
    return int(typed) if typed.isascii() and typed.isdecimal() and int(typed) < 2**63 else 0


# --- in common ----------------------------------------------------------------------------------------------


def _is_ours(token: str) -> bool:
    return hmac.compare_digest(token.encode(), csrf_token().encode())


def _only_from_our_pages(runtime: Runtime) -> None:
    """Browsers say which page posts. Old ones say nothing: for them the form's token speaks."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    if not _is_our_origin(runtime, origin):
        log.warning("console_refused", why="another site's form")
        abort(403)


def _is_our_origin(runtime: Runtime, origin: str) -> bool:
    """Ours by name, and by https outside of a demo: whoever writes into a network's http is no page of ours."""
    schemes = ("https",) if runtime.config.demo_secret is None else ("https", "http")
    public = urlsplit(runtime.config.public_url)
    hosts = {public.netloc.lower(), request.host.lower()} - {""}
    return origin.lower() in {f"{scheme}://{host}" for scheme in schemes for host in hosts}


def _packed(response: Response) -> Response:
    """Compressed: the cookie goes to no other site's requests, so nobody can measure our pages with words of theirs."""
    is_text = response.mimetype in ("text/html", "text/css")
    if not is_text or response.status_code != 200 or request.accept_encodings.quality("gzip") <= 0:
        return response
    body = response.get_data()
    if len(body) >= WORTH_PACKING:
        response.set_data(gzip.compress(body, 6, mtime=0))
        response.content_encoding = "gzip"
        response.vary.add("Accept-Encoding")
    return response


def _refused(error: HTTPException) -> BaseResponse:
    code = error.code or 500
    if code < 400:
        return error.get_response()
    said = error.description if code in (404, 429) and error.description in console_words.OWN_WORDS else None
    page = render_template("console/refused.html", code=code, said=said or console_words.refusal(code))
    return Response(page, code)


def _database_is_away(error: Exception) -> Response:
    log.error("database_unavailable", error=type(error).__name__)
    said = console_words.refusal(503)
    return Response(render_template("console/refused.html", code=503, said=said), 503, {"Retry-After": "5"})


def _bug(error: Exception) -> Response:
    if isinstance(error, DBAPIError):  # its text may hold the row
        log.error("row_refused", error=type(error.orig).__name__)
    else:
        log.error("request_failed", exc_info=error)
    return Response(render_template("console/refused.html", code=500, said=console_words.refusal(500)), 500)
