"""Real processes of the product, started as a sysadmin starts them; killed, stopped and continued by their pids.

    with Supervisor(settings, folder) as supervisor:
        web = supervisor.web()
        worker = supervisor.worker(LASELI_SENDER_THREADS="8")
        supervisor.kill(worker)

Whatever happens inside, none of them is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from service.config import PREFIX, Config
from tests.loopback import closed_port

HERE = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 30.0
EXPECTED = {"database_unavailable", "dispatch_closed", "retention_waits"}
"""What may stand in a log at the level of an error while databases are stopped and clocks are moved."""


@dataclass
class Child:
    """One process that we started, and the file that holds what it said."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Asked without taking its body away: until then nobody else gets its pid, and `kill` hits only its family."""
        if self.process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def family(self) -> list[int]:
        """Its pid and those of its descendants, the youngest last."""
        return family(self.pid)

    def events(self) -> list[dict[str, Any]]:
        """What it logged, one table a line; other lines (a server's own) are left out."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def said(self, event: str) -> bool:
        return any(one.get("event") == event for one in self.events())


class Supervisor:
    def __init__(self, settings: Config, folder: Path) -> None:
        self.environment = environment(settings)
        self.children: list[Child] = []
        self._folder = folder

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            self.kill(child)

    # -- life

    def worker(self, **changes: str) -> Child:
        return self.start("worker", [sys.executable, "-m", "scheduler", "worker"], **changes)

    def web(self, port: int = 0, **changes: str) -> Child:
        """A web process that answers; a free port unless one is given."""
        child = self.web_soon(port, **changes)
        self.wait_until_it_answers(child)
        return child

    def wait_until_it_answers(self, web: Child) -> None:
        self.wait_for(lambda: answers(web), web)

    def web_soon(self, port: int = 0, **changes: str) -> Child:
        """A web process that has been started and may not listen yet."""
        port = port or closed_port()
        command = [sys.executable, "-m", "scheduler", "serve"]
        child = self.start(f"web-{port}", command, **changes | {f"{PREFIX}PORT": str(port)})
        child.port = port
        return child

    def start(self, name: str, command: Sequence[str], **changes: str) -> Child:
        log = self._folder / f"{name}-{len(self.children)}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                command, cwd=HERE, env=self.environment | changes, stdout=said, stderr=said, start_new_session=True
            )
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def wait_for(self, come: Callable[[], object], child: Child | None = None, seconds: float = PATIENCE_S) -> None:
        """Until `come` is true; an error that says what the child said when it ends first or time runs out."""
        deadline = time.monotonic() + seconds
        while not come():
            said = child.log.read_text("utf-8", "replace")[-2000:] if child else ""
            assert child is None or child.alive, f"{child.name} ended: {said}"
            assert time.monotonic() < deadline, f"nothing within {seconds} s: {said}"
            time.sleep(0.01)

    # -- death, and worse

    def kill(self, child: Child) -> None:
        """SIGKILL to the whole family at once, as when the machine loses power; orphans of a dead one included."""
        if child.process.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.process.wait()

    def kill_one_of(self, child: Child, dice: random.Random) -> None:
        """SIGKILL to one process of the family, as the kernel does when memory is short."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(dice.choice(child.family()), signal.SIGKILL)

    def stop(self, child: Child) -> None:
        os.killpg(child.pid, signal.SIGSTOP)

    def go_on(self, child: Child) -> None:
        os.killpg(child.pid, signal.SIGCONT)

    def complaints(self) -> list[dict[str, Any]]:
        """Errors that no fault of ours explains: bugs."""
        said = [event for child in self.children for event in child.events()]
        return [one for one in said if one.get("level") == "error" and one.get("event") not in EXPECTED]


def environment(settings: Config) -> dict[str, str]:
    """The settings as a sysadmin writes them; nothing of the surrounding environment is inherited."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return clean | {PREFIX + name: value for name, value in _flat(settings)}


def _flat(model: BaseModel) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name in sorted(model.model_fields_set):
        value, leaf = getattr(model, name), name.upper()
        if isinstance(value, BaseModel):
            pairs += [(f"{leaf}__{inner}", written) for inner, written in _flat(value)]
        elif value is not None:
            pairs.append((leaf, _written(value)))
    return pairs


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def family(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text().split():
                found += family(int(child))
    return found


def answers(child: Child) -> bool:
    try:
        with urllib.request.urlopen(f"{child.address}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
