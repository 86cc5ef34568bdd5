"""What carriers without signatures share: the secret in our address is the only proof of who is calling.

Their addresses are /hooks/{carrier}/{event}/{secret}. An adapter says only what it can read; the rest is refused here.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from service.channels.base import (
    NO_FIELDS,
    Answer,
    Event,
    Fields,
    IncomingSms,
    Keystroke,
    OptOut,
    Outgoing,
    Receipt,
    SessionEnd,
    Unreadable,
)
from service.channels.raw_request import Raw
from service.domain.message_states import Outcome


class BySecret:
    """The doors' half of a `via_*.py`; a form by POST and a plain 200, unless it says otherwise."""

    name = ""
    methods = frozenset({"POST"})

    def __init__(self, hook_secrets: Sequence[str]) -> None:
        if not hook_secrets or not all(hook_secrets):
            raise ValueError("a carrier without signatures needs a secret in our address")
        self._secrets = tuple(secret.encode() for secret in hook_secrets)

    # -- proof

    def knows_secret(self, secret: str) -> bool:
        """Whether this is one of our secrets. Takes the same time for a near miss and for a far one."""
        given = secret.encode("utf-8", "surrogatepass")
        found = False
        for known in self._secrets:
            found |= hmac.compare_digest(given, known)
        return found

    def is_genuine(self, path_and_query: str, pairs: Iterable[tuple[str, str]], signature: str | None) -> bool:
        """The last part of the path is the secret; the carrier signs nothing."""
        path = path_and_query.partition("?")[0]
        return self.knows_secret(unquote(path.rpartition("/")[2]))

    # -- out

    def send(self, outgoing: Outgoing) -> Outcome:
        raise NotImplementedError(f"{self.name} sends no SMS")

    def send_many(self, letters: Sequence[Outgoing]) -> list[Outcome]:
        return [self.send(letter) for letter in letters]

    # -- in

    def fields(self, raw: Raw) -> Fields:
        return raw.form_fields()

    def read_keystroke(self, fields: Fields) -> Keystroke | SessionEnd:
        raise Unreadable(f"{self.name} has no USSD here")

    def read_session_end(self, fields: Fields) -> SessionEnd:
        raise Unreadable(f"{self.name} has no USSD here")

    def read_sms(self, fields: Fields) -> IncomingSms:
        raise Unreadable(f"{self.name} brings no SMS here")

    def read_receipt(self, fields: Fields, query: Fields = NO_FIELDS) -> Receipt:
        raise Unreadable(f"{self.name} sends no receipts here")

    def read_opt_out(self, fields: Fields) -> OptOut:
        raise Unreadable(f"{self.name} tells of no opt-outs here")

    # -- answers

    def show(self, keystroke: Keystroke, text: str, more: bool) -> Answer:
        raise NotImplementedError(f"{self.name} has no screens")

    def thanks(self, event: Event) -> Answer:
        return Answer()
