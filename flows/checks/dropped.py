"""Check 25: what a flow wants done when the line drops goes together."""

from collections.abc import Iterator
from typing import Final

from flows.findings import ERROR, WARNING, Finding
from flows.model import Flow
from flows.sms_text import units

# Progress of a call is kept a day (docs/promises.md).
_LONGEST_PAUSE: Final = 24 * 3600
# What the sentences of flows/phrases/conversation.yaml leave room for.
LONGEST_TITLE: Final = 30


def check_dropped(flow: Flow) -> Iterator[Finding]:
    """25: the offer to go on fits, comes while there is something to go on with, and before a mediator takes over."""
    for language in flow.languages:
        size = units(flow.title.folded[language][0])
        if size > LONGEST_TITLE:
            message = f"the title takes {size} of {LONGEST_TITLE} septets of the offer to go on: shorten it"
            yield Finding(flow.file, "", language, ERROR, message, 25, flow.title.line)
    resume, dropped, unfinished = flow.resume, flow.if_dropped, flow.unfinished
    if resume is not None and resume.within > _LONGEST_PAUSE:
        yield _found(flow, ERROR, "`resume.within` is longer than the day for which progress is kept: 24h at most")
    if dropped is not None and resume is None:
        message = "`if_dropped` says how to go on, and a redial begins afresh: add `resume: {within: 30m, ask: true}`"
        yield _found(flow, WARNING, message)
    if dropped is not None and resume is not None and dropped.after >= resume.within:
        message = "`if_dropped` tells of going on when it is too late: let `after` be shorter than `resume.within`"
        yield _found(flow, ERROR, message)
    if unfinished is not None and resume is not None and unfinished.after < resume.within:
        message = "a mediator gets the form while its caller may still go on: let `unfinished.after` be longer"
        yield _found(flow, ERROR, message)


def _found(flow: Flow, level: str, message: str) -> Finding:
    return Finding(flow.file, "", "", level, message, 25)
