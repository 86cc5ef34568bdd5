"""A script played on a phone of the page: all at once or step by step. How far it came stands in the phones' file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flows.mistakes import FlowMistake
from service.simulator.product import ProductProblem
from service.simulator.script_run import Outcome, Player
from service.simulator.scripts import Script, in_folders, load_script
from service.simulator.simulation import NoSuchPhone, Simulation
from service.simulator.tried_phone import tried_phone

SHOWN: Final = 100
WHY: Final[Mapping[str, str]] = {
    "not_seen": "Attendu à l'écran",
    "no_call": "Aucun appel n'est en cours",
    "no_choice": "Choix attendu",
    "is_over": "L'appel est déjà terminé",
    "is_open": "L'appel n'est pas terminé",
    "other_screen": "La même étape a reçu un autre écran ; le premier",
    "two_screens": "Les deux demandes ont reçu deux réponses ; la première",
    "no_sms": "Aucun SMS reçu ; attendu",
    "other_sms": "Attendu dans le dernier SMS",
    "unwanted_sms": "Un SMS est arrivé, et aucun n'était attendu",
    "no_answer": "Le service n'a pas répondu",
}


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """One step as the page shows it. `reason` is empty when it went well."""

    text: str
    reason: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A script on a phone: what was played of it, and whether there is more to play."""

    name: str
    title: str
    played: tuple[PlayedStep, ...]
    left: int
    went_wrong: bool


def known_scripts(sim: Simulation) -> list[tuple[str, str]]:
    """(name, title) of every script that can be chosen, by name; one that cannot be read has its name for a title."""
    return [(name, _title(file)) for name, file in sorted(in_folders(sim.script_folders).items())]


def begin(sim: Simulation, phone_id: int, name: str) -> None:
    """Choose a script for this phone; what was played there before is forgotten."""
    script = _script(sim, name)
    phone = sim.state.phone(phone_id)
    if phone is None:
        raise NoSuchPhone
    start = {"name": name, "title": script.name, "played": [], "left": len(script.steps)}
    _keep(sim, phone_id, start | {"on": script.phone, "seen": {script.phone: len(sim.state.received(phone.number))}})


def go_on(sim: Simulation, phone_id: int, most: int) -> str:
    """Play at most so many further steps, until the end or the first that fails; gives a sentence for the page."""
    with sim.stage(phone_id) as is_free:
        if not is_free:
            raise ProductProblem("Un script est déjà en cours sur ce téléphone.")
        kept = sim.state.setting(_key(phone_id))
        if not kept:
            raise ProductProblem("Choisissez d'abord un script.")
        script = _script(sim, kept["name"])
        player = Player(tried_phone(sim, phone_id, script.way), script.phone, kept.get("on"), kept.get("seen"))
        done = len(kept["played"])
        for step in script.steps[done : done + most]:
            if _went_wrong(kept):
                break
            outcome = player.play(step)
            kept["played"].append(_row(outcome))
            kept |= {"on": player.on, "seen": player.seen, "left": len(script.steps) - len(kept["played"])}
            _keep(sim, phone_id, kept)
        return _sentence(kept)


def forget(sim: Simulation, phone_id: int) -> None:
    """Clear the list of what was played."""
    _keep(sim, phone_id, {})


def replay_of(sim: Simulation, phone_id: int) -> Replay | None:
    """What the page shows of the script on this phone, if there is one."""
    kept = sim.state.setting(_key(phone_id))
    if not kept:
        return None
    played = tuple(PlayedStep(text, WHY.get(why, why), expected, seen) for text, why, expected, seen in kept["played"])
    return Replay(kept["name"], kept["title"], played[-SHOWN:], kept["left"], _went_wrong(kept))


def _row(outcome: Outcome) -> list[str]:
    return [str(outcome.step), outcome.why, outcome.expected, outcome.seen if outcome.why else ""]


def _went_wrong(kept: Mapping[str, Any]) -> bool:
    return any(why for _, why, _, _ in kept["played"])


def _sentence(kept: Mapping[str, Any]) -> str:
    if _went_wrong(kept):
        raise ProductProblem(f"Script « {kept['title']} » : l'étape {len(kept['played'])} ne va pas.")
    if kept["left"]:
        return f"Script « {kept['title']} » : {len(kept['played'])} sur {len(kept['played']) + kept['left']}."
    return f"Script « {kept['title']} » : tout s'est passé comme écrit."


def _script(sim: Simulation, name: str) -> Script:
    file = in_folders(sim.script_folders).get(name)
    if file is None:
        raise ProductProblem("Ce script n'existe plus.")
    try:
        return load_script(file)
    except FlowMistake as mistake:
        raise ProductProblem(f"Ce script ne se lit pas : {mistake}") from None


def _title(file: Path) -> str:
    try:
        return _title_at(file, file.stat().st_mtime_ns)
    except OSError:
        return file.stem


@lru_cache(maxsize=200)
def _title_at(file: Path, _: int) -> str:
    """Read once for each time the file changes: the page asks every two seconds."""
    try:
        return load_script(file).name
    except FlowMistake:
        return file.stem


def _keep(sim: Simulation, phone_id: int, kept: Mapping[str, Any]) -> None:
    sim.state.remember(_key(phone_id), dict(kept))


def _key(phone_id: int) -> str:
    return f"replay_{phone_id}"
