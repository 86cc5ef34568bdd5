"""One JSON line an event. A person's name, number or words never reach a log."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

log = structlog.stdlib.get_logger("laseli")

# Anything with eight digits or more in a row (blanks, dots, dashes between) may be a number; hashes and ids are words.
_NUMBER = re.compile(r"(?:(?<![\w-])|(?<=%2[Bb]))\+?\(?\d(?:[\s./()\-]{0,2}\d){7,14}(?![\w])")
_SECRET_PATH = re.compile(r"(/hooks/[\w-]+/[\w-]+/|/demo/)[^\s/?\"']+")
_NOISY = ("twilio", "urllib3", "alembic", "werkzeug", "africastalking")


def scrub(text: str) -> str:
    """The text without telephone numbers and without the secret part of a webhook's address."""
    return _NUMBER.sub(lambda found: f"(…{found.group()[-2:]})", _SECRET_PATH.sub(r"\1…", text))


def _scrubbed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if name not in ("timestamp", "exc_info") and not name.startswith("_"):
            event[name] = _plain(value)
    return event


def _plain(value: object) -> object:
    """Small values as they are; everything else as scrubbed text, whatever it is nested in."""
    if value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 10_000_000):
        return value
    return scrub(value if isinstance(value, str) else repr(value))


def configure(level: str = "INFO", stream: Any = None) -> None:
    """Send our own and every library's log lines to standard error as JSON, scrubbed."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _scrubbed,
    ]
    structlog.configure(
        # First of all: what is not to be logged costs nothing more.
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _scrubbed,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A tick that finds the one before still at work is skipped, every second of a long round: that is meant.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
