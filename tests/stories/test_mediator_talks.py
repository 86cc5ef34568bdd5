"""Talks by SMS from a mediator's phone: once a day for each theme and quartier, corrected by what is said last."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from flows.sms_text import is_gsm7, measure
from scheduler.timetable import one_round
from service.commands import opening, talk_commands
from service.config import Config
from service.domain.talk_words import TalkReport
from service.runtime import Runtime
from service.store import mediator_tables, place_tables
from service.store.talk_tables import dropped_talk, talk
from service.stories.keeping import retention
from service.stories.staff import mediator_accounts, mediator_talks
from tests.conftest import HOOK_SECRET
from tests.cover import command, everything, rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account, tries_pin, wrong_pin
from tests.people import Handset, TestClock
from tests.stories.test_mediator_sms import HELP, Mediator


@pytest.fixture
def kadia(product: str, carrier: LoopbackCarrier, runtime: Runtime) -> Mediator:
    return Mediator(Handset(product, carrier, KADIA, HOOK_SECRET), runtime, an_account(runtime))


def serves(runtime: Runtime, account: Account, *zones: str) -> None:
    with runtime.database.begin() as tx:
        mediator_tables.set_zones(tx, account.id, [id for id, name in place_tables.zones(tx) if name in zones])


def talks(runtime: Runtime) -> set[tuple[str, str, int]]:
    return {(row.theme, f"{row.held_on:%d/%m}", row.participants) for row in rows_of(runtime, talk)}


def test_a_talk_is_written_down_and_thanked_for(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    said = kadia.write("CAUSERIE 25 VACCINATION")
    assert said == "Causerie notée: Vaccination, 25 personnes, Darsalam, le 20/11/26. Merci."
    assert talks(runtime) == {("vaccination", "20/11", 25)}
    (row,) = rows_of(runtime, talk)
    assert (row.mediator_id, row.recorded_at) == (kadia.account.id, clock.now())
    assert kadia.write("causerie 12 nutrition hier").endswith("le 19/11/26. Merci.")
    assert kadia.write("causerie 8 palu darsalam 12/11").endswith("le 12/11/26. Merci.")
    assert len(talks(runtime)) == 3


def test_the_same_sms_again_is_the_same_talk(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    kadia.write("CAUSERIE 25 VACCINATION")
    before = rows_of(runtime, talk)
    clock.advance(hours=3)
    said = kadia.write("Causerie 25 vaccin Darsalam")
    assert said == ("Cette causerie est déjà notée, rien de changé: Vaccination, 25 personnes, Darsalam, le 20/11/26.")
    assert rows_of(runtime, talk) == before


def test_another_number_corrects_it_on_a_later_day_too(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    kadia.write("CAUSERIE 25 VACCINATION")
    clock.advance(days=2)
    said = kadia.write("CAUSERIE 35 VACCINATION 20/11")
    assert said == "Causerie corrigée: Vaccination, Darsalam, le 20/11/26: 35 personnes et non 25."
    assert talks(runtime) == {("vaccination", "20/11", 35)}


def test_who_serves_several_quartiers_says_which(kadia: Mediator, runtime: Runtime) -> None:
    serves(runtime, kadia.account, "Darsalam", "Badialan 1", "Quartier du fleuve")
    said = kadia.write("CAUSERIE 25 NUTRITION")
    assert said == (
        "Rien n'est noté. Quel quartier? Écrivez-le après le thème. "
        "Les votres: Badialan 1, Darsalam, Quartier du fleuve."
    )
    assert ", Badialan 1, " in kadia.write("CAUSERIE 25 NUTRITION badialan 1")
    assert ", Quartier du fleuve, " in kadia.write("CAUSERIE 30 NUTRITION au quartier du fleuve svp")
    assert "Les votres:" in kadia.write("CAUSERIE 25 NUTRITION Koulouba"), "of another mediator"
    assert len(talks(runtime)) == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "Écrivez CAUSERIE, combien de personnes, le thème, le quartier."),
        ("25", "Écrivez CAUSERIE, combien de personnes"),
        ("0 NUTRITION", "Combien de personnes? De 1 à 500."),
        ("501 NUTRITION", "Combien de personnes? De 1 à 500."),
        ("25 LUNE", "LUNE: thème inconnu. Thèmes: VACCINATION NUTRITION"),
        ("25 NUTRITION PARIS", "Quel quartier?"),
        ("25 NUTRITION 21/11", "Le 21/11/26 n'est pas encore venu."),
        ("25 NUTRITION 31/02", "Date pas comprise."),
        ("25 NUTRITION 12/11 13/11", "Date pas comprise."),
        ("25 NUTRITION 12/11/2024", "Le 12/11/24 est trop loin."),
    ],
)
def test_bad_input_is_refused_with_its_reason_and_changes_nothing(
    kadia: Mediator, runtime: Runtime, words: str, reason: str
) -> None:
    kadia.write("CAUSERIE 25 VACCINATION")
    before = rows_of(runtime, talk)
    said = kadia.write(f"CAUSERIE {words}")
    assert said.startswith("Rien n'est noté. ")
    assert reason in said
    assert is_gsm7(said)
    assert measure(said).parts == 1
    assert rows_of(runtime, talk) == before


def test_from_any_other_phone_and_a_locked_account_the_word_means_nothing(
    kadia: Mediator, runtime: Runtime, product: str, carrier: LoopbackCarrier
) -> None:
    stranger = Mediator(Handset(product, carrier, "+22370000055", HOOK_SECRET), runtime, Account(0, ""))
    assert stranger.write("CAUSERIE 25 NUTRITION").startswith(HELP)
    for _ in range(5):
        tries_pin(runtime, wrong_pin(kadia.account.pin))
    assert kadia.write("CAUSERIE 25 NUTRITION").startswith(HELP)
    assert not rows_of(runtime, talk)


def test_two_at_once_are_one_talk(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    start = threading.Barrier(2)

    def tell(participants: int) -> None:
        with runtime.database.begin() as tx:
            one = mediator_accounts.active_on(tx, KADIA)
            assert one is not None
            if runtime.database.engine.dialect.name != "sqlite":  # it has one writer: the other one waits already
                start.wait(10)
            told = TalkReport(participants, "nutrition", (), "")
            mediator_talks.record(tx, runtime, one, told, date(2026, 11, 20), clock.now())

    threads = [threading.Thread(target=tell, args=(number,)) for number in (25, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows_of(runtime, talk)) == 1


def test_talks_are_listed_without_anybodys_name(
    kadia: Mediator, settings: Config, runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk_commands, "opened_runtime", lambda: opening.opened_runtime(clock))
    kadia.write("CAUSERIE 25 NUTRITION")
    kadia.write("CAUSERIE 12 HYGIENE 15/09")
    listed = command(settings, "talk", "list").output
    assert listed.startswith("2026-11-20  Darsalam                  Nutrition                    25  ")
    assert listed.endswith("1 talk, 25 listened\n")
    both = command(settings, "talk", "list", "--since", "2026-09-01").output
    assert both.endswith("2 talks, 37 listened\n")
    assert "Kadia" not in both
    assert "is still to come" in command(settings, "talk", "list", "--since", "2999-01-01").output


def test_a_forged_talk_leaves_the_counts_and_is_kept_aside(
    kadia: Mediator, settings: Config, runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk_commands, "opened_runtime", lambda: opening.opened_runtime(clock))
    kadia.write("CAUSERIE 500 NUTRITION")
    typed = command(settings, "talk", "list").output.split()[5][:6]
    who = ("--by", "Fatou", "--why", "elle n'y etait pas")
    assert "there is no talk 12345" in command(settings, "talk", "drop", "12345", *who).output
    assert "in 2 to 60 letters" in command(settings, "talk", "drop", typed, "--by", "F", "--why", "x").output
    assert talks(runtime) == {("nutrition", "20/11", 500)}
    assert command(settings, "talk", "drop", typed, *who).output == "Dropped: it counts no more.\n"
    assert command(settings, "talk", "list").output == "0 talks, 0 listened\n"
    (aside,) = rows_of(runtime, dropped_talk)
    assert (aside.participants, aside.dropped_by, aside.dropped_why) == (500, "Fatou", "elle n'y etait pas")
    assert kadia.write("CAUSERIE 25 NUTRITION").startswith("Causerie notée")
    assert talks(runtime) == {("nutrition", "20/11", 25)}, "the one that she held is a new one"


def test_talks_outlive_the_account_and_go_after_three_years(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    kadia.write("CAUSERIE 25 NUTRITION")
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, kadia.account.id, "Fatou", clock.now())
    clock.advance(days=91)
    assert retention.purge(runtime, ["former_mediators"])["former_mediators"] == 1
    assert talks(runtime) == {("nutrition", "20/11", 25)}
    clock.advance(days=3 * 365 - 91)
    assert retention.purge(runtime, ["talks"])["talks"] == 0
    clock.advance(days=1)
    assert retention.purge(runtime, ["talks"])["talks"] == 1
    assert not talks(runtime)


def test_the_same_sms_delivered_twice_is_answered_once(kadia: Mediator, runtime: Runtime) -> None:
    fields = {"date": "2026-11-20 08:15:00", "from": KADIA, "id": "one-id", "linkId": "", "to": "99000"}
    for _ in range(3):
        kadia.handset.post("sms-in", fields | {"text": "CAUSERIE 25 NUTRITION", "networkCode": "61001"})
    one_round(runtime)
    assert len(kadia.handset.inbox) == 1
    assert everything(runtime)["talk"]
