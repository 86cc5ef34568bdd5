"""What carriers post about SMS: messages in, receipts, opt-outs. 2xx means that it is on disk."""

from __future__ import annotations

import threading

from flask import Blueprint, Response, abort, request

from service.channels.base import Channel, Fields, Unreadable
from service.runtime import Runtime
from service.stories import incoming, receipts
from service.web.doorkeeper import fields_of, with_secret

PATIENCE_S = 0.2


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("sms", __name__)
    # Whoever knows Twilio's address may send a body that never ends: strangers get half of the threads at most.
    strangers = threading.BoundedSemaphore(max(1, runtime.config.web_threads // 2))

    @pages.errorhandler(Unreadable)
    def unreadable(reason: Unreadable) -> Response:
        return Response(f"{reason}\n", 400, mimetype="text/plain")

    @pages.post("/hooks/<carrier>/sms-in/<secret>")
    def sms_in(carrier: str, secret: str) -> Response:
        incoming.take_sms(runtime, with_secret(runtime, carrier, secret).read_sms(fields_of(request)))
        return Response(status=200)

    @pages.post("/hooks/<carrier>/receipt/<secret>")
    def receipt(carrier: str, secret: str) -> Response:
        receipts.take(runtime, with_secret(runtime, carrier, secret).read_receipt(fields_of(request), Fields()))
        return Response(status=200)

    @pages.post("/hooks/<carrier>/opt-out/<secret>")
    def opt_out(carrier: str, secret: str) -> Response:
        incoming.take_opt_out(runtime, with_secret(runtime, carrier, secret).read_opt_out(fields_of(request)))
        return Response(status=200)

    @pages.post("/hooks/twilio/sms")
    def twilio_sms() -> Response:
        channel, fields = _signed(runtime, strangers)
        incoming.take_sms(runtime, channel.read_sms(fields))
        return Response("<Response/>", content_type="text/xml")

    @pages.post("/hooks/twilio/status")
    def twilio_status() -> Response:
        channel, fields = _signed(runtime, strangers)
        receipts.take(runtime, channel.read_receipt(fields, Fields(request.args.items(multi=True))))
        return Response(status=200)

    return pages


def _signed(runtime: Runtime, strangers: threading.BoundedSemaphore) -> tuple[Channel, Fields]:
    """Twilio's channel and the form, if its signature is right for our public address and this form; else 403."""
    channel = runtime.channels.get("twilio")
    if channel is None:
        abort(404, "nothing here")
    if not request.headers.get("X-Twilio-Signature"):
        abort(403, "wrong signature")
    if not strangers.acquire(timeout=PATIENCE_S):
        abort(503, "too many at once; please repeat")
    try:
        fields = fields_of(request)
    finally:
        strangers.release()
    path = request.full_path if request.query_string else request.path
    if not channel.is_genuine(path, list(fields), request.headers.get("X-Twilio-Signature")):
        abort(403, "wrong signature")
    return channel, fields
