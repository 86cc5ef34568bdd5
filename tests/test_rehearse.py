"""`laseli rehearse`: the same seed is the same year, and a judge that is told the truth finds every broken promise."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from scheduler.__main__ import main
from scheduler.timetable import one_round
from service.channels.base import Outgoing
from service.commands.rehearse_commands import rehearse_command
from service.domain.centre_days import NOTHING_KNOWN, CentreDays, StockOut, WeeklyDay
from service.rehearsing import behaviour, both_years, judge, results, year_plots
from service.rehearsing.behaviour import FILE, Behaviour, BehaviourMistake, load_behaviour
from service.rehearsing.both_years import Asked, Rehearsed, rehearse_year
from service.rehearsing.card import Card
from service.rehearsing.centres import CentreYear, Throw, Word, after, year_of
from service.rehearsing.dice import Dice
from service.rehearsing.line import Silence
from service.rehearsing.lives import Kid
from service.rehearsing.product_line import product_line
from service.rehearsing.truth import KINDS, Fact, Left, Listed, Told, Truth, days_named, is_apology, is_recall, next_day
from service.rehearsing.year import Year
from service.runtime import Runtime

FIRST = date(2026, 1, 1)
HOUR_MS = 3_600_000
BUSY = {
    "enrols_by_ussd": "0.3",
    "wrong_number": "0.3",
    "number_put_right": "1",
    "new_number": "1",
    "stops": "0.1",
    "stranger_stops": "0.4",
    "dies": "1",
    "moves": "1",
    "leaves": "0.8",
    "phone_lost": "0.8",
    "two_children": "0.4",
    "cancelled": "0.2",
    "extra_day": "0.6",
    "out_of_stock": "1",
    "malnourished": "1",
    "danger_sign": "0.15",
    "ended_early": "0.4",
    "joins_mutual": "1",
    "leaves_mutual": "0.3",
    "pregnancy_followed": "1",
    "pregnancy_lost": "0.2",
}
"""So much that every kind of event happens to a few families within three months."""


CALM = {"cancelled": "0", "extra_day": "0", "out_of_stock": "0"}


def busy(**changes: str) -> Behaviour:
    text = FILE.read_text("utf-8")
    for name, value in (BUSY | changes).items():
        text, found = re.subn(rf'(  {name}: {{value: )"[^"]+"', rf'\1"{value}"', text)
        assert found == 1, name
    text = text.replace('first: "07-15"', 'first: "01-20"')
    return load_behaviour(text)


def asked(seed: int = 7, families: int = 40, months: int = 3) -> Asked:
    return Asked(families, months, seed, FIRST, busy())


@pytest.fixture(scope="module")
def done() -> Rehearsed:
    return rehearse_year(asked(), one_round)


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sends logs to the standard error of its run, which is gone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


# --- the year -------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_year_to_the_letter(done: Rehearsed) -> None:
    again = rehearse_year(asked(), one_round)
    assert list(again.truth.lines()) == list(done.truth.lines())
    assert both_years.as_json(again.report) == both_years.as_json(done.report)


def test_another_seed_is_another_year(done: Rehearsed) -> None:
    other = rehearse_year(asked(seed=8, families=8, months=1), one_round)
    assert list(other.truth.lines())[:20] != list(done.truth.lines())[:20]


def test_everything_happened_and_every_promise_was_kept(done: Rehearsed) -> None:
    found = done.report.judgement
    assert found.broken == ()
    assert done.report.all_kept
    assert all(number > 0 for number in done.report.events.values()), done.report.events
    assert all(found.steps[step.name] > 0 for step in rules().ladders["vaccine"].steps), found.steps
    assert sum(found.steps.values()) == found.recalls == done.report.messages["rappels"] > 50
    assert sum(found.checks.values()) > 50
    assert found.kids_unchecked == 0


def test_mediators_find_mothers_at_home_and_what_nobody_told() -> None:
    silent = busy(untold="1", leaves="1", dies="0.5", stops="0", stranger_stops="0")
    done = rehearse_year(asked(families=24)._replace(behaviour=silent), one_round)
    assert done.report.judgement.broken == ()
    visits = [fact for fact in done.truth.facts if fact.kind == "visited"]
    found = {fact.value for fact in visits}
    assert "seen" in found
    assert found & {"dead", "moved"}
    listed = {(one.at, kid) for one in done.truth.rounds for kid in one.kids}
    assert {(fact.at, fact.kid) for fact in visits} <= listed
    ended = {(fact.at, fact.kid) for fact in done.truth.facts if fact.kind == "ended"}
    assert {(fact.at, fact.kid) for fact in visits if fact.value in ("dead", "moved")} <= ended


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Bogota"])
def test_the_promises_hold_where_days_begin_at_other_moments(zone: str) -> None:
    """Bamako is on UTC, where mistakes about local days hide."""
    found = rehearse_year(asked(families=30, months=2)._replace(zone=zone), one_round).report.judgement
    assert found.broken == ()
    assert found.recalls > 20


def test_the_same_families_live_without_messages_and_nobody_comes_sooner() -> None:
    """Common random numbers: until her first visit, a mother who is reminded is never later than without.

    Where centres keep their days: a message may well tell her to wait for another one.
    """
    sure = busy(**CALM)
    eager = sure._replace(reminded={kind: one._replace(more=1.0) for kind, one in sure.reminded.items()})
    with product_line(FIRST, one_round) as line:
        world = both_years.world_of(asked(families=20, months=2)._replace(behaviour=eager), line)
        years = [Year(world, line), Year(world, Silence())]
        for year in years:
            year.live()
    pairs = [
        (here.cards[key], there.cards[key])
        for here, there in zip(years[0].homes, years[1].homes, strict=True)
        for key in here.cards
    ]
    firsts = [[card.visits[0][0] if card.visits else None for card in pair] for pair in pairs]
    later = [(here, there) for here, there in firsts if there is not None and (here is None or here > there)]
    assert later == []
    assert any(here is not None and (there is None or here < there) for here, there in firsts)


def test_whoever_comes_for_what_is_out_goes_home_without_it_in_both_years() -> None:
    """Nothing is left anywhere: every visit is in vain, and no dose is given, with the line or without it."""
    with product_line(FIRST, one_round) as line:
        world = both_years.world_of(asked(families=30, months=2), line)
        empty = {one: StockOut(one, FIRST, None) for one in set(world.antigen_of.values())}
        centres = {
            name: one._replace(real=one.real._replace(stock_outs=tuple(empty.values())))
            for name, one in world.centres.items()
        }
        world = world._replace(centres=centres, quartiers=tuple(one for one in world.quartiers if one.centre))
        years = [Year(world, line), Year(world, Silence())]
        for year in years:
            year.live()
    for year in years:
        cards = [card for home in year.homes for card in home.cards.values()]
        assert [card.visits for card in cards if card.visits] == []
        assert sum(len(card.in_vain) for card in cards) > 2


def test_a_centre_tells_what_is_true_only_late() -> None:
    """What it told is never more than what is real, once its last word is said."""
    throw = Throw(Dice(3), busy(), "ASACOTEST", FIRST, date(2026, 12, 31))
    year = year_of(throw, {"BCG", "OPV", "PENTA"})
    assert year == year_of(throw, {"PENTA", "OPV", "BCG"})
    assert [one.on for one in year.words] == sorted(one.on for one in year.words)
    told = NOTHING_KNOWN
    for word in year.words:
        told = after(told, word)
    assert told.cancelled == year.real.cancelled != frozenset()
    assert {one.on for one in told.extra} == {one.on for one in year.real.extra} != set()
    assert {one.since for one in told.stock_outs} == {one.since for one in year.real.stock_outs} != set()
    ended = [one for one in year.real.stock_outs if one.until and one.until < date(2026, 12, 20)]
    assert {(one.antigen, one.until) for one in ended} <= {(one.antigen, one.until) for one in told.stock_outs}
    assert all(word.on <= word.since for word in year.words if word.kind in ("cancelled", "extra"))
    assert all(word.on >= word.since for word in year.words if word.kind == "out")


def test_a_mother_comes_on_the_days_of_her_centre_and_waits_when_she_is_told_to() -> None:
    with product_line(FIRST, one_round) as line:
        world = both_years.world_of(asked(families=1, months=2), line)
    eager = world.behaviour._replace(bands=(behaviour.Band(0, 1.0),), seasons={}, reminded={})
    world = world._replace(behaviour=eager)
    week = CentreDays((WeeklyDay(3), WeeklyDay(1)))  # Thursdays and Tuesdays
    centre = CentreYear("X", week, week, week, ())
    kid = Kid("k", "Awa", "F", FIRST, FIRST, "none", None)
    card = Card(world, kid, world.quartiers[0].profile)
    card.plan(world, centre, FIRST)
    first = card.appointment(FIRST)
    assert first is not None
    assert first.on == FIRST, "a Thursday"
    assert not card.comes(world, centre, first, date(2026, 1, 2))
    card.put_off.add(date(2026, 1, 6))
    assert not card.comes(world, centre, first, date(2026, 1, 6))
    card.told[first.anchor_on] = date(2026, 1, 13)
    assert not card.comes(world, centre, first, date(2026, 1, 8))
    assert card.comes(world, centre, first, date(2026, 1, 13))


# --- the judge ------------------------------------------------------------------------------------


def copy(truth: Truth) -> Truth:
    return Truth(
        truth.zone,
        truth.until,
        list(truth.left),
        list(truth.facts),
        list(truth.words),
        list(truth.rounds),
        list(truth.seasons),
    )


def one_recall(truth: Truth) -> tuple[Left, Fact]:
    """A recall to a family of one child and one known centre that heard several, and the family's first fact."""
    heard: dict[str, list[Left]] = {}
    for one in filter(is_recall, truth.left):
        heard.setdefault(one.to, []).append(one)
    kids: dict[str, set[str]] = {}
    for fact in truth.facts:
        kids.setdefault(fact.family, set()).add(fact.kid)
    places = {fact.family: fact.value for fact in truth.facts if fact.kind == "place"}
    many = Counter((fact.family, fact.value) for fact in truth.facts if fact.kind == "place")
    moved = {family for family, _ in many if sum(one == family for one, _ in many) > 1}
    for fact in truth.facts:
        if not places.get(fact.family) or fact.family in moved:
            continue
        if fact.kind == "phone" and len(heard.get(fact.value, ())) >= 4 and len(kids[fact.family] - {""}) == 1:
            kid = next(one for one in truth.facts if one.family == fact.family and one.kid)
            return heard[fact.value][1], kid
    raise AssertionError("no such family in this year")


