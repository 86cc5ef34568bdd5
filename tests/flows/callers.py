"""People with a phone, for tests of conversations: they dial, press keys, and keep the engine to its promises."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from flows import engine
from flows.check import Signature
from flows.engine import USSD, Action, Event, Handset, Outcome, Progress, Turn
from flows.loader import load_library, load_sources
from flows.model import Flow, Library
from flows.sms_text import is_gsm7, units

DATA = Path(__file__).parent / "data"
TODAY = date(2026, 4, 1)
FACTS: dict[str, Any] = {
    "langue_connue": True,
    "enfants": 2,
    "messages_arretes": False,
    "passation": False,
    "mediatrice": False,
    "code": "*000*1#",
    "urgence": "",
    "ecoute": "",
}

VISIT = {"due": "text", "centre": "text"}
CENTRE = {"centre": "text", "days": "text", "reference": "text"}
CONTRACT = {
    "quartiers": Signature(options=True, writes=False),
    "visits_so_far": Signature({"birth": "date"}, options=True, writes=False),
    "date_of_age": Signature({"age": "number", "unit": "choice"}, {"birth": "date"}, writes=False),
    "enrol_child": Signature(
        {
            "name": "text", "birth": "date", "precision": "choice", "sex": "choice", "zone": "id",
            "last_visit": "choice", "last_visit_on": "date?", "consent": "choice",
        },
        {"child_code": "text", **VISIT, "demander": "yes_no"},
    ),
    "agree_to_more": Signature({"answer": "choice"}),
    "record_consent": Signature({"child": "id", "purpose": "choice", "answer": "choice"}, {"garde": "yes_no"}),
    "my_children": Signature(options=True, writes=False),
    "next_visit": Signature(
        {"child": "id"}, {**VISIT, "state": "choice", "days": "number", "child_code": "text"}, writes=False
    ),
    "stop_child": Signature({"child": "id"}, {"decide": "yes_no"}),
    "my_messages": Signature(
        {},
        {"rappels": "yes_no", "infos": "yes_no", "jamais_infos": "yes_no", "appels": "yes_no", "visites": "yes_no"},
        writes=False,
    ),
    "stop_messages": Signature({"purpose": "choice"}),
    "start_messages": Signature({"purpose": "choice"}),
    "choose_calls": Signature({"consent": "choice"}),
    "choose_sms": Signature(),
    "choose_words": Signature({"words": "choice"}),
    "quote_premium": Signature(
        {"scheme": "choice", "people": "number"}, {"montant": "text", "carte": "text"}, writes=False
    ),
    "my_mutual": Signature(
        {},
        {"etat": "choice", "numero": "text", "depuis": "text", "paye": "text", "membres": "number"},
        writes=False,
    ),
    "my_family": Signature(options=True, writes=False),
    "move_family": Signature({"who": "id", "zone": "id"}, {"centre": "text", "decide": "yes_no"}),
    "announce_phone": Signature({"number": "phone", "consent": "choice"}, {"done": "choice"}),
    "announce_second": Signature({"number": "phone", "consent": "choice"}, {"done": "choice"}),
    "second_phone": Signature({}, {"deja": "yes_no"}, writes=False),
    "remove_second": Signature(),
    "awaited": Signature({}, {"second": "yes_no"}, writes=False),
    "accept_handover": Signature({"consent": "choice"}),
    "refuse_handover": Signature(),
    "claim_child": Signature({"code": "number", "birth": "number", "consent": "choice"}, {"done": "choice"}),
    "not_my_child": Signature({"child": "id"}),
    "my_centre": Signature({}, CENTRE, writes=False),
    "centre_of_quartier": Signature({"zone": "id"}, CENTRE, writes=False),
    "can_be_measured": Signature({"child": "id"}, {"age": "choice"}, writes=False),
    "screen_arm": Signature(
        {
            "child": "id", "colour": "choice", "mm": "number?", "oedema": "choice", "danger": "choice",
            "consent": "choice",
        },
        {"meaning": "choice", "centre": "text"},
    ),
    "enrol_household": Signature(
        {"head": "text", "size": "number", "scheme": "choice", "consent": "choice"}, {"numero": "text"}
    ),
    "ask_visit": Signature({"zone": "id", "consent": "choice"}, {"numero": "text", "deja": "yes_no"}),
    "send_feedback": Signature({"kind": "choice", "words": "text", "consent": "choice"}, {"numero": "text"}),
    "feedback_state": Signature({"number": "number"}, {"etat": "choice", "reponse": "text"}, writes=False),
    "what_is_known": Signature(
        {},
        {"suivis": "number", "langue": "text", "rappels": "text", "infos": "text", "demandes": "text"},
        writes=False,
    ),
    "what_was_agreed": Signature(
        {}, {"rappels_dits": "text", "infos_dites": "text", "visites_dites": "text", "mots": "text"}, writes=False
    ),
    "forget_me": Signature(),
    "open_account": Signature({"pin": "number"}, {"opened": "choice"}),
    "child_seen": Signature({"code": "number"}, {"found": "choice", "enfant": "text"}, writes=False),
    "doses_due": Signature({"code": "number"}, options=True, writes=False),
    "record_seen": Signature(
        {"code": "number", "dose": "id"}, {"noted": "text", "state": "choice", "on": "text"}
    ),
    "visit_code": Signature(
        {"code": "number"}, {"found": "choice", "qui": "text", "lequel": "choice"}, writes=False
    ),
    "visit_listed": Signature(
        {"child": "id"}, {"found": "choice", "qui": "text", "lequel": "choice"}, writes=False
    ),
    "late_here": Signature(options=True, writes=False),
    "other_places": Signature({"child": "id"}, options=True, writes=False),
    "record_visit": Signature({"child": "id", "status": "choice"}),
    "record_move": Signature({"child": "id", "zone": "id"}),
    "change_pin": Signature({"former": "number", "new": "number", "again": "number"}, {"changed": "choice"}),
    "her_quartiers": Signature(options=True, writes=False),
    "open_follow_up": Signature(
        {"number": "phone", "zone": "id", "week": "number", "seen_on": "date", "precision": "choice",
         "consent": "choice", "another": "choice"},
        {"opened": "choice", "suivi_code": "text", "next_on": "text"},
    ),
    "follow_up_seen": Signature({"code": "number"}, {"found": "choice", "sorte": "choice"}, writes=False),
    "note_contact": Signature({"code": "number"}, {"noted": "choice", "next_on": "text"}),
    "note_birth": Signature(
        {"code": "number", "on": "date", "alive": "number", "sure": "choice"}, {"born": "choice", "codes": "text"}
    ),
    "children_of_follow_up": Signature({"code": "number"}, options=True, writes=False),
    "note_loss": Signature({"code": "number", "child": "id?"}),
    "end_follow_up": Signature({"code": "number", "why": "choice"}),
    "treatment_seen": Signature({"code": "number"}, {"found": "choice", "enfant": "text"}, writes=False),
    "open_treatment": Signature(
        {"code": "number", "mm": "number", "oedema": "choice", "consent": "choice"},
        {"noted": "choice", "next_on": "text"},
    ),
    "note_measure": Signature(
        {"code": "number", "mm": "number", "oedema": "choice"}, {"noted": "choice", "next_on": "text"}
    ),
    "send_child_on": Signature({"code": "number"}, {"noted": "choice", "next_on": "text"}),
    "end_treatment": Signature({"code": "number", "why": "choice"}),
}  # fmt: skip
"""What the actions of our conversations take and give, as the checker is told."""

QUARTIERS = (
    "Badialan 1", "Badialan 2", "Badialan 3", "Bamako-Coura", "Bamako-Coura Bolibana", "Centre commercial", "Darsalam",
    "Dravela", "Dravela Bolibana", "Ex-Base A", "Ex-Base B", "Kodabougou", "Koulouba", "Koulouniko", "Minkoungo",
    "N'Tomikorobougou", "Nyomirambougou", "Ouolofobougou", "Ouolofobougou Bolibana", "Point G", "Quartier du fleuve",
    "Same", "Sirakoro Dounfing", "Sokonafing",
)  # fmt: skip
CHILDREN = (
    ("c1", {"fr": "Enfant 1, né 03/2026", "bm": "Den 1, a bangera 03/2026", "en": "Child 1, born 03/2026"}),
    ("c2", {"fr": "Enfant 2, née 11/2024", "bm": "Den 2, a bangera 11/2024", "en": "Child 2, born 11/2024"}),
)
VISITS = (
    ("none", {"fr": "Aucun", "bm": "Foyi", "en": "None"}),
    ("birth", {"fr": "Naissance", "bm": "Bange", "en": "Birth"}),
    ("w6", {"fr": "6 semaines", "bm": "Dɔgɔkun 6", "en": "6 weeks"}),
)

Answers = Mapping[str, Outcome | Callable[[Action], Outcome]]
USUAL: dict[str, Outcome] = {
    "quartiers": Outcome(True, options=tuple((str(place), name) for place, name in enumerate(QUARTIERS, 1))),
    "visits_so_far": Outcome(True, options=VISITS),
    "date_of_age": Outcome(True, {"birth": date(2026, 1, 1)}),
    "enrol_child": Outcome(
        True, {"child_code": "4821 7730", "due": "16/04/26", "centre": "CSCom ASACODAR", "demander": True}
    ),
    "agree_to_more": Outcome(True),
    "record_consent": Outcome(True, {"garde": True}),
    "my_children": Outcome(True, options=CHILDREN),
    "next_visit": Outcome(
        True,
        {"due": "16/04/26", "centre": "CSCom ASACODAR", "state": "coming", "days": 0, "child_code": "4821 7730"},
    ),
    "stop_child": Outcome(True, {"decide": True}),
    "my_messages": Outcome(True, {"rappels": True, "infos": True, "visites": True}),
    "choose_words": Outcome(True),
    "my_family": Outcome(True, options=(("all", "Toute la famille"), *CHILDREN)),
    "move_family": Outcome(True, {"centre": "CSCom ASACODRAB", "decide": True}),
    "announce_phone": Outcome(True, {"done": "announced"}),
    "announce_second": Outcome(True, {"done": "announced"}),
    "second_phone": Outcome(True, {"deja": False}),
    "remove_second": Outcome(True),
    "awaited": Outcome(True, {"second": False}),
    "accept_handover": Outcome(True),
    "refuse_handover": Outcome(True),
    "claim_child": Outcome(True, {"done": "ok"}),
    "not_my_child": Outcome(True),
    "my_centre": Outcome(True, {"centre": "", "days": "", "reference": "Commune 3 central (PMI)"}),
    "centre_of_quartier": Outcome(
        True, {"centre": "CSCom ASACODAR", "days": "", "reference": "Commune 3 central (PMI)"}
    ),
    "can_be_measured": Outcome(True, {"age": "fits"}),
    "screen_arm": Outcome(True, {"meaning": "green", "centre": "CSCom ASACODAR"}),
    "stop_messages": Outcome(True),
    "start_messages": Outcome(True),
    "quote_premium": Outcome(True, {"montant": "12 500", "carte": ""}),
    "my_mutual": Outcome(True, {"etat": "none", "numero": "", "depuis": "", "paye": "", "membres": 0}),
    "enrol_household": Outcome(True, {"numero": "A-2041"}),
    "ask_visit": Outcome(True, {"numero": "V-482177", "deja": False}),
    "send_feedback": Outcome(True, {"numero": "482177"}),
    "feedback_state": Outcome(True, {"etat": "received", "reponse": ""}),
    "what_is_known": Outcome(
        True, {"suivis": 2, "langue": "français", "rappels": "oui", "infos": "non", "demandes": "A-204117"}
    ),
    "what_was_agreed": Outcome(
        True,
        {
            "rappels_dits": "oui, 16/04/26, appel",
            "infos_dites": "pas demandé",
            "visites_dites": "pas demandé",
            "mots": "discrets",
        },
    ),
    "forget_me": Outcome(True),
    "open_account": Outcome(True, {"opened": "yes"}),
    "child_seen": Outcome(True, {"found": "yes", "enfant": "Enfant né 03/2026"}),
    "doses_due": Outcome(True, options=(("all", "Toutes"), ("PENTA1", "PENTA1"), ("OPV1", "OPV1"))),
    "record_seen": Outcome(True, {"noted": "PENTA1 OPV1", "state": "coming", "on": "16/04/26"}),
    "visit_code": Outcome(True, {"found": "yes", "qui": "Enfant né 03/2026", "lequel": "1"}),
    "visit_listed": Outcome(True, {"found": "yes", "qui": "Enfant né 03/2026", "lequel": "1"}),
    "late_here": Outcome(True, options=(("1", "4821 7730, 21 j"), ("2", "5530 1188, 16 j"))),
    "other_places": Outcome(True, options=(("elsewhere", "Ailleurs, autre ville"), ("2", "Badialan 1"))),
    "record_visit": Outcome(True),
    "record_move": Outcome(True),
    "change_pin": Outcome(True, {"changed": "changed"}),
    "her_quartiers": Outcome(True, options=(("5", "Bamako-Coura"), ("7", "Darsalam"))),
    "open_follow_up": Outcome(True, {"opened": "yes", "suivi_code": "4821 7730", "next_on": "16/04/26"}),
    "follow_up_seen": Outcome(True, {"found": "yes", "sorte": "antenatal"}),
    "note_contact": Outcome(True, {"noted": "yes", "next_on": "16/04/26"}),
    "note_birth": Outcome(True, {"born": "yes", "codes": "4821 7730"}),
    "children_of_follow_up": Outcome(True),
    "note_loss": Outcome(True),
    "end_follow_up": Outcome(True),
    "treatment_seen": Outcome(True, {"found": "new", "enfant": "Enfant né 03/2026"}),
    "open_treatment": Outcome(True, {"noted": "yes", "next_on": "16/04/26"}),
    "note_measure": Outcome(True, {"noted": "yes", "next_on": "16/04/26"}),
    "send_child_on": Outcome(True, {"noted": "sent", "next_on": "16/04/26"}),
    "end_treatment": Outcome(True),
}


@cache
def ours() -> Library:
    """The conversations that come with the program."""
    return load_library()


def amv() -> Flow:
    """A form of the usual size."""
    name = "adhesion_amv.yaml"
    return load_sources({name: (DATA / name).read_text("utf-8")}).get("adhesion_amv")


def source_of(steps: str, name: str = "essai", top: str = "", languages: str = "[fr]", reviewed: str = "{}") -> str:
    """A whole file from its steps, written under `steps:`."""
    head = f'flow: {name}\nversion: 1\ntitle: {{all: "Essai"}}\nlanguages: {languages}\nreviewed: {reviewed}\n'
    return f"{head}{top and top + chr(10)}steps:\n{steps}\n"


def a_flow(steps: str, **others: str) -> Flow:
    """A flow that loads, from its steps alone. Others are sub-flows by name, or `top`, `languages`, `reviewed`."""
    around = {key: others.pop(key) for key in ("top", "languages", "reviewed") if key in others}
    sources = {f"{name}.yaml": source_of(inner, name) for name, inner in others.items()}
    return load_sources({"essai.yaml": source_of(steps, **around), **sources}).get("essai")


class Caller:
    """Dials a flow and presses keys. Every turn is kept as JSON before the next, and judged by `keeps_promises`."""

    def __init__(self, flow: Flow, answers: Answers | None = None, *, handset: Handset = USSD, **begin: Any) -> None:
        self.flow = flow
        self.answers: Answers = {**USUAL, **(answers or {})}
        self.handset = handset
        self.today = TODAY
        self.asked: list[Action] = []
        self.events: list[Event] = []
        begin.setdefault("facts", FACTS)
        self.turn = self._settled(engine.begin(flow, self.today, handset=handset, **begin))

    @property
    def screen(self) -> str:
        assert self.turn.screen is not None
        return self.turn.screen.text

    @property
    def is_over(self) -> bool:
        assert self.turn.screen is not None
        return not self.turn.screen.more

    def press(self, *typed: str) -> str:
        """Type these, one after the other; the last screen."""
        for each in typed:
            kept = Progress.from_json(self.turn.progress.to_json())
            assert kept == self.turn.progress
            self.turn = self._settled(engine.answer(self.flow, kept, each, self.today, self.handset))
        return self.screen

    def actions(self) -> list[str]:
        return [action.name for action in self.asked]

    def _settled(self, turn: Turn) -> Turn:
        for _ in range(20):
            keeps_promises(turn, self.handset)
            self.events += turn.events
            if turn.pending is None:
                return turn
            self.asked.append(turn.pending)
            answer = self.answers[turn.pending.name]
            outcome = answer if isinstance(answer, Outcome) else answer(turn.pending)
            kept = Progress.from_json(turn.progress.to_json())
            turn = engine.resume(self.flow, kept, outcome, self.today, self.handset)
        raise AssertionError("the flow does not stop asking for actions")


def keeps_promises(turn: Turn, handset: Handset = USSD) -> None:
    """A screen or an action; a screen that every phone can show; a progress that survives as JSON."""
    assert (turn.screen is None) != (turn.pending is None)
    if turn.screen is not None:
        assert turn.screen.text.strip()
        assert is_gsm7(turn.screen.text), turn.screen.text
        assert units(turn.screen.text) <= handset.limit, turn.screen.text
    assert Progress.from_json(turn.progress.to_json()) == turn.progress
