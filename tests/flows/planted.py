"""Flows with a fault planted in them, and what the checker says about it."""

from flows import check
from flows.check import Finding, Signature
from flows.loader import load_sources
from tests.flows.callers import CONTRACT, source_of

FIN = '  - id: fin\n    end: {all: "Fin."}\n'
NOM = '  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n'
OUI_NON = '    options:\n      oui: {all: "Oui"}\n      non: {all: "Non"}\n'
BOTH = {"languages": "[fr, bm]", "reviewed": "{bm: true}"}
ACTIONS = {
    **CONTRACT,
    "keep": Signature({"name": "text"}, {"number": "text"}),
    "look": Signature({"day": "date?"}, {"many": "number"}, writes=False),
    "lieux": Signature({"ne": "date"}, options=True, writes=False),
}


def planted(steps: str, **around: str) -> list[Finding]:
    """What is found in a flow of these steps. Other keywords are sub-flows by name."""
    own = {key: around.pop(key) for key in ("top", "languages", "reviewed") if key in around}
    sources = {"essai.yaml": source_of(steps, **own)}
    sources |= {f"{name}.yaml": source_of(inner, name) for name, inner in around.items()}
    return check.check(load_sources(sources, strict=False), ACTIONS)


def told(findings: list[Finding], number: int, level: str = "error") -> list[str]:
    return [f"{each.step}: {each.message}" for each in findings if (each.check, each.level) == (number, level)]


def only(findings: list[Finding], number: int, level: str = "error") -> str:
    """The one thing told by this check, and no other error beside it."""
    errors = {each.check for each in findings if each.level == "error"} - {number}
    assert not errors, [str(each) for each in findings]
    messages = told(findings, number, level)
    assert len(messages) == 1, [str(each) for each in findings]
    return messages[0]
