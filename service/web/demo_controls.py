"""Buttons of the demo: move the clock, record a dose. Only for a database of invented families."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from service.clock import DAY_MS, DemoClock
from service.runtime import Runtime
from service.stories.care import doses
from service.stories.keeping import demo

MOST_DAYS = 366
UNITS = {"days": DAY_MS, "seconds": 1000}
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
        target = clock.ask_for(_milliseconds(request.form))
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


def _milliseconds(form: Mapping[str, str]) -> int:
    """How far the clock is to go: `days` or `seconds`, a whole number of them and a year at most; else 400."""
    unit = "seconds" if "seconds" in form else "days"
    count, most = form.get(unit, ""), MOST_DAYS * DAY_MS // UNITS[unit]
    if not count.isascii() or not count.isdigit() or len(count) > 10 or not 1 <= int(count) <= most:
        abort(400, f"{unit}: a whole number from 1 to {most}")
    return int(count) * UNITS[unit]
