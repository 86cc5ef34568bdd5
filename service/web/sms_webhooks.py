"""What carriers post about SMS: messages in, receipts, opt-outs. 2xx means that it is on disk."""

from __future__ import annotations

import threading

from flask import Blueprint, Response, request

from service.channels.base import Fields, Unreadable
from service.runtime import Runtime
from service.stories.delivery import receipts
from service.stories.talk import incoming
from service.web.doorkeeper import METHODS, fields_for, said, signed, with_secret


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("sms", __name__)
    # Whoever knows Twilio's address may send a body that never ends: strangers get half of the threads at most.
    strangers = threading.BoundedSemaphore(max(1, runtime.config.web_threads // 2))

    @pages.errorhandler(Unreadable)
    def unreadable(reason: Unreadable) -> Response:
        return Response(f"{reason}\n", reason.status, mimetype="text/plain")

    @pages.route("/hooks/<carrier>/sms-in/<secret>", methods=METHODS)
    def sms_in(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        incoming.take_sms(runtime, channel.read_sms(fields_for(channel)))
        return said(channel.thanks("sms-in"))

    @pages.route("/hooks/<carrier>/receipt/<secret>", methods=METHODS)
    def receipt(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        receipts.take(runtime, channel.read_receipt(fields_for(channel)))
        return said(channel.thanks("receipt"))

    @pages.route("/hooks/<carrier>/opt-out/<secret>", methods=METHODS)
    def opt_out(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, carrier, secret)
        incoming.take_opt_out(runtime, channel.read_opt_out(fields_for(channel)))
        return said(channel.thanks("opt-out"))

    @pages.post("/hooks/twilio/sms")
    def twilio_sms() -> Response:
        channel, fields = signed(runtime, "twilio", strangers)
        incoming.take_sms(runtime, channel.read_sms(fields))
        return said(channel.thanks("sms-in"))

    @pages.post("/hooks/twilio/status")
    def twilio_status() -> Response:
        channel, fields = signed(runtime, "twilio", strangers)
        receipts.take(runtime, channel.read_receipt(fields, Fields(request.args.items(multi=True))))
        return said(channel.thanks("receipt"))

    return pages
