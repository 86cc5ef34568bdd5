"""The demo's clock goes on by days and by seconds, and only as far as was asked."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from scheduler.worker import walk_demo_clock
from service.app import create_app
from service.runtime import build_runtime
from service.stories.keeping import demo
from tests.conftest import a_config, fresh_sqlite

SECRET = "a-secret-for-the-buttons-of-the-demo"


@pytest.mark.parametrize(("form", "goes_on"), [({"seconds": "180"}, 180), ({"days": "2"}, 172_800)])
def test_it_goes_on(sqlite_template: Path, tmp_path: Path, form: dict[str, str], goes_on: int) -> None:
    runtime = build_runtime(a_config(fresh_sqlite(sqlite_template, tmp_path), demo_secret=SECRET))
    with runtime.database.begin() as tx:
        demo.seed(tx, runtime, runtime.now(), how_many=1)
    client = create_app(runtime).test_client()
    before = runtime.now()
    done = threading.Event()

    def worker() -> None:
        while not done.wait(0.02):
            walk_demo_clock(runtime)

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        assert client.post(f"/demo/{SECRET}/clock", data=form).status_code == 200
        assert 0 <= runtime.now() - before - goes_on * 1000 < 30_000
        for wrong in (
            {},
            {"days": "367"},
            {"seconds": "0"},
            {"seconds": "31622401"},
            {"seconds": "9" * 5000},
            {"days": "0000000001" + "9" * 9},
        ):
            assert client.post(f"/demo/{SECRET}/clock", data=wrong).status_code == 400, wrong
    finally:
        done.set()
        thread.join()
        runtime.database.close()
