"""USSD callbacks: a keystroke in, a screen out, both in the form of the carrier whose address was called."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from service.channels.base import Answer, Channel, Fields, SessionEnd, Unreadable
from service.logs import log
from service.runtime import Runtime
from service.stories.talk import conversations
from service.web.doorkeeper import METHODS, fields_for, said, with_secret


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("ussd", __name__)

    @pages.route("/hooks/<carrier>/ussd/<secret>", methods=METHODS)
    def keystroke(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        try:
            return said(screen_for(runtime, channel, fields_for(channel)))
        except Unreadable as reason:
            abort(reason.status, str(reason))

    @pages.route("/hooks/<carrier>/ussd-end/<secret>", methods=METHODS)
    def session_end(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        try:
            _note(channel.read_session_end(fields_for(channel)))
        except Unreadable as reason:
            abort(reason.status, str(reason))
        return said(channel.thanks("ussd-end"))

    return pages


def screen_for(runtime: Runtime, channel: Channel, fields: Fields) -> Answer:
    """What this carrier's phone shows next, on disk when this returns; raises Unreadable."""
    stroke = channel.read_keystroke(fields)
    if isinstance(stroke, SessionEnd):
        _note(stroke)
        return channel.thanks("ussd-end")
    reply = conversations.reply_to(runtime, stroke)
    return channel.show(stroke, reply.text, reply.more)


def _note(end: SessionEnd) -> None:
    log.info("ussd_session_ended", channel=end.channel, status=end.status)
