"""The dated follow-ups: worked people, and what must hold for everybody."""

from __future__ import annotations

import ast
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import protocol_file
from service.domain.cover import built_in_renewal, end_of_cover
from service.domain.malaria_rounds import built_in_malaria, load_malaria, rounds_for
from service.domain.muac import CannotBe, built_in_rules
from service.domain.protocol_file import Protocol
from service.domain.protocols import (
    SILENCE,
    Anchor,
    Following,
    NotPossible,
    built_in_protocol,
    contacts_of,
    due_on,
    pregnancy_from_week,
    what_follows,
)
from service.domain.rations import Discharge, Measure, NextVisit, Referred, after_measure, built_in_nutrition

CASES = yaml.safe_load((Path(__file__).parent / "data" / "protocol-cases.yaml").read_text(encoding="utf-8"))
ANC = built_in_protocol("ml-anc-pnc-2026")
NUTRITION, MALARIA, RENEWAL = built_in_nutrition(), built_in_malaria(), built_in_renewal()
PROTOCOLS = {one.name: one for one in (ANC, NUTRITION.protocol, MALARIA.protocol, RENEWAL.protocol)}
MUAC = built_in_rules()
LMP = date(2025, 1, 6)


def cases(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[kind], ids=lambda case: case["id"])


# -- worked cases ------------------------------------------------------------------------------------------------------


@cases("contacts")
def test_worked_contacts(case: dict) -> None:
    protocol = PROTOCOLS[case["protocol"]].with_parameters(case.get("parameters", {}))
    kind, day, *_ = case["anchor"].values()
    anchor = Anchor(kind, day, closes_on=case["anchor"].get("closes_on"))
    found = contacts_of(protocol, anchor, case.get("done", {}), case["today"])
    shown = [{"id": one.id, "best": one.best_on, "until": one.until, "late": one.late} for one in found]
    assert shown[: case.get("first")] == [{"late": False, **one} for one in case["expect"]], case["why"]


@cases("children_rounds")
def test_worked_rounds(case: dict) -> None:
    found = rounds_for(MALARIA, case["born"], case["district"], case["year"])
    assert [[one.number, one.opens_on, one.closes_on, one.band.id] for one in found] == case["expect"], case["why"]


@cases("measures")
def test_worked_measures(case: dict) -> None:
    seen = [Measure(on, 12, mm, weight_g=weight) for on, mm, weight in case["seen"]]
    seen[-1] = seen[-1]._replace(oedema=case.get("oedema", False), danger=case.get("danger", False))
    nutrition = NUTRITION.with_parameters(case.get("parameters", {}))
    found = after_measure(nutrition, MUAC, case["admitted"], seen)
    assert after_measure(nutrition, MUAC, case["admitted"], seen[::-1]) == found, "the order of writing says nothing"
    match found:
        case NextVisit(on, None):
            shown = {"visit": on, "ration": "none"}
        case NextVisit(on, ration):
            shown = {"visit": on, "sachets": ration.sachets}
        case Discharge(on):
            shown = {"discharge": on}
        case Referred(referral, again):
            shown = {"referred": referral.to, "seen_again": again}
    assert shown == case["expect"], case["why"]


# -- pregnancy, birth, loss --------------------------------------------------------------------------------------------


def test_what_was_missed_and_still_makes_sense_is_done_at_the_first_contact() -> None:
    first, second, *_ = contacts_of(ANC, Anchor("last_menses", LMP), {}, LMP + timedelta(weeks=30))
    assert [text.split()[0] for text in first.acts_fr] == ["Relever", "Vaccin", "TPI-SP", "Revoir"]
    assert [text.split()[0] for text in second.acts_fr] == ["TPI-SP", "Revoir"]


def test_a_contact_made_in_between_took_up_what_was_missed() -> None:
    first, *_ = contacts_of(ANC, Anchor("last_menses", LMP), {"w26": date(2025, 7, 9)}, date(2025, 7, 30))
    assert first.id == "w30"
    assert [text.split()[0] for text in first.acts_fr] == ["TPI-SP", "Revoir"]


def test_a_vaccine_too_near_to_the_birth_is_left_out() -> None:
    last, *_ = contacts_of(ANC, Anchor("last_menses", LMP), {}, LMP + timedelta(days=280 - 13))
    assert last.id == "w38"
    assert "Td" not in "".join(last.acts_fr)
    day_before, *_ = contacts_of(ANC, Anchor("last_menses", LMP), {}, LMP + timedelta(days=280 - 14))
    assert "Td" in "".join(day_before.acts_fr)


