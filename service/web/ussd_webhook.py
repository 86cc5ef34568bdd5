"""USSD callbacks in Africa's Talking's form: a keystroke in, `CON ...` or `END ...` out."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from service.channels.base import Unreadable
from service.logs import log
from service.runtime import Runtime
from service.stories import conversations
from service.web.doorkeeper import fields_of, with_secret


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("ussd", __name__)

    @pages.post("/hooks/<carrier>/ussd/<secret>")
    def keystroke(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        try:
            stroke = channel.read_keystroke(fields_of(request))
        except Unreadable as reason:
            abort(400, str(reason))
        reply = conversations.reply_to(runtime, stroke)
        return Response(("CON " if reply.more else "END ") + reply.text, content_type="text/plain; charset=utf-8")

    @pages.post("/hooks/<carrier>/ussd-end/<secret>")
    def session_end(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        try:
            end = channel.read_session_end(fields_of(request))
        except Unreadable as reason:
            abort(400, str(reason))
        log.info("ussd_session_ended", channel=end.channel, status=end.status)
        return Response(status=200)

    return pages
