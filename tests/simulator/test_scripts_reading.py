"""Scripts as files: what they may say, one readable line for each mistake, and written again as they were read."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.mistakes import FlowMistake
from service.simulator.scripts import (
    ACTIONS,
    ALONE,
    LARGEST_FILE,
    SAMPLES,
    Script,
    Step,
    load_script,
    read_script,
    seconds_in,
    write_script,
)

EVERYTHING = """
script: a father joins the mutual
phone: "+223 70 00 00 42"
way: ussd
at: "2026-11-20 10:00"
steps:
  - dial
  - dial: "*384*223*2*1#"
  - dial: "2*1"
  - see: "Langue"
  - see: ["Langue", "1 Français"]
  - press: "1"
  - press: ""
  - choose: "Français"
  - maybe: "Recommencer"
  - cut
  - repeat
  - twice: "3"
  - wait: 3m
  - timeout
  - sms: "AMV"
  - inbox: "Adhésion"
  - inbox: none
  - over
  - open
  - phone: "70 00 00 43"
"""


def test_a_script_says_who_calls_and_every_step() -> None:
    script = read_script(EVERYTHING, "x.yaml")
    assert (script.name, script.phone, script.way) == ("a father joins the mutual", "+22370000042", "ussd")
    assert script.at == datetime(2026, 11, 20, 10, 0)
    assert [step.do for step in script.steps][:5] == ["dial", "dial", "dial", "see", "see"]
    assert script.steps[4].words == ("Langue", "1 Français")
    assert script.steps[6] == Step("press", ("",))
    assert script.steps[12] == Step("wait", seconds=180)
    assert [script.steps[n].words for n in (15, 16)] == [("Adhésion",), ()]
    assert script.steps[3].line == 10
    assert script.steps[-1] == Step("phone", ("+22370000043",))


def test_a_script_written_again_is_the_same() -> None:
    script = read_script(EVERYTHING, "x.yaml")
    assert read_script(write_script(script), "y.yaml") == script


TEXTS = st.text(min_size=1, max_size=40).filter(str.strip)
STEPS = st.one_of(
    st.sampled_from(ALONE).map(Step),
    st.builds(Step, st.sampled_from(["press", "choose", "maybe", "twice", "sms", "see", "inbox"]), st.tuples(TEXTS)),
    st.builds(Step, st.just("see"), st.lists(TEXTS, min_size=2, max_size=4).map(tuple)),
    st.builds(Step, st.just("wait"), st.just(()), st.integers(1, 10_000)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=8), TEXTS)
def test_whatever_was_typed_is_written_so_that_it_is_read_again(steps: list[Step], name: str) -> None:
    script = Script(name, tuple(steps))
    assert read_script(write_script(script), "x.yaml") == script


MISTAKES = {
    "steps:\n  - dial": "x.yaml:1: 'script' is missing: a line that says who does what",
    "script: x\nsteps: []": "x.yaml:2: a script has 1 to 500 steps; here are 0",
    "script: x\nsteps:\n  - pres: '1'": "x.yaml:3: 'pres' is no step of a script; did you mean 'press'?",
    "script: x\nsteps:\n  - press": "x.yaml:3: 'press' needs a value: write `- press: \"1\"`",
    "script: x\nsteps:\n  - press: 1": "x.yaml:3: 'press' must stand in double quotes",
    "script: x\nsteps:\n  - cut: '1'": "x.yaml:3: 'cut' stands alone: write `- cut`",
    "script: x\nsteps:\n  - press: '1'\n    see: 'x'": "x.yaml:3: one thing a step: 'press' and 'see' stand",
    "script: x\nsteps:\n  - wait: 3 min": "x.yaml:3: '3 min' is no length of time: write 90s, 3m, 2h or 7d",
    "script: x\nsteps:\n  - wait: 9999d": "x.yaml:3: '9999d' is no length of time",
    "script: x\nsteps:\n  - see: []": "x.yaml:3: 'see' is an empty list",
    "script: x\nsteps:\n  - see: ''": "x.yaml:3: 'see' is empty",
    "script: x\nsteps:\n  - see: {fr: 'x'}": "x.yaml:3: 'see' must be a text in double quotes",
    "script: x\nsteps:\n  - dial: '*1'": "x.yaml:3: '*1' cannot be dialled; write a code",
    "script: x\nsteps:\n  - dial: *123#": "x.yaml:3: this is not YAML",
    "script: x\nsteps:\n  - press: *a": "x.yaml:3: `*` and `&` have a meaning in YAML",
    "script: x\nway: sms\nsteps:\n  - dial": "x.yaml:4: 'dial' belongs to a USSD call; this script has `way: sms`",
    "script: x\nway: voice\nsteps:\n  - dial": "x.yaml:2: 'voice' is no way to talk to us",
    "script: x\nphone: '+223 76 12 34 56'\nsteps:\n  - dial": "x.yaml:2: only invented numbers stand in scripts",
    "script: x\nsteps:\n  - phone: '+223 76 12 34 56'": "x.yaml:3: only invented numbers stand in scripts",
    "script: x\nsteps:\n  - phone": "x.yaml:3: 'phone' needs a value: write `- phone: \"+223 70 00 00 42\"`",
    "script: x\nat: tomorrow\nsteps:\n  - dial": "x.yaml:2: 'tomorrow' is no moment; write one like \"2026",
    "script: x\nsteps:\n  - dial\nstep: x": "x.yaml:4: unknown key 'step'; did you mean 'steps'?",
    "script: x\nsteps: dial": "x.yaml:2: 'steps' must be a list, each item after a dash",
    "script: x\nsteps:\n  - [dial]": "x.yaml:3: 'step' must be one value",
    "script: x\nsteps:\n  - sms: '" + "a" * 613 + "'": "x.yaml:3: 'sms' holds 613 characters; 612 can be sent at once",
    "- dial": "x.yaml:1: 'file' must be a mapping",
    "script: 'x": "x.yaml:1: this is not YAML",
    "": "x.yaml: the file is empty",
}


@pytest.mark.parametrize(("source", "line"), MISTAKES.items(), ids=lambda text: text[-40:])
def test_a_mistake_is_one_line_with_its_remedy(source: str, line: str) -> None:
    with pytest.raises(FlowMistake) as found:
        read_script(source, "x.yaml")
    assert str(found.value).startswith(line), found.value
    assert "\n" not in str(found.value)


def test_files_that_are_no_scripts_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("script: hé".encode("cp1252"))
    (tmp_path / "long.yaml").write_text("#" * (LARGEST_FILE + 1))
    for name, words in (("latin", "save it as UTF-8"), ("long", "too long"), ("none", "cannot be read")):
        with pytest.raises(FlowMistake, match=f"{name}.yaml: .*{words}"):
            load_script(tmp_path / f"{name}.yaml")
    with pytest.raises(FlowMistake, match="cannot be read"):
        load_script(tmp_path)


@pytest.mark.parametrize("written", ["", "0s", "3", "m", "-3m", "3w", "３m", "99999999d"])
def test_only_whole_lengths_of_time_are_understood(written: str) -> None:
    assert seconds_in(written) is None


def test_the_page_of_documentation_names_every_step_and_its_examples_can_be_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    examples = [read_script(found, "simulator.md") for found in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    assert {step.do for script in examples for step in script.steps} == set(ACTIONS)
    for action in ACTIONS:
        assert page.count(f"| `{action}") == 2, f"{action}: once in French and once in English"


def test_the_scripts_that_come_with_the_product_can_be_read() -> None:
    assert len([load_script(file) for file in SAMPLES.glob("*.yaml")]) >= 4
