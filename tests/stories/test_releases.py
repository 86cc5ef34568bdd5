"""What callers hear is published: it never changes under a call, a second person may say yes, it can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from service.cli import main
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import release_tables
from service.stories.keeping import setup
from service.stories.talk import effects, releases
from tests.people import Handset, TestClock, publish
from tests.stories.forms import SMALL_LINE

FORME_91 = (
    SMALL_LINE["forme.yaml"]
    .replace("Combien de personnes ?", "Combien êtes-vous ?")
    .replace("version: 90", "version: 91")
)


@pytest.fixture
def small(runtime: Runtime) -> int:
    return publish(runtime, SMALL_LINE, whole=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "flows"
    place.mkdir()
    for name, source in SMALL_LINE.items():
        (place / name).write_text(source, encoding="utf-8")
    return place


@pytest.fixture
def laseli(settings: Config, monkeypatch: pytest.MonkeyPatch) -> object:
    """The command line on this very database."""
    identity, index = settings.keys.identity.get_secret_value(), settings.keys.index.get_secret_value()
    monkeypatch.setenv("LASELI_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("LASELI_KEYS__IDENTITY", identity)
    monkeypatch.setenv("LASELI_KEYS__INDEX", index)

    def run(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(main, ["flow", *words], input=answer)

    return run


def walk_to_persons(handset: Handset) -> str:
    handset.dial()
    return handset.press("1", "1", "Moussa")


def test_a_word_is_changed_for_new_calls_while_an_older_one_ends_on_its_own(
    small: int, handset: Handset, runtime: Runtime, product: str
) -> None:
    assert walk_to_persons(handset).startswith("Combien de personnes ?")
    publish(runtime, {"forme.yaml": FORME_91})
    assert handset.press("0", "Awa").startswith("Combien de personnes ?")
    handset.press("7", "1")
    assert walk_to_persons(handset).startswith("Combien etes-vous ?")


def test_the_command_shows_the_difference_and_asks(small: int, folder: Path, laseli: object, runtime: Runtime) -> None:
    assert callable(laseli)
    (folder / "forme.yaml").write_text(FORME_91, encoding="utf-8")
    said = laseli("publish", str(folder / "forme.yaml"), "--by", "Awa", answer="n\n")
    assert said.exit_code == 1
    assert "[-de personnes-]" in said.output
    assert "[+êtes-vous+]" in said.output
    said = laseli("publish", str(folder), "--by", "Awa", "--dry-run")
    assert "Nothing was published." in said.output
    with runtime.database.read() as tx:
        assert release_tables.current_number(tx) == small
    said = laseli("publish", str(folder), "--by", "Awa", "--note", "plus court", answer="y\n")
    assert f"Release {small + 1} is heard from now on." in said.output
    assert "already" in laseli("publish", str(folder), "--by", "Awa").output
    assert "Awa  plus court" in laseli("releases").output


def test_what_is_wrong_is_told_in_lines_and_nothing_is_published(
    small: int, folder: Path, laseli: object, runtime: Runtime, handset: Handset
) -> None:
    assert callable(laseli)
    broken = SMALL_LINE["forme.yaml"].replace("go: {non: refus}", "go: {non: reffus}", 1)
    (folder / "forme.yaml").write_text(broken, encoding="utf-8")
    said = laseli("publish", str(folder), "--by", "Awa", "--yes")
    assert said.exit_code == 1
    assert "forme.yaml:" in said.output
    assert "did you mean 'refus'?" in said.output
    assert "Traceback" not in said.output
    (folder / "forme.yaml").write_text("flow: forme\nsteps: [", encoding="utf-8")
    assert "this is not YAML" in laseli("publish", str(folder), "--by", "Awa", "--yes").output
    assert walk_to_persons(handset).startswith("Combien de personnes ?")


def test_a_published_version_never_changes(small: int, folder: Path, laseli: object) -> None:
    assert callable(laseli)
    (folder / "forme.yaml").write_text(FORME_91.replace("version: 91", "version: 90"), encoding="utf-8")
    said = laseli("publish", str(folder), "--by", "Awa", "--yes")
    assert said.exit_code == 1
    assert "forme.yaml: version 90 was published with other words: write version: 91" in said.output


def test_a_step_that_means_something_else_must_say_so(small: int, folder: Path, laseli: object) -> None:
    assert callable(laseli)
    changed = FORME_91.replace("  - id: personnes\n    number:", "  - id: personnes\n    text:").replace(
        "    from: 1\n    to: 30\n", "    max: 20\n"
    )
    (folder / "forme.yaml").write_text(changed, encoding="utf-8")
    said = laseli("publish", str(folder), "--by", "Awa", "--yes")
    assert said.exit_code == 1
    assert "replaces: 90" in said.output
    (folder / "forme.yaml").write_text(
        changed.replace("  - id: personnes\n", "  - id: personnes\n    replaces: 90\n"), encoding="utf-8"
    )
    assert laseli("publish", str(folder), "--by", "Awa", "--yes").exit_code == 0


def test_roll_back_is_one_command_and_twice_goes_no_further_than_asked(
    small: int, laseli: object, runtime: Runtime, handset: Handset
) -> None:
    assert callable(laseli)
    publish(runtime, {"forme.yaml": FORME_91})
    said = laseli("rollback", "--by", "Moussa")
    assert f"the same as release {small}" in said.output
    assert walk_to_persons(handset).startswith("Combien de personnes ?")
    laseli("rollback", str(small + 1), "--by", "Moussa")
    handset.dial()
    handset.press("2")
    assert walk_to_persons(handset).startswith("Combien etes-vous ?")
    assert laseli("rollback", "99", "--by", "Moussa").exit_code == 1


def test_a_second_person_is_asked_where_a_setting_says_so(
    small: int, folder: Path, laseli: object, runtime: Runtime, handset: Handset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(laseli)
    monkeypatch.setenv("LASELI_FLOWS_NEED_SECOND", "true")
    (folder / "forme.yaml").write_text(FORME_91, encoding="utf-8")
    said = laseli("publish", str(folder), "--by", "Awa", "--yes")
    number = small + 1
    assert f"Release {number} waits for somebody else" in said.output
    assert walk_to_persons(handset).startswith("Combien de personnes ?")
    assert "somebody else must approve" in laseli("approve", str(number), "--by", "awa", answer="y\n").output
    assert "[+êtes-vous+]" in (said := laseli("approve", str(number), "--by", "Moussa", answer="y\n")).output
    assert said.exit_code == 0
    handset.dial()
    handset.press("2")
    assert walk_to_persons(handset).startswith("Combien etes-vous ?")
    assert "approved already" in laseli("approve", str(number), "--by", "Moussa", answer="y\n").output


def test_a_release_that_cannot_be_read_is_told_and_the_last_good_one_goes_on(
    small: int, runtime: Runtime, settings: Config, clock: TestClock, handset: Handset, product: str
) -> None:
    """As after going back to an older program, which cannot read what a newer one published."""
    with runtime.database.begin() as tx:
        release_tables.add_release(
            tx,
            hash="x" * 64,
            body='{"accueil.yaml": "flow: accueil"}',
            note="",
            by="Awa",
            now=clock.now(),
            approved_by="Awa",
        )
    assert walk_to_persons(handset).startswith("Combien de personnes ?")
    told = requests.get(f"{product}/readyz", timeout=5).json()["conversations"]
    assert told["ok"]
    assert told["problem"].startswith(f"release {small + 1}: accueil.yaml:1:")
    assert "last good version" in told["remedy"]


def test_a_broken_file_of_the_program_does_not_silence_the_line(
    runtime: Runtime, settings: Config, clock: TestClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from service import readiness
    from service import runtime as runtime_module

    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "accueil.yaml").write_text("flow: [", encoding="utf-8")
    monkeypatch.setattr(runtime_module, "FLOWS", tmp_path)
    fresh = build_runtime(settings, at=clock)
    assert "goes on" in setup.prepare(fresh)
    with fresh.database.read() as tx:
        assert releases.start_flow(fresh, tx).id == "accueil"
    told = readiness.readiness(fresh)["conversations"]
    assert told["ok"]
    assert "accueil.yaml" in told["problem"]
    fresh.database.close()


def test_staffs_own_conversations_are_not_replaced_by_an_upgrade(small: int, runtime: Runtime) -> None:
    hint = setup.prepare(runtime)
    assert f"other conversations than release {small} by Awa" in hint
    with runtime.database.read() as tx:
        assert release_tables.current_number(tx) == small


def test_an_upgrade_of_the_programs_own_is_published_once(runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        before = release_tables.current_number(tx)
    assert setup.prepare(runtime) == ""
    with runtime.database.read() as tx:
        assert release_tables.current_number(tx) == before


def test_a_line_without_a_first_menu_is_refused(runtime: Runtime) -> None:
    only = {"simple.yaml": SMALL_LINE["simple.yaml"]}
    with pytest.raises(releases.Refused, match="nobody could begin"):
        releases.read_candidate(only, effects.SIGNATURES, 160)
