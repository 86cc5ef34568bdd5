"""`laseli doctor` on a real database: what is wrong is named with its remedy, and nothing is changed."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text, update

from scheduler.__main__ import main
from service import machine
from service.clock import REHEARSAL_MARK, SystemClock
from service.config import Config
from service.domain.checkup import CHECKS
from service.readiness import LAST_BACKUP, WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import phone_tables, route_tables, spend_tables, system_tables
from service.store.message_tables import message
from service.stories.delivery import dispatch_gate
from service.stories.delivery.outbox import Letter, put
from service.stories.keeping import backups
from service.stories.keeping.key_checks import KEY_CHECK
from tests.backups import environment, rows_of, with_backups
from tests.loopback import closed_port

HOUR = 3_600_000
REALLY_ANSWERS = machine.web_answers
STRONG = "Zq8vN1rTf5Lw9Xc3Bm7Ks2Hd6Jp0Gy4A"


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sends logs to the standard error of its run, which is gone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def settings(settings: Config) -> Config:
    assert settings.africastalking
    carrier = settings.africastalking.model_copy(update={"hook_secrets": (STRONG,)})
    return with_backups(settings, africastalking=carrier.model_dump())


@pytest.fixture
def runtime(settings: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Runtime]:
    """A database for real people, with a worker that lives and a backup of a moment ago."""
    monkeypatch.setattr(machine, "clock_is_kept", lambda: True)  # the machine of the tests may not say
    monkeypatch.setattr(machine, "web_answers", lambda host, port: True)  # nobody serves here
    built = build_runtime(settings, at=SystemClock())
    with built.database.begin() as tx:
        system_tables.drop_marks(tx, REHEARSAL_MARK)
        system_tables.take_lease(tx, WORKER_LEASE, "a worker", 30_000)
    backups.make(built, tmp_path / "one.age", built.now())
    yield built
    built.database.close()


def doctor(runtime: Runtime, **environ: str) -> tuple[int, list[dict[str, Any]]]:
    runtime.database.close()
    result = CliRunner().invoke(main, ["doctor", "--json"], env=environment(runtime.config) | environ)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, json.loads(result.output)


def abouts(found: list[dict[str, Any]]) -> set[str]:
    return {one["about"] for one in found}


def test_a_good_installation(runtime: Runtime) -> None:
    before = rows_of(runtime)
    code, found = doctor(runtime)
    # PostgreSQL of the tests runs without fsync: the doctor is right to say so.
    assert abouts(found) <= {"durability"}, found
    assert code == (1 if found else 0)
    assert rows_of(runtime) == before


def test_what_it_says_to_eyes(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "person", "Awa: a wrong text", runtime.now() - 2 * HOUR)
    result = CliRunner().invoke(main, ["doctor"], env=environment(runtime.config))
    assert result.exit_code == 1
    assert "now   dispatch       Nothing is sent since 2 hours (person): Awa: a wrong text." in result.output
    assert "→ `laseli outbox release --dry-run`" in result.output
    assert "things were looked at" in result.output


def test_a_web_process_that_is_down(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lives was once all that the doctor looked for: nobody could call, and all was well."""
    monkeypatch.setattr(machine, "web_answers", REALLY_ANSWERS)
    port = closed_port()
    _, found = doctor(runtime, LASELI_PORT=str(port))
    said = [one["said"] for one in found if one["about"] == "web"]
    assert said == (
        [f"The web process does not answer at 127.0.0.1:{port}: no call and no SMS is taken."]
        if runtime.database.is_sqlite
        else []  # it may stand on another machine
    )