def _twice_a_day(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left.append(one._replace(at=one.at + HOUR_MS, key="recall:another", message=-1))


def _after_stop(truth: Truth, one: Left, kid: Fact) -> None:
    truth.facts.append(Fact(one.at, "stop", kid.family, value=one.to))


def _died(truth: Truth, one: Left, kid: Fact) -> None:
    truth.facts.append(Fact(one.at - 1, "ended", kid.family, kid.kid, "died"))


def _moved_away(truth: Truth, one: Left, kid: Fact) -> None:
    truth.facts.append(Fact(one.at - 1, "ended", kid.family, kid.kid, "left"))


def _by_night(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left[truth.left.index(one)] = one._replace(at=one.at // 86_400_000 * 86_400_000 + 5 * HOUR_MS)


def _dose_on_record(truth: Truth, one: Left, kid: Fact) -> None:
    truth.facts.append(Fact(one.at - 1, "contacts", kid.family, kid.kid))


def _forty_days_late(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left[truth.left.index(one)] = one._replace(at=one.at + 40 * 24 * HOUR_MS)


def _same_message_again(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left.append(one._replace(at=one.at + 26 * HOUR_MS))


def _another_number(truth: Truth, one: Left, kid: Fact) -> None:
    truth.facts.append(Fact(one.at - 1, "phone", kid.family, value="+22370999999"))


def _another_centre(truth: Truth, one: Left, kid: Fact) -> None:
    truth.facts.append(Fact(one.at - 1, "place", kid.family, value="ASACOELSEWHERE"))


def _to_nobody(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left[truth.left.index(one)] = one._replace(to="+22370888888")


def _forgotten(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left[:] = [left for left in truth.left if left.to != one.to]


def tell(truth: Truth, family: str, at: int, *words: Word) -> None:
    """The family's centre said this."""
    centre = next(one.value for one in truth.facts if one.family == family and one.kind == "place")
    for word in words:
        days = [
            one.days for one in sorted(truth.words, key=lambda one: one.at) if one.at <= at and one.centre == centre
        ]
        truth.words.append(Told(at, centre, word, after(days[-1], word)))


def _day_cancelled(truth: Truth, one: Left, kid: Fact) -> None:
    day = next_day(FIRST, min(days_named(one.text)))
    tell(truth, kid.family, one.at - 1, Word(FIRST, 0, "cancelled", day, day))


def _out_of_stock(truth: Truth, one: Left, kid: Fact) -> None:
    outs = [Word(FIRST, 0, "out", FIRST, None, antigen) for antigen in set(antigen_of().values())]
    tell(truth, kid.family, one.at - 1, *outs)


def _sorry(truth: Truth, which: str = "") -> Left:
    return next(one for one in truth.left if is_apology(one) and which in one.text)


def _sorry_again(truth: Truth, one: Left, kid: Fact) -> None:
    sorry = _sorry(truth)
    truth.left.append(sorry._replace(at=sorry.at + HOUR_MS, key="sorry:another", message=-1))


def _sorry_to_another(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left.append(_sorry(truth)._replace(to=one.to, key="sorry:another", message=-1))


def _never_sorry(truth: Truth, one: Left, kid: Fact) -> None:
    truth.left[:] = [left for left in truth.left if not is_apology(left)]


def _sorry_with_a_wrong_day(truth: Truth, one: Left, kid: Fact) -> None:
    sorry = _sorry(truth, "Venez")
    before, word, behind = sorry.text.partition("Venez")
    text = before + word + re.sub(r"\d\d/\d\d", "31/12", behind)
    truth.left[truth.left.index(sorry)] = sorry._replace(text=text)


def _not_called_back(truth: Truth, one: Left, kid: Fact) -> None:
    """To no family whose child waited for stock anything is said."""
    waited = {fact.family for fact in truth.facts if any(contact.awaits_stock for contact in fact.contacts)}
    numbers = {fact.value for fact in truth.facts if fact.kind == "phone" and fact.family in waited}
    truth.left[:] = [left for left in truth.left if left.to not in numbers]


def _listed_for_nothing(truth: Truth, one: Left, kid: Fact) -> None:
    """All its doses are on record when the list is made."""
    truth.facts.append(Fact(truth.until - 2, "contacts", kid.family, kid.kid))
    truth.rounds.append(Listed(truth.until - 1, "", (kid.kid,)))


def _never_listed(truth: Truth, one: Left, kid: Fact) -> None:
    truth.rounds[:] = [listed._replace(kids=()) for listed in truth.rounds]


PLANTED: list[tuple[Callable[[Truth, Left, Fact], None], str]] = [
    (_twice_a_day, "one a day"),
    (_after_stop, "after ARRET"),
    (_died, "about a child that is gone"),
    (_moved_away, "about a child that is gone"),
    (_by_night, "by night"),
    (_dose_on_record, "stale"),
    (_forty_days_late, "stale"),
    (_same_message_again, "doubled"),
    (_another_number, "to an old number"),
    (_another_centre, "to an old centre"),
    (_to_nobody, "to nobody's number"),
    (_forgotten, "unchecked"),
    (_not_called_back, "not called back"),
    (_day_cancelled, "cancelled"),
    (_out_of_stock, "no stock"),
    (_sorry_again, "sorry twice"),
    (_sorry_to_another, "sorry for nothing"),
    (_never_sorry, "no apology"),
    (_listed_for_nothing, "listed for nothing"),
    (_never_listed, "not listed"),
    (_sorry_with_a_wrong_day, "sorry, wrong day"),
]


@pytest.mark.parametrize(("plant", "what"), PLANTED, ids=lambda one: getattr(one, "__name__", None))
def test_the_judge_finds_each_planted_fault(
    done: Rehearsed, plant: Callable[[Truth, Left, Fact], None], what: str
) -> None:
    truth = copy(done.truth)
    plant(truth, *one_recall(truth))
    assert what in {one.what for one in judge.judge(truth, rules()).broken}


def test_every_promise_has_a_planted_fault() -> None:
    """Those of follow-ups have theirs in test_rehearse_follow_ups.py."""
    assert {what for _, what in PLANTED} == set(judge.PROMISES) - set(judge.PROMISES_OF_FOLLOW_UPS)


def rules() -> judge.Rules:
    from service.domain.hours_file import built_in_hours
    from service.domain.reminder_ladder import built_in_ladder

    names = dict(zip(KINDS, ("recall", "nutrition", "round", "follow_up", "follow_up", "cover"), strict=True))
    return judge.Rules(
        {of: built_in_ladder(name) for of, name in names.items()},
        built_in_hours(),
        dead_after_days=5,
        antigen_of=antigen_of(),
        seen_days=7,
    )


def antigen_of() -> dict[str, str]:
    from service.domain.vaccine_calendar import built_in_calendar

    every = built_in_calendar().series.values()
    return {rule.id: one.record_as for one in every for rule in one.doses}


# --- the command ----------------------------------------------------------------------------------


def run(*words: str, **changes: object) -> Result:
    command = rehearse_command(changes.pop("one_round", one_round))  # type: ignore[arg-type]
    return CliRunner().invoke(command, ["--families", "12", "--months", "2", *words])


def test_it_needs_no_settings_and_leaves_a_page_that_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LASELI_DATABASE_URL", "LASELI_KEYS__IDENTITY"):
        monkeypatch.setenv(name, "wrong")
    words = ["rehearse", "--families", "12", "--months", "2", "--json", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["children_not_checked"] == 0
    assert not any(told["broken"].values())
    assert "2026-02" in result.stderr, "progress"
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8")) == told
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert set(re.findall(r"https?://[^\"' <]+", page)) == {"http://www.w3.org/2000/svg"}
    whole = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))
    plots = [one for one in whole.iter() if one.tag.endswith("}svg")]
    assert len(plots) == 7
    assert len(list(whole.iter("table"))) == len(plots) + 2, "the numbers of each, of the year and of the model"
    lines = (tmp_path / "out" / "truth.jsonl").read_text("utf-8").splitlines()
    assert sum(json.loads(line)[1] == "left" for line in lines) == sum(
        told["messages"][one] for one in ("rappels", "excuses", "autres")
    )


def test_a_line_that_says_everything_twice_is_told_and_exits_1() -> None:
    def twice(runtime: Runtime) -> None:
        one_round(runtime)
        carrier = runtime.routes[0]
        for one in carrier.taken():  # type: ignore[attr-defined]
            for _ in range(2):
                carrier.send(Outgoing(one.message, one.to, one.text))

    result = run(one_round=twice)
    assert result.exit_code == 1
    assert re.search(r"NON messages en double : [1-9]", result.stdout)
    assert re.search(r"2026-\d\d-\d\d \d\d:\d\d messages en double : famille", result.stdout), "each is listed"


def test_a_line_that_forgets_to_plan_leaves_children_unchecked() -> None:
    result = run(one_round=lambda runtime: None)
    assert result.exit_code == 1
    assert re.search(r"NON enfants non contrôlés : [1-9]", result.stdout)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('wrong_number: {value: "0.04"', 'wrong_number: {value: "4"', "a chance from 0 to 1"),
        ("  moves:", "  movs:", "'moves' is missing"),
        ('{from: "0", chance', '{from: "2", chance', "begins with from: 0"),
        ("familles-2026", "[", "not readable as YAML"),
    ],
)
def test_a_model_with_a_mistake_is_refused_in_one_sentence(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = FILE.read_text("utf-8")
    assert before in text
    file = tmp_path / "model.yaml"
    file.write_text(text.replace(before, after), "utf-8")
    result = run("--behaviour", str(file))
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    result = run("--out", str(tmp_path / "file" / "out"))
    assert result.exit_code == 1
    assert "cannot be written to" in result.output
    assert "2026" not in result.output


# --- the parts ------------------------------------------------------------------------------------


def test_dice_answer_the_same_question_the_same_in_any_order() -> None:
    one, other = Dice(7), Dice(7)
    assert [one.roll("a"), one.roll("b")] == [other.roll("b"), other.roll("a")][::-1]
    assert one.roll("a") != Dice(8).roll("a")
    assert {one.whole(2, 4, place) for place in range(99)} == {2, 3, 4}


def test_a_message_brings_so_many_more_as_the_model_says() -> None:
    """Of mothers who are 30 days late, alone and after a message: 23 % more within the fourteen days."""
    model = behaviour.built_in_behaviour()._replace(seasons={}, closed=frozenset())

    def come(heard: behaviour.Kind | None) -> float:
        stay = 1.0
        for day in range(model.reminded["late"].within_days):
            stay *= 1 - model.chance(FIRST, 30 + day, heard)
        return 1 - stay

    assert come("late") / come(None) == pytest.approx(1.23, abs=0.005)
    assert model.chance(FIRST, -1, "late") == 0


def test_a_model_names_the_source_of_every_figure() -> None:
    model = behaviour.built_in_behaviour()
    sources = [one.source for one in (*model.figures.values(), *model.reminded.values())]
    assert all(len(one) > 8 for one in [*sources, *model.sources.values()])
    with pytest.raises(BehaviourMistake, match="source"):
        load_behaviour(re.sub(r'(moves: .*), source: "[^"]+"', r"\1", FILE.read_text("utf-8")))


def test_the_effect_and_its_interval() -> None:
    nothing = results.effect_of([(0, 3)] * 10)
    assert nothing == (0, 0, 0)
    same = results.effect_of([(1, 2)] * 10)
    assert same == pytest.approx((50, 50, 50))
    points, low, high = results.effect_of([(1, 2), (0, 2)] * 50)
    assert points == pytest.approx(25)
    assert (high - low) / 2 == pytest.approx(1.96 * 25 / 99**0.5, rel=0.001)
    assert results.effect_of([]) == (0, 0, 0)


def test_a_plot_shows_names_as_they_are_and_holds_without_numbers() -> None:
    odd = year_plots.Plot("A < B & C", ["<x>", "y"], {'"one"': [0, 1234.5], "two": [3, 4]}, "&", "%")
    for plot in (odd, year_plots.Plot("Rien", [], {"rien": []}, "Rien")):
        for made in (year_plots.bars(plot), year_plots.table(plot)):
            ElementTree.fromstring(made)
    assert "1\u202f234,5\u00a0%" in year_plots.table(odd)
    assert [year_plots.nice_top(value) for value in (0, 1, 3, 17, 60, 61, 1000)] == [1, 1, 4, 20, 60, 80, 1000]
