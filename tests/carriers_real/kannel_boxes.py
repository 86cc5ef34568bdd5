"""A real Kannel on this machine's loopback: its two boxes, made from docs/kannel.conf, and its fake operator.

Every process is started, watched and ended by its own id; ports are free ones. The fake operator's port is open to
all interfaces, that is how Kannel is written: only `connect-allow-ip` guards it.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import socket
import subprocess
from pathlib import Path

from tests.carriers_real.smpp_server import until

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "kannel.conf"
BOXES = {name: shutil.which(name) or shutil.which(name, path="/usr/sbin") for name in ("bearerbox", "smsbox")}
FAKE_OPERATOR = Path("/usr/lib/kannel/test/fakesmsc")
MISSING = [name for name, path in BOXES.items() if path is None] + ([] if FAKE_OPERATOR.exists() else ["fakesmsc"])
_numbers = itertools.count(1)
PASSWORD = "sendsms-password-of-the-tests"


class Kannel:
    """Both boxes between our product's address and an SMPP server, or the fake operator when none is named."""

    def __init__(self, folder: Path, product: str, secret: str, smpp_port: int | None = None) -> None:
        self.folder = folder
        self.ports = dict(zip(("13000", "13001", "13013", "fake"), free_ports(4), strict=True))
        self.smsbox: subprocess.Popen[bytes] | None = None
        self.bearerbox: subprocess.Popen[bytes] | None = None
        self.phones: FakePhones | None = None
        self._has_fake_operator = smpp_port is None
        (folder / "store").mkdir(parents=True)
        (folder / "dlr").mkdir()
        (folder / "kannel.conf").write_text(self._configured(product, secret, smpp_port), "utf-8")

    def _configured(self, product: str, secret: str, smpp_port: int | None) -> str:
        """The documented configuration with our ports, secrets and folders; tries again come after one second."""
        text = CONFIGURATION.read_text("utf-8")
        if smpp_port is None:
            fake = f"group = smsc\nsmsc = fake\nsmsc-id = OPERATOR\nport = {self.ports['fake']}\n"
            text = re.sub(r"group = smsc\n(?:.+\n)+", fake + 'connect-allow-ip = "127.0.0.1"\n', text, count=1)
        told = {
            "http://127.0.0.1:8000": product,
            "HOOK-SECRET": secret,
            "SENDSMS-PASSWORD": PASSWORD,
            "SMPP-HOST": "127.0.0.1",
            "port = 2775": f"port = {smpp_port}",
            "/var/spool/kannel": str(self.folder),
            "http-queue-delay = 10": "http-queue-delay = 1",
            "sms-resend-freq = 60": "sms-resend-freq = 1",
            **{port: str(ours) for port, ours in self.ports.items() if port != "fake"},
        }
        for theirs, ours in told.items():
            text = text.replace(theirs, ours)
        return text

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.ports['13013']}"

    # -- life

    def __enter__(self) -> Kannel:
        try:
            self.start_bearerbox()
            self.start_smsbox()
            if self._has_fake_operator:
                self.connect_phones()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.phones:
            self.phones.leave()
        end(self.smsbox)  # first: what it holds goes back to the other's disk
        end(self.bearerbox)

    def start_bearerbox(self) -> None:
        self.bearerbox = self._start("bearerbox", self.ports["13001"])

    def start_smsbox(self) -> None:
        self.smsbox = self._start("smsbox", self.ports["13013"])

    def connect_phones(self) -> None:
        self.phones = FakePhones(self.folder / f"phones-{next(_numbers)}.log", self.ports["fake"])

    def stop_smsbox(self) -> None:
        end(self.smsbox)

    def _start(self, box: str, port: int) -> subprocess.Popen[bytes]:
        program = BOXES[box]
        assert program is not None
        with (self.folder / f"{box}.log").open("ab") as log:
            process = subprocess.Popen([program, "-v", "4", self.folder / "kannel.conf"], stdout=log, stderr=log)
        until(lambda: is_open(port) or process.poll() is not None)
        assert process.poll() is None, (self.folder / f"{box}.log").read_text("utf-8", "replace")
        return process

    @property
    def said(self) -> str:
        """All that both boxes wrote down about their work."""
        return "".join((self.folder / f"{box}.log").read_text("utf-8", "replace") for box in BOXES)


class FakePhones:
    """Kannel's fake operator: what we send is in its log, what people write is typed into it."""

    def __init__(self, log: Path, port: int) -> None:
        self._log = log
        self._typed = 0
        command = [FAKE_OPERATOR, "-H", "127.0.0.1", "-r", str(port), "-m", "-1", "-i", "0.05", "-v", "0"]
        with log.open("ab") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file)
        until(lambda: "Connecting" in self._read())

    def leave(self) -> None:
        end(self._process)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def writes(self, number: str, to: str, words: str) -> None:
        """Somebody writes an SMS. One at a time: of two lines in its pipe the program reads the second much later."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number} {to} text {words}\n".encode())
        self._process.stdin.flush()
        self._typed += 1
        until(lambda: f"sent message {self._typed}\n" in self._read())

    @property
    def inbox(self) -> list[tuple[str, str, str, str]]:
        """(sender, number, kind, text) of everything that arrived; kind is `text`, `ucs-2`, `udh ...`."""
        return re.findall(r"Got message \d+: <(\S+) (\S+) (text|ucs-2|udh \S+ \S+|data) (.*)>", self._read())

    def _read(self) -> str:
        return self._log.read_text("utf-8", "replace")


def end(process: subprocess.Popen[bytes] | None) -> None:
    """End a process of ours; one that holds texts for nobody does not stop when asked."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False
