"""Callers who type anything, with actions that come to anything: all get a screen, and an end."""

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import engine
from flows.engine import Action, Handset, Outcome, Progress, Turn
from flows.model import Flow
from tests.flows.callers import FACTS, TODAY, a_flow, amv, keeps_promises, ours

STRESS = a_flow(
    """
  - id: avis
    say: {fr: "{mot} et encore {mot}, puis {jour}, {mot}, {lieux}, {mot}, {mot}, {mot}.", bm: "ɲɲɲ {mot}"}
  - id: mot
    text: {fr: "Un mot ? {lieux}", bm: "ŋ ?"}
    max: 60
    or:
      rien: {fr: "Rien", bm: "Foyi"}
    wrong: {fr: "Pas compris, pas compris, pas compris, pas compris, pas compris, pas compris, pas compris.", bm: "ɛ"}
  - id: lieux
    pick: {all: "Lesquels ? {mot} {mot} {mot} {mot}"}
    options_from: quartiers
    show: 60
    empty: jour
    fails: mot
  - id: jour
    date: {all: "Jour ? {lieux} {lieux}"}
    from: -120y
    to: +900y
  - id: fin_du_jour
    date: {all: "Et après ?"}
    from: jour
    to: jour
    give_up: tel
  - id: tel
    phone: {all: "{fin_du_jour} {mot} {lieux} {mot} {lieux}"}
  - id: ici
    menu: {all: "{tel} ? {mot}{mot}{mot}{mot}{mot}"}
    options_from: quartiers
    show: 1
    empty: fin
    fails: fin
  - id: encore
    menu: {all: "Encore ? {ici}"}
    options:
      oui: {all: "Oui"}
      non: {all: "Non, et une étiquette bien trop longue pour tenir sur un écran : non, non, non, non, non, non, non."}
    go: {oui: avis}
    again: 3
    give_up: fin
  - id: sms
    say: {all: "{mot} {ici}"}
    by: sms
  - id: tri
    when:
      - {if: "age_months(jour) > 3 and count(lieux) >= 2 or mot == \\"x\\"", go: fin}
      - {else: long}
  - id: long
    say: {all: "{mot}{mot}{mot}{mot}{mot} {lieux}{lieux}{lieux}{lieux}"}
  - id: fin
    end: {all: "{mot} {lieux} {jour} {fin_du_jour} {tel} {ici} {mot} {mot} {mot} {mot}"}
""",
    languages="[fr, bm]",
    reviewed="{bm: true}",
)
EVERY_FLOW = [*ours().flows.values(), amv(), STRESS]
# Three wrong answers end a question; the longest flow has fewer than so many.
PATIENCE = 120

anything = st.text(max_size=30) | st.sampled_from(
    ["", " ", "\0", "9" * 5000, "*", "😀", "ߊߟߎ", "\ud800", "0.", "９", "\x1b["]
)
likely = st.sampled_from(
    ["0", "9", "1", "2", "3", "4", "5", "8", "13", "Awa Keïta", "Ɲɔ" * 12, "{nom}", "050326", "01012025", "70000001"]
)
typed = likely | likely | anything
a_value = st.text(max_size=60) | st.integers(-10, 10**12) | st.dates() | st.none() | st.booleans()
a_label = st.text(max_size=80) | st.dictionaries(st.sampled_from(["fr", "bm", "en"]), st.text(max_size=40), max_size=3)
facts_told = st.fixed_dictionaries(
    {
        "langue_connue": st.booleans(),
        "enfants": st.integers(0, 40),
        "messages_arretes": st.booleans(),
        "passation": st.booleans(),
        "mediatrice": st.booleans(),
        "code": st.text(max_size=40),
        "urgence": st.text(max_size=40),
        "ecoute": st.text(max_size=40),
    }
)
spoken = st.sampled_from([("fr",), ("fr", "bm"), ("bm",), ("en", "fr", "bm"), ()])
limits = st.sampled_from([160, 160, 182, 100, 80])


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    names = (
        "code",
        "due",
        "centre",
        "state",
        "birth",
        "montant",
        "numero",
        "etat",
        "reponse",
        "carte",
        "deja",
        "infos",
    )
    return Outcome(
        draw(st.sampled_from([True, True, True, False])),
        draw(st.dictionaries(st.sampled_from(names), a_value)),
        tuple(draw(st.lists(st.tuples(st.text(max_size=8), a_label), max_size=20))),
    )


def settled(flow: Flow, turn: Turn, data: st.DataObject, handset: Handset, today: date) -> Turn:
    """The turn after every action it asks for came to something."""
    for _ in range(60):
        keeps_promises(turn, handset)
        if turn.pending is None:
            return turn
        assert isinstance(turn.pending, Action)
        kept = Progress.from_json(turn.progress.to_json())
        turn = engine.resume(flow, kept, data.draw(outcomes()), today, handset)
    raise AssertionError("sixty actions without a question")


@given(data=st.data(), keys=st.lists(typed, max_size=25), facts=facts_told, speaks=spoken, limit=limits)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_callers_type_they_get_a_screen_and_an_end(
    data: st.DataObject, keys: list[str], facts: dict[str, object], speaks: tuple[str, ...], limit: int
) -> None:
    flow, handset, today = data.draw(st.sampled_from(EVERY_FLOW)), Handset(limit=limit), TODAY
    turn = engine.begin(flow, today, facts=facts, speaks=speaks, language="bm", handset=handset)  # type: ignore[arg-type]
    turn = settled(flow, turn, data, handset, today)
    for key in keys:
        kept = Progress.from_json(turn.progress.to_json())
        turn = settled(flow, engine.answer(flow, kept, key, today, handset), data, handset, today)
        today += timedelta(len(key) % 3)
    for _ in range(PATIENCE):
        if turn.screen is not None and not turn.screen.more:
            return
        turn = settled(flow, engine.answer(flow, turn.progress, "???", today, handset), data, handset, today)
    raise AssertionError(f"never ends: {turn.screen}")


@given(data=st.data(), keys=st.lists(likely, max_size=15))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_answer_taken_back_and_given_again_changes_nothing(data: st.DataObject, keys: list[str]) -> None:
    flow, handset = data.draw(st.sampled_from(EVERY_FLOW)), Handset()
    facts = FACTS | {"langue_connue": False}
    turn = settled(flow, engine.begin(flow, TODAY, facts=facts), data, handset, TODAY)
    for key in keys:
        before, after = turn, settled(flow, engine.answer(flow, turn.progress, key, TODAY), data, handset, TODAY)
        turn = after
        accepted = len(after.progress.tape) > len(before.progress.tape) and before.progress.wrong == 0
        if not accepted or before.progress.page or after.progress.page or after.screen is None:
            continue
        if not after.screen.more or "0 Retour" not in after.screen.text:
            continue
        back = engine.answer(flow, after.progress, "0", TODAY)
        assert back.screen == before.screen
        assert back.pending is None
        assert back.progress.values == before.progress.values
