"""One row of a form as a step of ours, and what of the row has no place there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flows.interchange.imported_flow import FIRST_DAY, LAST_DAY
from flows.interchange.imported_words import ROOM, UNKNOWN, Written, in_pieces, kind_of_pattern, width_of
from flows.interchange.left_out import NotCarried, Report, quoted
from flows.interchange.made_ids import Ids, choice_like
from flows.interchange.xlsform_expressions import expression
from flows.interchange.xlsform_rules import Known, Limits, Table, limits
from flows.interchange.xlsform_words import Words


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


KINDS: Final = {
    **dict.fromkeys(("text", "string", "q string", "add text prompt"), "text"),
    **dict.fromkeys(("integer", "int", "q int", "add integer prompt", "range"), "number"),
    **dict.fromkeys(("date", "q date", "add date prompt"), "date"),
    **dict.fromkeys(("note", "q note", "add note prompt", "acknowledge", "trigger", "q acknowledge"), "say"),
    "phone number": "phone",
    "select one": "menu",
    "select all that apply": "pick",
}
LONGEST_TEXT: Final = 60
LOWEST: Final = 0
HIGHEST: Final = 9999
_MOST_CHOICES: Final = 60
_MOST_UNFILTERED: Final = 30
_LARGEST: Final = 999_999_999
_PATTERN: Final = re.compile(r"""regex\(\s*\.\s*,\s*['"]([^'"]{1,100})['"]\s*\)""")
# What is read of a row; every other column is told as not carried over.
_READ: Final = _set_of(
    "type name label hint bind control parameters itemset list_name choices choice_filter default children query "
    "trigger actions media"
)
_READ_OF_BIND: Final = _set_of("relevant constraint jr:constraintMsg required jr:requiredMsg calculate readonly")


@dataclass(slots=True)
class Asked:
    """What a row came to: steps, the question with its hint taken off, and what rules below may know of it."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    without_hint: Written | None = None
    known: Known | None = None


