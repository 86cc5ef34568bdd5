"""The mediators' list as people read it: on the demo's page and by `laseli todo list`."""

from __future__ import annotations

import re
from pathlib import Path

from scheduler.timetable import one_round
from service.config import Config
from service.domain import visit_rules
from service.runtime import Runtime
from service.stories.care import follow_up_homes
from service.stories.delivery import dead_numbers, voice_calls
from service.stories.homes import child_tasks, cover_ends, mediator_visits, memberships, same_child, task_words
from service.stories.keeping import demo
from service.stories.staff import mediator_accounts
from service.stories.talk import feedback, robot_loops, unfinished
from tests.cover import command, dial
from tests.people import Handset, TestClock

STORIES = Path(__file__).parents[2] / "service" / "stories"


def test_a_half_form_is_read_with_its_questions(
    handset: Handset, runtime: Runtime, clock: TestClock, settings: Config
) -> None:
    assert demo.state(runtime)["tasks"] == []
    dial(handset, "Mutuelle et RAMED", "Prix et adhésion", "Oui")
    handset.press("Moussa Keïta", "7")
    left_at = demo.iso(runtime, runtime.now())
    clock.advance(days=1)
    one_round(runtime)
    state = demo.state(runtime)
    [task] = state["tasks"]
    assert (task["kind"], task["phone"], state["tasks_open"]) == ("Formulaire inachevé", handset.number, 1)
    assert task["since"] > left_at
    form = [
        "Adhésion à l'AMV",
        "Nom et prénom du chef de famille ? Moussa Keïta",
        "Combien de personnes dans la famille ? 7",
    ]
    assert task["lines"] == form
    printed = command(settings, "todo", "list").output
    assert "unfinished  -  +223 70 00 00 01  Formulaire inachevé\n    " + "\n    ".join(form) + "\n1 line\n" in printed
    number = re.search(r"^\d+", printed, re.M)
    assert number
    assert command(settings, "todo", "done", number[0], "--by", "Fatou").exit_code == 0
    assert demo.state(runtime)["tasks"] == []


def test_the_words_that_begin_a_conversation_are_told(runtime: Runtime) -> None:
    assert {"MENU", "AMV", "RDV"} <= set(demo.state(runtime)["words"])


def test_every_kind_of_line_has_french_words() -> None:
    source = "".join(file.read_text("utf-8") for file in STORIES.rglob("*.py"))
    kinds = set(re.findall(r'put_on_list\(\s*tx,\s*now,\s*"(\w+)"', source))
    kinds |= set(re.findall(r'add_task\([^()]*\bkind="(\w+)"', source))
    assert {"moved", "muac_referral", "code_tries"} <= kinds
    kinds |= {rule.line for rule in (*visit_rules.RULES.values(), visit_rules.MOVED_AWAY) if rule.line}
    kinds |= {dead_numbers.DEAD, dead_numbers.SILENT, robot_loops.KIND, follow_up_homes.LINE}
    assert kinds | {
        child_tasks.HELD,
        child_tasks.BESIDE,
        same_child.LINE,
        voice_calls.TASK,
        unfinished.KIND,
        cover_ends.LINE,
        mediator_visits.TASK,
        memberships.TASK,
        mediator_accounts.TASK,
        voice_calls.TASK,
        *feedback.KINDS,
    } == set(task_words.KINDS)


def test_what_was_noted_is_told_with_its_label() -> None:
    assert task_words.lines_of('{"Code de l\'enfant": "1234 5678", "Ruban": "jaune"}') == [
        "Code de l'enfant: 1234 5678",
        "Ruban: jaune",
    ]
    assert task_words.lines_of('{"demande": "A-481902", "formule": "mixte_public_prive"}') == [
        "demande: A-481902",
        "formule: public et privé",
    ]
    assert task_words.lines_of(None) == []
    assert task_words.lines_of('"à voir"') == ["à voir"]
