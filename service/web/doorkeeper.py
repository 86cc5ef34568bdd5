"""What every webhook asks before anything is read: which carrier, is it genuine, does it come as that carrier does?"""

from __future__ import annotations

from flask import Request, Response, abort, request

from service.channels.base import Answer, Channel, Fields
from service.channels.raw_request import Raw
from service.runtime import Runtime

METHODS = ("GET", "POST")
"""All that the addresses take; which of the two, the channel says."""


def with_secret(runtime: Runtime, carrier: str, secret: str) -> Channel:
    """The channel whose address this is. A wrong secret and an unknown carrier look the same: 404."""
    channel = runtime.channels.get(carrier)
    if channel is None or not channel.knows_secret(secret):
        abort(404, "nothing here")
    if request.method not in channel.methods:
        abort(405, f"this carrier comes by {' or '.join(sorted(channel.methods))}")
    return channel


def fields_for(channel: Channel) -> Fields:
    """What this request says, read as its channel reads; raises Unreadable."""
    return channel.fields(raw_request())


def raw_request() -> Raw:
    # Each look through Flask's proxy costs as much as a field read: on the road of every keystroke, one is enough.
    own: Request = request._get_current_object()  # type: ignore[attr-defined]
    return Raw(own.method, own.path, own.query_string, own.mimetype, own.get_data(cache=False))


def said(answer: Answer) -> Response:
    return Response(answer.body, answer.status, content_type=answer.content_type)
