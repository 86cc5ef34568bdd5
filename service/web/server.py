"""The web process: `python -m service.web.server`, which is what `laseli serve` becomes.

The command of granian keeps a parent that does nothing but wait for the process that serves, and costs thirty
megabytes. Whoever watches the parent (systemd, a container, the demo) watches the process itself just as well, and on
a machine of 512 MB those thirty are missed.
"""

from __future__ import annotations

import sys
from typing import Any

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.common import AbstractServer
from granian.server.mt import MTServer

from service.config import Config

PRODUCT = "wsgi:app"


class OneProcess(MTServer):
    """granian's server for Pythons without a GIL, whose worker is a thread of the process itself.

    A worker reads and writes HTTP in Rust and takes the GIL only to call us, so that one is as quick either way.
    """

    def _check_gil(self) -> None:
        """It refuses the GIL because several workers would wait for each other; there is one."""

    def serve(self, *arguments: Any, **options: Any) -> None:
        AbstractServer.serve(self, *arguments, **options)  # past a warning that is about the lack of a GIL


def serve(app: str, host: str, port: int, threads: int) -> None:
    """Answer requests until SIGTERM or SIGINT; those that are being answered are answered first."""
    OneProcess(
        app,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        websockets=False,
        # Whoever begins a request and never ends it holds a line, and holds us up when we are to end.
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level=LogLevels.warning,
        log_access=False,  # webhook addresses hold secrets
    ).serve()


def main(arguments: list[str]) -> None:
    settings = Config.from_env()
    serve(arguments[0] if arguments else PRODUCT, settings.host, settings.port, settings.web_threads)


if __name__ == "__main__":
    main(sys.argv[1:])