@dataclass(slots=True)
class Rows:
    """Makes steps of rows. `lists` fills with the lists of choices that are used."""

    words: Words
    report: Report
    ids: Ids
    lists: dict[str, dict[str, Written]] = field(default_factory=dict)
    _keys: dict[str, dict[str, str]] = field(default_factory=dict)
    _list_ids: Ids = field(default_factory=Ids)
    _id_of_list: dict[str, str] = field(default_factory=dict)

    def asked(self, row: Mapping[str, Any], step_id: str, where: str, known: Table) -> Asked:
        """The steps of a row of one of `KINDS`; none where it cannot be asked, which is told."""
        kind = self._kind(row, where)
        self._tell_the_rest(row, where)
        text = self.words.text(row.get("label"), known, where)
        if kind == "say":
            return self._said(row, step_id, text, where, known)
        if not text:
            self.report.changed(where, "it has no label: its name is asked")
            text = {"all": f"{row['name']} ?".replace("{", "(").replace("}", ")")}
        step: dict[str, Any] = {"id": step_id, kind: text}
        found = _MAKERS[kind](self, row, step, where, known)
        if found is None:
            return Asked()
        return self._in_full(row, step, kind, found, where, known)

    def _kind(self, row: Mapping[str, Any], where: str) -> str:
        kind = KINDS[row["type"]]
        looks = str((row.get("control") or {}).get("appearance") or "").split()
        if kind == "text" and "numbers" in looks:
            self.report.changed(where, "a text that looks like `numbers` is asked as a phone number of Mali")
            return "phone"
        pattern = _PATTERN.search(str((row.get("bind") or {}).get("constraint") or ""))
        digits = kind_of_pattern(pattern[1]) if pattern is not None and kind == "text" else None
        if digits is not None:
            self.report.changed(where, f"a text of digits alone is asked as a {digits}: texts here have letters")
            return digits
        if looks and looks != ["numbers"]:
            self.report.also("how questions look (appearance) means nothing on a phone", f"{where} {' '.join(looks)}")
        readonly = str((row.get("bind") or {}).get("readonly") or "").lower()
        return "say" if kind in ("text", "number") and readonly in ("yes", "true", "true()") else kind

    def _said(self, row: Mapping[str, Any], step_id: str, text: Written, where: str, known: Table) -> Asked:
        if row["type"] in ("acknowledge", "trigger", "q acknowledge"):
            self.report.changed(where, "it is said, and nobody is asked to agree to it")
        if not text:
            self.report.left_out(where, "this note", "it says nothing in a language of ours")
            return Asked()
        hint = self.words.text(row.get("hint"), known, where, told=False)
        if hint:
            self.report.left_out(where, "its hint", "a note has none")
        return Asked(self._in_screens(step_id, text, known))

    def _in_screens(self, step_id: str, text: Written, known: Table) -> list[dict[str, Any]]:
        pieces = in_pieces(text, ROOM, _widths(known))
        if len(pieces) > 1:
            self.report.also("words longer than a screen are said in pieces", f"'{step_id}' in {len(pieces)}")
        ids = [step_id, *(self.ids.take(f"{step_id}_{place}") for place in range(2, len(pieces) + 1))]
        return [{"id": each, "say": piece} for each, piece in zip(ids, pieces, strict=True)]

    def _in_full(
        self, row: Mapping[str, Any], step: dict[str, Any], kind: str, found: Known, where: str, known: Table
    ) -> Asked:
        """The question with its hint behind it, and the words before it where they are more than a screen."""
        self._tell_wrong(row, step, step.pop("_kept", False), where, known)
        choices = self.lists.get(step.get("options", ""), {})
        taken = sum(2 + max(width_of(words, _widths({})) for words in label.values()) for label in choices.values())
        pieces = in_pieces(step[kind], max(ROOM - taken, 60), _widths(known))
        before: list[dict[str, Any]] = []
        if len(pieces) > 1:
            self.report.also("words longer than a screen are said in pieces", f"'{step['id']}' in {len(pieces)}")
            before = [{"id": self.ids.take(f"{step['id']}_avant"), "say": piece} for piece in pieces[:-1]]
        step[kind] = pieces[-1]
        hint = self.words.text(row.get("hint"), known, where, told=False)
        if not hint:
            return Asked([*before, step], None, found)
        plain = step[kind]
        step[kind] = {each: f"{_said_in(plain, each)} ({_said_in(hint, each)})" for each in self.words.languages}
        return Asked([*before, step], plain, found)

    def _tell_wrong(self, row: Mapping[str, Any], step: dict[str, Any], kept: bool, where: str, known: Table) -> None:
        """What is said to somebody whose answer is refused, where the rule it is about is ours too."""
        bind = row.get("bind") or {}
        wrong = self.words.text(bind.get("jr:constraintMsg"), known, where, told=False)
        if not wrong:
            return
        if kept:
            step["wrong"] = wrong
        else:
            self.report.left_out(
                where, f"constraint_message {quoted(str(next(iter(wrong.values()))))}", "its rule is not"
            )

    def _tell_the_rest(self, row: Mapping[str, Any], where: str) -> None:
        """Every column that has no place in a conversation."""
        bind = row.get("bind") or {}
        if row.get("default"):
            self.report.left_out(
                where, f"its default {quoted(str(row['default']))}", "every question waits for an answer"
            )
        if row.get("trigger"):
            self.report.left_out(where, "its trigger", "nothing happens while a question waits")
        if row.get("media"):
            self.report.left_out(where, "its image, sound or film", "a phone shows words")
        for column in [*(set(row) - _READ), *(set(bind) - _READ_OF_BIND)]:
            if not str(column).startswith("_"):
                self.report.also("columns with no place in a conversation", f"{where} {quoted(str(column))}")
        if str(bind.get("required") or "").lower() not in ("yes", "true", "true()"):
            if KINDS.get(row["type"]) != "say":
                self.report.also("may be left empty in the form, and waits for an answer on the phone", where)
        elif bind.get("jr:requiredMsg"):
            self.report.also("required_message is not carried over: the question is asked again", where)

    # --- kinds --------------------------------------------------------------------------------------------------------

    def _limits(self, row: Mapping[str, Any], step: dict[str, Any], kind: str, where: str, known: Table) -> Limits:
        written = str((row.get("bind") or {}).get("constraint") or "")
        if not written.strip():
            return Limits()
        try:
            found = limits(expression(written), kind, known)
        except NotCarried as reason:
            found = Limits(lossy=str(reason))
        if found.lossy:
            more = "in part: " if found.says_something else ""
            self.report.left_out(where, f"constraint {quoted(written)}", f"{more}{found.lossy}")
        step["_kept"] = found.says_something
        return found

    def _number(self, row: Mapping[str, Any], step: dict[str, Any], where: str, known: Table) -> Known | None:
        found = self._limits(row, step, "number", where, known)
        low, high = found.low, found.high
        if row["type"] == "range":
            control = row.get("control") or {}
            low, high = _whole(control.get("start", "1")), _whole(control.get("end", "10"))
            if low is None or high is None or _whole(control.get("step", "1")) != 1:
                self.report.left_out(
                    where, "this question", "its range has fractions or steps, answers are whole numbers"
                )
                return None
        given = low is not None and high is not None
        if KINDS[row["type"]] == "text" and high is None:
            high = _LARGEST
        if low is None:
            low = LOWEST if high is None or high >= LOWEST else -_LARGEST
        if high is None:
            high = max(HIGHEST, low)
        if not given:
            self.report.changed(where, f"the form does not give both limits of this number: it takes {low} to {high}")
        if low > high:
            self.report.left_out(where, "its constraint", f"nothing can be answered from {low} to {high}")
            low, high = LOWEST, HIGHEST
        step |= {"from": str(low), "to": str(high)}
        return Known(step["id"], "number", low=low, width=max(len(str(low)), len(str(high))))

    def _text(self, row: Mapping[str, Any], step: dict[str, Any], where: str, known: Table) -> Known:
        longest = self._limits(row, step, "text", where, known).longest
        if longest is None or not 1 <= longest <= 1000:
            self.report.also(f"texts without a greatest length take {LONGEST_TEXT} letters", where)
            longest = LONGEST_TEXT
        self._personal(step, where)
        step["max"] = str(longest)
        return Known(step["id"], "text", width=longest)

    def _phone(self, row: Mapping[str, Any], step: dict[str, Any], where: str, known: Table) -> Known:
        if (row.get("bind") or {}).get("constraint"):
            why = "a mobile number of the country is asked for, and nothing else taken"
            self.report.left_out(where, f"constraint {quoted(str(row['bind']['constraint']))}", why)
        self._personal(step, where)
        return Known(step["id"], "phone", width=20)

    def _date(self, row: Mapping[str, Any], step: dict[str, Any], where: str, known: Table) -> Known:
        found = self._limits(row, step, "date", where, known)
        if found.first is None or found.last is None:
            self.report.also(f"dates take {FIRST_DAY} to {LAST_DAY} where the form gives no limit", where)
        step |= {"from": found.first or FIRST_DAY, "to": found.last or LAST_DAY}
        return Known(step["id"], "date", width=10)

    def _menu(self, row: Mapping[str, Any], step: dict[str, Any], where: str, known: Table) -> Known | None:
        choices, name = row.get("choices"), str(row.get("itemset") or "")
        most = _MOST_UNFILTERED if row.get("choice_filter") else _MOST_CHOICES
        if not isinstance(choices, list) or not choices:
            why = "its choices come from a file, from other answers or in a random order"
            self.report.left_out(where, "this question", f"{why}; use `options_from`")
            return None
        if len(choices) > most:
            why = f"{len(choices)} choices are too many to turn over on a phone; use `options_from`"
            self.report.left_out(where, "this question", why)
            return None
        if row.get("choice_filter"):
            self.report.left_out(where, f"choice_filter {quoted(str(row['choice_filter']))}", "all choices are offered")
        if (row.get("bind") or {}).get("constraint"):
            self.report.left_out(where, f"constraint {quoted(str(row['bind']['constraint']))}", "a choice has none")
        step["options"] = self._list(name, choices)
        kind = "list" if KINDS[row["type"]] == "pick" else "choice"
        widths = [width_of(words, len) for label in self.lists[step["options"]].values() for words in label.values()]
        width = sum(widths) + 2 * len(widths) if kind == "list" else max(widths)
        return Known(step["id"], kind, self._keys[name], width=width)

    def _list(self, name: str, choices: Sequence[Mapping[str, Any]]) -> str:
        """The id of the list, which is made the first time somebody uses it."""
        if name in self._id_of_list:
            return self._id_of_list[name]
        made = self._id_of_list[name] = self._list_ids.take(name)
        keys = self._keys[name] = {}
        labels = self.lists[made] = {}
        for choice in choices:
            written = str(choice.get("name") or "")
            if written in keys:
                continue
            key = _free(choice_like(written), labels)
            keys[written] = key
            labels[key] = self.words.choice(choice.get("label"), written, f"choice '{name}.{written}'")
            if key != written:
                self.report.also(f"choices of '{name}' have other names here", f"{quoted(written)} is {key}")
            if choice.get("media"):
                self.report.also("pictures and sounds of choices are not carried over", f"'{name}.{written}'")
        return made

    def _personal(self, step: dict[str, Any], where: str) -> None:
        """What people write themselves is about somebody until its author says otherwise."""
        step["personal"] = "true"
        self.report.also("taken for personal answers (`personal: true`)", where)


def _free(key: str, taken: Mapping[str, object]) -> str:
    number, free = 2, key
    while free in taken:
        free, number = f"{key}_{number}", number + 1
    return free


def _said_in(written: Written, language: str) -> str:
    return written.get(language) or written.get("all", UNKNOWN)


def _whole(written: object) -> int | None:
    try:
        value = float(str(written))
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) <= _LARGEST else None


def _widths(known: Table) -> Any:
    by_id = {each.id: each.width for each in known.values()}
    return lambda name: by_id.get(name, 20)


_MAKERS: Final[dict[str, Any]] = {
    "number": Rows._number,
    "text": Rows._text,
    "phone": Rows._phone,
    "date": Rows._date,
    "menu": Rows._menu,
    "pick": Rows._menu,
}
