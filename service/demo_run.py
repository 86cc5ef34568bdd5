"""`laseli demo`: its own database of invented families, and three processes: web, worker, pretend carrier."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import click

from service import logs
from service.config import PREFIX, Config
from service.runtime import build_runtime

PATIENCE_S = 60
FOLDER = Path(".demo")


class Told(NamedTuple):
    """For the terminal: what opens a mediator's account, and the console."""

    mediator: str
    staff: str


def run(folder: Path, port: int, sim_port: int, *, fresh: bool = False) -> int:
    """Run until Ctrl-C; gives the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        click.echo(f"A demo already runs on {folder}; end it, or choose another one with --folder.", err=True)
        return 1
    if fresh:
        for file in folder.glob("*.db*"):
            file.unlink()
    port = _free(port)
    sim_port = _free(sim_port, but=port)
    environment = _environment(folder.resolve(), port, sim_port)
    told = _prepare(Config.from_env(environment))
    state = str(folder.resolve() / "phones.db")
    # The worker last: what it sends at once gets its receipts from a service that is up.
    commands = {
        "web": (["serve"], f"http://127.0.0.1:{port}/healthz"),
        "simulator": (["simulator", "--port", str(sim_port), "--state", state], f"http://127.0.0.1:{sim_port}/sim"),
        "worker": (["worker"], f"http://127.0.0.1:{port}/readyz"),
    }
    for ending in (signal.SIGTERM, signal.SIGINT):  # a shell's background job has Ctrl-C switched off
        signal.signal(ending, signal.default_int_handler)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, (command, address) in commands.items():
            processes[name] = subprocess.Popen([sys.executable, "-m", "scheduler", *command], env=environment)  # noqa: S603
            if not _comes_up(processes, address):
                return 1
        return _watch(processes, folder, port, sim_port, told)
    except KeyboardInterrupt:
        click.echo("\nThe demo ends; its families stay in " + str(folder))
        return 0
    finally:
        _end(processes)


def _comes_up(processes: dict[str, subprocess.Popen[bytes]], address: str) -> bool:
    """True when the address answers; False, said in a sentence, when a process ended or nothing came in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(address):
        if _one_ended(processes):
            return False
        if time.monotonic() > deadline:
            click.echo(f"No answer from {address} after {PATIENCE_S} seconds; the demo stops.", err=True)
            return False
        time.sleep(0.1)
    return True


def _one_ended(processes: dict[str, subprocess.Popen[bytes]]) -> bool:
    for name, process in processes.items():
        if process.poll() is not None:
            click.echo(f"The {name} process ended with status {process.returncode}; the demo stops.", err=True)
            return True
    return False


def _watch(processes: dict[str, subprocess.Popen[bytes]], folder: Path, port: int, sim_port: int, told: Told) -> int:
    words = "--demo" if folder == FOLDER else f"--demo-folder {folder}"
    product, phones = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sim_port}"
    click.echo(f"\nLaseli is running, with invented families only.\n\n    Phones to try it with   {phones}/sim")
    if told.mediator:
        click.echo(f"    A mediator's phone      {told.mediator}")
    click.echo(f"    A supervisor's console  {product}/console\n                            {told.staff}")
    click.echo(f"                            its code: `laseli {words} staff code demo`")
    click.echo(f"    Is it well?             {product}/readyz\n    Figures                 {product}/metrics")
    click.echo(
        f"\n`laseli {words} ...` (python3 dev {words} ...) works on it: todo list, flow publish ...; Ctrl-C ends it."
    )
    sys.stdout.flush()
    while not _one_ended(processes):
        time.sleep(0.5)
    return 1


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 -- our own loopback address
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        if process.poll() is None:
            process.terminate()
    for process in processes.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _environment(folder: Path, port: int, sim_port: int) -> dict[str, str]:
    """The demo's own settings: nothing of the real ones is inherited."""
    kept = folder / "secrets.json"
    if not kept.exists():
        keys = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("identity", "index")}
        made = keys | {name: secrets.token_urlsafe(32) for name in ("hook", "control")}
        with os.fdopen(os.open(kept, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            json.dump(made, file)
    secret = json.loads(kept.read_text())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {
        f"{PREFIX}DATABASE_URL": f"sqlite:///{folder / 'laseli.db'}",
        f"{PREFIX}KEYS__IDENTITY": f"1:{secret['identity']}",
        f"{PREFIX}KEYS__INDEX": secret["index"],
        f"{PREFIX}ROUTES": "simulator",
        f"{PREFIX}SIMULATOR__HOOK_SECRETS": secret["hook"],
        f"{PREFIX}SIMULATOR__BASE_URL": f"http://127.0.0.1:{sim_port}",
        f"{PREFIX}SIMULATOR_VOICE__BASE_URL": f"http://127.0.0.1:{sim_port}",
        f"{PREFIX}VOICE__BY": "simulator_voice",
        f"{PREFIX}FOLLOW_UPS__CONFIRMED_BY": "nobody: a demo",
        f"{PREFIX}COVER__CONFIRMED_BY": "nobody: a demo",
        f"{PREFIX}DEMO_SECRET": secret["control"],
        f"{PREFIX}PUBLIC_URL": f"http://127.0.0.1:{port}",
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}CONSOLE__ENABLED": "true",
        f"{PREFIX}LOG_LEVEL": "WARNING",
    }


def use_settings(folder: Path) -> None:
    """Let the commands of this process work on the demo in this folder: publish, todo list, rollback ..."""
    if not (folder / "secrets.json").exists():
        raise click.ClickException(f"there is no demo in {folder}: `laseli demo` makes one")
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(_environment(folder.resolve(), 8000, 8001))


def _prepare(config: Config) -> Told:
    """The families are there when it comes back; gives what opens their mediator's account, and the console."""
    from service.stories.keeping import demo, setup

    runtime = build_runtime(config)
    logs.configure(config.log_level)
    setup.prepare(runtime)
    with runtime.database.begin() as tx:
        made = demo.seed(tx, runtime, runtime.now())
        told = Told(demo.mediator_told(tx), demo.staff_told(tx, runtime.now()))
    runtime.database.close()
    click.echo(f"{made} invented children enrolled." if made else "The demo goes on with its former families.")
    return told


def serve_simulator(config: Config, port: int, state: Path) -> None:
    """The pretend carrier, on werkzeug's threaded server: it is for trying out, never for real people."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from service.simulator.phone_app import create_simulator

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object, **__: object) -> None:
            """Addresses hold secrets."""

    assert config.simulator is not None
    assert config.demo_secret is not None
    app = create_simulator(
        product_url=config.public_url,
        secret=config.simulator.hook_secrets[0],
        state_file=state,
        service_code=config.service_code,
        product_control=f"{config.public_url}/demo/{config.demo_secret.get_secret_value()}",
    )
    make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet).serve_forever()


def _free(port: int, but: int = 0) -> int:
    """This port, or the next one that nobody listens on."""
    for candidate in range(port, port + 100):
        with socket.socket() as probe:
            if candidate != but and probe.connect_ex(("127.0.0.1", candidate)) != 0:
                return candidate
    raise click.ClickException(f"no free port from {port} to {port + 99}")
