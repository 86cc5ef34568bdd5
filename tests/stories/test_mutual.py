"""A father asks for the AMV on a basic phone; the mutual says what became of it."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from service.config import Config
from service.programme_settings import MutualSettings
from service.runtime import Runtime
from service.store.mutual_tables import membership
from service.store.people_tables import consent, household
from service.store.task_tables import tasks
from service.stories.delivery import dispatcher
from service.stories.homes import memberships
from service.stories.homes.consents import Words
from tests.conftest import HOOK_SECRET
from tests.cover import command, dial, is_one_plain_sms, number_on, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock

PRICE = MutualSettings(monthly_fcfa=1_000_000, per="person", joining_fcfa=2_500, confirmed_by="the mutual's cashier")
FATHER = "Moussa Traoré"
TO_JOIN = ("Mutuelle et RAMED", "Prix et adhésion")
IN = {
    "fr": TO_JOIN,
    "bm": ("Mituyɛli ni RAMED", "Sɔngɔ ni sɛbɛnni"),
    "en": ("Mutual and RAMED", "Price, joining"),
}


def join(handset: Handset, language: str = "fr") -> str:
    """A family of 30 asks for the longest-named cover; gives the last screen."""
    dial(handset, *IN[language], language=language)
    return handset.press("1", FATHER, "30", "1", "1")


def mutual_says(handset: Handset) -> str:
    return dial(handset, "Mutuelle et RAMED", "Ma mutuelle")


@pytest.fixture
def family(handset: Handset, runtime: Runtime) -> str:
    """A family that has asked; gives the number of its request."""
    return number_on(join(handset))


class TestWithAConfirmedPrice:
    @pytest.fixture
    def settings(self, settings: Config) -> Config:
        return settings.model_copy(update={"mutual": PRICE})

    @pytest.mark.parametrize("language", ["fr", "bm", "en"])
    def test_a_father_joins_and_his_receipt_fits_one_sms(
        self, handset: Handset, runtime: Runtime, language: str
    ) -> None:
        last = join(handset, language)
        assert not handset.open
        dispatcher.send_due(runtime)
        (receipt,) = handset.inbox
        assert is_one_plain_sms(receipt), receipt
        assert number_on(receipt) == number_on(last)
        assert "30 000 000 F" in receipt
        assert "Moussa" not in receipt
        assert "Traor" not in receipt

    def test_the_card_and_the_price_are_told_before_he_agrees(self, handset: Handset, runtime: Runtime) -> None:
        dial(handset, *TO_JOIN)
        first = handset.press("1", FATHER, "2", "2")
        assert "Carte de membre : 2 500 F" in first
        assert "2 000 000 F par mois" in (first if "Confirmer" in first else handset.press("9"))
        assert rows_of(runtime, membership) == []

    def test_what_was_quoted_is_kept(self, family: str, runtime: Runtime) -> None:
        (kept,) = rows_of(runtime, membership)
        assert (kept.monthly_fcfa, kept.size, kept.package) == (30_000_000, 30, "communautaire_public")
        assert kept.head_name == FATHER

    def test_a_price_for_the_family_is_not_multiplied(self) -> None:
        per_family = PRICE.model_copy(update={"per": "family", "monthly_fcfa": 3_300})
        assert memberships.monthly_price(per_family, 7) == 3_300


def test_without_a_confirmed_price_none_is_said(handset: Handset, runtime: Runtime) -> None:
    dial(handset, *TO_JOIN)
    assert "Prix : la mutuelle vous le confirme" in handset.press("1", FATHER, "7", "1")
    handset.press("1")
    dispatcher.send_due(runtime)
    assert is_one_plain_sms(handset.inbox[-1])
    assert " F " not in handset.inbox[-1]
    assert rows_of(runtime, membership)[0].monthly_fcfa is None


def test_the_request_stands_on_the_list_with_consent_and_without_the_name(family: str, runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        (line,) = tasks(tx)
    assert (line.kind, line.number) == ("amv_request", "+22370000001")
    assert family in (line.details or "")
    assert "Moussa" not in (line.details or "")
    (agreed,) = rows_of(runtime, consent)
    assert (agreed.purpose, agreed.given, agreed.how, agreed.language) == ("mutual", True, "ussd", "fr")
    assert agreed.words_version.startswith("accueil:")


def test_asking_twice_makes_one_request_and_says_so(handset: Handset, family: str, runtime: Runtime) -> None:
    dial(handset, *TO_JOIN)
    assert not handset.open, "the form is not filled in twice"
    assert family in handset.screen
    assert len(rows_of(runtime, membership)) == 1
    dispatcher.send_due(runtime)
    assert len(handset.inbox) == 1


def test_two_calls_at_once_make_one_request(runtime: Runtime, clock: TestClock) -> None:
    told = memberships.Request(FATHER, 7, "mixte_public_prive", Words("test", "fr", "ussd"))
    given = []

    def ask() -> None:
        with runtime.database.begin() as tx:
            given.append(memberships.request(tx, runtime, "+22370000009", told, clock.now()).number)

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(given) == 4
    assert len(set(given)) == 1
    assert len(rows_of(runtime, membership)) == len(rows_of(runtime, household)) == 1


def test_numbers_do_not_follow_each_other(handset: Handset, product: str, carrier: LoopbackCarrier) -> None:
    numbers = []
    for neighbour in range(6):
        phone = Handset(product, carrier, f"+2237000001{neighbour}", HOOK_SECRET)
        numbers.append(int(number_on(join(phone)).removeprefix("A-")))
    assert len(set(numbers)) == 6
    assert numbers != list(range(numbers[0], numbers[0] + 6))


class TestWhatTheMutualSays:
    def test_a_request_then_paid_until(self, handset: Handset, family: str, runtime: Runtime, settings: Config) -> None:
        assert mutual_says(handset).startswith(f"Demande {family} du 20/11/26, 30 pers.")
        done = command(settings, "mutual", "confirm", family.lower(), "--paid-until", "2098-12-31")
        assert done.output.startswith(
            f"{family} is active, paid until 2098-12-31.\nThe family is not told before that day"
        )
        assert mutual_says(handset) == f"Mutuelle {family}, 30 pers. : payé jusqu'au 31/12/98."
        with runtime.database.read() as tx:
            assert tasks(tx) == []

    def test_what_is_owed_is_never_said(
        self, handset: Handset, family: str, clock: TestClock, runtime: Runtime
    ) -> None:
        with runtime.database.begin() as tx:
            memberships.confirm(tx, runtime, family, date(2026, 11, 21), "Fatou", clock.now())
        clock.advance(days=90)
        assert mutual_says(handset) == f"Mutuelle {family}, 30 pers. : payé jusqu'au 21/11/26."

    def test_paying_again_moves_the_day(self, handset: Handset, family: str, settings: Config) -> None:
        for day in ("2098-12-31", "2099-06-30"):
            assert command(settings, "mutual", "confirm", family, "--paid-until", day).exit_code == 0
        assert "30/06/99" in mutual_says(handset)

    def test_a_refused_family_may_ask_again(self, handset: Handset, family: str, settings: Config) -> None:
        assert command(settings, "mutual", "refuse", family).output == f"{family} is refused.\n"
        assert mutual_says(handset).startswith("La mutuelle n'a pas pu donner suite")
        again = number_on(join(handset))
        assert again != family
        assert again in mutual_says(handset)

    def test_a_member_is_not_asked_to_join(self, handset: Handset, family: str, settings: Config) -> None:
        command(settings, "mutual", "confirm", family, "--paid-until", "2098-12-31")
        assert dial(handset, *TO_JOIN).startswith("Votre famille est déjà à la mutuelle.")

    def test_a_stranger_hears_nothing_of_it(self, family: str, product: str, carrier: LoopbackCarrier) -> None:
        stranger = Handset(product, carrier, "+22370000002", HOOK_SECRET)
        assert mutual_says(stranger).startswith("Aucune mutuelle ni demande n'est connue")


class TestCommands:
    def test_the_list_shows_what_waits(self, family: str, settings: Config) -> None:
        line = command(settings, "mutual", "list").output
        for word in (family, FATHER, "30 people", "no price quoted", "+223 70 00 00 01"):
            assert word in line
        assert command(settings, "mutual", "list", "--state", "active").output == "Nothing is active.\n"

    def test_a_list_that_is_cut_says_so(
        self, runtime: Runtime, settings: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("service.commands.mutual_commands.MOST_LINES", 1)
        told = memberships.Request(FATHER, 7, "mixte_public_prive", Words("test", "fr", "ussd"))
        for number in ("+22370000008", "+22370000009"):
            with runtime.database.begin() as tx:
                memberships.request(tx, runtime, number, told, runtime.now())
        lines = command(settings, "mutual", "list").output.splitlines()
        assert (len(lines), lines[1]) == (2, "There are more: these are the oldest 1.")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("confirm", "A-000000", "--paid-until", "2098-12-31"), "there is no request A-000000"),
            (("refuse", "A-000000"), "there is no request A-000000"),
            (("confirm", "A-000000", "--paid-until", "31/12"), "lacks its whole year: write a day as"),
            (("confirm", "A-000000"), "Missing option '--paid-until'"),
        ],
    )
    def test_a_mistake_is_one_readable_line(
        self, runtime: Runtime, settings: Config, words: tuple[str, ...], told: str
    ) -> None:
        done = command(settings, "mutual", *words)
        assert done.exit_code != 0
        assert told in done.output
        assert "Traceback" not in done.output

    def test_what_is_decided_is_not_refused_afterwards(self, family: str, settings: Config) -> None:
        command(settings, "mutual", "refuse", family)
        for words in (("refuse", family), ("confirm", family, "--paid-until", "2098-12-31")):
            done = command(settings, "mutual", *words)
            assert done.exit_code == 1
            assert "is refused" in done.output
