"""A basic phone in the terminal: its screen in a box, keys from standard input, a network that fails on demand."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import Final

from flows.sms_text import measure
from service.simulator.recording import Recorder
from service.simulator.script_run import WHY, Handset, Outcome, Player
from service.simulator.scripts import LONGEST_ANSWER, LONGEST_SMS, Step, Way, is_path, seconds_in, write_script

WIDTH: Final = 40
UNITS: Final = {"gsm7": 160, "ucs2": 80}
HELP: Final = """\
what you type     is the answer: keys or words
/dial [CODE]      call the service again; CODE is a whole code or a path such as 2*1
/cut              the line drops
/repeat           the network presents the last step once more
/twice ANSWER     the same answer in two requests at the same moment
/timeout          nothing is typed until the operator ends the call
/wait 3m          time passes: 90s, 3m, 2h, 7d
/sms WORDS        this phone writes an SMS
/inbox            the latest SMS
/record           what was done so far, as a script
/help  /quit"""
ONLY_USSD: Final = ("/dial", "/cut", "/timeout")


class Confused(Exception):
    """What was typed cannot be done; the text says what to type instead."""


class Terminal:
    """One conversation by hand. `read` gives the next line, None at the end; `say` shows lines."""

    def __init__(
        self, phone: Handset, way: Way, limit: int, recorder: Recorder, read: Callable[[], str | None],
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._phone, self._way, self._limit, self._recorder = phone, way, limit, recorder
        self._read, self._say = read, say
        self._player = Player(phone)
        self._received = len(phone.inbox())

    def run(self, path: str = "") -> None:
        """Until /quit or the end of the input. A USSD phone dials at once."""
        self._say("Type an answer, or /help.")
        if self._way == "ussd":
            self._do(Step("dial", (path,) if path else ()))
        while (line := self._read()) is not None:
            if line.strip() == "/quit":
                return
            try:
                self._obey(line)
            except Confused as reason:
                self._say(str(reason))

    def _obey(self, line: str) -> None:
        command, _, rest = line.strip().partition(" ")
        if command == "/help":
            self._say(HELP)
        elif command == "/record":
            self._say(write_script(self._recorder.script("tried by hand")))
        elif command.startswith("/"):
            self._do(_step_of(command, rest.strip(), self._way))
        elif self._way == "ussd" and not self._phone.screen().is_open:
            if not is_path(line.strip()):
                raise Confused("No call is open: /dial calls the service.")
            self._do(Step("dial", (line.strip(),)))
        elif line.strip() or self._way == "ussd":
            self._do(Step("press", (line[: _longest(self._way)],)))

    def _do(self, step: Step) -> None:
        outcome = self._player.play(step)
        self._phone.catch_up(lambda: False)
        if outcome.is_well and step.do != "inbox":
            self._recorder.note(step)
        elif not outcome.is_well:
            self._say(f"  {complaint(outcome)}")
            if outcome.why == "no_call":
                return
        self._show(step)

    def _show(self, step: Step) -> None:
        screen, received = self._phone.screen(), self._phone.inbox()
        if self._way == "ussd" and step.do not in ("sms", "inbox"):
            self._say(boxed(screen.text, self._limit, is_counted=screen.is_spoken))
            if screen.is_spoken and not screen.is_open:
                self._say("  the call is over; /dial calls again")
        for text in reversed(received[: len(received) - self._received]):
            self._say("SMS\n" + boxed(text))
        if step.do == "inbox" and len(received) == self._received:
            self._say("latest SMS\n" + boxed(received[0]) if received else "  no SMS has arrived")
            self._recorder.note(Step("inbox"))
        self._received = len(received)


def replay(steps: Iterable[Step], phone: Handset, recorder: Recorder, say: Callable[[str], None], limit: int) -> bool:
    """Play a script and tell how each step went; whether all went as written."""
    player = Player(phone)
    for step in steps:
        outcome = player.play(step)
        if not outcome.is_well:
            say(f"NOT {step}    (line {step.line})\n  {complaint(outcome)}")
            if outcome.seen:
                say(boxed(outcome.seen, limit))
            return False
        phone.catch_up(lambda: True)
        recorder.note(step)
        say(f" ok {step}")
    return True


def complaint(outcome: Outcome) -> str:
    """Why a step failed, in one line."""
    expected = " / ".join(outcome.expected.splitlines())
    reason = outcome.seen if outcome.why == "no_answer" and outcome.seen else ""
    return WHY[outcome.why] + (f": {expected}" if expected else f": {reason}" if reason else "")


def boxed(text: str, limit: int = 0, *, is_counted: bool = True) -> str:
    """The text in a frame, with its septets under it; `limit` is a screen's, none for an SMS."""
    rows = [row for line in text.split("\n") for row in textwrap.wrap(line, WIDTH) or [""]]
    foot = f" {_count(text, limit)} " if is_counted and text else ""
    return "\n".join(
        ["┌" + "─" * (WIDTH + 2) + "┐", *[f"│ {row:<{WIDTH}} │" for row in rows], "└" + f"{foot:─>{WIDTH + 2}}" + "┘"]
    )


def _count(text: str, limit: int) -> str:
    size = measure(text)
    if not limit:
        return f"{size.parts} SMS, {size.units} {'septets' if size.encoding == 'gsm7' else 'units of UCS-2'}"
    most = limit if size.encoding == "gsm7" else limit // 2
    return f"{size.units}/{most}" + (" too long" if size.units > most else "")


def _longest(way: Way) -> int:
    return LONGEST_ANSWER if way == "ussd" else LONGEST_SMS


def _step_of(command: str, rest: str, way: Way) -> Step:
    """The step that a slash command stands for. Confused says what to type instead."""
    if way == "sms" and command in ONLY_USSD:
        raise Confused(f"{command} belongs to a USSD call (`laseli sim ussd`).")
    if command in ("/cut", "/repeat", "/timeout", "/inbox"):
        return _ALONE[command]
    if command == "/dial":
        if rest and not is_path(rest):
            raise Confused("/dial alone calls the service; behind it stands a code or a path, as in /dial 2*1")
        return Step("dial", (rest,) if rest else ())
    if command == "/wait":
        seconds = seconds_in(rest)
        if seconds is None:
            raise Confused("Write how long, as in /wait 90s, 3m, 2h or 7d; a year at most.")
        return Step("wait", seconds=seconds)
    if command == "/twice":
        return Step("twice", (rest[: _longest(way)],))
    if command == "/sms":
        if not rest:
            raise Confused("Write the words of the SMS, as in /sms ARRET")
        return Step("sms", (rest[:LONGEST_SMS],))
    raise Confused(f"There is no {command}; /help lists what there is.")


_ALONE: Final = {
    "/cut": Step("cut"),
    "/repeat": Step("repeat"),
    "/timeout": Step("timeout"),
    "/inbox": Step("inbox"),
}
