"""Sending what is due, by whoever is woken for it: the clock every second, or a job when much was queued at once."""

from __future__ import annotations

import threading

from service.runtime import Runtime
from service.stories.delivery import dispatcher

_sending = threading.Lock()


def drain(runtime: Runtime) -> int:
    """Send what is due, unless this process is at it: then it goes on until nothing is left. Gives how many."""
    # Two at once would be twice the threads, and twice the connections to the carrier, that the settings allow.
    if not _sending.acquire(blocking=False):
        return 0
    try:
        return dispatcher.send_due(runtime)
    finally:
        _sending.release()
