"""What the conversation about opinions does: keep one, and tell where it stands."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.stories.talk import feedback
from service.stories.talk.situation import Deed, Situation, Values


def _send_feedback(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["consent"] != "oui":
        return Outcome(False)
    number = feedback.send(tx, situation.number, args["kind"], args["words"], situation.now)
    return Outcome(True, {"numero": number}) if number else Outcome(False)


def _feedback_state(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = feedback.state_for(tx, situation.number, str(args["number"]))
    state, answer = found or ("unknown", None)
    return Outcome(True, {"etat": state, "reponse": answer or ""})


DEEDS = {
    "send_feedback": Deed(
        _send_feedback, Signature({"kind": "choice", "words": "text", "consent": "choice"}, {"numero": "text"})
    ),
    "feedback_state": Deed(
        _feedback_state, Signature({"number": "number"}, {"etat": "choice", "reponse": "text"}, writes=False)
    ),
}
