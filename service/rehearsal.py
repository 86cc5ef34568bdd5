"""A whole Laseli for one conversation: the product and a pretend carrier on loopback, one phone, a clock moved by hand.

Nothing of it is real: throw-away keys, its own database, no network. What is real is the product: its web application,
its stories, its channel with the carrier's SDK under it.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.serving import WSGIRequestHandler, make_server

from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Library
from service.app import create_app
from service.clock import FixedClock
from service.config import Config
from service.domain import local_time
from service.runtime import FLOWS, Runtime, build_runtime
from service.simulator.phone_app import create_simulator, simulation_of
from service.simulator.product import Control, Demonstration
from service.simulator.script_run import Handset
from service.simulator.scripts import Way
from service.simulator.simulation import Simulation
from service.simulator.tried_phone import TELL_S, put_on_page, tried_phone
from service.stories.talk import releases

Round = Callable[[Runtime], object]
"""One round of the timetable, which belongs to the scheduler: plan, send, settle."""

LOOK_IN_EVERY_S = 3600
"""While time passes the worker looks in so often: a week is 168 rounds."""


@dataclass(frozen=True)
class Rehearsal:
    """What stands while a conversation is tried. `address` is the product's, on this machine."""

    runtime: Runtime
    sim: Simulation
    clock: FixedClock
    one_round: Round
    address: str

    def phone(self, number: str, way: Way) -> Handset:
        """The phone with this number, put on the simulator if it is new there."""
        return tried_phone(self.sim, put_on_page(self.sim, number), way, self)

    def wait(self, seconds: int) -> None:
        """Let time pass, with the worker's rounds in it."""
        while seconds > 0:
            step = min(seconds, LOOK_IN_EVERY_S)
            self.clock.moment += step * 1000
            self.sim.watch.forget()
            self.one_round(self.runtime)
            seconds -= step

    def catch_up(self, _: Callable[[], bool]) -> None:
        """What is due now is sent, and the carrier has told all it has to tell."""
        self.sim.postman.all_told(TELL_S)
        self.one_round(self.runtime)
        self.sim.postman.all_told(TELL_S)


def a_config(database_url: str, **changes: object) -> Config:
    """Settings of a rehearsal: keys that nobody keeps, and the simulator as the only way out."""
    identity, index = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    base: dict[str, object] = {
        "database_url": database_url,
        "keys": {"identity": f"1:{identity}", "index": index},
        "sender_threads": 1,
        "sqlite_synchronous": "NORMAL",
    }
    return Config.model_validate(base | changes)


@contextmanager
def rehearse(
    settings: Config, clock: FixedClock, one_round: Round, folder: Path, library: Library | None = None
) -> Iterator[Rehearsal]:
    """Start it on the database of these settings, which is ready; the carrier's file is made in `folder`.

    `library` is spoken in place of the published one.
    """
    with ExitStack() as ending:
        carrier, product = (ending.enter_context(_served()) for _ in range(2))
        secret = secrets.token_urlsafe(32)
        runtime = _runtime(settings, clock, library, secret, carrier.address, product.address)
        ending.callback(runtime.database.close)
        product.application = create_app(runtime)
        carrier.application = create_simulator(
            product.address,
            secret,
            folder / "phones.db",
            runtime.config.service_code,
            _Time(clock, runtime.zone),
            first_phones=0,
            receipt_delay=0,
        )
        sim = simulation_of(carrier.application)
        ending.callback(sim.close)
        yield Rehearsal(runtime, sim, clock, one_round, product.address)


def library_with(folder: Path) -> Library:
    """The conversations of the product, those of the folder in the place of the ones called the same.

    FlowMistake lists what cannot be read or linked.
    """
    tried = sorted(folder.glob("*.yaml"))
    if not tried:
        raise FlowMistake(f"there is no .yaml file in {folder}")
    files = {path.name: path for path in [*sorted((FLOWS / "definitions").glob("*.yaml")), *tried]}
    return load_sources({name: _text_of(path) for name, path in sorted(files.items())})


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise FlowMistake("this is no text in UTF-8; save it as UTF-8", file=path.name) from None
    except OSError as reason:
        raise FlowMistake(f"the file cannot be read ({reason.strerror})", file=path.name) from None


def _runtime(
    settings: Config, clock: FixedClock, library: Library | None, secret: str, carrier: str, product: str
) -> Runtime:
    simulator = {"hook_secrets": (secret,), "base_url": carrier}
    whole = settings.model_dump() | {"simulator": simulator, "routes": ("simulator",), "public_url": product}
    runtime = build_runtime(Config.model_validate(whole), at=clock)
    if library is not None:
        _publish(runtime, library)
    return runtime


def _publish(runtime: Runtime, library: Library) -> None:
    """Let the rehearsal hear conversations that nobody else hears yet."""
    candidate = releases.Candidate(releases.sources_of(library), library)
    with runtime.database.begin() as tx:
        releases.publish(tx, candidate, by="rehearsal", note="not published yet", now=runtime.now())


class _Time(Control):
    """The rehearsal's clock, for the carrier that stamps its SMS."""

    def __init__(self, clock: FixedClock, zone: str) -> None:
        super().__init__("")
        self._clock, self._zone = clock, zone

    def state(self, seconds: float) -> Demonstration:
        return Demonstration(
            datetime.fromtimestamp(self._clock.now() / 1000, UTC), local_time.zone_named(self._zone), ()
        )


class _Server:
    """A place on loopback whose address is known before there is an application to answer there."""

    application: Any = None

    def __init__(self) -> None:
        self.server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        application: WSGIApplication = self.application
        return application(environment, start)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Addresses hold secrets."""


@contextmanager
def _served() -> Iterator[_Server]:
    place = _Server()
    thread = threading.Thread(target=place.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield place
    finally:
        place.server.shutdown()
        thread.join()
        place.server.server_close()
