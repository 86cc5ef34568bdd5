"""A container that goes in circles, a broken one and a wrong request end in one readable line, and never hang."""

from __future__ import annotations

from typing import Any

import pytest

from tests.floip.containers import Flow, container, invoke, said, talk, text, uid


def refused(made: object, **run: Any) -> str:
    """The one line that is said; the run must end with status 1 and no trace."""
    result = invoke("run-floip", {"container": made, "run": run, "first_flow": run.pop("first", None)})
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.output.count("\n") == 1
    return result.output


def test_a_circle_without_a_question_is_cut_off() -> None:
    assert "circles" in refused(container(Flow("rond").case("a", {}, "b").case("b", {}, "a")))
    assert "inside itself" in refused(container(Flow("soi").run("encore", "soi")))


def test_growing_values_are_cut_off() -> None:
    run = talk(
        container(Flow("gros").set("x", "fin", a="@contact.a@contact.a@contact.a").say("fin", "fini")),
        contact={"a": "x" * 9000},
    )
    assert run["end"]["contact"] == {"a": None}
    doubling = Flow("liste").set("x", "cas", a="ARRAY(contact.a, contact.a)", n="contact.n + 1")
    doubling.case("cas", {"contact.n < 100": "x"}, None)
    assert talk(container(doubling), contact={"n": 0})["end"]["contact"]["n"] == 100
    loud = Flow("fort").say("cri", "x" * 90_000, "cri")
    assert "characters are said" in refused(container(loud))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda made: made.pop("flows"), "no FLOIP container"),
        (lambda made: made.update(flows=[]), "holds no flow"),
        (lambda made: made["flows"][0].pop("uuid"), "needs a 'uuid'"),
        (lambda made: made["flows"][0].update(blocks={}), "list of 'blocks'"),
        (lambda made: made["flows"][0].update(first_block_id=uid("x")), "first block"),
        (lambda made: made["flows"][0]["blocks"][0].pop("type"), "'type'"),
        (lambda made: made["flows"][0]["blocks"][0].update(exits=None), "'exits'"),
        (lambda made: made["flows"][0]["blocks"][0].update(config=[1]), "'config'"),
        (lambda made: made["flows"][0].update(resources=[]), "which its flow lacks"),
    ],
)
def test_a_broken_container_is_one_readable_line(change: Any, sentence: str) -> None:
    made = container(Flow("accueil").say("bonjour", "Bonjour"))
    change(made)
    assert sentence in refused(made)


def test_a_wrong_request_is_one_readable_line() -> None:
    made = container(Flow("accueil").say("bonjour", "Bonjour"))
    assert "run.mode" in refused(made, mode="FAX")
    assert "run.language" in refused(made, language=3)
    assert "run.contact" in refused(made, contact=[])
    assert "run.groups" in refused(made, groups=[None])
    assert "run.inputs" in refused(made, inputs=[None])
    assert "run.inputs" in refused(made, inputs="1")
    assert "run.today" in refused(made, today="hier")
    assert "year" in refused(made, now="9999-12-31")
    assert "not in the container" in refused(made, first=uid("x"))
    assert "first_flow" in refused(container(Flow("un").say("a", "A"), Flow("deux").say("b", "B")))
    assert "100000" in refused(made, contact={"a": "x" * 100_001})
    result = invoke("run-floip", {"container": made, "host": {"on_invalid": "shout"}})
    assert (result.exit_code, "on_invalid" in result.output) == (1, True)


@pytest.mark.parametrize("given", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b"3", b'{"a":' * 100_000, b"9" * 9999])
def test_what_is_no_request_is_one_readable_line(given: bytes) -> None:
    for command in ("run-floip", "check-floip") if given not in (b"3",) else ("run-floip",):
        result = invoke(command, given)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert result.output.count("\n") == 1


def test_letters_that_no_terminal_can_print_do_not_break_the_output() -> None:
    run = talk(container(Flow("accueil").open("nom", "Nom ?", "fin").say("fin", "Merci @flow.nom")), "\ud800")
    assert said(run)[-1] == "Merci \ud800"


def test_a_resource_written_out_in_the_block_is_said_as_it_is() -> None:
    flow = Flow("accueil").say("bonjour", "-")
    flow.blocks[0]["config"]["prompt"] = "Bonjour @contact.name"
    assert said(talk(container(flow), contact={"name": "Awa"})) == ["Bonjour Awa"]


def test_warnings_go_to_the_author_and_not_into_the_output() -> None:
    made = container(Flow("accueil").say("bonjour", "Un @(1 / 0)"))
    result = invoke("run-floip", {"container": made, "run": {"language": "fra", "mode": "USSD"}})
    assert "division by zero" in result.stderr
    assert "Warning" not in result.stdout
    assert text("x", "y")["uuid"] == uid("text x")
