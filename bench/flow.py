"""How fast conversations are: a turn of the pure engine, the checks of the whole library, a turn's share of a step.

python3 dev bench flow
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from flows import check, engine
from flows.engine import Outcome, Progress
from flows.loader import load_library, read_flow
from flows.model import Flow

TODAY = date(2026, 11, 26)
FACTS = {
    "code": "*384*223#",
    "langue_connue": True,
    "enfants": 0,
    "messages_arretes": False,
    "passation": False,
    "mediatrice": False,
}
FACTS |= {"mediatrice": False, "urgence": "", "ecoute": ""}
# A household that joins the mutual: language, consent, name, persons, package, confirmation.
ANSWERS = {
    "choice": "1",
    "text": "Moussa Keïta",
    "number": "7",
}
ROUNDS = 300


def main() -> None:
    library = load_library()
    flow = library.get("adhesion_amv")
    turns = len(_join(flow))
    turn, kept = (_fastest(lambda json=json: _join(flow, json=json)) / turns for json in (False, True))
    print(f"a turn of the pure engine, adhesion_amv: {turn * 1e6:.0f} us (goal 50)")
    print(f"the same with its progress kept as JSON in between: {kept * 1e6:.0f} us")
    seconds = _fastest(_check_all, rounds=3)
    print(f"reading and proving all {len(library.flows)} flows: {seconds:.2f} s (goal 2)")
    step = _step_seconds()
    print(f"a USSD step in the product (SQLite, no HTTP): {step * 1e6:.0f} us; the turn's share: {turn / step:.2f}")


def _join(flow: Flow, *, json: bool = False) -> list[str]:
    """Every screen of one household's way through the form; with `json` the progress is kept as text in between."""
    screens = []
    turn = engine.begin(flow, TODAY, facts=FACTS)
    for _ in range(40):
        kept = Progress.from_json(turn.progress.to_json()) if json else turn.progress
        if turn.pending is not None:
            turn = engine.resume(flow, kept, _outcome(turn.pending.name), TODAY)
            continue
        assert turn.screen is not None
        screens.append(turn.screen.text)
        if not turn.screen.more:
            return screens
        step = flow.steps[kept.path[-1]]
        turn = engine.answer(flow, kept, ANSWERS.get(step.kind, ANSWERS["choice"]), TODAY)
    raise AssertionError(f"no end: {screens[-1]}")


def _outcome(action: str) -> Outcome:
    from service.stories.talk.effects import SIGNATURES

    gives = SIGNATURES[action].gives
    return Outcome(True, {name: 7 if kind.startswith("number") else "12 500" for name, kind in gives.items()})


def _check_all() -> None:
    from service.stories.talk.effects import SIGNATURES

    read_flow.cache_clear()
    findings = check.check(load_library(), SIGNATURES)
    assert not any(finding.level == "error" for finding in findings)


def _step_seconds() -> float:
    """The median of a keystroke's whole story in the middle of a form: read, answer, seal, commit."""
    from service.channels.base import Keystroke
    from service.config import Config
    from service.runtime import build_runtime
    from service.stories.keeping import setup
    from service.stories.talk import conversations
    from service.web import doorkeeper  # noqa: F401 -- what the web process has loaded

    with tempfile.TemporaryDirectory() as folder:
        settings = Config.model_validate(_settings(Path(folder)))
        runtime = build_runtime(settings)
        setup.prepare(runtime)
        times = []
        for call in range(60):
            number, typed = f"+2237000{call:04d}", ""
            for key in ("", "1", "2", "2", "1", "Moussa Keita", "7"):
                typed = f"{typed}*{key}" if typed else key
                stroke = Keystroke("africastalking", f"s{call}", number, "*384*223#", typed, "61001")
                began = time.perf_counter()
                conversations.reply_to(runtime, stroke)
                times.append(time.perf_counter() - began)
        runtime.database.close()
    return statistics.median(times)


def _settings(folder: Path) -> dict[str, object]:
    keys = {
        "identity": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "index": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
    }
    carrier = {"username": "bench", "api_key": "bench", "hook_secrets": ("x" * 32,)}
    return {
        "database_url": f"sqlite:///{folder / 'bench.db'}",
        "keys": keys,
        "africastalking": carrier,
        "drafts_allowed_by": "the benchmark",
        "sqlite_synchronous": "NORMAL",
    }


def _fastest(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best
