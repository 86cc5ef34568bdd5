"""The follow-ups with dates of a rehearsed year: every kind is lived, and the judge finds each planted fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest

from scheduler.timetable import one_round
from service.domain.contacts import Contact
from service.rehearsing import judge, rounds
from service.rehearsing.behaviour import Behaviour, BehaviourMistake, built_in_behaviour, load_behaviour
from service.rehearsing.both_years import Asked, Rehearsed, rehearse_year
from service.rehearsing.truth import (
    ANTENATAL,
    COVER,
    KINDS,
    NUTRITION,
    ROUND,
    Fact,
    FactKind,
    Left,
    Listed,
    Truth,
    days_named,
    is_about_a_round,
    is_recall,
    names,
)
from tests.test_rehearse import FILE, FIRST, busy, copy, rules

DAY_MS = 86_400_000
CALM = {"stops": "0", "stranger_stops": "0", "dies": "0.2", "leaves": "0.2", "phone_lost": "0", "wrong_number": "0.04"}
FOLLOWED = CALM | {"new_number": "0.2", "moves": "0.2", "cancelled": "0.04", "out_of_stock": "0.1"}


def many_followed() -> Behaviour:
    """So many that each kind of follow-up begins, goes on and ends within four months."""
    model = busy(**FOLLOWED)
    cover = model.spans["cover"]._replace(fewest=32, most=50)
    return model._replace(spans={**model.spans, "cover": cover})


@pytest.fixture(scope="module")
def followed() -> Rehearsed:
    return rehearse_year(Asked(50, 4, 7, FIRST, many_followed()), one_round)


def test_every_kind_of_follow_up_is_lived_and_every_promise_kept(followed: Rehearsed) -> None:
    found = followed.report.judgement
    assert found.broken == ()
    assert all(found.about[of] > 0 for of in KINDS), found.about
    assert all(found.checks[of] > 0 for of in KINDS), found.checks
    lived = followed.report.follow_ups
    for what in ("enfants traités pour malnutrition", "naissances d'une grossesse suivie", "couvertures reprises"):
        assert lived[what] > 0, lived
    assert {told.word.kind for told in followed.truth.seasons} == {"announced", "moved", "cancelled"}
    assert any(is_about_a_round(one) for one in followed.truth.left)


def test_a_child_born_of_a_followed_pregnancy_is_recalled_like_any_other(followed: Rehearsed) -> None:
    born = {fact.kid for fact in followed.truth.facts if fact.of == ANTENATAL and fact.value == "born"}
    assert born
    assert born <= {fact.kid for fact in followed.truth.facts if fact.kind == "contacts" and fact.of == "vaccine"}


def test_nobody_can_tell_from_the_words_what_a_visit_is_for(followed: Rehearsed) -> None:
    """But for the day and the centre, what is said of a treatment or a pregnancy is said of a vaccine too."""
    said = {of: {shape(one) for one, _ in told(followed.truth, of)} for of in ("vaccine", NUTRITION, ROUND, ANTENATAL)}
    assert all(said.values())
    assert said[NUTRITION] | said[ROUND] | said[ANTENATAL] <= said["vaccine"]


def shape(one: Left) -> str:
    return re.sub(r"au (CSCom \w+|centre de sant[ée])", "au X", re.sub(r"\d\d/\d\d", "0", one.text))


# --- the judge ------------------------------------------------------------------------------------


def told(truth: Truth, of: str) -> list[tuple[Left, Fact]]:
    """Messages that name one day, of one thing only: a contact of this kind, with the fact that planned it."""
    family = {fact.value: fact.family for fact in truth.facts if fact.kind == "phone" and fact.value}
    planned: dict[str, list[tuple[Fact, date]]] = {}
    for fact in truth.facts:
        for contact in fact.contacts:
            day = fact.says or contact.on
            if day is not None:
                planned.setdefault(fact.family, []).append((fact, day))
    found = []
    for one in filter(is_recall, truth.left):
        about = [fact for fact, day in planned.get(family.get(one.to, ""), ()) if names(days_named(one.text), day)]
        if len(days_named(one.text)) == 1 and {fact.of for fact in about} == {of} and len({f.kid for f in about}) == 1:
            found.append((one, max((f for f in about if f.at <= one.at), key=lambda f: f.at)))
    return found


def _ended(of: str, why: str) -> Callable[[Truth], None]:
    """What a message was about had ended a moment before."""

    def plant(truth: Truth) -> None:
        one, fact = told(truth, of)[0]
        truth.facts.append(Fact(one.at - 1, "contacts", fact.family, fact.kid, why, (), of))

    return plant


def _nobody_is_told(truth: Truth) -> None:
    truth.left[:] = [one for one in truth.left if not is_recall(one)]


def _no_child_of_age(truth: Truth) -> None:
    _, fact = told(truth, ROUND)[0]
    truth.facts[:] = [one for one in truth.facts if (one.family, one.of) != (fact.family, ROUND)]


def _never_sorry(truth: Truth) -> None:
    truth.left[:] = [one for one in truth.left if not is_about_a_round(one)]


def _sorry_to_another(truth: Truth) -> None:
    sorry = next(filter(is_about_a_round, truth.left))
    other = next(one.to for one in truth.left if one.to != sorry.to and is_recall(one))
    truth.left.append(sorry._replace(at=sorry.at - 40 * DAY_MS, to=other, key="sorry:1.1", message=-1))


def _asked_from_another(truth: Truth) -> None:
    one, fact = told(truth, COVER)[0]
    truth.facts.append(Fact(one.at, "asked", fact.family, value="+22370999999"))


PLANTED: list[tuple[Callable[[Truth], None], str]] = [
    (_ended(NUTRITION, "discharged"), "after a discharge"),
    (_ended(ANTENATAL, "born"), "after a pregnancy"),
    (_ended(ROUND, "called off"), "for no round"),
    (_ended(COVER, "ended"), "after a cover"),
    (_nobody_is_told, "not reminded"),
    (_no_child_of_age, "out of age"),
    (_never_sorry, "round, no apology"),
    (_sorry_to_another, "round, sorry for nothing"),
    (_asked_from_another, "cover, another phone"),
]


@pytest.mark.parametrize(("plant", "what"), PLANTED, ids=lambda one: one if isinstance(one, str) else "")
def test_the_judge_finds_each_planted_fault(followed: Rehearsed, plant: Callable[[Truth], None], what: str) -> None:
    truth = copy(followed.truth)
    plant(truth)
    assert what in {one.what for one in judge.judge(truth, rules()).broken}


def test_every_promise_has_a_planted_fault() -> None:
    assert {what for _, what in PLANTED} == set(judge.PROMISES_OF_FOLLOW_UPS)


@pytest.mark.parametrize(
    ("of", "listed", "broken"),
    [
        (NUTRITION, (), ["not listed"]),
        (NUTRITION, ("kid",), []),
        (ROUND, (), []),
        (ROUND, ("kid",), ["listed for nothing"]),
    ],
)
def test_whoever_misses_a_weekly_visit_is_on_the_list_and_nobody_for_a_round(
    of: str, listed: tuple[str, ...], broken: list[str]
) -> None:
    """After the last word about it, with eleven days."""
    day, now = date(2026, 3, 2), 1_773_410_400_000  # 13 March, 14:00
    known: list[tuple[FactKind, str]] = [("phone", ""), ("place", "X")]
    facts = [Fact(0, kind, "home", value=value) for kind, value in known]
    facts += [
        Fact(0, "contacts", "home", "kid"),
        Fact(0, "contacts", "home", "kid", "", (Contact(("visit-1",), day, date(2026, 3, 30)),), of),
    ]
    truth = Truth("Africa/Bamako", now + DAY_MS, facts=facts, rounds=[Listed(now, "X", listed)])
    assert [one.what for one in judge.judge(truth, rules()).broken] == broken


# --- the model ------------------------------------------------------------------------------------


def test_rounds_are_announced_moved_and_called_off_in_time() -> None:
    season = built_in_behaviour().rounds
    words = rounds.words_of(season, date(2026, 1, 1), date(2026, 12, 31))
    assert [(one.number, one.kind) for one in words] == [
        *((1, "announced"), (2, "announced"), (2, "moved")),
        *((3, "announced"), (3, "cancelled")),
    ]
    moved = {one.kind: one for one in words if one.number == season.moved}
    assert moved["announced"].on < moved["moved"].on < moved["announced"].first < moved["moved"].first
    assert rounds.words_of(season, date(2026, 8, 1), date(2026, 8, 31))[0].number == 2, "the first began before"


def test_a_season_without_a_day_is_refused() -> None:
    with pytest.raises(BehaviourMistake, match="like 07-15"):
        load_behaviour(FILE.read_text("utf-8").replace('first: "07-15"', 'first: "July"'))
