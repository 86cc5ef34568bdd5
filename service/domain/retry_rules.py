"""When a person may have a message sent again that a machine gave up, and what that risks."""

from __future__ import annotations

from service.domain.message_states import State

AGAIN: frozenset[State] = frozenset({"unknown", "unresolved", "failed", "expired"})
MAY_HAVE_ARRIVED: frozenset[State] = frozenset({"unknown", "unresolved"})
PROTECTED = frozenset({"protected"})
"""Purposes of which a second copy may harm whoever holds the phone: nobody sends one again, people neither."""

_RISKS = {
    "unknown": "it may have arrived: the family may read it twice",
    "unresolved": "it may have arrived: the family may read it twice",
    "failed": "a carrier refused it for good: it will most likely be refused again, and cost another try",
    "expired": "its time is over: its words may no longer be true (read them first)",
}


def why_not_again(state: State, purpose: str, refused: bool, emptied: bool) -> str:
    """Why this message may not be sent again by anybody; "" when it may."""
    if purpose in PROTECTED:
        return "a protected message is never sent a second time"
    if refused:
        return "this phone said STOP, or nothing reaches it any more"
    if emptied:
        return "its words were kept for long enough and are gone: nothing is left to send"
    if state not in AGAIN:
        return f"it is {state}: only {', '.join(sorted(AGAIN))} ones are sent again"
    return ""


def risk_of_again(state: State) -> str:
    """What may go wrong, in words for whoever decides."""
    return _RISKS.get(state, "")
