"""What the conversations on the mutual and the RAMED do: a price, a request, where it stands, a mediator's visit."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.stories.homes import mediator_visits, memberships
from service.stories.talk.situation import Deed, Situation, Values, words_shown
from service.stories.talk.wording import short_date


def _quote_premium(tx: Connection, situation: Situation, args: Values) -> Outcome:
    settings = situation.runtime.config.mutual
    monthly = memberships.monthly_price(settings, args["people"])
    joining = settings.joining_fcfa if settings else 0
    return Outcome(True, {"montant": _francs(monthly), "carte": _francs(joining)})


def _my_mutual(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = memberships.membership_of(tx, situation.number)
    if found is None:
        return Outcome(True, {"etat": "none", "numero": "", "depuis": "", "paye": "", "membres": 0})
    told: dict[str, Any] = {
        "etat": found.state,
        "numero": found.number,
        "depuis": short_date(situation.runtime.today(found.requested_at)),
        "paye": short_date(found.paid_until) if found.paid_until else "",
        "membres": found.size,
    }
    return Outcome(True, told)


def _enrol_household(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["consent"] != "oui":
        return Outcome(False)
    told = memberships.Request(args["head"], args["size"], args["scheme"], words_shown(situation))
    try:
        requested = memberships.request(tx, situation.runtime, situation.number, told, situation.now)
    except memberships.CannotRequest:
        return Outcome(False)
    return Outcome(True, {"numero": requested.number})


def _ask_visit(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["consent"] != "oui":
        return Outcome(False)
    zone_id, consent = int(args["zone"]), words_shown(situation)
    try:
        asked = mediator_visits.ask(tx, situation.runtime, situation.number, zone_id, consent, situation.now)
    except mediator_visits.CannotAsk:
        return Outcome(False)
    return Outcome(True, {"numero": asked.number, "deja": asked.before})


def _francs(amount: int | None) -> str:
    """'12 500'; empty when there is none to say."""
    return f"{amount:,}".replace(",", " ") if amount else ""


_STANDING = {"etat": "choice", "numero": "text", "depuis": "text", "paye": "text", "membres": "number"}
_FORM = {"head": "text", "size": "number", "scheme": "choice", "consent": "choice"}
DEEDS = {
    "quote_premium": Deed(
        _quote_premium,
        Signature({"scheme": "choice", "people": "number"}, {"montant": "text", "carte": "text"}, writes=False),
    ),
    "my_mutual": Deed(_my_mutual, Signature({}, _STANDING, writes=False)),
    "enrol_household": Deed(_enrol_household, Signature(_FORM, {"numero": "text"})),
    "ask_visit": Deed(_ask_visit, Signature({"zone": "id", "consent": "choice"}, {"numero": "text", "deja": "yes_no"})),
}
