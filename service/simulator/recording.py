"""What was tried by hand, kept as a script: every step, and what was on the screen after it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from service.simulator.script_run import ANYTHING, Player
from service.simulator.scripts import Script, Step, Way

CHECKS: Final = ("see", "inbox", "over", "open")
# Codes and numbers are dealt by dice: the next time they are others.
_DEALT: Final = re.compile(r"\d{4} \d{4}|\d{6,}")


class Recorder:
    """Writes down what the player does, with a `see` for each new screen and an `inbox` for each new SMS."""

    def __init__(self, player: Player, number: str, way: Way, at: datetime) -> None:
        self._player, self._number, self._way, self._at = player, number, way, at
        self._received = {player.on: len(player.phone.inbox())}
        self._steps: list[Step] = []

    def note(self, step: Step) -> None:
        """This step was done just now. What a script asked to see is written anew, as it was seen."""
        if step.do not in CHECKS:
            self._steps.append(step)
            if step.do != "repeat" and self._way == "ussd":
                self._note_screen(step)
        received = self._player.phone.inbox()
        if len(received) > self._received.get(self._player.on, 0):
            self._steps.append(Step("see" if self._way == "sms" else "inbox", _lines(received[0])))
        elif step.do == "inbox":
            self._steps.append(Step("inbox"))
        self._received[self._player.on] = len(received)

    def script(self, name: str) -> Script:
        """All that was done so far."""
        return Script(name, tuple(self._steps), self._number, self._way, self._at)

    def _note_screen(self, step: Step) -> None:
        screen = self._player.phone.screen()
        if step.do in ("sms", "wait", "phone") or not screen.is_spoken:
            return
        self._steps.append(Step("see", _lines(screen.text)))
        if not screen.is_open:
            self._steps.append(Step("over"))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(_DEALT.sub(ANYTHING, line.strip()) for line in text.splitlines() if line.strip())
