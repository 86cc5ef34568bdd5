"""Every check of a container catches the fault planted for it, and a good container has none."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.floip.floip_checks import check_container
from tests.floip.containers import Flow, container, invoke, uid
from tests.floip.planted_faults import FAULTS, Plant, block, flow, good


def found(made: object) -> list[tuple[str, str, str]]:
    return [(each.level, each.block, each.message) for each in check_container(made)]


def test_a_good_container_has_no_findings() -> None:
    assert found(good()) == []
    result = invoke("check-floip", good())
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


@pytest.mark.parametrize(
    ("plant", "level", "name", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_planted_fault_is_found(plant: Plant, level: str, name: str, message: str) -> None:
    made = good()
    plant(made)
    findings = found(made)
    assert [each for each in findings if each[:2] == (level, name) and message in each[2]], findings
    printed = json.loads(invoke("check-floip", made).stdout)
    assert [(each["level"], each["block"], each["message"]) for each in printed] == findings


def test_errors_come_first() -> None:
    made = good()
    block(made, "fin").update(type="Core.Webhook")
    flow(made).update(name="ab")
    assert [level for level, _, _ in found(made)] == sorted(level for level, _, _ in found(made))


def test_a_circle_is_no_fault_when_the_flow_it_runs_asks_something() -> None:
    asks = Flow("demande").open("nom", "Nom ?")
    silent = Flow("silence").say("mot", "Bonjour")
    turns = Flow("tourne").run("va", "demande", "cas").case("cas", {"flow.nom = 'fin'": "fin"}, "va").say("fin", "Fini")
    assert found(container(turns, asks)) == []
    turns.blocks[0]["config"]["flow_id"] = silent.uuid
    assert ("error", "va", "goes in circles without a question: va, cas") in found(container(turns, silent, asks))


def test_flows_that_run_each_other_before_asking_are_found() -> None:
    one, two = (
        Flow("premier").run("a", "second", "b").open("b", "B ?"),
        Flow("second").run("c", "premier", "d").open("d", "D ?"),
    )
    assert ("error", "a", "runs flow 'premier' inside itself before anything is asked") in found(container(one, two))
    late = Flow("second").open("d", "D ?", "c").case("c", {"block.name = 'x'": "e"}, None).run("e", "premier")
    assert [each for each in found(container(one, late)) if each[0] == "error"] == []


def test_text_for_both_sms_and_ussd_is_text_and_the_other_way_round() -> None:
    made = good()
    flow(made)["supported_modes"] = ["TEXT", "SMS", "USSD"]
    assert found(made) == []
    for resource in flow(made)["resources"]:
        for each in resource["values"]:
            each["modes"] = ["TEXT"]
    assert found(made) == []


@pytest.mark.parametrize(
    "raw", [None, 3, "x", [], {}, {"flows": {}}, {"flows": [None]}, {"flows": [{"blocks": [None]}]}]
)
def test_what_is_no_container_is_told_and_never_breaks(raw: Any) -> None:
    assert [level for level, _, _ in found(raw)][:1] == ["error"]
    result = invoke("check-floip", json.dumps(raw))
    assert (result.exit_code, result.exception) == (0, None)


_JUNK = st.sampled_from(
    [None, True, 0, -1.5, "", "x", [], {}, [None], {"x": 1}, "@(", uid("block age"), ["SMS"], [{}], [[]]]
)


def _places(raw: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON document, as (where it stands, its key)."""
    keys = list(raw) if isinstance(raw, dict) else range(len(raw)) if isinstance(raw, list) else []
    return [place for key in keys for place in [(raw, key), *_places(raw[key])]]


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_a_container_neither_command_breaks(data: st.DataObject) -> None:
    made = deepcopy(good())
    for _ in range(data.draw(st.integers(1, 3))):
        where, key = data.draw(st.sampled_from(_places(made)))
        where[key] = deepcopy(data.draw(_JUNK))
    checked = invoke("check-floip", made)
    assert (checked.exit_code, checked.exception) == (0, None)
    run = {"language": "bam", "mode": "USSD", "inputs": ["1", "7", "1 2", "Awa"]}
    ran = invoke("run-floip", {"container": made, "first_flow": good()["flows"][0]["uuid"], "run": run})
    assert ran.exit_code == 0 or isinstance(ran.exception, SystemExit), ran.exception


def test_a_large_container_is_checked_in_a_moment() -> None:
    large = Flow("grand")
    for number in range(3000):
        large.say(f"mot_{number}", "Bonjour @contact.name", f"mot_{number + 1}" if number < 2999 else None)
    made = container(large)
    began = time.perf_counter()
    assert found(made) == []
    assert time.perf_counter() - began < 5