def test_a_doubtful_start_is_judged_on_the_safe_side() -> None:
    """At 14 weeks give or take two, she may be at 12: no SP yet."""
    seen_on = date(2025, 4, 14)
    sure, *_ = contacts_of(ANC, pregnancy_from_week(14, seen_on), {}, seen_on)
    doubtful, *_ = contacts_of(ANC, pregnancy_from_week(14, seen_on, give_or_take_weeks=2), {}, seen_on)
    assert sure.best_on == doubtful.best_on == seen_on
    assert any("TPI" in text for text in sure.acts_fr)
    assert not any("TPI" in text for text in doubtful.acts_fr)


def test_a_vaccine_is_left_out_when_the_birth_may_be_near() -> None:
    """At 36 weeks give or take three, she may be at 39."""
    day = LMP + timedelta(weeks=36)
    sure, *_ = contacts_of(ANC, Anchor("last_menses", LMP), {}, day)
    doubtful, *_ = contacts_of(ANC, Anchor("last_menses", LMP, give_or_take=21), {}, day)
    assert any("Td" in text for text in sure.acts_fr)
    assert not any("Td" in text for text in doubtful.acts_fr)


def test_the_week_on_the_card_gives_the_start_and_the_expected_day() -> None:
    assert pregnancy_from_week(12, date(2025, 3, 31)).on == LMP
    assert due_on(ANC, Anchor("last_menses", LMP)) == date(2025, 10, 13)
    with pytest.raises(NotPossible, match="never negative"):
        pregnancy_from_week(-1, LMP)


def test_nothing_is_sent_to_a_family_after_the_expected_week_before_somebody_has_asked() -> None:
    for model in ("who_2016", "focused_4"):
        protocol = ANC.with_parameters({"antenatal_model": model})
        found = contacts_of(protocol, Anchor("last_menses", LMP), {}, LMP + timedelta(weeks=41))
        assert [(one.id, one.remind) for one in found] == [("news", False)]


def test_a_doubtful_start_brings_the_silence_forward() -> None:
    """Give or take three weeks, week 38 may be week 41: she may have given birth, or lost the child."""
    found = contacts_of(ANC, Anchor("last_menses", LMP, give_or_take=21), {}, LMP + timedelta(weeks=36))
    assert [(one.id, one.remind) for one in found] == [("w36", True), ("w38", False), ("w40", False), ("news", False)]


def test_a_birth_begins_the_postnatal_part_and_the_childs_calendar() -> None:
    born, pregnancy = date(2025, 10, 9), Anchor("last_menses", LMP)
    following = what_follows(pregnancy, "birth", born, born)
    assert following == Following(Anchor("birth", born), (born,), silence=False)
    assert [one.id for one in contacts_of(ANC, following.begins, {}, born)] == ["h24", "d3", "d7", "w6"]
    assert what_follows(pregnancy, "birth", born, born, alive=2).children_born_on == (born, born)


@pytest.mark.parametrize("running", [Anchor("last_menses", LMP), Anchor("birth", LMP), Anchor("admission", LMP)])
@pytest.mark.parametrize("event", ["loss", "death"])
def test_a_loss_or_a_death_asks_for_silence(running: Anchor, event: str) -> None:
    assert what_follows(running, event, date(2025, 6, 1), date(2025, 6, 2)) == SILENCE == Following(None, (), True)


def test_an_event_within_the_doubt_about_the_start_is_believed() -> None:
    running = Anchor("last_menses", LMP, give_or_take=7)
    assert what_follows(running, "loss", LMP - timedelta(7), LMP) == SILENCE


def test_a_birth_without_a_living_child_asks_for_silence() -> None:
    assert what_follows(Anchor("last_menses", LMP), "birth", date(2025, 9, 1), date(2025, 9, 1), alive=0) == SILENCE


@pytest.mark.parametrize(
    ("running", "event", "on", "alive"),
    [
        (Anchor("last_menses", LMP), "birth", date(2025, 10, 10), 1),  # tomorrow
        (Anchor("last_menses", LMP), "death", date(2025, 1, 5), 1),
        (Anchor("last_menses", LMP, give_or_take=7), "loss", date(2024, 12, 29), 1),
        (Anchor("birth", LMP), "birth", date(2025, 9, 1), 1),
        (Anchor("last_menses", LMP), "birth", date(2025, 9, 1), -1),
    ],
)
def test_what_cannot_be_is_refused(running: Anchor, event: str, on: date, alive: int) -> None:
    with pytest.raises(NotPossible):
        what_follows(running, event, on, date(2025, 10, 9), alive)


# -- malaria, nutrition, cover: what is refused, and what is never said ------------------------------------------------


def test_a_band_has_its_blister_and_only_staff_see_the_tablets() -> None:
    bands = {band.id: band for band in MALARIA.bands}
    assert bands["child"].blister_fr == "plaquette 12 à 59 mois"
    assert "500 mg" in bands["child"].staff_only_fr
    assert bands["extension"].staff_only_fr is None, "doses for 5 to 10 years were not found"
    assert not any("mg" in band.blister_fr for band in MALARIA.bands)


