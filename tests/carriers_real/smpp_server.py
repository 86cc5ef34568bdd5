"""An operator's SMPP 3.4 server for one client, as small as a real Kannel lets it be: submits, receipts, texts in.

What a submit is answered is in `answers` (command statuses, in turn, then 0). Nothing is read out of a PDU that the
tests do not ask for.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flows.sms_text import BASIC, EXTENSION

SUBMIT, DELIVER, BIND_TRANSCEIVER, UNBIND, ENQUIRE_LINK = 0x04, 0x05, 0x09, 0x06, 0x15
RESPONSE = 0x80000000
GSM, UCS_2 = 0, 8
IS_RECEIPT, HAS_HEADER = 0x04, 0x40
# Code by code as in 3GPP TS 23.038; the escape, 1B, stands between.
_CODES = {code if code < 0x1B else code + 1: letter for code, letter in enumerate(BASIC)}
_ESCAPED = dict(zip([0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65], EXTENSION, strict=True))


@dataclass(frozen=True)
class Submitted:
    """One part as it came over the wire; `header` joins the parts of a long text."""

    source: str
    source_ton: int
    to: str
    coding: int
    wants_receipt: bool
    header: bytes
    octets: bytes

    @property
    def text(self) -> str:
        return self.octets.decode("utf-16-be") if self.coding == UCS_2 else from_gsm(self.octets)


def from_gsm(octets: bytes) -> str:
    letters, codes = "", iter(octets)
    for code in codes:
        letters += _ESCAPED[next(codes)] if code == 0x1B else _CODES[code]
    return letters


class SmppServer:
    """A context manager; `port` is there from the start, so that a configuration can name it."""

    def __init__(self) -> None:
        self.submitted: list[Submitted] = []
        self.answers: list[int] = []
        self.acknowledged: list[int] = []  # statuses of the client's answers to what we delivered
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        self._sequence = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    @property
    def is_bound(self) -> bool:
        return self._client is not None

    def __enter__(self) -> SmppServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # a close alone does not wake who waits for a caller
        self._listening.close()
        if self._client:
            self._client.close()
        self._thread.join(5)

    # -- what the operator sends

    def deliver_text(self, sender: str, to: str, octets: bytes, coding: int = GSM) -> None:
        self._deliver(sender, to, 0, coding, octets)

    def deliver_receipt(self, number: int, stat: str, err: str = "000") -> None:
        """The receipt of the part that was submitted as `number`, counted from 0."""
        one = self.submitted[number]
        words = f"id:{number + 1} sub:001 dlvrd:001 submit date:2611201000 done date:2611201001 "
        self._deliver(one.to, one.source, IS_RECEIPT, GSM, f"{words}stat:{stat} err:{err} text:Laseli: ren".encode())

    def _deliver(self, sender: str, to: str, kind: int, coding: int, octets: bytes) -> None:
        body = b"\0" + b"\x01\x01" + sender.encode() + b"\0" + b"\x00\x01" + to.encode() + b"\0"
        body += bytes([kind, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(octets)]) + octets
        with self._lock:
            self._sequence += 1
            self._send(DELIVER, 0, self._sequence, body)

    # -- what the client asks

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client:
                try:
                    while pdu := _read(client):
                        self._take(client, *pdu)
                except OSError:
                    pass
            self._client = None

    def _take(self, client: socket.socket, command: int, status: int, sequence: int, body: bytes) -> None:
        if command == BIND_TRANSCEIVER:
            self._client = client
            self._send(command | RESPONSE, 0, sequence, b"operator\0")
        elif command == SUBMIT:
            status = self.answers.pop(0) if self.answers else 0
            if status == 0:
                self.submitted.append(_submitted(body))
            self._send(command | RESPONSE, status, sequence, b"" if status else f"{len(self.submitted)}\0".encode())
        elif command == DELIVER | RESPONSE:
            self.acknowledged.append(status)
        elif command in (ENQUIRE_LINK, UNBIND):
            self._send(command | RESPONSE, 0, sequence, b"")
        if command == UNBIND:  # a client waits for the line to close
            client.shutdown(socket.SHUT_RDWR)

    def _send(self, command: int, status: int, sequence: int, body: bytes) -> None:
        assert self._client is not None
        self._client.sendall(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)


def _read(client: socket.socket) -> tuple[int, int, int, bytes] | None:
    head = _exactly(client, 16)
    if head is None:
        return None
    length, command, status, sequence = struct.unpack(">IIII", head)
    body = _exactly(client, length - 16)
    return None if body is None else (command, status, sequence, body)


def _exactly(client: socket.socket, count: int) -> bytes | None:
    octets = b""
    while len(octets) < count:
        piece = client.recv(count - len(octets))
        if not piece:
            return None
        octets += piece
    return octets


def _submitted(body: bytes) -> Submitted:
    _, rest = _word(body)
    source_ton, (source, rest) = rest[0], _word(rest[2:])
    to, rest = _word(rest[2:])
    kind, (_, rest) = rest[0], _word(rest[3:])
    _, rest = _word(rest)
    wants_receipt, coding, length = bool(rest[0] & 1), rest[2], rest[4]
    octets = rest[5 : 5 + length]
    header = octets[: octets[0] + 1] if kind & HAS_HEADER else b""
    return Submitted(source, source_ton, to, coding, wants_receipt, header, octets[len(header) :])


def _word(octets: bytes) -> tuple[str, bytes]:
    word, _, rest = octets.partition(b"\0")
    return word.decode("ascii"), rest


def until(is_so: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something is so; what it was is in the assertion."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
