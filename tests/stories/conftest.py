"""What several files of stories may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service import jobs
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.stories.keeping import key_rotation
from tests.clocks import Hands, make_real
from tests.diary import Diary
from tests.keys import Opened, rings, with_keys
from tests.people import TestClock


@pytest.fixture
def opened(settings: Config, clock: TestClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """One more process with these keys on the same database; a rotation waits two seconds for old statements."""
    monkeypatch.setattr(key_rotation, "NO_STATEMENT_IS_OLDER_S", 2.0)
    made: list[Runtime] = []

    def build(*numbers: int, **keys: str) -> Runtime:
        made.append(build_runtime(with_keys(settings, rings(*numbers) | keys), at=clock))
        return made[-1]

    yield build
    for one in made:
        one.database.close()


@pytest.fixture
def hands(runtime: Runtime, clock: TestClock) -> Hands:
    make_real(runtime)
    return Hands(runtime, clock)


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    found = Diary()
    monkeypatch.setitem(jobs.JOBS, "write", found.write)
    return found