def test_a_round_reminds_only_of_its_first_day() -> None:
    [one, *_] = rounds_for(MALARIA, date(2022, 6, 1), "Kadiolo", 2024)
    assert [contact.remind for contact in contacts_of(MALARIA.protocol, one.anchor, {}, one.opens_on)] == [
        True, False, False,
    ]  # fmt: skip
    for end in (None, one.opens_on - timedelta(1)):
        with pytest.raises(NotPossible, match="announced day"):
            contacts_of(MALARIA.protocol, Anchor("round", one.opens_on, closes_on=end), {}, one.opens_on)


def test_older_children_are_invited_only_where_the_extension_was_announced() -> None:
    wider = load_malaria(MALARIA.protocol.text.replace("    districts: [", "    districts: [Kati, "))
    assert rounds_for(wider, date(2017, 1, 1), "Kadiolo", 2024)
    assert rounds_for(wider, date(2022, 1, 1), "Kati", 2024)
    assert rounds_for(wider, date(2017, 1, 1), "Kati", 2024) == ()


def test_measures_that_cannot_be_are_refused() -> None:
    day = date(2026, 1, 8)
    for wrong in ([], [Measure(day - timedelta(1), 12, 120)], [Measure(day, 12, 120, weight_g=0)]):
        with pytest.raises(NotPossible):
            after_measure(NUTRITION, MUAC, day, wrong)
    with pytest.raises(CannotBe):
        after_measure(NUTRITION, MUAC, day, [Measure(day, 12, 12)])


def test_a_child_too_young_or_too_old_for_the_tape_is_looked_at_instead() -> None:
    for months in (5, 60):
        found = after_measure(NUTRITION, MUAC, LMP, [Measure(LMP, months, 112, weight_g=6000)])
        assert isinstance(found, Referred)
        assert found.referral.to == "health_centre"


def test_a_ration_is_as_sure_as_its_weakest_figure() -> None:
    found = after_measure(NUTRITION, MUAC, LMP, [Measure(LMP, 12, 112, weight_g=6000)])
    assert found.ration.confidence == "low"  # the table is sure, the sachets are derived here


def test_a_card_ends_the_day_before_its_third_anniversary() -> None:
    assert end_of_cover(RENEWAL, "RAMED", date(2024, 2, 29)) == Anchor("end_of_card", date(2027, 2, 28))
    assert end_of_cover(RENEWAL, "RAMED", date(2024, 3, 1)).on == date(2027, 2, 28)
    shorter = RENEWAL.with_parameters({"ramed_valid_months": 12})
    assert end_of_cover(shorter, "RAMED", date(2024, 3, 31)).on == date(2025, 3, 30)


def test_the_end_of_a_voluntary_cover_is_never_guessed() -> None:
    with pytest.raises(NotPossible, match="give its last day"):
        end_of_cover(RENEWAL, "AMV", LMP)
    assert end_of_cover(RENEWAL, "AMV", LMP, date(2025, 12, 31)) == Anchor("end_of_cover", date(2025, 12, 31))
    with pytest.raises(NotPossible, match="before it begins"):
        end_of_cover(RENEWAL, "AMV", LMP, date(2025, 1, 5))
    with pytest.raises(NotPossible, match="known: AMV, RAMED"):
        end_of_cover(RENEWAL, "AMO", LMP)


def test_every_programme_says_the_same_discreet_words() -> None:
    """The envelope must not betray the content: one label, of no illness, no money and no medicine."""
    assert {protocol.label_fr for protocol in PROTOCOLS.values()} == {"rendez-vous de suivi"}


# -- what holds for everybody ------------------------------------------------------------------------------------------

MODELS = [
    ANC,
    ANC.with_parameters({"antenatal_model": "focused_4", "postnatal_model": "cht_sample"}),
    NUTRITION.protocol,
    NUTRITION.with_parameters({"treatment": "mali_simplified"}).protocol,
    MALARIA.protocol,
    RENEWAL.protocol,
]
DAYS = st.dates(date(2019, 1, 1), date(2032, 12, 31)) | st.sampled_from(
    [date(2024, 2, 29), date(2024, 1, 31), date(2025, 2, 28), date(2025, 12, 31), date(2028, 2, 29)]
)


@st.composite
def followed(draw: st.DrawFn) -> tuple[Protocol, Anchor, dict[str, date], date]:
    """A protocol, an anchor of it, a day within its reach, and contacts made until then."""
    protocol = draw(st.sampled_from(MODELS))
    kind, on = draw(st.sampled_from(sorted(protocol.contacts))), draw(DAYS)
    anchor = Anchor(kind, on, draw(st.sampled_from([0, 0, 7, 28])), on + timedelta(draw(st.integers(0, 5))))
    today = on + timedelta(draw(st.integers(-40, 340)))
    names = [rule.id for rule in protocol.contacts[kind]]
    if names == ["visit"]:
        names = [f"visit-{n}" for n in range(1, draw(st.integers(1, 8)))]
    visits = names[:1] == ["visit-1"]  # visits are made in their order, other contacts as it comes
    made = names if visits else draw(st.sets(st.sampled_from(names or ["none"])))
    done = {name: min(today, on + timedelta(draw(st.integers(0, 300)))) for name in sorted(made)}
    return protocol, anchor, done, today


