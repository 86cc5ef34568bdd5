"""A basic phone in the terminal: its screen in a box, keys from standard input, a network that fails on demand."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from flows.phone_numbers import show
from flows.sms_text import measure
from service.simulator.recording import Recorder
from service.simulator.script_run import WHY, Handset, Outcome, Player
from service.simulator.scripts import (
    LONGEST_ANSWER,
    LONGEST_SMS,
    Step,
    Way,
    invented_number,
    is_path,
    seconds_in,
    write_script,
)

WIDTH: Final = 40
UNITS: Final = {"gsm7": 160, "ucs2": 80}
COMMANDS: Final = """\
/dial [CODE]      call the service again; CODE is a whole code or a path such as 2*1
/cut              the line drops
/repeat           the network presents the last step once more
/twice ANSWER     the same answer in two requests at the same moment
/timeout          nothing is typed until the operator ends the call
/wait 3m          time passes: 90s, 3m, 2h, 7d
/sms WORDS        this phone writes an SMS
/phone NUMBER     another phone, or this one again
/inbox            the latest SMS
/record           what was done so far, as a script
/help  /quit"""
ONLY_USSD: Final = ("/dial", "/cut", "/timeout")
ANY_TIME: Final = (("RETOUR, SUITE", "one question back, the next page"), ("ARRET, START", "no more SMS, SMS again"))


class Confused(Exception):
    """What was typed cannot be done; the text says what to type instead."""


class Terminal:
    """One conversation by hand. `read` gives the next line, None at the end; `say` shows lines.

    `words` are those that begin a conversation by SMS, each with the conversation's title.
    """

    def __init__(
        self, player: Player, way: Way, limit: int, recorder: Recorder, read: Callable[[], str | None],
        say: Callable[[str], None], words: Sequence[tuple[str, str]] = (),
    ) -> None:  # fmt: skip
        self._player, self._way, self._limit, self._recorder = player, way, limit, recorder
        self._read, self._say, self._words = read, say, words
        self._received = {player.on: len(player.phone.inbox())}

    @property
    def _phone(self) -> Handset:
        return self._player.phone

    def run(self, path: str = "") -> None:
        """Until /quit or the end of the input. A USSD phone dials at once."""
        if self._way == "ussd":
            self._say("Type an answer, or /help.")
            self._do(Step("dial", (path,) if path else ()))
        else:
            first = " or ".join(words.split(",")[0] for words, _ in self._words[:2])
            self._say(
                f"Write an SMS, {first} for instance; /help lists the words." if first else "Write an SMS, or /help."
            )
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
            self._say(help_by(self._way, self._words))
        elif command == "/record":
            self._say(write_script(self._recorder.script("tried by hand")))
        elif command == "/inbox":
            self._show_latest()
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
        if outcome.is_well:
            self._recorder.note(step)
        else:
            self._say(f"  {complaint(outcome)}")
            if outcome.why == "no_call":
                return
        self._show(step)

    def _show(self, step: Step) -> None:
        screen = self._phone.screen()
        if self._way == "ussd" and step.do not in ("sms", "phone"):
            self._say(boxed(screen.text, self._limit, is_counted=screen.is_spoken))
            if screen.is_spoken and not screen.is_open:
                self._say("  the call is over; /dial calls again")
        if step.do == "phone":
            self._say(f"  now on {show(self._player.on)}")
        if not self._show_new_sms() and self._way == "sms" and step.do in ("press", "sms", "twice", "repeat", "wait"):
            self._say("  no answer" if step.do in ("press", "sms") else "  no further SMS")

    def _show_new_sms(self) -> int:
        """The SMS that this phone has got since it was last looked at; how many."""
        received = self._phone.inbox()
        new = len(received) - self._received.get(self._player.on, 0)
        for text in reversed(received[:new]):
            self._say("SMS\n" + boxed(text))
        self._received[self._player.on] = len(received)
        return new

    def _show_latest(self) -> None:
        """What /inbox asks for; a script made of this looks into the inbox here as well."""
        self._phone.catch_up(lambda: False)
        received = self._phone.inbox()
        if not self._show_new_sms():
            self._say("latest SMS\n" + boxed(received[0]) if received else "  no SMS has arrived")
        self._recorder.note(Step("inbox"))


def replay(steps: Iterable[Step], player: Player, recorder: Recorder, say: Callable[[str], None], limit: int) -> bool:
    """Play a script and tell how each step went; whether all went as written."""
    for step in steps:
        outcome = player.play(step)
        if not outcome.is_well:
            say(f"NOT {step}    (line {step.line})\n  {complaint(outcome)}")
            if outcome.seen:
                say(boxed(outcome.seen, limit))
            return False
        player.phone.catch_up(lambda: True)
        recorder.note(step)
        say(f" ok {step}")
    return True


def help_by(way: Way, words: Sequence[tuple[str, str]]) -> str:
    """What can be typed, and the words that begin a conversation by SMS."""
    commands = [line for line in COMMANDS.splitlines() if way == "ussd" or line.split()[0] not in ONLY_USSD]
    typed = "the answer: keys or words" if way == "ussd" else "an SMS: a word from below, or the answer to a question"
    rows = [*words, *ANY_TIME] if words else []
    width = max((len(each) for each, _ in rows), default=0)
    below = ["", "SMS that begin a conversation or lead about in it", *(f"{a:<{width}}  {b}" for a, b in rows)]
    return "\n".join([f"{'what you type':<17} is {typed}", *commands, *(below if rows else [])])


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
    if command in _ALONE:
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
    if command == "/phone":
        number = invented_number(rest)
        if number is None:
            raise Confused("Only invented numbers: write one as in /phone +223 70 00 00 43")
        return Step("phone", (number,))
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
}