def test_whoever_may_not_write_to_the_database_is_told_so(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked as another user than the services', it ended in a traceback."""
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL knows its own users")
    monkeypatch.setattr(machine, "may_write", lambda file: False)  # root, who runs the tests here, may always
    code, found = doctor(runtime)
    assert code == 1
    assert [one["about"] for one in found if one["level"] == "now"] == ["database"]


@pytest.mark.parametrize(("body", "is_ours"), [(b"ok\n", True), (b"welcome to nginx", False)])
def test_another_program_on_our_port_is_no_answer(body: bytes, is_ours: bool) -> None:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert machine.web_answers("0.0.0.0", server.server_port) is is_ours
        server.shutdown()


def test_a_file_of_settings_that_everyone_may_read(runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "laseli.env"
    file.write_text("# all in the environment here\n")
    for mode, expected in ((0o640, False), (0o644, True)):
        file.chmod(mode)
        said = CliRunner().invoke(main, ["--settings", str(file), "doctor"], env=environment(runtime.config))
        assert (f"chmodo={file}" in "".join(said.output.split())) is expected


def test_one_line_for_a_mail_each_morning(runtime: Runtime) -> None:
    said = CliRunner().invoke(main, ["doctor", "--brief"], env=environment(runtime.config))
    if runtime.database.is_sqlite:
        assert said.output == f"Laseli: all is well, {len(CHECKS)} things were looked at.\n"
    with runtime.database.begin() as tx:
        system_tables.give_lease_back(tx, WORKER_LEASE, "a worker")
        system_tables.mark(tx, LAST_BACKUP, json.dumps({"at": runtime.now() - 5 * HOUR}))
    environ = environment(runtime.config) | {"LASELI_DRAFTS_ALLOWED_BY": "Awa"}
    said = CliRunner().invoke(main, ["doctor", "--brief"], env=environ)
    assert said.exit_code == 1
    assert re.fullmatch(r"Laseli: now (durability, )?worker; soon backup\. `laseli doctor` says .*\n", said.output)


def test_a_mail_each_hour_only_when_it_is_urgent(runtime: Runtime) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("the tests' PostgreSQL runs without fsync, and that is urgent")
    with runtime.database.begin() as tx:
        system_tables.mark(tx, LAST_BACKUP, json.dumps({"at": runtime.now() - 5 * HOUR}))
    said = CliRunner().invoke(main, ["doctor", "--urgent"], env=environment(runtime.config))
    assert (said.exit_code, said.output) == (0, "")
    with runtime.database.begin() as tx:
        system_tables.give_lease_back(tx, WORKER_LEASE, "a worker")
    said = CliRunner().invoke(main, ["doctor", "--urgent"], env=environment(runtime.config))
    assert said.exit_code == 1
    assert "No worker is alive since a moment ago" in said.output
    assert "backup" not in said.output


def test_much_at_once(runtime: Runtime) -> None:
    now = runtime.now()
    with runtime.database.begin() as tx:
        system_tables.give_lease_back(tx, WORKER_LEASE, "a worker")
        dispatch_gate.close(tx, "restored", "a backup", now)
        system_tables.mark(tx, LAST_BACKUP, json.dumps({"at": now - 72 * HOUR}))
        put(tx, now, Letter("+22370000001", "Zanzibar", "late", "notice", "once", now - HOUR, now + HOUR))
        put(tx, now, Letter("+22370000001", "Zanzibar", "lost", "notice", "once", now, now + HOUR))
        tx.execute(update(message).where(message.c.key == "lost").values(state="unresolved"))
        phone_tables.add_opt_out(tx, b"0" * 16, phone_tables.UNREACHABLE, "receipts", now)
        paused = {"channel": "africastalking", "state": "paused", "reason": "no money", "by": "the carrier", "since": 1}
        tx.execute(route_tables.route.insert().values(paused))
        day = runtime.today(now)
        tx.execute(spend_tables.spend.insert().values(day=day, account="all", spent=100, warned_at=1, stopped_at=2))
    environ = {"DRAFTS_ALLOWED_BY": "Awa", "PUBLIC_URL": "http://alertes.example.org", "BUDGET__DAY_FCFA": "1"}
    code, found = doctor(runtime, **{f"LASELI_{name}": value for name, value in environ.items()})
    assert code == 1
    expected = {"worker", "dispatch", "backup", "outbox", "numbers", "routes", "money", "drafts", "address"}
    assert abouts(found) - {"durability"} == expected
    said = json.dumps(found)
    assert "Zanzibar" not in said
    assert "70000001" not in said
    assert STRONG not in said


def test_settings_that_cannot_be_used(settings: Config) -> None:
    result = CliRunner().invoke(main, ["doctor"], env=environment(settings) | {"LASELI_PORT": "70000"})
    assert result.exit_code == 1
    assert "LASELI_PORT" in result.output
    assert "could not be looked at" in result.output


def test_weak_secrets(runtime: Runtime) -> None:
    _, found = doctor(runtime, LASELI_AFRICASTALKING__HOOK_SECRETS="abababababababababababababababab")
    assert "secrets" in abouts(found)


def test_no_database_or_one_without_tables(runtime: Runtime, tmp_path: Path) -> None:
    _, found = doctor(runtime, LASELI_DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert "database" in abouts(found)
    assert not (tmp_path / "new.db").exists()
    (tmp_path / "new.db").touch()
    _, found = doctor(runtime, LASELI_DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert "migrations" in abouts(found)
    _, found = doctor(runtime, LASELI_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert "database" in abouts(found)


def test_keys_of_another_installation(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        system_tables.mark(tx, KEY_CHECK, "00 00 1")
    _, found = doctor(runtime)
    assert "keys" in abouts(found)


def test_files_that_others_may_read(runtime: Runtime) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL minds its own files")
    file = backups.sqlite_file(runtime)
    file.chmod(0o644)
    Path(f"{file}.replaced-1").write_bytes(b"x")
    _, found = doctor(runtime)
    assert abouts(found) == {"permissions", "set aside"}


def test_a_damaged_file(runtime: Runtime) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL's pages have checksums of their own")
    runtime.database.close()
    file = backups.sqlite_file(runtime)
    content = bytearray(file.read_bytes())
    for page in range(5, len(content) // 4096, 2):
        content[page * 4096 : page * 4096 + 64] = os.urandom(64)
    file.write_bytes(content)
    code, found = doctor(runtime)
    assert code == 1
    assert "integrity" in abouts(found)


def test_jobs_of_either_engine(runtime: Runtime) -> None:
    from tests.faults.test_restored_late import OUR_JOBS

    now = runtime.now()
    with runtime.database.engine.begin() as tx:
        tx.execute(text(OUR_JOBS))
        add = "INSERT INTO job VALUES (:id, 'import', '{}', NULL, :state, NULL, 0, 0, NULL, NULL, :at, NULL)"
        for id, state in ((1, "waiting"), (2, "failed")):
            tx.execute(text(add), {"id": id, "state": state, "at": now - HOUR})
        if not runtime.database.is_sqlite:
            from procrastinate.schema import SchemaManager

            if not tx.execute(text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")).scalar_one():
                tx.connection.driver_connection.execute(SchemaManager.get_schema())  # type: ignore[union-attr]
            tx.execute(text("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 'import')"))
            tx.execute(text("UPDATE procrastinate_events SET at = at - interval '3 hours'"))
    _, found = doctor(runtime)
    said = [one["said"] for one in found if one["about"] == "jobs"]
    number, hours = ("1 jobs wait", "1 hour") if runtime.database.is_sqlite else ("2 jobs wait", "3 hours")
    assert said == [f"{number}, the oldest for {hours}.", "1 jobs were given up."]
