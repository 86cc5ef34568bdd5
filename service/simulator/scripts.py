"""A conversation written down so that it can be held again: what is pressed, what must be seen, what fails.

A script is small YAML, read strictly: one thing a step, words in double quotes, and a mistake is one line that names
its place and what to write instead. `docs/simulator.md` shows every step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, get_args

from flows.mistakes import FlowMistake, nearest
from flows.phone_numbers import to_e164
from flows.strict_yaml import Entries, Entry, read
from service.simulator.state import INVENTED

Way = Literal["ussd", "sms"]
Action = Literal[
    "dial", "press", "choose", "maybe", "see", "cut", "repeat", "twice", "wait", "timeout", "sms", "inbox", "over",
    "open", "phone",
]  # fmt: skip

SAMPLES: Final = Path(__file__).parent / "sample_scripts"
SOME_PHONE: Final = "+22370000042"
LARGEST_FILE: Final = 100_000
MOST_STEPS: Final = 500
LONGEST_ANSWER: Final = 182  # what a USSD string can carry
LONGEST_SMS: Final = 612  # four parts
LONGEST_WAIT_S: Final = 366 * 86400

ACTIONS: Final[tuple[str, ...]] = get_args(Action)
ALONE: Final = ("cut", "repeat", "timeout", "over", "open")
ONE_TEXT: Final = {"press": LONGEST_ANSWER, "choose": LONGEST_ANSWER, "maybe": LONGEST_ANSWER, "sms": LONGEST_SMS,
                   "twice": LONGEST_ANSWER}  # fmt: skip
ONLY_USSD: Final = ("dial", "cut", "timeout", "over", "open")
SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PATH: Final = re.compile(r"[0-9]{1,3}(\*[0-9]{1,3}){0,9}|\*[0-9*]{2,40}#", re.ASCII)
_MOMENT: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens or must be so. `words` are what is typed, dialled or must be seen, or the number of the
    phone that acts from here on; `seconds` how long is waited."""

    do: Action
    words: tuple[str, ...] = ()
    seconds: int = 0
    line: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """As it stands in a file: press: "1"."""
        first, *others = (line.strip().removeprefix("- ") for line in _lines_of(self))
        return f"{first} {', '.join(others)}" if others else first


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation by USSD or by SMS, of one phone unless a step says `phone`.

    `phone` begins; played on another phone, that one takes its place. `at`: the local moment at which
    a rehearsal of it begins.
    """

    name: str
    steps: tuple[Step, ...]
    phone: str = SOME_PHONE
    way: Way = "ussd"
    at: datetime | None = None


def load_script(file: Path) -> Script:
    """The script in this file. FlowMistake is one readable line, whatever is wrong with the file."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise FlowMistake("the file is too long for one conversation; cut it into several scripts", file=file.name)
        return read_script(file.read_text("utf-8"), file.name)
    except OSError as reason:
        raise FlowMistake(f"the file cannot be read ({reason.strerror})", file=file.name) from None
    except UnicodeDecodeError:
        raise FlowMistake("this is no text in UTF-8; save it as UTF-8", file=file.name) from None


def read_script(source: str, file: str) -> Script:
    """The same from the text itself."""
    if len(source) > LARGEST_FILE:
        raise FlowMistake("the text is too long for one conversation; cut it into several scripts", file=file)
    fields = read(source.replace("\r\n", "\n").removeprefix("\ufeff"), file).entries()
    name = fields.need("script", "a line that says who does what, as in `script: a father joins the mutual`").word()
    way = _read_way(fields.get("way"))
    script = Script(
        name=name[:120],
        phone=_read_phone(fields.get("phone")),
        way=way,
        at=_read_moment(fields.get("at")),
        steps=_read_steps(fields.need("steps", "what happens, each step after a dash"), way),
    )
    fields.finish()
    return script


def write_script(script: Script) -> str:
    """The script as a file that reads back as the same script."""
    head = [f"script: {_quoted(script.name)}", f"phone: {_quoted(script.phone)}", f"way: {script.way}"]
    if script.at is not None:
        head.append(f"at: {_quoted(script.at.strftime(_MOMENT))}")
    steps = [f"  {line}" for step in script.steps for line in _lines_of(step)]
    return "\n".join([*head, "steps:", *steps]) + "\n"


def in_folders(folders: Iterable[Path]) -> dict[str, Path]:
    """Every script of these folders, by its name without .yaml; of two with one name the first counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.yaml")):
            found.setdefault(file.stem, file)
    return found


def seconds_in(written: str) -> int | None:
    """90s, 3m, 2h or 7d as seconds; None when it is no such length of time, or a year and more."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", written, re.ASCII)
    seconds = int(found[1]) * SECONDS[found[2]] if found else 0
    return seconds if 0 < seconds <= LONGEST_WAIT_S else None


def invented_number(written: str) -> str | None:
    """The number, spelt as carriers do; None when it could be somebody's."""
    number = to_e164(written)
    return number if number is not None and INVENTED.fullmatch(number) else None


def is_path(written: str) -> bool:
    """Whether this can be dialled: a whole code, *384*223*2*1#, or what stands behind ours, 2*1."""
    return _PATH.fullmatch(written) is not None


# Reading


def _read_way(entry: Entry | None) -> Way:
    word = entry.word() if entry is not None else "ussd"
    if word == "ussd":
        return "ussd"
    if word == "sms":
        return "sms"
    assert entry is not None
    raise entry.mistake(f"'{word}' is no way to talk to us; write `way: ussd` or `way: sms`")


