"""`laseli follow` as the centre types it."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.follow_up_tables import follow_up
from service.store.people_tables import child, consent
from tests.cover import rows_of
from tests.follow_ups import with_follow_ups
from tests.people import TestClock

OPEN = ("open", "--zone", "darsalam", "--week", "19", "--by", "Fatou")
ASKED = "76000001\nAwa Traore\ny\n"


def follow(settings: Config, *words: str, typed: str = "", confirmed: bool = True) -> Result:
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
    }
    if confirmed:
        environment["LASELI_FOLLOW_UPS__CONFIRMED_BY"] = "Dr Traore"
    result = CliRunner().invoke(main, ["follow", *words], input=typed, env=environment)
    assert "Traceback" not in result.output
    return result


def said(settings: Config, *words: str, typed: str = "") -> str:
    result = follow(settings, *words, typed=typed)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_the_pregnancy_to_the_child(settings: Config, runtime: Runtime) -> None:
    found = re.fullmatch(
        r"Code (\d{4} \d{4}), for her booklet\. Next contact: w20, \d{4}-\d\d-\d\d\.\n",
        said(settings, *OPEN, typed=ASKED),
    )
    assert found
    code = found[1]
    listed = said(settings, "list")
    assert re.match(rf"{code}  Darsalam  w20     \d{{4}}-\d\d-\d\d\n1 follow-up\n$", listed)
    assert "Awa" not in listed
    assert "76 00" not in listed
    assert "Awa Traore  +223 76 00 00 01" in said(settings, "list", "--names")
    assert said(settings, "contact", code, "--by", "Fatou").startswith("Noted. Next contact: w26")
    today = str(rows_of(runtime, follow_up)[0].opened_on)
    birth = "birth", code, "--on", today, "--alive", "2", "--sexes", "f,M", "--by", "Fatou"
    assert "far from the day on which this birth is expected" in follow(settings, *birth).output
    assert rows_of(runtime, child) == []
    born = said(settings, *birth, "--really")
    codes = re.findall(r"Child (\d{4} \d{4}): write the code in its booklet\.", born)
    assert len(codes) == 2
    assert {row.sex for row in rows_of(runtime, follow_up.metadata.tables["person"]) if row.born_on} == {"F", "M"}
    assert "say which one" in follow(settings, "loss", code, "--by", "Fatou").output
    assert said(settings, "loss", code, "--child", codes[0], "--by", "Awa") == "Closed. Nothing more is sent.\n"
    ends = {row.kind: (row.state, row.ended_by) for row in rows_of(runtime, follow_up)}
    assert ends == {"antenatal": ("ended", "Fatou"), "postnatal": ("ended", "Awa")}, "who said so is kept"
    assert sorted(row.status for row in rows_of(runtime, child)) == ["followed", "stopped"]
    assert said(settings, "list") == "0 follow-ups\n"


def test_without_her_yes_nothing_is_kept(settings: Config, runtime: Runtime) -> None:
    result = follow(settings, *OPEN, typed="76000001\n\nn\n")
    assert result.exit_code == 1
    assert "without her yes nothing is kept" in result.output
    assert rows_of(runtime, follow_up) == rows_of(runtime, consent) == []


@pytest.mark.parametrize(
    ("words", "typed", "reason"),
    [
        (OPEN, "12\n\ny\n", "no number of a mobile phone"),
        (("open", "--zone", "Nulle-Part", "--week", "19", "--by", "Fatou"), ASKED, "'Nulle-Part' is no quartier"),
        ((*OPEN, "--seen-on", "2099-01-01"), ASKED, "has not come yet"),
        (("contact", "48217730", "--by", "Fatou"), "", "no open follow-up has this code"),
        (("end", "48217730", "--why", "moved", "--by", "Fatou"), "", "no open follow-up has this code"),
        (("birth", "48217730", "--on", "2026-01-01", "--alive", "1", "--sexes", "X", "--by", "F"), "", "takes F and M"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    settings: Config, runtime: Runtime, words: tuple[str, ...], typed: str, reason: str
) -> None:
    result = follow(settings, *words, typed=typed)
    assert result.exit_code == 1, result.output
    assert reason in result.output
    assert rows_of(runtime, follow_up) == []


def test_until_the_dates_are_confirmed_none_is_opened(settings: Config, runtime: Runtime) -> None:
    result = follow(settings, *OPEN, typed=ASKED, confirmed=False)
    assert result.exit_code == 1
    assert "a health professional confirms the dates first" in result.output
    assert rows_of(runtime, follow_up) == []


def test_a_programme_settles_its_own_figures(settings: Config, clock: TestClock) -> None:
    chosen = with_follow_ups(settings, antenatal_model="focused_4", late_days=5)
    built = build_runtime(chosen, at=clock)
    assert built.pregnancy.word("antenatal_model") == "focused_4"
    assert built.pregnancy.number("late_days") == 5
    assert [rule.id for rule in built.pregnancy.contacts["last_menses"]][:2] == ["cpn1", "cpn2"]
    built.database.close()
