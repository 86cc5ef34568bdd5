"""What carriers post about calls: one that is taken, a key, its end, and one that comes in. 2xx means: on disk.

The addresses hold our message's id and no number. Twilio signs them; Africa's Talking knows the secret in them.
"""

from __future__ import annotations

import re
import threading

from flask import Blueprint, Response, abort, request

from service.channels.base import Answer, Fields, Unreadable
from service.channels.calling import Calls, CallStep
from service.runtime import Runtime
from service.stories.delivery import missed_calls, receipts, voice_calls
from service.web.doorkeeper import METHODS, fields_for, said, signed, with_secret

NAME = re.compile(r"([a-z_]{2,31})\.([a-z]{2,3})\.wav")
KEPT_BY_CARRIERS_S = 3600


def blueprint(runtime: Runtime) -> Blueprint:
    pages = Blueprint("voice", __name__)
    strangers = threading.BoundedSemaphore(max(1, runtime.config.web_threads // 2))

    @pages.errorhandler(Unreadable)
    def unreadable(reason: Unreadable) -> Response:
        return Response(f"{reason}\n", reason.status, mimetype="text/plain")

    @pages.route("/hooks/<carrier>/voice/<secret>", methods=METHODS)
    def voice(carrier: str, secret: str) -> Response:
        channel = with_secret(runtime, f"{carrier}_voice", secret)
        assert isinstance(channel, Calls), "only such a channel has this name"
        fields, query = fields_for(channel), _query()
        step = channel.read_call(fields, query)
        if not step.over:
            return said(_next(runtime, channel, step))
        if not step.incoming:
            receipts.take(runtime, channel.read_receipt(fields, query))
        return said(Answer())

    @pages.post("/hooks/twilio/voice")
    def twilio_voice() -> Response:
        channel, fields = signed(runtime, "twilio_voice", strangers)
        assert isinstance(channel, Calls), "only such a channel has this name"
        return said(_next(runtime, channel, channel.read_call(fields, _query())))

    @pages.post("/hooks/twilio/voice/status")
    def twilio_voice_status() -> Response:
        channel, fields = signed(runtime, "twilio_voice", strangers)
        receipts.take(runtime, channel.read_receipt(fields, _query()))
        return said(Answer())

    @pages.get("/recordings/<name>")
    def recording(name: str) -> Response:
        """A sentence that is the same for everybody: no door keeps it."""
        found = NAME.fullmatch(name)
        file = runtime.recordings.file_of(found[1], found[2]) if found else None
        if file is None:
            abort(404, "nothing here")
        answer = Response(file.read_bytes(), mimetype="audio/wav")
        answer.cache_control.public, answer.cache_control.max_age = True, KEPT_BY_CARRIERS_S
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    return pages


def _query() -> Fields:
    return Fields(request.args.items(multi=True))


def _next(runtime: Runtime, channel: Calls, step: CallStep) -> Answer:
    if step.incoming:
        missed_calls.take(runtime, step)
        return channel.busy()
    address = runtime.config.public_url.rstrip("/") + request.path
    return channel.say(voice_calls.answer(runtime, step), address)
