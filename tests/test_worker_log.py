"""What the worker writes while the database is away: a line a tick, so that the log does not fill the disk as well."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError, TimeoutError
from structlog.testing import capture_logs

from scheduler.worker import Worker
from service.runtime import Runtime

AWAY = [
    OperationalError("", {}, Exception("database is locked")),
    TimeoutError("another transaction goes on for too long"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_database_that_is_held_for_long_is_a_line_and_no_page(error: Exception, runtime: Runtime) -> None:
    def held() -> None:
        raise error

    worker = Worker(runtime)
    worker._every(60, "entry", held, datetime.now(UTC))
    with capture_logs() as said:
        worker._scheduler.get_job("entry").func()
    (line,) = said
    assert (line["event"], line["entry"], line["error"]) == ("database_unavailable", "entry", type(error).__name__)
    assert "exc_info" not in line
