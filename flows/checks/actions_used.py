"""Checks 15 to 18: actions are called as they are, after consent, and are not gone back over."""

from collections.abc import Iterator, Mapping
from typing import Final

from flows.checks.known import call_of, known_at
from flows.checks.types import fits, type_of
from flows.conditions import Name, names_in
from flows.findings import ERROR, NOTE, WARNING, Finding, Signature
from flows.links import ways_out
from flows.mistakes import nearest
from flows.model import Ask, Call, Do, Flow, Menu, Run, Say, Step

# Operators cut a session after one to three minutes; a question takes some ten seconds to read and answer.
MOST_QUESTIONS: Final = 12
# A form that goes on after a cut loses nothing of what was answered.
MOST_WITH_RESUME: Final = 16


def check_actions(flow: Flow, actions: Mapping[str, Signature]) -> Iterator[Finding]:
    """15, 17: every action exists, gets what it needs, gives what is kept, and says where to go when it fails."""
    for step in flow.steps.values():
        call = call_of(step)
        if call is None:
            continue
        signature = actions.get(call.action)
        if signature is None:
            message = f"there is no action '{call.action}'; {nearest(call.action, actions)}"
            yield _found(flow, step, ERROR, message, 15)
            continue
        yield from _args(flow, step, call, signature, actions)
        yield from _of_do(flow, step, signature) if isinstance(step, Do) else _of_menu(flow, step, signature)


def check_consent(flow: Flow, actions: Mapping[str, Signature]) -> Iterator[Finding]:
    """16: personal answers, and whatever an action wants a yes for, are written only after a yes; none is in an SMS."""
    known = known_at(flow)
    for step in flow.steps.values():
        if isinstance(step, Say) and step.by_sms:
            for name in sorted(step.text.names):
                if name in flow.names and flow.names[name].personal:
                    message = f"{{{name}}} is personal, and an SMS is read by whoever holds the phone: take it out"
                    yield _found(flow, step, ERROR, message, 16)
        if isinstance(step, Do) and (_writes_personal(flow, step, actions) or _wants_consent(step, actions)):
            yield from _consent_of(flow, step, known.get(step.id))


def check_length(flow: Flow, actions: Mapping[str, Signature]) -> Iterator[Finding]:
    """18: the questions on the longest way to the first writing, of flows that people dial."""
    if not flow.start:
        return
    count = _longest_way(flow, flow.first, actions, {})
    most = MOST_WITH_RESUME if _resumes(flow) else MOST_QUESTIONS
    if count > most:
        message = f"{count} questions before anything is kept, {most} at most: the line may drop before"
        yield Finding(flow.file, "", "", WARNING, message, 18)
    else:
        yield Finding(flow.file, "", "", NOTE, f"at most {count} questions before the first writing", 18)


def _args(
    flow: Flow, step: Step, call: Call, signature: Signature, actions: Mapping[str, Signature]
) -> Iterator[Finding]:
    for arg, wanted in signature.args.items():
        if arg not in call.args:
            yield _found(flow, step, ERROR, f"{call.action} needs `{arg}`, a {wanted}: add it under `with`", 15)
            continue
        found = type_of(flow, call.args[arg], actions)
        if not fits(wanted, found):
            yield _found(flow, step, ERROR, f"`{arg}` of {call.action} is a {wanted}, and this is a {found}", 15)
    for arg in call.args:
        if arg not in signature.args:
            message = f"{call.action} takes no `{arg}`; {nearest(arg, signature.args)}"
            yield _found(flow, step, ERROR, message, 15)


