"""Orange's key of the hour: one token for all threads, asked for anew shortly before it ends or when it is refused.

No message is in the air here, so whatever goes wrong is "not sent", or a refusal of our account: never ambiguous.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable

from service.channels.careful_calls import CarrierAnswer
from service.channels.transport import Decided, NeverConnected, retry_after
from service.domain.message_states import NotSent, Outcome, Refused

USUAL_LIFE_S = 300.0  # where the answer does not say for how long
LONGEST_LIFE_S = 24 * 3600.0
_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,4000}")


class Tokens:
    """`ask` posts for a token and gives Orange's answer. Safe to share between threads."""

    def __init__(self, ask: Callable[[], CarrierAnswer]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0
        self._trouble: Outcome | None = None
        self._troubled_at = 0.0

    def current(self, *, refused: str = "") -> str:
        """A token that still holds and is not the `refused` one; raises Decided when there is none to be had."""
        came = time.monotonic()
        with self._lock:
            if self._token and self._token != refused and time.monotonic() < self._until:
                return self._token
            if self._trouble is not None and self._troubled_at > came:
                raise Decided(self._trouble)  # somebody asked in vain while we waited: no queue of further tries
            self._token = ""
            self._trouble = self._renewed()
            self._troubled_at = time.monotonic()
            if self._trouble is not None:
                raise Decided(self._trouble)
            return self._token

    def _renewed(self) -> Outcome | None:
        """Ask for the next token; what went wrong, or None."""
        asked = time.monotonic()
        try:
            answer = self._ask()
        except NeverConnected as reason:
            return NotSent(str(reason), None)
        except Exception as trouble:  # its text may hold the key
            return NotSent(f"no token ({type(trouble).__name__})", None)
        if answer.status_code == 429:
            return NotSent("no token, HTTP 429", retry_after(answer.headers))
        if 300 <= answer.status_code < 500 and answer.status_code != 408:
            return Refused(f"no token, HTTP {answer.status_code}", "account", opt_out=False)
        found = _read(answer.content) if answer.status_code == 200 else None
        if found is None:
            return NotSent(f"no token, HTTP {answer.status_code}", None)
        self._token, life = found
        self._until = asked + life - min(60.0, life / 5)
        return None


def _read(body: bytes) -> tuple[str, float] | None:
    """The token and its life in seconds; Orange writes the number with and without quotation marks."""
    try:
        table = json.loads(body)
        token, life = table["access_token"], str(table.get("expires_in", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(token, str) or not _BEARER.fullmatch(token):
        return None
    return token, min(float(life), LONGEST_LIFE_S) if re.fullmatch("[0-9]{1,9}", life) else USUAL_LIFE_S