def _read_phone(entry: Entry | None) -> str:
    if entry is None:
        return SOME_PHONE
    number = invented_number(entry.word())
    if number is None:
        raise entry.mistake('only invented numbers stand in scripts: write one like "+223 70 00 00 42"')
    return number


def _read_moment(entry: Entry | None) -> datetime | None:
    if entry is None:
        return None
    try:
        return datetime.strptime(entry.word(), _MOMENT)
    except ValueError:
        raise entry.mistake(f"'{entry.word()}' is no moment; write one like \"2026-11-20 10:00\"") from None


def _read_steps(entry: Entry, way: Way) -> tuple[Step, ...]:
    items = entry.items()
    if not 0 < len(items) <= MOST_STEPS:
        raise entry.mistake(f"a script has 1 to {MOST_STEPS} steps; here are {len(items)}")
    return tuple(_read_step(item, way) for item in items)


def _read_step(item: Entry, way: Way) -> Step:
    action, value = _parted(item)
    if action not in ACTIONS:
        raise item.mistake(f"'{action}' is no step of a script; {nearest(action, ACTIONS)}")
    if way == "sms" and action in ONLY_USSD:
        raise item.mistake(f"'{action}' belongs to a USSD call; this script has `way: sms`")
    words, seconds = _read_value(action, value, item)
    return Step(action, words, seconds, item.place.line)  # type: ignore[arg-type]  # it is one of ACTIONS


def _parted(item: Entry) -> tuple[str, Entry | None]:
    """('press', its value), or ('cut', None) for a word that stands alone."""
    if not item.is_mapping:
        item.name = "step"
        return item.word(), None
    fields: Entries = item.entries()
    pairs = fields.all()
    if len(pairs) != 1:
        names = " and ".join(f"'{name}'" for name, _ in pairs[:2]) or "nothing"
        raise item.mistake(f"one thing a step: {names} stand after one dash; give each a dash of its own")
    return pairs[0]


def _read_value(action: str, value: Entry | None, item: Entry) -> tuple[tuple[str, ...], int]:
    if action in ALONE:
        if value is not None:
            raise item.mistake(f"'{action}' stands alone: write `- {action}`")
        return (), 0
    if action == "dial":
        return ((_read_path(value),) if value is not None else ()), 0
    if value is None:
        raise item.mistake(f"'{action}' needs a value: write `- {action}: {_example(action)}`")
    if action == "wait":
        return (), _read_wait(value)
    if action == "phone":
        return (_read_phone(value),), 0
    if action in ONE_TEXT:
        return (_read_text(value, ONE_TEXT[action], may_be_empty=action in ("press", "twice")),), 0
    if action == "inbox" and _is_none(value):
        return (), 0
    return _read_texts(value), 0


def _is_none(value: Entry) -> bool:
    """Whether the bare word none stands there, not the quoted one, which would be words to look for."""
    return getattr(value.node, "style", "") is None and value.node.value == "none"


def _example(action: str) -> str:
    return {
        "wait": "3m",
        "sms": '"AMV"',
        "press": '"1"',
        "twice": '"1"',
        "inbox": "none",
        "phone": '"+223 70 00 00 42"',
    }.get(action, '"Oui"')


def _read_path(value: Entry) -> str:
    word = value.word()
    if not is_path(word):
        remedy = 'write a code, "*384*223*2*1#", or what stands behind it, "2*1"'
        raise value.mistake(f"'{word}' cannot be dialled; {remedy}")
    return word


def _read_wait(value: Entry) -> int:
    seconds = seconds_in(value.word())
    if seconds is None:
        raise value.mistake(f"'{value.word()}' is no length of time: write 90s, 3m, 2h or 7d, a year at most")
    return seconds


def _read_text(value: Entry, most: int, *, may_be_empty: bool = False) -> str:
    text = value.quoted()
    if not text.strip() and not (may_be_empty and not text):
        raise value.mistake(f"'{value.name}' is empty: write the words between the quotes")
    if len(text) > most:
        raise value.mistake(f"'{value.name}' holds {len(text)} characters; {most} can be sent at once")
    return text


def _read_texts(value: Entry) -> tuple[str, ...]:
    texts = tuple(_read_text(each, LONGEST_SMS) for each in (value.items() if value.is_list else [value]))
    if not texts:
        raise value.mistake(f"'{value.name}' is an empty list: name the words that must be there")
    return texts


# Writing


def _lines_of(step: Step) -> list[str]:
    if step.do == "wait":
        return [f"- wait: {_length(step.seconds)}"]
    if step.do == "inbox" and not step.words:
        return ["- inbox: none"]
    if not step.words:
        return [f"- {step.do}"]
    if len(step.words) == 1:
        return [f"- {step.do}: {_quoted(step.words[0])}"]
    return [f"- {step.do}:", *[f"    - {_quoted(words)}" for words in step.words]]


def _length(seconds: int) -> str:
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % SECONDS[unit] == 0)
    return f"{seconds // SECONDS[unit]}{unit}"


def _quoted(text: str) -> str:
    """In double quotes, on one line, letters as they are; what YAML would not take in stands as an escape."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return f"\\{letter}" if letter in '"\\' else letter
    return f"\\U{ord(letter):08x}"
