"""The doctor's checks: each finds its own thing, and a good installation has none."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.checkup import CHECKS, DAY, HOUR, MINUTE, look_over
from service.domain.checkup_facts import Account, Closing, Console, Facts, Guessed, Heard, Jobs, Pause, Server

NOW = 1_795_000_000_000
GOOD_SERVER = Server(18, True, True, "on", 10, 100)
LOST = GOOD_SERVER._replace(fsync=False)
FULL = GOOD_SERVER._replace(connections=85)
HEARD = Heard("africastalking", NOW - HOUR, NOW - HOUR, True, 50)
PAUSE = Pause("africastalking", "balance is used up", "the dispatcher", None)


def facts(**changes: Any) -> Facts:
    good: dict[str, Any] = {
        "now": NOW,
        "migration": "0003",
        "newest_migration": "0003",
        "disk_free": 10**11,
        "database_size": 10**9,
        "server": GOOD_SERVER,
        "worker_lease_ms": 20_000,
        "clock_is_kept": True,
        "database_clock_off_ms": 12,
        "newest_event": NOW - HOUR,
        "oldest_due": NOW - MINUTE,
        "states": {"queued": 9, "delivered": 1000},
        "routes": ("africastalking",),
        "real_routes": ("africastalking",),
        "accounts": (Account("all", 500, False, False),),
        "public_url": "https://alertes.example.org",
        "heard": (HEARD,),
        "last_backup": NOW - 10 * MINUTE,
        "jobs": Jobs(3, NOW - MINUTE, 0),
    }
    return Facts(**(good | changes))


def test_of_a_good_installation_there_is_nothing_to_say() -> None:
    assert look_over(facts()) == []
    assert look_over(Facts(last_backup=0)) == [], "what could not be found out is nothing"


@pytest.mark.parametrize(
    "in_the_way",
    [{"unreachable": "OperationalError"}, {"not_ours": "/srv/l.db"}, {"wrong_settings": ("x",)}, {"migration": "0002"}],
)
def test_a_backup_that_could_not_be_looked_for_is_not_said_to_be_missing(in_the_way: dict[str, Any]) -> None:
    assert "backup" not in {one.about for one in look_over(facts(last_backup=None, **in_the_way))}


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"wrong_settings": ("LASELI_PORT: too large",)}, "now", "LASELI_PORT", "config check"),
    ({"unreachable": "OperationalError"}, "now", "does not answer", "LASELI_DATABASE_URL"),
    ({"not_ours": "/srv/laseli.db"}, "now", "may not write to /srv/laseli.db", "user of the services"),
    ({"migration": "0002"}, "now", "at migration 0002", "laseli db upgrade"),
    ({"migration": None}, "now", "at migration none", "laseli db upgrade"),
    ({"migration": "0009"}, "now", "newer Laseli", "Install that version"),
    ({"migration": None, "is_unsettled": True}, "now", "put here by hand", "db restore"),
    ({"wrong_keys": "another index key"}, "now", "another index key", "safe"),
    ({"damage": "page 7"}, "now", "page 7", "restore the last backup"),
    ({"disk_free": 10**8}, "now", "100 MB left", "Make room"),
    ({"disk_free": 2 * 10**9}, "soon", "2000 MB left", "twice the database"),
    ({"sqlite_synchronous": "NORMAL"}, "soon", "power cut", "Remove the setting"),
    ({"server": LOST}, "now", "fsync off", "fsync = on"),
    ({"server": GOOD_SERVER._replace(full_page_writes=False)}, "now", "full_page_writes off", "full_page_writes = on"),
    ({"server": GOOD_SERVER._replace(synchronous_commit="off")}, "now", "synchronous_commit off", "= on"),
    ({"server": FULL}, "soon", "85 of 100", "max_connections"),
    ({"worker_lease_ms": None}, "now", "No worker is alive:", "laseli worker"),
    ({"worker_lease_ms": -7 * MINUTE}, "now", "since 7 minutes", "laseli worker"),
    ({"worker_lease_ms": -3 * DAY}, "now", "since 3 days:", "laseli worker"),
    ({"web_is_silent_at": "127.0.0.1:8000"}, "now", "not answer at 127.0.0.1:8000", "laseli serve"),
    ({"closed": (Closing("restored", "a backup", NOW - DAY),)}, "now", "since 1 day (restored)", "outbox release"),
    ({"closed": (Closing("clock", "it jumped.", NOW),)}, "now", "since a moment ago", "clock accept"),
    ({"closed": (Closing("moved", "it was moved.", NOW),)}, "now", "(moved)", "LASELI_DATABASE_URL"),
    ({"open_settings": "/etc/laseli.env"}, "soon", "/etc/laseli.env holds the keys", "chmod o= /etc/laseli.env"),
    ({"clock_is_kept": False}, "soon", "keeps this machine's clock", "set-ntp"),
    ({"database_clock_off_ms": -60_000}, "now", "60 seconds apart", "time synchronisation"),
    ({"newest_event": NOW + HOUR}, "now", "1 hour before", "Set it right"),
    ({"oldest_due": NOW - 3 * HOUR}, "now", "late by 3 hours", "outbox list"),
    ({"routes": ()}, "now", "No carrier", "LASELI_ROUTES"),
    (
        {"calls_by": "x_voice", "cannot_be_said": ("keys",)},
        "soon",
        "x_voice is to call, and cannot say keys",
        "voice.md",
    ),
    ({"paused": (PAUSE,)}, "now", "balance is used up", "route open africastalking"),
    (
        {"paused": (PAUSE,), "routes": ("africastalking", "twilio")},
        "soon",
        "paused by the dispatcher",
        "route open africastalking",
    ),
    (
        {"paused": (PAUSE._replace(until=NOW + HOUR),)},
        "now",
        "by itself in 1 hour",
        "route open africastalking",
    ),
    ({"accounts": (Account("all", 9_000_000, True, True),)}, "now", "90000 FCFA of the budget of today", "raise"),
    ({"accounts": (Account("campaign:7", 100, True, False),)}, "soon", "campaign:7", "Find out why"),
    ({"states": {"unresolved": 4}}, "soon", "Of 4 messages", "--state unresolved"),
    ({"states": {"unknown": 2}}, "know", "2 messages are of unknown fate", "--state unknown"),
    ({"jobs": Jobs(3, NOW - HOUR, 0)}, "soon", "3 jobs wait", "Start a worker"),
    ({"jobs": Jobs(0, None, 2)}, "soon", "2 jobs were given up", "log"),
    ({"flow_problem": "a screen is missing"}, "soon", "a screen is missing", "flow publish"),
    ({"heard": (HEARD._replace(receipt_at=NOW - 2 * DAY),)}, "soon", "told what became of none", "delivery reports"),
    ({"heard": (HEARD._replace(receipt_at=None),)}, "soon", "told what became of none", "delivery reports"),
    ({"heard": (HEARD._replace(sms_at=NOW - 9 * DAY),)}, "know", "for 9 days", "callback"),
    ({"weak_secrets": ("LASELI_AFRICASTALKING__HOOK_SECRETS",)}, "soon", "can be guessed", "keys new"),
    ({"public_url": "http://alertes.example.org"}, "soon", "not https", "certificate"),
    ({"seals_to": 0}, "soon", "no key to seal it to", "backup-key"),
    ({"last_backup": None}, "soon", "No backup was ever made", "db backup"),
    ({"last_backup": NOW - 3 * HOUR}, "soon", "3 hours old", "timer"),
    ({"last_backup": NOW - 3 * DAY}, "now", "3 days old", "timer"),
    ({"readable_by_others": ("/srv/laseli.db",)}, "soon", "/srv/laseli.db", "chmod 600"),
    ({"set_aside": ("the schema laseli_replaced",)}, "soon", "laseli_replaced", "Delete it"),
    ({"dead_numbers": 12}, "know", "12 numbers", "todo list"),
    ({"planned_otherwise": 12}, "soon", "12 children", "replan start"),
    ({"drafts_allowed_by": "Awa"}, "know", "as Awa allowed", "reviewed"),
    ({"console": Console("", True)}, "soon", "count as one address", "address of the proxy"),
    ({"console": Console("127.0.0.1", False)}, "now", "LASELI_DEMO_SECRET", "Remove the setting"),
    ({"guesses": (Guessed("code", "fatou", 1, NOW - HOUR),)}, "now", "password of fatou", "staff reset fatou"),
    ({"guesses": (Guessed("door", "fatou", 2, NOW - HOUR),)}, "soon", "in 2 hours, the last", "staff reset fatou"),
    ({"guesses": (Guessed("former", "fatou", 1, NOW - HOUR),)}, "soon", "page that was open", "staff reset fatou"),
    ({"guesses": (Guessed("search", "fatou", 1, NOW - HOUR),)}, "soon", "looked for many", "staff reads fatou"),
    ({"guesses": (Guessed("address", "", 1, NOW - HOUR),)}, "soon", "One address", "LASELI_CONSOLE__PROXY"),
    ({"is_trial": True}, "soon", "may be moved", "database of its own"),
]


@pytest.mark.parametrize(("changes", "level", "said", "remedy"), CASES, ids=[case[2] for case in CASES])
def test_each_thing_is_found_with_its_remedy(changes: dict[str, Any], level: str, said: str, remedy: str) -> None:
    [found] = look_over(facts(**changes))
    assert found.level == level
    assert said in found.said
    assert remedy in found.remedy


def test_every_check_has_found_something() -> None:
    for check in CHECKS:
        assert any(list(check(facts(**changes))) for changes, *_ in CASES), check.__name__


def test_the_most_urgent_comes_first() -> None:
    found = look_over(facts(dead_numbers=1, seals_to=0, worker_lease_ms=None, weak_secrets=("A",)))
    assert [one.level for one in found] == ["now", "soon", "soon", "know"]


def test_a_carrier_that_has_no_receipts_or_took_little_is_not_suspected() -> None:
    quiet = HEARD._replace(receipt_at=None)
    assert look_over(facts(heard=(quiet._replace(tells_receipts=False),))) == []
    assert look_over(facts(heard=(quiet._replace(accepted_lately=2),))) == []
