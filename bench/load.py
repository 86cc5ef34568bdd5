"""A closed-loop client on raw sockets: so many connections, each sends its next step when the last was answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Figures:
    requests: int = 0
    wrong: int = 0
    seconds: float = 0.0
    delays: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class _Line(asyncio.Protocol):
    """One keep-alive connection. It reads just enough HTTP to find the end of an answer."""

    def __init__(self, steps: Iterator[bytes], figures: Figures, goes_on: Callable[[], bool], pause: float) -> None:
        self.steps, self.figures, self.goes_on, self.pause = steps, figures, goes_on, pause
        self.buffer, self.over = b"", False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def _send(self) -> None:
        request = next(self.steps, None) if self.goes_on() else None
        if request is None:
            self.over = True
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at:].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self.buffer = b""
        now = time.perf_counter()
        self.figures.requests += 1
        self.figures.delays.append(now - self.sent_at)
        if not head.startswith(b"HTTP/1.1 200"):
            self.figures.wrong += 1
        if self.pause:
            asyncio.get_running_loop().call_later(self.pause, self._send)
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if error or not self.over:
                self.figures.wrong += 1
            self.done.set_result(None)


def drive(
    port: int,
    connections: int,
    seconds: float,
    walk: Callable[[int], Iterator[bytes]],
    *,
    pause: float = 0.0,
    while_true: Callable[[], bool] = lambda: True,
) -> Figures:
    """Run `connections` walks at once for so long; `walk(n)` gives the requests of connection n, endless or not.

    Each waits `pause` seconds before its next step; all end early when `while_true` says no.
    """

    async def run() -> Figures:
        figures = Figures()
        begun = time.perf_counter()

        def goes_on() -> bool:
            return time.perf_counter() < begun + seconds and while_true()

        loop = asyncio.get_running_loop()
        lines = []
        for number in range(connections):
            steps = walk(number)
            _, line = await loop.create_connection(
                lambda steps=steps: _Line(steps, figures, goes_on, pause), "127.0.0.1", port
            )
            lines.append(line)
        await asyncio.gather(*(line.done for line in lines))
        figures.seconds = time.perf_counter() - begun
        return figures

    return asyncio.run(run())
