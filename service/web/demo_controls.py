"""Buttons of the demo: move the clock, record a dose. Only for a database of invented families."""

from __future__ import annotations

import hmac
import time
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from service.clock import DAY_MS, DemoClock
from service.runtime import Runtime
from service.stories import demo, doses

MOST_DAYS = 366
PATIENCE_S = 60


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("demo", __name__, url_prefix="/demo/<secret>")
    wanted = runtime.config.demo_secret
    clock = runtime.clock
    assert wanted is not None
    assert isinstance(clock, DemoClock)

    @pages.url_value_preprocessor
    def only_with_secret(_: Any, values: dict[str, Any] | None) -> None:
        given = (values or {}).pop("secret", "")
        if not hmac.compare_digest(given.encode(), wanted.get_secret_value().encode()):
            abort(404, "nothing here")

    @pages.get("/state")
    def state() -> Response:
        clock.look_again()
        return jsonify(demo.state(runtime))

    @pages.post("/clock")
    def move_clock() -> Response:
        days = request.form.get("days", "")
        if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= MOST_DAYS:
            abort(400, f"days: a whole number from 1 to {MOST_DAYS}")
        target = clock.ask_for(int(days) * DAY_MS)
        deadline = time.monotonic() + PATIENCE_S
        while clock.offset() < target:
            if time.monotonic() > deadline:
                abort(504, "the worker does not move the clock; is it running?")
            time.sleep(0.1)
        clock.look_again()
        return jsonify(now=demo.iso(runtime, runtime.now()))

    @pages.post("/dose")
    def record_dose() -> Response:
        code, antigens = request.form.get("code", ""), request.form.get("antigens", "")
        try:
            recorded = demo.record_dose(runtime, code, [word for word in antigens.split(",") if word.strip()])
        except doses.Refused as reason:
            abort(400, str(reason))
        return jsonify(recorded=recorded)

    return pages
