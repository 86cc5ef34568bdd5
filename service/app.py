"""The web application: a few blueprints on one runtime."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException

from service.channels.raw_request import LARGEST_BODY, MOST_FIELDS
from service.clock import is_demo
from service.logs import log
from service.runtime import Runtime
from service.web import health, sms_webhooks, ussd_webhook, voice_webhook
from service.web.short_way import ShortWay


def create_app(runtime: Runtime) -> Flask:
    app = Flask("laseli", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_PARTS=MOST_FIELDS)
    app.extensions["laseli"] = runtime
    runtime.database.answer_within(0.9)  # one wait for the turn and one for the lock: 503 within two seconds
    app.register_blueprint(ussd_webhook.blueprint(runtime))
    app.register_blueprint(sms_webhooks.blueprint(runtime))
    if runtime.voice is not None:
        app.register_blueprint(voice_webhook.blueprint(runtime))
    app.register_blueprint(health.blueprint(runtime))
    if runtime.config.console.enabled:
        from service.web import console  # only where it is asked for: it brings templates and forms

        app.register_blueprint(console.blueprint(runtime))
    if runtime.config.demo_secret is not None and is_demo(runtime.database):
        # Its invented families are many modules that no other web process reads.
        from service.web import demo_controls

        app.register_blueprint(demo_controls.blueprint(runtime))
    app.register_error_handler(HTTPException, _refused)
    for cannot in (OperationalError, InterfaceError, TimeoutError):
        app.register_error_handler(cannot, _cannot_commit)
    app.register_error_handler(DBAPIError, _refused_row)
    app.register_error_handler(Exception, _bug)
    app.wsgi_app = ShortWay(app, runtime)  # type: ignore[method-assign]
    return app


def _refused(error: HTTPException) -> Response:
    answer = jsonify(error=error.description)
    answer.status_code = error.code or 500
    return answer


def _cannot_commit(error: Exception) -> Response:
    """2xx means "committed to disk"; where we cannot commit the carrier is told to come again."""
    log.error("database_unavailable", error=type(error).__name__)
    return Response("the database is not available; please repeat\n", 503, {"Retry-After": "5"}, mimetype="text/plain")


def _refused_row(error: DBAPIError) -> Response:
    """A row that the database refuses is our bug; its text may hold the row, so only its kind is logged."""
    log.error("row_refused", error=type(error.orig).__name__)
    return Response("something went wrong on our side\n", 500, mimetype="text/plain")


def _bug(error: Exception) -> Response:
    log.error("request_failed", exc_info=error)
    return Response("something went wrong on our side\n", 500, mimetype="text/plain")
