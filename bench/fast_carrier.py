"""A carrier that costs next to nothing: Africa's Talking's and Twilio's send call answered from one process.

    python3 -m bench.fast_carrier PORT

`GET /figures` gives what came in since the last time: messages, calls, and the fullest second of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from urllib.parse import parse_qs


class Count:
    """How many messages came, and how many in the fullest window of one second."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.messages = self.calls = self.fullest = 0
        self.window: deque[float] = deque()

    def add(self, messages: int) -> None:
        now = time.monotonic()
        self.calls += 1
        self.messages += messages
        self.window.extend([now] * messages)
        while self.window and self.window[0] <= now - 1.0:
            self.window.popleft()
        self.fullest = max(self.fullest, len(self.window))


class _Line(asyncio.Protocol):
    def __init__(self, count: Count) -> None:
        self.count, self.buffer = count, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return
        self.buffer = b""
        self.transport.write(self._answer(head.split(b" ", 2)[1], body))

    def _answer(self, path: bytes, body: bytes) -> bytes:
        count = self.count
        if path == b"/figures":
            told = {"messages": count.messages, "calls": count.calls, "fullest_second": count.fullest}
            count.reset()
            return _http(b"200 OK", json.dumps(told).encode())
        if not body:
            return _http(b"200 OK", b'{"SMSMessageData": {"Messages": []}}')  # its inbox, which a worker looks into
        form = parse_qs(body.decode())
        if path.endswith(b"/Messages.json"):
            count.add(1)
            sid = f"SM{count.messages:032x}"
            return _http(b"201 Created", json.dumps({"sid": sid, "status": "queued", "num_segments": "1"}).encode())
        numbers = form["to"][0].split(",")
        count.add(len(numbers))
        entries = [
            {"cost": "XOF 12.0000", "messageId": f"ATXid_{count.messages}_{place}", "number": number, "statusCode": 102}
            for place, number in enumerate(numbers)
        ]
        told = {"SMSMessageData": {"Message": "Sent to all Message parts: 1", "Recipients": entries}}
        return _http(b"201 Created", json.dumps(told).encode())


def _http(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


async def main(port: int) -> None:
    count = Count()
    server = await asyncio.get_running_loop().create_server(lambda: _Line(count), "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
