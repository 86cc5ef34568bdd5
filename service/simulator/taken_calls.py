"""Calls of the product that a phone of the page took: it hears them at once, and keys may be pressed while they last.

Whoever presses nothing hears the message to its end, and the line closes after `LASTS_MS`, as a carrier's does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4
from xml.etree import ElementTree

import yaml

from service.simulator.postman import real_now
from service.simulator.product import ProductProblem
from service.simulator.showing import CALL
from service.simulator.simulation import Simulation
from service.simulator.state import OpenCall, Phone, Sms

INDEX = Path(__file__).resolve().parents[2] / "flows" / "recordings" / "recordings.yaml"
LASTS_MS: Final = 30_000
"""Of this machine's time: the message, and the seconds in which a key is waited for."""


class Played(NamedTuple):
    """The words that are heard, and where a key would be told; "" where none is waited for."""

    words: str
    asks_at: str


def hear(sim: Simulation, form: Mapping[str, str], asks_at: str = "") -> Played:
    """What the product plays at this moment of a call; nothing when it says nothing that we know."""
    try:
        said = ElementTree.fromstring(sim.hooks.hear(form, asks_at))  # noqa: S314  # our own product's
    except (ProductProblem, ElementTree.ParseError):
        return Played("", "")
    asks = said.find("GetDigits")
    names = [one.attrib.get("url", "").rpartition("/")[2].removesuffix(".wav") for one in said.iter("Play")]
    words = " ".join(_words().get(name, "…") for name in names)
    return Played(words, asks.attrib.get("callbackUrl", "") if asks is not None else "")


def press(sim: Simulation, phone: Phone, key: str) -> bool:
    """Press one key in the call that this phone has taken; False when there is none that waits for a key."""
    call = sim.state.open_call(phone.number)
    if call is None or not call.asks_at or len(key) != 1:
        return False
    heard = hear(sim, {**call.form, "isActive": "1", "dtmfDigits": key}, call.asks_at)
    if heard.words:
        text, now = f"{CALL} {heard.words}", sim.watch.now(exactly=True)
        sim.state.hear_more(
            Sms(f"{call.form['sessionId']}:{uuid4().hex}", phone.number, call.form["callerNumber"], text, now, True)
        )
    if heard.asks_at:
        sim.state.keep_open(call._replace(asks_at=heard.asks_at), heard.words, real_now() + LASTS_MS)
    else:
        hang_up(sim, phone.number)
    return True


def hang_up(sim: Simulation, number: str) -> None:
    """End the call that this number has taken, if it still goes on; the product hears of it."""
    if sim.state.end_open_call(number, real_now()):
        sim.postman.hurry()


def keep_open(sim: Simulation, call: OpenCall, words: str) -> None:
    """The line stays open for keys on a phone of the page that does nothing else just now."""
    sim.state.keep_open(call, words, real_now() + LASTS_MS)


@cache
def _words() -> dict[str, str]:
    """What the recordings that come with the product would say."""
    found = yaml.safe_load(INDEX.read_text("utf-8"))["recordings"]
    return {f"{one['key']}.{one['language']}": str(one["words"]) for one in found}
