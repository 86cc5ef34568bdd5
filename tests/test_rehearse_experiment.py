"""`laseli rehearse --experiment`: the product's own experiment in an invented year, beside the truth."""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random

import pytest

from scheduler.timetable import one_round
from service.clock import REHEARSAL_MARK
from service.domain.experiment_results import Family
from service.domain.experiments import Experiment, NotSound
from service.rehearsing import trial, trial_report
from service.rehearsing.both_years import Asked, rehearse_year
from service.rehearsing.houses import Broken
from service.rehearsing.trial import Trial, TrialFound
from service.runtime import Runtime
from service.store import system_tables
from service.store.columns import ids_from, new_id
from service.stories.recall import trials
from tests.test_rehearse import CALM, FIRST, busy, run


def a_trial(kind: trial.Kind = "hold-out") -> Trial:
    return Trial(kind, date(2026, 1, 16), date(2026, 1, 20), date(2026, 3, 2), 28, "0" * 64)


def a_year_with_a_trial() -> TrialFound:
    """Words before the day do much here, so that a few families show it."""
    sure = busy(**CALM, stops="0", stranger_stops="0", dies="0", leaves="0", born_before="1")
    before = sure.reminded["before"]._replace(more=3.0)
    eager = sure._replace(reminded={**sure.reminded, "before": before})
    report = rehearse_year(Asked(80, 4, 7, FIRST, eager, experiment="hold-out"), one_round).report
    assert report.trial is not None
    return report.trial


def test_the_product_runs_it_beside_the_truth() -> None:
    found = a_year_with_a_trial()  # half a minute: all that it shows is looked at here
    usual, tried = found.reading.arms
    assert not found.reading.too_early
    assert usual.households > tried.households > 0
    assert sum(tried.withheld.values()) > 5
    assert usual.withheld == {}
    assert found.true_effect > 0
    assert found.effect is not None
    held, draws = found.held
    assert draws > 150, "so few families that some draws have no interval"
    assert held / draws > 0.75, "and that intervals are too narrow, as the report says"
    assert found.broken == (), "but for the words before the day, everybody is told everything"
    _the_truth_has_a_price_and_the_report_says_all_of_it(found)
    _whether_the_interval_holds_the_truth_is_told(found)


def _the_truth_has_a_price_and_the_report_says_all_of_it(found: TrialFound) -> None:
    told = "\n".join(trial_report.lines(found))
    assert "sans J-3, J-1, J" in told
    assert f"il la contient {found.held[0]} fois" in told
    assert trial_report.as_data(found)["true_effect_points"] == found.true_effect
    assert found.true_price is not None
    plot = trial_report.plot(found)
    assert [len(values) for values in plot.series.values()] == [2, 2]


def _whether_the_interval_holds_the_truth_is_told(found: TrialFound) -> None:
    assert found.effect is not None
    for true, is_held, said in ((99.0, False, "NON l'intervalle"), (found.effect.value, True, "ok  l'intervalle")):
        one = found._replace(true_effect=true)
        assert one.is_held is is_held
        assert any(line.startswith(said) for line in trial_report.lines(one))


def test_of_a_hundred_draws_ninety_five_hold_the_truth() -> None:
    """By the product's own draw and estimate, of families who are less on time when they are told less."""
    dice = Random(3)
    usual = [Family(due := dice.randint(1, 5), sum(dice.random() < 0.7 for _ in range(due))) for _ in range(400)]
    tried = [home._replace(on_time=sum(dice.random() < 0.8 for _ in range(home.on_time))) for home in usual]
    one = Experiment(1, 1, "x", "hold-out", ("J-3",), "", 20, "", FIRST, FIRST, 28, 0)
    held, draws = trial.held_in_draws(one, usual, tried)
    assert draws == trial.DRAWS
    assert 0.91 < held / draws < 1
    lucky = [home._replace(on_time=home.due) for home in usual]
    assert trial.held_in_draws(one, lucky, lucky) == (0, 0), "where all are alike there is no interval"


def test_other_words_do_nothing_to_invented_mothers() -> None:
    """They read the day only: an experiment on words is one whose truth is nought."""
    words = ("--months", "3", "--experiment", "wording", "--json")
    result = run(*words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["experiment"]
    assert (told["kind"], told["true_effect_points"]) == ("wording", 0)


def test_a_year_too_short_for_it_is_told() -> None:
    result = run("--months", "1", "--experiment", "hold-out")
    assert result.exit_code == 1
    assert "needs a longer year" in result.output


@pytest.mark.parametrize(
    ("what", "step", "is_left_out"),
    [("unchecked", "J-3", True), ("unchecked", "J", True), ("unchecked", "J+2", False), ("stale", "J", False)],
)
def test_only_words_before_the_day_may_be_missing(what: str, step: str, is_left_out: bool) -> None:
    one = Broken(what, 0, "family", f"00001a {step} of 2026-02-01")
    assert trial._is_left_out(a_trial(), one) is is_left_out
    assert trial._is_left_out(a_trial("wording"), one) is False


def test_ids_are_the_same_again_only_where_a_rehearsal_asks_for_it() -> None:
    def drawn() -> list[int]:
        with ids_from(Random("a family")):
            return [new_id() for _ in range(3)]

    assert drawn() == drawn()
    assert new_id() not in drawn()


def test_nobody_chooses_the_draw_of_a_real_experiment(runtime: Runtime) -> None:
    now = runtime.now()
    first = runtime.today(now) + timedelta(10)
    asked = trials.Asked("early", "suivi-vaccinal", 20, first, first + timedelta(60), ("J-3",))
    with runtime.database.begin() as tx:
        system_tables.drop_marks(tx, REHEARSAL_MARK)
    with pytest.raises(NotSound, match="nobody chooses"), runtime.database.begin() as tx:
        trials.begin(tx, runtime, asked, trial.APPROVAL, now, seed="0" * 64)