def _of_do(flow: Flow, step: Do, signature: Signature) -> Iterator[Finding]:
    action = step.call.action
    if signature.options:
        yield _found(flow, step, ERROR, f"{action} gives choices: use it in a menu, `options_from: {action}`", 15)
    for name in step.gives:
        if name not in signature.gives:
            message = f"{action} gives no '{name}'; {nearest(name, signature.gives)}"
            yield _found(flow, step, ERROR, message, 15)
    if step.fails is None:
        yield _found(flow, step, ERROR, f"{action} may fail: say where to go then, `fails: step`", 15)
    if step.reads and signature.writes:
        message = f"{action} writes: take `reads: true` away, or callers go back over what was written"
        yield _found(flow, step, ERROR, message, 17)
    if not step.reads and not signature.writes:
        yield _found(flow, step, WARNING, f"{action} only reads: say `reads: true`, so that callers can go back", 17)


def _of_menu(flow: Flow, step: Step, signature: Signature) -> Iterator[Finding]:
    assert isinstance(step, Menu)
    assert step.source is not None
    action = step.source.action
    if not signature.options:
        yield _found(flow, step, ERROR, f"{action} gives no choices: call it in a `do`", 15)
    for key, why in (("fails", "may fail"), ("empty", "may find nothing")):
        if getattr(step, key) is None:
            yield _found(flow, step, ERROR, f"{action} {why}: say where to go then, `{key}: step`", 15)


def _writes_personal(flow: Flow, step: Do, actions: Mapping[str, Signature]) -> bool:
    signature = actions.get(step.call.action)
    names = {name for tree in step.call.args.values() for name in names_in(tree)}
    personal = any(name in flow.names and flow.names[name].personal for name in names)
    return personal and signature is not None and signature.writes


def _wants_consent(step: Do, actions: Mapping[str, Signature]) -> bool:
    """Whether the action itself asks for a yes: a constant in its place would be nobody's."""
    return "consent" in actions.get(step.call.action, Signature()).args


def _consent_of(flow: Flow, step: Do, known: frozenset[str] | None) -> Iterator[Finding]:
    consent = step.call.args.get("consent")
    asked = flow.steps.get(consent.name) if isinstance(consent, Name) else None
    if not isinstance(asked, Menu) or asked.source is not None:
        message = "personal answers are written without consent: ask in a menu first and pass it as `consent`"
        yield _found(flow, step, ERROR, message, 16)
    elif not asked.go:
        message = f"whoever says no to '{asked.id}' goes on all the same: let its `go` lead the no elsewhere"
        yield _found(flow, step, ERROR, message, 16)
    elif known is not None and asked.id not in known:
        message = f"some way here passes by the consent '{asked.id}': lead every way through it"
        yield _found(flow, step, ERROR, message, 16)
    else:
        before = [each for each in flow.steps.values() if isinstance(each, Ask) and each.personal]
        for each in before:
            if flow.position[each.id] < flow.position[asked.id]:
                message = f"'{each.id}' is asked before the consent '{asked.id}': ask for consent first"
                yield _found(flow, each, ERROR, message, 16)


def _resumes(flow: Flow) -> bool:
    return flow.resume is not None or any(_resumes(child) for child in flow.children.values())


def _longest_way(flow: Flow, step_id: str, actions: Mapping[str, Signature], counted: dict[str, int]) -> int:
    """Questions from here down to the first writing or the end. Ways up the page are corrections and do not count."""
    if step_id in counted:
        return counted[step_id]
    step = flow.steps[step_id]
    here = 1 if isinstance(step, Ask) else 0
    if isinstance(step, Run) and step.id in flow.children:
        child = flow.children[step.id]
        here = _longest_way(child, child.first, actions, {})
    counted[step_id] = here
    if isinstance(step, Do) and actions.get(step.call.action, Signature()).writes:
        return 0
    down = [
        way.target
        for way in ways_out(step)
        if way.target in flow.position and flow.position[str(way.target)] > flow.position[step_id]
    ]
    counted[step_id] = here + max((_longest_way(flow, str(each), actions, counted) for each in down), default=0)
    return counted[step_id]


def _found(flow: Flow, step: Step, level: str, message: str, check: int) -> Finding:
    return Finding(flow.file, step.id, "", level, message, check, step.line)
