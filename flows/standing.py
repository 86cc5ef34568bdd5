"""Where a caller stands when the line drops: in which flows, and what these want done about it."""

from dataclasses import dataclass
from datetime import date

from flows.forms import form_of, is_consent, is_kept, is_unfinished
from flows.model import Flow, Resume
from flows.progress import ENDED, Progress
from flows.scope import Scope
from flows.turns import FormLeft
from flows.walk import Walk


@dataclass(frozen=True, slots=True)
class Reminder:
    """The SMS that says how to go on, in its true spelling, so many seconds after the last keystroke."""

    after: int
    text: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A form for the mediator's list, so many seconds after the last keystroke."""

    after: int
    form: FormLeft


def flows_around(root: Flow, path: tuple[str, ...]) -> tuple[Flow, ...]:
    """The flow stood in after those around it, outermost first."""
    flows = [root]
    for run_id in path[:-1]:
        flows.append(flows[-1].children[run_id])
    return tuple(flows)


def is_sensitive(root: Flow, progress: Progress) -> bool:
    """Whether the caller stands in a conversation that must leave no trace."""
    return any(flow.sensitive for flow in flows_around(root, progress.path))


def asks_consent(root: Flow, progress: Progress) -> bool:
    """Whether the question stood at is one whose yes something is kept by."""
    return is_consent(flows_around(root, progress.path)[-1], progress.path[-1])


def resume_of(root: Flow, progress: Progress) -> Resume | None:
    """How a redial goes on here; None where it begins afresh. The innermost flow that says so decides.

    Whoever heard "it was not finished" of a form that is kept would fill it in again.
    """
    if progress.state == ENDED or is_sensitive(root, progress):
        return None
    for scope in reversed(_standing_at(root, progress)):
        if scope.flow.resume is not None:
            return None if is_kept(scope) else scope.flow.resume
    return None


def title_of(root: Flow, progress: Progress) -> str:
    """What the caller was about, folded, in the caller's language."""
    scope = _standing_at(root, progress)[-1]
    return scope.folded(scope.flow.title)


def reminder_of(root: Flow, progress: Progress) -> Reminder | None:
    """The SMS for a caller who was cut off here, if the innermost flow with one has it and its form is not kept yet."""
    if progress.state == ENDED or is_sensitive(root, progress):
        return None
    for scope in reversed(_standing_at(root, progress)):
        dropped = scope.flow.if_dropped
        if dropped is not None:
            return None if is_kept(scope) else Reminder(dropped.after, scope.true(scope.flow.texts[dropped.sms]))
    return None


def unfinished_of(root: Flow, progress: Progress) -> Unfinished | None:
    """The form that is left to a mediator when its caller comes back no more: only one that was agreed to."""
    if progress.state == ENDED or is_sensitive(root, progress):
        return None
    for scope in reversed(_standing_at(root, progress)):
        if scope.flow.unfinished is not None and is_unfinished(scope):
            return Unfinished(scope.flow.unfinished.after, form_of(scope))
    return None


def _standing_at(root: Flow, progress: Progress) -> list[Scope]:
    """The scope of every flow stood in, outermost first. Words need no day: nothing is evaluated here."""
    return Walk.taken_up(root, progress, date.min).scopes()
