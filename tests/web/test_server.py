"""The server that `laseli serve` runs: one process, which ends when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import a_config, fresh_sqlite
from tests.faults.supervisor import environment, family
from tests.loopback import closed_port

HERE = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60.0


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = closed_port()
    settings = environment(a_config(fresh_sqlite(sqlite_template, tmp_path))) | {"LASELI_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "scheduler", "serve"], cwd=HERE, env=settings)
    try:
        _until_it_answers(process, port)
        yield process, port
    finally:
        process.kill()
        process.wait()


def _until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it does not listen")


def test_the_web_process_has_no_parent_and_ends_though_a_line_is_open(
    server: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, port = server
    assert family(process.pid) == [process.pid]
    with requests.Session() as carrier, socket.create_connection(("127.0.0.1", port)) as silent:
        assert carrier.get(f"http://127.0.0.1:{port}/healthz", timeout=30).text == "ok\n"
        silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")  # and the rest never comes
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
