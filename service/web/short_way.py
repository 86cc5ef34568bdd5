"""The short way of a keystroke, past the framework: the same answer for half of the price.

Flask's routing, its contexts and its response cost as much as the whole conversation of a step. What comes as carriers
send it is answered here; everything else, and every refusal, takes the long way and is told there what is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from service.channels.base import Unreadable
from service.runtime import Runtime
from service.web.doorkeeper import announced_request, said
from service.web.ussd_webhook import screen_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class ShortWay:
    """Stands before the framework's own WSGI application and knows one address: /hooks/{carrier}/ussd/{secret}."""

    def __init__(self, app: Flask, runtime: Runtime) -> None:
        self._app, self._runtime = app, runtime
        self._long_way: WSGIApplication = app.wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").split("/")
        if len(path) != 5 or path[1] != "hooks" or path[3] != "ussd" or environ["REQUEST_METHOD"] != "POST":
            return self._long_way(environ, start_response)
        channel = self._runtime.channels.get(path[2])
        if channel is None or "POST" not in channel.methods or not channel.knows_secret(path[4]):
            return self._long_way(environ, start_response)
        raw = announced_request(environ)
        if raw is None:
            return self._long_way(environ, start_response)
        try:
            answer = screen_for(self._runtime, channel, channel.fields(raw))
        except Unreadable:
            environ["wsgi.input"] = io.BytesIO(raw.body)
            return self._long_way(environ, start_response)
        except Exception as error:
            # As it would have been answered on the long way, where it is not tried a second time.
            with self._app.request_context(environ):
                response = self._app.make_response(self._app.handle_user_exception(error))
            return response(environ, start_response)
        if answer.status != 200:
            return said(answer)(environ, start_response)
        body = answer.body.encode()
        start_response("200 OK", [("Content-Type", answer.content_type), ("Content-Length", str(len(body)))])
        return [body]
