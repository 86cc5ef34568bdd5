"""What every webhook asks before anything is read: which carrier, is it genuine, is the form well made?"""

from __future__ import annotations

from flask import Request, abort

from service.channels.base import Fields
from service.channels.via_africastalking import AfricasTalking
from service.runtime import Runtime

LARGEST_BODY = 16 * 1024
MOST_FIELDS = 50


def with_secret(runtime: Runtime, carrier: str, secret: str) -> AfricasTalking:
    """The channel whose address this is. A wrong secret and an unknown carrier look the same: 404."""
    channel = runtime.channels.get(carrier)
    if not isinstance(channel, AfricasTalking) or not channel.knows_secret(secret):
        abort(404, "nothing here")
    return channel


def fields_of(request: Request) -> Fields:
    """The form as the carrier sent it; a body that is not a form in UTF-8, or has too many fields, is refused."""
    form = request.form
    if not form:
        abort(400, "no form fields; send application/x-www-form-urlencoded in UTF-8")
    pairs = [(name, value) for name, values in form.lists() for value in values]
    if len(pairs) > MOST_FIELDS:
        abort(413, f"more than {MOST_FIELDS} fields")
    return Fields(pairs)
