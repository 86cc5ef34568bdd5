"""Is it up, is it ready, what are the figures: no names, no numbers."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, abort, jsonify, request

from service.readiness import readiness
from service.runtime import Runtime


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def alive() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @pages.get("/readyz")
    def ready() -> Response:
        checks = readiness(runtime)
        answer = jsonify(checks)
        answer.status_code = 200 if all(check["ok"] for check in checks.values()) else 503
        return answer

    @pages.get("/metrics")
    def figures() -> Response:
        from service import metrics  # many installations are never asked for them

        if not _may_read(runtime):
            abort(404, "nothing here")
        return Response(metrics.page(runtime), content_type=metrics.CONTENT_TYPE)

    return pages


def _may_read(runtime: Runtime) -> bool:
    """With the token; where none is set, from this machine without a proxy in between."""
    token = runtime.config.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token is not None:
        return hmac.compare_digest(given.encode(), token.get_secret_value().encode())
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    return request.remote_addr in ("127.0.0.1", "::1") and not forwarded
