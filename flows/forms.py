"""Forms that their caller cannot finish: was there consent, and what was answered so far."""

from collections.abc import Iterator, Sequence

from flows.conditions import Name
from flows.model import Ask, Do, Flow, Menu
from flows.scope import Scope
from flows.turns import FormLeft


def forms_left(scopes: Sequence[Scope]) -> list[FormLeft]:
    """The innermost form that was agreed to, among the flows stood in: one at most."""
    return [form_of(scope) for scope in reversed(scopes) if is_unfinished(scope)][:1]


def is_unfinished(scope: Scope) -> bool:
    """Whether a form was agreed to and nothing of it kept yet."""
    return has_agreed(scope) and not is_kept(scope)


def is_kept(scope: Scope) -> bool:
    """Whether an action that takes the form's consent went well: what comes after it is no part of the form.

    It is known by what that action alone gives; one that gives nothing of its own is to be followed by the end.
    """
    unfinished = scope.flow.unfinished
    if unfinished is None:
        return False
    doing = [step for step in scope.flow.steps.values() if isinstance(step, Do)]
    keeping = [step for step in doing if step.call.args.get("consent") == Name(unfinished.consent)]
    elsewhere = {name for step in doing if step not in keeping for name in step.gives}
    return any(scope.look(name) is not None for step in keeping for name in step.gives if name not in elsewhere)


def has_agreed(scope: Scope) -> bool:
    """Whether the consent that the form names was given: an answer whose way is not led elsewhere."""
    unfinished = scope.flow.unfinished
    if unfinished is None:
        return False
    consent = scope.flow.steps[unfinished.consent]
    given = scope.look(unfinished.consent)
    return isinstance(consent, Menu) and given is not None and given not in consent.go


def is_consent(flow: Flow, step_id: str) -> bool:
    """Whether this step's answer is the consent of an action or of the form."""
    if flow.unfinished is not None and flow.unfinished.consent == step_id:
        return True
    calls = [step.call for step in flow.steps.values() if isinstance(step, Do)]
    return any(call.args.get("consent") == Name(step_id) for call in calls)


def form_of(scope: Scope) -> FormLeft:
    """The questions of the form that have an answer, in the words its caller read."""
    return FormLeft(scope.flow.id, scope.folded(scope.flow.title), tuple(_answers(scope)))


def _answers(scope: Scope) -> Iterator[tuple[str, str]]:
    consent = scope.flow.unfinished.consent if scope.flow.unfinished else ""
    for step in scope.flow.steps.values():
        if isinstance(step, Ask) and step.id != consent and scope.look(step.id) is not None:
            yield scope.folded(step.text), scope.written(step.id)
