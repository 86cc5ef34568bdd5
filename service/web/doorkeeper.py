"""What every webhook asks before anything is read: which carrier, is it genuine, does it come as that carrier does?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flask import Request, Response, abort, request

from service.channels.base import Answer, Channel, Fields
from service.channels.raw_request import LARGEST_BODY, Raw
from service.runtime import Runtime

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

METHODS = ("GET", "POST")
"""All that the addresses take; which of the two, the channel says."""
PATIENCE_S = 0.2


def with_secret(runtime: Runtime, carrier: str, secret: str) -> Channel:
    """The channel whose address this is. A wrong secret and an unknown carrier look the same: 404."""
    channel = runtime.channels.get(carrier)
    if channel is None or not channel.knows_secret(secret):
        abort(404, "nothing here")
    if request.method not in channel.methods:
        abort(405, f"this carrier comes by {' or '.join(sorted(channel.methods))}")
    return channel


def signed(runtime: Runtime, name: str, strangers: threading.BoundedSemaphore) -> tuple[Channel, Fields]:
    """This channel of Twilio's and the form, if its signature is right for our public address and it; else 403."""
    channel = runtime.channels.get(name)
    if channel is None:
        abort(404, "nothing here")
    if not request.headers.get("X-Twilio-Signature"):
        abort(403, "wrong signature")
    if not strangers.acquire(timeout=PATIENCE_S):
        abort(503, "too many at once; please repeat")
    try:
        raw = raw_request()
        fields = channel.fields(raw)
    finally:
        strangers.release()
    if not channel.is_genuine(raw.path_and_query, list(fields), request.headers.get("X-Twilio-Signature")):
        abort(403, "wrong signature")
    return channel, fields


def fields_for(channel: Channel) -> Fields:
    """What this request says, read as its channel reads; raises Unreadable."""
    return channel.fields(raw_request())


def raw_request() -> Raw:
    # Each look through Flask's proxy costs as much as a field read: on the road of every receipt, one is enough.
    own: Request = request._get_current_object()  # type: ignore[attr-defined]
    raw = announced_request(own.environ)
    if raw is not None:
        return raw._replace(path=own.path)
    body = own.get_data(cache=False)
    if own.content_length is None and len(body) >= LARGEST_BODY:
        # Without an announced length the framework reads up to its limit and is silent about the rest.
        abort(413, "the request is too large")
    return Raw(own.method, own.path, own.query_string, own.mimetype, body)


def announced_request(environ: WSGIEnvironment) -> Raw | None:
    """A small request whose length is announced and true, at a fifth of the framework's price; else None.

    The framework reads the others, and refuses those that are too large or end too early.
    """
    announced = environ.get("CONTENT_LENGTH", "")
    if not announced.isdecimal() or len(announced) > 5 or "HTTP_TRANSFER_ENCODING" in environ:
        return None
    length = int(announced)
    if length > LARGEST_BODY:
        return None
    body = environ["wsgi.input"].read(length)
    if len(body) < length:
        return None
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    return Raw(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), query, kind, body)


def said(answer: Answer) -> Response:
    return Response(answer.body, answer.status, content_type=answer.content_type)
