"""What a mediator's conversation about follow-ups does: open one, note a visit, a birth, a loss or another end.

All of it by call after her PIN, and each action asks again whether her account is open. Follow-ups of other quartiers
are as unknown to her as codes that nobody has.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.store import follow_up_tables, mediator_tables, people_tables
from service.store.follow_up_tables import FollowUp
from service.store.mediator_tables import Mediator
from service.stories.care import follow_ups
from service.stories.care.follow_ups import EVERY_CHILD, Opening, Refused
from service.stories.homes.consents import Words
from service.stories.staff import mediator_accounts
from service.stories.talk.situation import Deed, Situation, Values, row_id
from service.stories.talk.wording import birth_label, short_date

CODE_DIGITS = 8
GIVE_OR_TAKE_WEEKS = {"exacte": 0, "deux": 2, "quatre": 4}
ALL_OF_THEM = {"fr": "Tous", "bm": "Bɛɛ", "en": "All of them"}


def _her_quartiers(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one = mediator_accounts.active_on(tx, situation.number)
    if one is None:
        return Outcome(False)
    served = mediator_tables.zones_of(tx, one.id)
    return Outcome(True, options=tuple((str(zone_id), name) for zone_id, name in served))


def _open_follow_up(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one, zone_id = mediator_accounts.active_on(tx, situation.number), row_id(args["zone"])
    served = {id for id, _ in mediator_tables.zones_of(tx, one.id)} if one else set()
    if one is None or zone_id is None or zone_id not in served or args["consent"] != "oui":
        return Outcome(False)
    told = Opening(
        number=args["number"],
        zone_id=zone_id,
        week=args["week"],
        seen_on=args["seen_on"],
        consent=Words(situation.words, situation.language, "told"),
        by=mediator_accounts.signature(one),
        give_or_take_weeks=GIVE_OR_TAKE_WEEKS[args["precision"]],
        another={"non": None, "elle": False}.get(args["another"], True),
    )
    try:
        if not told.another and _is_known_elsewhere(tx, told.number, served):
            raise Refused("place")
        opened = follow_ups.open_pregnancy(tx, situation.runtime, told, situation.now)
    except Refused as refused:
        state = refused.reason if refused.reason in ("who", "known", "week") else "no"
        return Outcome(True, {"opened": state, "suivi_code": "", "next_on": ""})
    next_on = short_date(opened.next.best_on) if opened.next else ""
    return Outcome(True, {"opened": "yes", "suivi_code": opened.code, "next_on": next_on})


def _is_known_elsewhere(tx: Connection, number: str, served: set[int]) -> bool:
    """Whether a pregnancy of a quartier that she does not serve is behind this phone: trying numbers tells nobody."""
    caller = people_tables.find_caller(tx, number)
    if caller is None:
        return False
    found = follow_up_tables.open_of(tx, caller.person_id, caller.household_id, "antenatal")
    found += follow_up_tables.open_on_phone(tx, caller.phone_id, "antenatal")
    return any(each.zone_id not in served for each in found)


def _follow_up_seen(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if mediator_accounts.active_on(tx, situation.number) is None:
        return Outcome(False)
    found = _hers(tx, situation, args)
    return Outcome(True, {"found": "yes" if found else "no", "sorte": found[1].kind if found else ""})


def _note_contact(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    by = mediator_accounts.signature(found[0])
    try:
        then = follow_ups.contact_done(tx, situation.runtime, found[1], situation.today, by, situation.now)
    except Refused:
        return Outcome(True, {"noted": "no", "next_on": ""})
    return Outcome(True, {"noted": "yes", "next_on": short_date(then.next.best_on) if then.next else ""})


def _note_birth(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None or args["alive"] < 1:
        return Outcome(False)
    by, really = mediator_accounts.signature(found[0]), args["sure"] == "oui"
    try:
        born = follow_ups.birth(
            tx, situation.runtime, found[1], args["on"], args["alive"], by, situation.now, really=really
        )
    except Refused as refused:
        said = {"before": "before", "unlikely": "doubt"}.get(refused.reason)
        return Outcome(said is not None, {"born": said or "", "codes": ""})
    return Outcome(True, {"born": "yes", "codes": ", ".join(born.codes)})


def _children_of_follow_up(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    children = follow_ups.children_of_birth(tx, found[1])
    labels = tuple((child.code, birth_label(place, child)) for place, child in enumerate(children, 1))
    return Outcome(True, options=(*labels, (EVERY_CHILD, ALL_OF_THEM)) if len(labels) > 1 else labels)


def _note_loss(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    try:
        follow_ups.loss(
            tx,
            situation.runtime,
            found[1],
            situation.today,
            situation.now,
            child_code=args["child"] or None,
            by=mediator_accounts.signature(found[0]),
        )
    except Refused:
        return Outcome(False)
    return Outcome(True)


def _end_follow_up(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    try:
        by = mediator_accounts.signature(found[0])
        follow_ups.end(tx, situation.runtime, found[1], args["why"], situation.today, by, situation.now)
    except Refused:
        return Outcome(False)
    return Outcome(True)


def _hers(tx: Connection, situation: Situation, args: Values) -> tuple[Mediator, FollowUp] | None:
    """The open follow-up of her quartiers with this whole code, and who she is; None for any other."""
    one = mediator_accounts.active_on(tx, situation.number)
    if one is None:
        return None
    try:
        return one, follow_ups.find(tx, f"{args['code']:0{CODE_DIGITS}d}", one.id)
    except Refused:
        return None


_OPENING = {
    "number": "phone",
    "zone": "id",
    "week": "number",
    "seen_on": "date",
    "precision": "choice",
    "consent": "choice",
    "another": "choice",
}
_CODE = {"code": "number"}
DEEDS = {
    "her_quartiers": Deed(_her_quartiers, Signature(options=True, writes=False), by_call=True),
    "open_follow_up": Deed(
        _open_follow_up,
        Signature(_OPENING, {"opened": "choice", "suivi_code": "text", "next_on": "text"}),
        by_call=True,
    ),
    "follow_up_seen": Deed(
        _follow_up_seen, Signature(_CODE, {"found": "choice", "sorte": "choice"}, writes=False), by_call=True
    ),
    "note_contact": Deed(_note_contact, Signature(_CODE, {"noted": "choice", "next_on": "text"}), by_call=True),
    "note_birth": Deed(
        _note_birth,
        Signature({**_CODE, "on": "date", "alive": "number", "sure": "choice"}, {"born": "choice", "codes": "text"}),
        by_call=True,
    ),
    "children_of_follow_up": Deed(_children_of_follow_up, Signature(_CODE, options=True, writes=False), by_call=True),
    "note_loss": Deed(_note_loss, Signature({**_CODE, "child": "id?"}), by_call=True),
    "end_follow_up": Deed(_end_follow_up, Signature({**_CODE, "why": "choice"}), by_call=True),
}
