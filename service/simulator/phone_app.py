"""The simulator as a WSGI application of its own: `create_simulator`."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from service.simulator.carrier import carrier_pages
from service.simulator.pages import phone_pages
from service.simulator.postman import RETRY_SECONDS, Postman
from service.simulator.product import Control, Hooks
from service.simulator.ringing import call_pages
from service.simulator.scripts import SAMPLES
from service.simulator.simulation import Simulation
from service.simulator.state import State, first_free
from service.simulator.watch import Watch

FOLDER = Path(__file__).parent
EXTENSION = "laseli_simulator"
LARGEST_FORM = 256 * 1024
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
COMPRESSED = ("text/html", "text/css", "text/javascript", "image/svg+xml", "application/json")


def create_simulator(
    product_url: str,
    secret: str,
    state_file: Path,
    service_code: str = "*384*223#",
    product_control: str | Control | None = None,
    *,
    short_code: str = "36223",
    first_phones: int = 2,
    receipt_delay: float = 0.3,
    retry_seconds: Sequence[float] = RETRY_SECONDS,
) -> Flask:
    """The carrier and its phones, ready to serve; `simulation_of(app).close()` stops it.

    One process serves it: a background thread posts receipts. All it must remember is in `state_file`, which is made
    if it is missing. A new file starts with `first_phones` phones on the page.
    """
    state = State(state_file)
    hooks = Hooks(product_url, secret)
    control = Control(product_control) if isinstance(product_control, str) else product_control
    sim = Simulation(
        state=state,
        hooks=hooks,
        control=control,
        watch=Watch(state, control),
        postman=Postman(state, hooks.tell, retry_seconds),
        service_code=service_code,
        short_code=short_code,
        receipt_delay_ms=int(receipt_delay * 1000),
        # Scripts of one's own stand beside the phones' file.
        script_folders=(SAMPLES, state_file.parent / "scripts"),
    )
    _put_first_phones(state, first_phones)
    app = _application(sim)
    sim.postman.start()
    return app


def simulation_of(app: Flask) -> Simulation:
    """What the application works with; for a shutdown and for tests."""
    found = app.extensions[EXTENSION]
    assert isinstance(found, Simulation)
    return found


def _put_first_phones(state: State, count: int) -> None:
    if state.setting("started"):
        return
    for _ in range(count):
        state.show_phone(first_free(phone.number for phone in state.phones()))
    state.remember("started", True)


def _application(sim: Simulation) -> Flask:
    app = Flask(__name__, static_url_path="/sim/static")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = sim
    tags = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:10] for file in (FOLDER / "static").iterdir()}

    def asset(name: str) -> str:
        """The address of a file of ours, which changes with its content: browsers may keep it for good."""
        return url_for("static", filename=name, v=tags[name])

    app.jinja_env.globals["asset"] = asset
    app.register_blueprint(carrier_pages(sim))
    app.register_blueprint(call_pages(sim))
    app.register_blueprint(phone_pages(sim))
    app.before_request(_refuse_foreign_forms)
    app.after_request(_guard)
    app.after_request(_compress)

    @app.get("/")
    def home() -> BaseResponse:
        return redirect(url_for("sim.page"), 303)

    @app.get("/health")
    def health() -> Response:
        """For whoever starts us: answers without asking the product."""
        return Response("ok\n", mimetype="text/plain")

    return app


def _refuse_foreign_forms() -> Response | None:
    """Another site may not press our buttons. Browsers name the page that posts; programs name none."""
    origin = request.headers.get("Origin")
    if request.method in ("GET", "HEAD", "OPTIONS") or origin is None or urlsplit(origin).netloc == request.host:
        return None
    return Response("Cette demande vient d'une autre page.\n", status=403, mimetype="text/plain")


def _guard(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # Not "no-referrer": browsers would then post our own forms with the Origin "null".
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _compress(response: Response) -> Response:
    if response.status_code != 200 or response.mimetype not in COMPRESSED:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") <= 0:
        return response
    response.direct_passthrough = False
    response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
    response.content_encoding = "gzip"
    tag, _ = response.get_etag()
    if tag:
        # The same file in other bytes: the tag must not promise equality byte by byte.
        response.set_etag(tag, weak=True)
    return response