@settings(max_examples=400, deadline=None)
@given(followed())
def test_contacts_are_in_order_and_never_in_the_past(one: tuple) -> None:
    protocol, anchor, done, today = one
    found = contacts_of(protocol, anchor, done, today)
    rules = {rule.id: rule for rule in protocol.contacts[anchor.kind]}
    for before, after in pairwise(found):
        assert before.best_on <= after.best_on
    for contact in found:
        rule = rules[contact.id.partition("-")[0]]
        assert contact.opens_on <= contact.best_on <= contact.until < contact.lapses_on
        assert contact.best_on == max(contact.planned_on, today)
        assert contact.id not in done
        assert contact.label_fr == protocol.label_fr
        if contact.late:
            assert rule.last > rule.closes, "only what the protocol catches up is late"
        elif rule.closes is not None and not rule.follows and not rule.repeats:
            assert contact.until == anchor.on + timedelta(rule.closes)


@settings(max_examples=200, deadline=None)
@given(followed(), st.integers(-800, 800))
def test_a_shifted_anchor_shifts_every_day(one: tuple, days: int) -> None:
    protocol, anchor, done, today = one
    by = timedelta(days)
    moved = anchor._replace(on=anchor.on + by, closes_on=anchor.closes_on + by)
    found = contacts_of(protocol, anchor, done, today)
    shifted = contacts_of(protocol, moved, {name: day + by for name, day in done.items()}, today + by)
    dates = ("opens_on", "best_on", "until", "planned_on", "lapses_on")
    assert [contact._replace(**{name: getattr(contact, name) + by for name in dates}) for contact in found] == list(
        shifted
    )


@settings(max_examples=100, deadline=None)
@given(followed(), st.integers(-30, 30))
def test_an_end_leaves_nothing(one: tuple, days: int) -> None:
    protocol, anchor, done, today = one
    ended = anchor._replace(ended_on=today + timedelta(days))
    assert contacts_of(protocol, ended, done, today) == ()


@settings(max_examples=100, deadline=None)
@given(followed())
def test_time_alone_brings_no_contact_back(one: tuple) -> None:
    protocol, anchor, done, today = one
    if protocol.contacts[anchor.kind][0].closes is None and "day1" not in done:
        return  # days 2 and 3 follow the day on which the first can still be
    names = {contact.id: contact.planned_on for contact in contacts_of(protocol, anchor, done, today)}
    later = {one.id: one.planned_on for one in contacts_of(protocol, anchor, done, today + timedelta(1))}
    assert later.items() <= names.items(), "the protocol's own day stays, whatever day is asked about"


@settings(max_examples=300, deadline=None)
@given(DAYS, st.sampled_from(["Kadiolo", "selingue", "Bamako"]))
def test_a_child_has_one_blister_on_each_day_of_a_round(born: date, district: str) -> None:
    found = rounds_for(MALARIA, born, district, 2024)
    season = {one.number: one for one in MALARIA.seasons[2024].rounds}
    for one in found:
        assert season[one.number].first <= one.opens_on <= one.closes_on <= season[one.number].last
    for before, after in pairwise(found):
        assert before.closes_on < after.opens_on


def test_a_contact_in_the_future_is_refused_and_an_unknown_one_changes_nothing() -> None:
    anchor = Anchor("last_menses", LMP)
    with pytest.raises(NotPossible, match="after today"):
        contacts_of(ANC, anchor, {"w12": LMP + timedelta(2)}, LMP + timedelta(1))
    assert contacts_of(ANC, anchor, {"cpn1": LMP}, LMP) == contacts_of(ANC, anchor, {}, LMP)
    with pytest.raises(NotPossible, match="has no contacts from 'round'"):
        contacts_of(ANC, Anchor("round", LMP), {}, LMP)


def test_no_health_figure_stands_in_code() -> None:
    """Every number of weeks, months, millimetres or sachets is data, with its source."""
    room = Path(protocol_file.__file__).parent
    for name in ("protocols", "protocol_file", "protocol_parameters", "malaria_rounds", "rations", "cover"):
        tree = ast.parse((room / f"{name}.py").read_text(encoding="utf-8"))
        constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        found = {value for value in constants if type(value) in (int, float)}
        assert found <= {0, 1, 2, 1000}, f"{name}.py: {found}"  # 2: every second word; 1000: grams in a kilogram
