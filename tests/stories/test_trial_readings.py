"""What an experiment came to, read from the records: recomputed by hand, and said so that nobody takes it for more."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from service.commands.experiment_commands import as_data, lines_of
from service.commands.experiment_files import write_xlsx
from service.config import Config
from service.domain.experiment_results import least_effect
from service.domain.experiments import TRIED, USUAL, NotSound
from service.programme_settings import ReportSettings
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message
from service.stories.delivery import dispatcher
from service.stories.homes.families import Enrolled
from service.stories.keeping import erasure
from service.stories.recall import recalls, trial_readings, trials
from tests.people import TestClock
from tests.stories.test_recalls import enrol, give
from tests.trials import allowing, asked, begin, home_of

W6 = ("PENTA", "OPV", "PCV", "ROTA")
JUDGED = "2026-12-29"


@pytest.fixture
def settings(settings: Config) -> Config:
    return allowing(settings).model_copy(update={"report": ReportSettings(smallest_group=1)})


@pytest.fixture
def clock() -> TestClock:
    return TestClock("2026-11-16T10:00")


@pytest.fixture
def children(runtime: Runtime, clock: TestClock) -> list[Enrolled]:
    """Four families, the first two told as always; each child is six weeks old on 23 November, with four doses due."""
    found = [enrol(runtime, clock, number=f"+2237000000{place}") for place in range(1, 5)]
    arms = {home_of(runtime, one): USUAL if place < 2 else TRIED for place, one in enumerate(found)}
    begin(runtime, clock, arms, ends_on=date(2026, 11, 30))
    return found


def at(clock: TestClock, day: str) -> None:
    clock.set(f"{day}T10:00")


def live(runtime: Runtime, clock: TestClock, children: list[Enrolled]) -> None:
    """The first reminder leaves, at 15 francs; six doses of eight are on time, and one of eight where none was told."""
    clock.set("2026-11-20T09:30")
    recalls.queue_recalls(runtime)
    assert dispatcher.send_due(runtime) == 2
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(cost_estimated=1500, cost_true=None))
    at(clock, JUDGED)
    give(runtime, clock, children[0], *W6, on="2026-11-23")
    give(runtime, clock, children[1], "PENTA", "OPV", on="2026-11-25")
    give(runtime, clock, children[3], "PENTA", on="2026-12-21")  # the last day that is on time
    give(runtime, clock, children[3], "OPV", on="2026-12-22")


def read(runtime: Runtime, clock: TestClock) -> trial_readings.Reading:
    return trial_readings.read(runtime, "early-2026", clock.now())


def test_the_report_is_what_a_hand_computes(
    runtime: Runtime, clock: TestClock, children: list[Enrolled], tmp_path: Path
) -> None:
    live(runtime, clock, children)
    found = read(runtime, clock)
    usual, tried = found.arms
    assert usual.sums is not None
    assert tried.sums is not None
    assert (usual.sums.families, usual.sums.due, usual.sums.on_time, usual.sums.cost) == (2, 8, 6, 3000)
    assert (tried.sums.families, tried.sums.due, tried.sums.on_time, tried.sums.cost) == (2, 8, 1, 0)
    assert (usual.messages, tried.messages) == (2, 0)
    assert tried.withheld == {"J-3": 2}
    # Between families: 2/1 * (1 + 1) / 64 and 2/1 * (0.25 + 0.25) / 64.
    error = 1.959964 * (4 / 64 + 1 / 64) ** 0.5 * 100
    assert found.found.effect == pytest.approx((62.5, 62.5 - error, 62.5 + error), rel=1e-6)
    assert found.found.price is not None
    assert found.found.price.value == pytest.approx(6), "3.75 francs for a dose, by 0.625 doses more on time"
    assert not found.too_early
    page = "\n".join(lines_of(found))
    assert "early-2026 : sans les rappels J-3, J-1 et J, sur 50 familles pour cent" in page
    assert "Approuvée par Comité d'éthique, N 2026/12 ; déclarée par Awa." in page
    words = " ".join(page.split())
    assert "À temps : 75,0 % des doses comme d'habitude, 12,5 % sans ces rappels." in words
    assert "Ce que font les rappels avant le rendez-vous : +62,5 points" in words
    assert "Coût par dose à temps de plus : 6 F (intervalle à 95 % : 3 à 49 F)." in words
    assert "Rappels non envoyés : J-3 2." in words
    assert "TROP TÔT" not in page
    check_files(found, tmp_path / "essai.xlsx")


def check_files(found: trial_readings.Reading, file: Path) -> None:
    data = json.loads(json.dumps(as_data(found)))
    assert data["arms"][0]["on_time"] == 6
    assert data["arms"][1]["withheld"] == {"J-3": 2}
    assert data["effect_points"]["value"] == 62.5
    assert data["record"]["approval_reference"] == "N 2026/12"
    assert data["not_estimable"] is None
    write_xlsx(file, found)
    book = load_workbook(file)
    assert book.sheetnames == ["Groupes", "Résultat", "À savoir", "Déclaration"]
    assert [cell.value for cell in book["Groupes"][2]][:5] == ["comme d'habitude", 2, 8, 6, 75]
    assert book["Résultat"]["B2"].value == 62.5
    for secret in ("Awa K", "7000000"):
        assert not [cell for page in book for row in page.iter_rows() for cell in row if secret in str(cell.value)]


def test_doses_whose_time_is_not_over_are_not_counted_and_nobody_is_to_decide(
    runtime: Runtime, clock: TestClock, children: list[Enrolled]
) -> None:
    live(runtime, clock, children)
    at(clock, "2026-12-21")  # 28 days after: the last day is not over
    found = read(runtime, clock)
    assert found.too_early
    assert [arm.sums and arm.sums.due for arm in found.arms] == [0, 0]
    page = "\n".join(lines_of(found))
    assert "TROP TÔT : toutes les doses seront connues le 29/12/2026." in page
    assert "Aucune dose ne peut encore être comptée" in page
    at(clock, "2026-12-22")
    found = read(runtime, clock)
    assert found.too_early, "doses of the 30th may still come in time"
    assert [arm.sums and arm.sums.due for arm in found.arms] == [8, 8]


def test_when_it_was_stopped_only_what_was_due_before_is_counted(
    runtime: Runtime, clock: TestClock, children: list[Enrolled]
) -> None:
    live(runtime, clock, children)
    for day, due in (("2026-11-24", 8), ("2026-11-23", 0)):
        with runtime.database.begin() as tx:
            clock.set(f"{day}T08:00")
            if day == "2026-11-24":
                trials.stop(tx, runtime, "early-2026", "Awa", "un avis du comité", clock.now())
            else:
                from service.store.experiment_tables import experiment

                tx.execute(update(experiment).values(stopped_at=clock.now()))
        at(clock, JUDGED)
        found = read(runtime, clock)
        assert [arm.sums and arm.sums.due for arm in found.arms] == [due, due]
        assert not found.too_early
        assert "Arrêtée avant la fin prévue du 30/11/2026 : un avis du comité" in "\n".join(lines_of(found))


def test_who_is_no_longer_followed_counts_and_who_is_erased_is_told_of(
    runtime: Runtime, clock: TestClock, children: list[Enrolled]
) -> None:
    """By what was meant for them: leaving out those who stopped would leave out those whom the line lost."""
    from service.stories.homes import families

    live(runtime, clock, children)
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, children[2].child_id, clock.now())
    assert [arm.sums and arm.sums.due for arm in read(runtime, clock).arms] == [8, 8]
    with runtime.database.begin() as tx:
        erasure.forget_children(tx, runtime, [children[3].child_id], clock.now())
    found = read(runtime, clock)
    assert [(arm.children, arm.still_there) for arm in found.arms] == [(2, 2), (2, 1)]
    assert "Fiches effacées depuis la déclaration, absentes de l'analyse" in "\n".join(lines_of(found))


def test_small_groups_are_not_shown(
    settings: Config, runtime: Runtime, clock: TestClock, children: list[Enrolled]
) -> None:
    live(runtime, clock, children)
    usual = build_runtime(settings.model_copy(update={"report": ReportSettings()}), at=clock)
    found = read(usual, clock)
    usual.database.close()
    assert found.hidden
    assert (found.found.effect, found.found.price) == (None, None)
    page = "\n".join(lines_of(found))
    assert "Un groupe a moins de 5 familles : aucun chiffre n'est montré." in page
    assert "J-3 2" not in page
    assert as_data(found)["arms"] == [{"arm": USUAL, "share": 50}, {"arm": TRIED, "share": 50}]


def test_a_difference_that_may_be_chance_has_no_price(
    runtime: Runtime, clock: TestClock, children: list[Enrolled]
) -> None:
    live(runtime, clock, children)
    give(runtime, clock, children[2], *W6, on="2026-11-24")
    page = " ".join("\n".join(lines_of(read(runtime, clock))).split())
    assert "L'intervalle contient zéro : on ne peut pas dire que les rappels" in page
    assert "Coût par dose à temps de plus : non estimable, car l'intervalle de l'effet contient zéro." in page


def test_a_name_that_nobody_declared(runtime: Runtime, clock: TestClock) -> None:
    with pytest.raises(NotSound, match="there is no experiment 'early-2026'"):
        read(runtime, clock)


# --- beforehand ---------------------------------------------------------------------------------------------------


def forecast(runtime: Runtime, clock: TestClock, **changes: Any) -> trial_readings.Forecast:
    return trial_readings.forecast(runtime, asked(**changes), 80, clock.now())


def test_without_a_past_each_family_is_one_witness(settings: Config, runtime: Runtime, clock: TestClock) -> None:
    for place in range(1, 4):
        enrol(runtime, clock, number=f"+2237000000{place}")
    found = forecast(runtime, clock, ends_on=date(2026, 11, 30))
    assert (found.families, found.doses, found.design, found.on_time) == (3, 12, None, 0.5)
    assert found.least == pytest.approx(least_effect(0.5, 3, 1.0, 50, 80))
    assert sum(found.shares[arm, trials.HOUSEHOLDS] for arm in (USUAL, TRIED)) == 3
    nobody = forecast(runtime, clock, starts_on=date(2026, 11, 24), ends_on=date(2026, 11, 25))
    assert (nobody.doses, nobody.least) == (0, None)


def test_the_past_tells_how_many_come_and_how_doses_go_together(
    settings: Config, runtime: Runtime, clock: TestClock
) -> None:
    children = [enrol(runtime, clock, number=f"+2237000000{place}") for place in range(1, 5)]
    at(clock, "2027-01-10")
    for child in children[:2]:
        for day in ("2026-11-23", "2026-12-21"):
            give(runtime, clock, child, *W6, on=day)
    period = {"starts_on": date(2027, 1, 18), "ends_on": date(2027, 1, 30), "within_days": 7}
    found = forecast(runtime, clock, **period)
    assert (found.seen_first, found.seen_last) == (date(2026, 12, 21), date(2027, 1, 2))
    assert (found.seen.due, found.seen.on_time) == (16, 8)
    assert found.design == pytest.approx(4 * 4 / 3), "four doses go together, and four families are few"
    assert found.least == pytest.approx(least_effect(0.5, found.doses, 16 / 3, 50, 80))
