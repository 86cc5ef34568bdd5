"""Real processes of Laseli, as on several machines: started, killed, stopped and ended by their pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from service.config import Config

HERE = Path(__file__).resolve().parent.parent


def environment(settings: Config, **more: object) -> dict[str, str]:
    """These settings as a process reads them; nothing of Laseli's own is inherited."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")}
    found = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
        "LASELI_SENDER_THREADS": str(settings.sender_threads),
        "LASELI_SEND_TIMEOUT": str(settings.send_timeout),
        "LASELI_ROUTES": ",".join(settings.routes),
        "LASELI_PUBLIC_URL": settings.public_url,
        "LASELI_DRAFTS_ALLOWED_BY": settings.drafts_allowed_by,
        "LASELI_LOG_LEVEL": "INFO",
    }
    if carrier := settings.africastalking:
        found |= {
            "LASELI_AFRICASTALKING__USERNAME": carrier.username,
            "LASELI_AFRICASTALKING__API_KEY": carrier.api_key.get_secret_value(),
            "LASELI_AFRICASTALKING__BASE_URL": carrier.base_url,
            "LASELI_AFRICASTALKING__SENDER": carrier.sender or "",
            "LASELI_AFRICASTALKING__HOOK_SECRETS": ",".join(carrier.hook_secrets),
        }
    return clean | found | {name: str(value) for name, value in more.items()}


class Process:
    """One process and what it wrote to standard error."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self._child = subprocess.Popen(command, env=environment, cwd=HERE, stderr=file, stdout=file)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()

    def sleep(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def ask_to_end(self) -> None:
        self._child.terminate()

    def wait_or_kill(self, seconds: float) -> None:
        """A server's own children end with it only when it is asked to: SIGKILL would leave them behind."""
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def end(self, within: float = 40) -> int:
        """SIGTERM; gives its exit status."""
        self._child.terminate()
        return self._child.wait(within)

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")


class Machines:
    """A context: whatever still runs at its end is ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[Process] = []

    def __enter__(self) -> Machines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for one in self._processes:
            if one.alive:
                one.wake()
                one.ask_to_end()
        for one in self._processes:
            one.wait_or_kill(10)

    def start(self, command: list[str], environment: Mapping[str, str]) -> Process:
        log = self._folder / f"process-{len(self._processes)}.log"
        self._processes.append(Process([sys.executable, *command], environment, log))
        return self._processes[-1]

    def worker(self, settings: Config, **more: object) -> Process:
        return self.start(["-m", "scheduler", "worker"], environment(settings, **more))

    def odd_worker(self, settings: Config, **more: object) -> Process:
        return self.start(["-m", "tests.odd_worker"], environment(settings, **more))

    def web(self, settings: Config, port: int, **more: object) -> Process:
        found = self.start(["-m", "scheduler", "serve"], environment(settings, LASELI_PORT=port, **more))
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 30, "the web process answers")
        return found


def wait_until(true: Callable[[], object], seconds: float, what: str, every: float = 0.05) -> float:
    """Gives how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(every)
    return time.monotonic() - began


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
