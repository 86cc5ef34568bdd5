"""`laseli sim`: a conversation tried in the terminal, with nothing set up, recorded, and played again."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.loader import DEFINITIONS
from scheduler.__main__ import main
from service.simulator.scripts import SAMPLES, load_script

ENROL = "1\n1\n1\n1\nAwa Diarra\n12102026\n1\n7\n1\n"


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sends logs to the standard error of its run, which is gone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def sim(way: str, *words: object, typed: str = "") -> Result:
    at = [] if "--script" in words else ["--at", "2026-11-20T10:00"]
    return CliRunner().invoke(main, ["sim", way, *at, *map(str, words)], input=typed)


def test_a_phone_dials_and_shows_each_screen_in_a_box_with_its_septets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LASELI_DATABASE_URL", "LASELI_KEYS__IDENTITY"):
        monkeypatch.setenv(name, "wrong")
    result = sim("ussd", typed="1\n")
    assert result.exit_code == 0, result.output
    assert "│ Langue / Kan / Language                  │" in result.output
    assert "57/160 ┘" in result.output
    assert "> 1\n" in result.output
    assert "│ 1 Mon enfant" in result.output


def test_the_widest_line_stays_in_its_box() -> None:
    result = sim("ussd", typed=ENROL + "1\n")
    boxes = [line for line in result.output.splitlines() if line[:1] in "┌│└"]
    assert {len(line) for line in boxes} == {44}


def test_every_fault_on_demand() -> None:
    typed = (
        ENROL + "/repeat\n/twice 1\n/dial 1*2\n/dial\n/timeout\n/dial\n/cut\n/sms ARRET\n/inbox\n/wait 2h\n/quit\n1\n"
    )
    result = sim("ussd", typed=typed)
    assert result.exit_code == 0, result.output
    assert "│ Code " in result.output
    assert "│ Enfant 1, née" in result.output.split("> /dial 1*2")[1], "one child, found at once"
    assert "Délai dépassé" in result.output
    assert "Appel coupé par le réseau" in result.output
    assert "plus de SMS" in result.output.split("> /sms ARRET")[1]
    assert not result.output.endswith("> 1\n"), "/quit ends it"


def test_what_is_typed_wrong_is_answered_in_a_line() -> None:
    result = sim("ussd", typed="/foo\n/wait soon\n/dial Awa\n/sms\n/cut\n/cut\nAwa\n/help\n")
    assert result.exit_code == 0
    for line in ("There is no /foo", "Write how long", "/dial alone calls", "Write the words", "there is no open call",
                 "No call is open", "/timeout          nothing is typed"):  # fmt: skip
        assert line in result.output, line


def test_odd_bytes_are_answered_like_any_wrong_answer() -> None:
    result = CliRunner().invoke(main, ["sim", "ussd"], input=b"\xe9t\xe9\n\x00\n" + b"1" * 5000 + b"\n/cut\n")
    assert result.exit_code == 0, result.output


def test_a_conversation_by_sms() -> None:
    result = sim("sms", typed="ARRET\n\n/repeat\nSTART\n/cut\n")
    assert result.exit_code == 0, result.output
    assert result.output.count("plus de SMS") == 1
    assert result.output.count("reprennent") == 1
    assert "1 SMS, 119 septets" in result.output
    assert "/cut belongs to a USSD call" in result.output


def test_the_amv_is_asked_for_by_sms_alone() -> None:
    result = sim("sms", typed="amv\n1\nMoussa Keïta\n8\nRETOUR\n7\nrdv\n1\n1\n1\nmerci\n")
    assert result.exit_code == 0, result.output
    answers = result.output.split("\n> ")
    assert "D'accord ?" in answers[1], "each answer stands right below what was written"
    assert "Combien de personnes" in answers[5]
    assert "Adhésion à l'AMV : pas fini." in answers[7]
    assert "Moussa Keita, 7 pers." in answers[9]
    assert [answers[10].count(words) for words in ("Gardez", "Merci. Demande A-")] == [1, 1]
    assert answers[11].strip() == "merci\n  no answer"


def test_help_lists_what_can_be_typed_and_the_words_that_begin_a_conversation() -> None:
    result = sim("sms", typed="/help\n/inbox\n")
    assert result.output.startswith("Write an SMS, MENU or AMV for instance")
    assert re.search(r"^AMV, MUTUELLE +Adhésion à l'AMV$", result.output, re.M)
    assert re.search(r"^RETOUR, SUITE +one question back", result.output, re.M)
    assert "/cut" not in result.output, "what belongs to a call is left out"
    assert "no SMS has arrived" in result.output
    assert "AMV, MUTUELLE" in sim("ussd", typed="/help\n").output


def test_another_phone_is_taken_and_the_first_one_again(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    typed = "AMV\n/phone 70 00 00 43\nRDV\n/phone +223 70 00 00 42\n2\n/phone 76 12 34 56\n"
    result = sim("sms", "--record", file, typed=typed)
    assert result.exit_code == 0, result.output
    assert "now on +223 70 00 00 43" in result.output
    assert "Rien n'est gardé" in result.output.split("> 2")[1], "its question was still open"
    assert "Only invented numbers" in result.output
    assert sim("sms", "--script", file).exit_code == 0


def test_what_was_done_is_recorded_and_plays_again_the_next_day(tmp_path: Path) -> None:
    file = tmp_path / "awa.yaml"
    result = sim("ussd", "--record", file, "--phone", "+223 70 00 00 77", typed=ENROL + "/repeat\n/twice 1\n/wait 1d\n")
    assert result.exit_code == 0, result.output
    script = load_script(file)
    assert (script.name, script.phone) == ("awa", "+22370000077")
    assert script.at == datetime(2026, 11, 20, 10, 0)
    text = file.read_text("utf-8")
    assert "Code …" in text, "a code that dice have dealt is not written down"
    assert "  - repeat\n" in text
    assert '  - twice: "1"\n' in text
    again = sim("ussd", "--script", file)
    assert again.exit_code == 0, again.output
    assert again.output.splitlines()[-1].startswith(" ok ")

    result = sim("ussd", "--record", file, typed="1\n")
    assert result.exit_code == 1
    assert "exists already" in result.output
    assert file.read_text("utf-8") == text


def test_a_script_recorded_while_it_is_played_is_the_same_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    sim("sms", "--record", first, typed="ARRET\n/repeat\n/twice START\n/inbox\n")
    result = sim("sms", "--script", first, "--record", second)
    assert result.exit_code == 0, result.output
    assert load_script(first).steps == load_script(second).steps


def test_the_first_step_that_fails_is_told_with_the_screen(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text('script: x\nsteps:\n  - dial\n  - see: "Bonjour"\n  - press: "1"\n')
    result = sim("ussd", "--script", file)
    assert result.exit_code == 1
    assert ' ok dial\nNOT see: "Bonjour"    (line 4)\n  these words are not on the screen: Bonjour\n' in result.output
    assert "│ Langue / Kan" in result.output
    assert "press" not in result.output


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_scripts_of_the_product_play_in_the_terminal(file: Path) -> None:
    result = sim(load_script(file).way, "--script", file)
    assert result.exit_code == 0, result.output


def test_a_script_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("script: x\nsteps:\n  - pres: '1'\n")
    result = sim("ussd", "--script", file)
    assert (result.exit_code, result.output) == (
        1, "Error: x.yaml:3: 'pres' is no step of a script; did you mean 'press'?\n",
    )  # fmt: skip
    file.write_text("script: x\nway: sms\nsteps:\n  - press: '1'\n")
    assert "play it with `laseli sim` sms" in sim("ussd", "--script", file).output
    assert sim("ussd", "--script", tmp_path / "none.yaml").exit_code == 1


def test_options_are_judged_before_anything_is_started() -> None:
    assert "only invented numbers" in sim("ussd", "--phone", "+223 76 12 34 56").output
    assert "write a code" in sim("ussd", "--dial", "Awa").output
    assert sim("ussd", "--limit", "200").exit_code == 2


def test_a_smaller_screen_and_a_dialled_path() -> None:
    result = sim("ussd", "--limit", "80", "--dial", "*384*223*1*1#", typed="1\n9\n")
    assert result.exit_code == 0, result.output
    sizes = re.findall(r"(\d+)/80", result.output)
    assert len(sizes) == 3
    assert all(int(size) <= 80 for size in sizes)
    assert "9 Suite" in result.output


def test_definitions_that_are_not_published_are_tried(tmp_path: Path) -> None:
    source = (DEFINITIONS / "accueil.yaml").read_text("utf-8")
    (tmp_path / "accueil.yaml").write_text(source.replace("Français", "En français"), "utf-8")
    assert "1 En francais" in sim("ussd", "--flows", tmp_path).output
    assert "1 En francais" not in sim("ussd").output


def test_mistakes_in_definitions_are_told_in_lines(tmp_path: Path) -> None:
    assert "no .yaml file" in sim("ussd", "--flows", tmp_path).output
    source = (DEFINITIONS / "accueil.yaml").read_text("utf-8")
    (tmp_path / "accueil.yaml").write_text(source.replace("run: messages", "run: mesages"), "utf-8")
    result = sim("ussd", "--flows", tmp_path)
    assert result.exit_code == 1
    assert "runs 'mesages', which does not exist; did you mean 'messages'?" in result.output
    assert "Traceback" not in result.output

    (tmp_path / "accueil.yaml").write_text(source.replace("Laseli, santé des familles", "A" * 150), "utf-8")
    result = sim("ussd", "--flows", tmp_path, "--limit", "80", typed="1\n")
    assert result.exit_code == 0, "what the checker finds is told, and it can be tried all the same"
    assert "accueil.yaml" in result.output
    assert "AAA" in result.output
    (tmp_path / "accueil.yaml").write_bytes("flow: é".encode("cp1252"))
    assert "accueil.yaml: this is no text in UTF-8" in sim("ussd", "--flows", tmp_path).output
