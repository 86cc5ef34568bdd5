"""What every webhook asks before anything is read: which carrier, is it genuine, is the form well made?"""

from __future__ import annotations

from urllib.parse import parse_qsl

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
    """The form as the carrier sent it, as often as each field came; only a small UTF-8 form is taken.

    Read by hand: decoded exactly once, and at half the price of the framework's parser on the road of every keystroke.
    """
    if request.mimetype != "application/x-www-form-urlencoded":
        abort(400, "send application/x-www-form-urlencoded")
    octets = request.get_data(cache=False)
    if request.content_length is None and len(octets) >= LARGEST_BODY:
        # Without an announced length the framework reads up to its limit and is silent about the rest.
        abort(413, "the form is too large")
    try:
        body = octets.decode("utf-8")
    except UnicodeDecodeError:
        abort(400, "the form is not in UTF-8")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        abort(413, f"more than {MOST_FIELDS} fields")
    if not pairs:
        abort(400, "no form fields")
    return Fields(pairs)
