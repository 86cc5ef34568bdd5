"""One step of a flow, from its YAML to its value. Each kind has one function; each key is read where it belongs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flows.conditions import BadCondition, Constant, Expression, Name, parse, parse_operand
from flows.mistakes import nearest
from flows.model import (
    EMPTY,
    Bound,
    Branch,
    Call,
    Day,
    Do,
    End,
    Menu,
    Number,
    Option,
    Phone,
    Pick,
    Run,
    Say,
    Set,
    Step,
    When,
    Words,
)
from flows.strict_yaml import Entries, Entry
from flows.texts import Text, compile_text

ID: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
# Of a flow: what a column of the database and the name of a file take.
LONGEST_ID: Final = 60
# They mean something in conditions and would never be read as a name there.
RESERVED: Final = frozenset({"and", "or", "not", "in", "today", "all", "age_months", "count", "true", "false", "none"})
HIGHEST_VERSION: Final = 100_000
_OFFSET: Final = re.compile(r"([+-])(\d{1,4})([dwmy])", re.ASCII)
_CALL: Final = re.compile(r"([a-z][a-z0-9_]*)(?:\(([a-z0-9_., ]*)\))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a step may use from the flow around it."""

    languages: tuple[str, ...]
    lists: Mapping[str, tuple[Option, ...]]


def read_step(entry: Entry, around: Surroundings) -> Step:
    """The step. FlowMistake names its line, what is wrong, and the nearest thing that is right."""
    fields = entry.inside(entry.peek("id")).entries()
    step_id = read_id(fields.need("id", "every step begins with `- id: name`"))
    kinds = [kind for kind in KINDS if kind in fields]
    if len(kinds) != 1:
        found = f"'{kinds[0]}' and '{kinds[1]}'" if kinds else _nothing_found(fields)
        raise fields.place.mistake(f"a step has exactly one of {', '.join(KINDS)}; here: {found}")
    common: dict[str, Any] = {"id": step_id, "line": fields.place.line}
    if "next" in fields:
        common["next"] = _target(fields, "next")
    if "replaces" in fields:
        common["replaces"] = read_count(fields.need("replaces", ""), 1, HIGHEST_VERSION)
    step = KINDS[kinds[0]](fields, around, common)
    fields.finish()
    return step


def _nothing_found(fields: Entries) -> str:
    strange = [key for key in fields.written() if key not in {"id", "next", "go", "replaces"}]
    return f"'{strange[0]}', {nearest(strange[0], KINDS)}" if strange else "none"


def read_id(entry: Entry) -> str:
    word = entry.word()
    if not ID.fullmatch(word):
        raise entry.mistake(f"'{word}' cannot be an id: small letters without accents, digits and _, as in 'chef_2'")
    if word in RESERVED:
        raise entry.mistake(f"'{word}' means something in conditions; take another id")
    return word


def read_text(entry: Entry, languages: tuple[str, ...]) -> Text:
    """A text in its languages, `{fr: "...", bm: "..."}`, or once for all of them, `{all: "..."}`."""
    if not entry.is_mapping:
        raise entry.mistake(f'\'{entry.name}\' needs its languages: {{{languages[0]}: "..."}}, or {{all: "..."}}')
    fields = entry.entries()
    written = {key: found.quoted() for key in ("all", *languages) if (found := fields.get(key)) is not None}
    fields.finish()
    if "all" in written and len(written) > 1:
        raise entry.mistake("`all` stands alone: it is the same words in every language")
    if "all" not in written and languages[0] not in written:
        raise entry.mistake(f"'{entry.name}' has no '{languages[0]}': the first language of a flow is always written")
    try:
        return compile_text(written, languages, entry.place.line)
    except ValueError as error:
        raise entry.mistake(str(error)) from None


def read_options(entry: Entry, languages: tuple[str, ...]) -> tuple[Option, ...]:
    options = []
    for key, found in entry.entries().all():
        if not ID.fullmatch(key.lower()):
            raise found.mistake(f"'{key}' cannot name a choice: letters without accents, digits and _")
        label = read_text(found, languages)
        if label.names:
            raise found.mistake("a choice cannot hold a {name}: its words must be known before anyone calls")
        options.append(Option(key, label))
    if not options:
        raise entry.mistake(f"'{entry.name}' has no choices")
    return tuple(options)


def read_count(entry: Entry, low: int, high: int) -> int:
    word = entry.word()
    if not re.fullmatch(r"-?\d{1,9}", word, re.ASCII) or not low <= int(word) <= high:
        raise entry.mistake(f"'{entry.name}' must be a whole number from {low} to {high}, not '{word}'")
    return int(word)


def read_yes(entry: Entry | None) -> bool:
    if entry is None:
        return False
    if entry.word() not in ("true", "false"):
        raise entry.mistake(f"'{entry.name}' is true or false, not '{entry.word()}'")
    return entry.word() == "true"


def read_expression(entry: Entry, reader: Callable[[str], Expression]) -> Expression:
    try:
        return reader(entry.word())
    except BadCondition as error:
        raise entry.mistake(str(error)) from None


def _target(fields: Entries, key: str) -> str | None:
    entry = fields.get(key)
    return entry.word() if entry is not None else None


def _asking(kind: str, fields: Entries, around: Surroundings, common: dict[str, Any]) -> dict[str, Any]:
    """The keys that every question may have."""
    common["text"] = read_text(fields.need(kind, "the question"), around.languages)
    wrong, again, go = fields.get("wrong"), fields.get("again"), fields.get("go")
    if wrong is not None:
        common["wrong"] = read_text(wrong, around.languages)
    if again is not None:
        common["again"] = read_count(again, 0, 9)
    if go is not None:
        common["go"] = {key: target.word() for key, target in go.entries().all()}
    common["give_up"] = _target(fields, "give_up")
    common["personal"] = read_yes(fields.get("personal"))
    return common


def _way_out(fields: Entries, around: Surroundings, common: dict[str, Any]) -> dict[str, Any]:
    """`or:` the numbered lines under a question whose answer is typed, such as "1 Je ne sais pas"."""
    entry = fields.get("or")
    common["options"] = read_options(entry, around.languages) if entry is not None else ()
    return common


def _read_menu(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    kind = "pick" if "pick" in fields else "menu"
    common = _asking(kind, fields, around, common)
    options, source = fields.get("options"), fields.get("options_from")
    if (options is None) == (source is None):
        raise fields.place.mistake(f"a {kind} has either `options` or `options_from`")
    if options is not None:
        common["options"] = _listed(options, around)
    if source is not None:
        common["source"] = _read_call(source, fields)
        common["empty"], common["fails"] = _target(fields, "empty"), _target(fields, "fails")
        common["skip_if_one"] = read_yes(fields.get("skip_if_one"))
        show = fields.get("show")
        common["show"] = read_count(show, 1, 60) if show is not None else 20
    if kind == "pick":
        if common.get("go"):
            raise fields.place.mistake("several may be picked, so a pick cannot `go` by choice; use a `when` below it")
        return Pick(**common)
    common["sets_language"] = read_yes(fields.get("sets_language"))
    if common["sets_language"]:
        _only_languages(options, common.get("options", ()), around.languages, fields)
    return Menu(**common)


def _only_languages(
    entry: Entry | None, options: tuple[Option, ...], languages: tuple[str, ...], fields: Entries
) -> None:
    if entry is None:
        raise fields.place.mistake("a menu that sets the language lists the languages under `options`")
    for option in options:
        if option.key not in languages:
            raise entry.mistake(f"'{option.key}' is no language of this flow; {nearest(option.key, languages)}")


def _listed(entry: Entry, around: Surroundings) -> tuple[Option, ...]:
    if entry.is_mapping:
        return read_options(entry, around.languages)
    name = entry.word()
    if name not in around.lists:
        raise entry.mistake(f"there is no list '{name}'; {nearest(name, around.lists)}")
    return around.lists[name]


def _read_call(entry: Entry, fields: Entries) -> Call:
    """`villages(cercle)` passes the answer `cercle` under its own name; `with` passes any value under any name."""
    found = _CALL.fullmatch(entry.word())
    if found is None:
        raise entry.mistake(f"'{entry.word()}' is no action: write its name, or name(answer) with answers it needs")
    args: dict[str, Expression] = {}
    for word in (found[2] or "").replace(",", " ").split():
        args[word.rpartition(".")[2]] = Name(word)
    given = fields.get("with")
    for key, value in given.entries().all() if given is not None else ():
        args[key] = read_expression(value, parse_operand)
    return Call(found[1], args)


def _read_number(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    common = _asking("number", fields, around, common)
    low = read_count(fields.need("from", "the smallest number that is taken"), -999_999_999, 999_999_999)
    high = read_count(fields.need("to", "the largest number that is taken"), -999_999_999, 999_999_999)
    return Number(low=low, high=high, **common)


def _read_words(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    common = _way_out(fields, around, _asking("text", fields, around, common))
    return Words(max=read_count(fields.need("max", "the most characters that are taken"), 1, 1000), **common)


def _read_day(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    common = _way_out(fields, around, _asking("date", fields, around, common))
    earliest = _read_bound(fields.need("from", "the first day that is taken, as in -5y, today, or another date's id"))
    latest = _read_bound(fields.need("to", "the last day that is taken, as in today, +2w, or another date's id"))
    return Day(earliest=earliest, latest=latest, **common)


def _read_bound(entry: Entry) -> Bound:
    written = entry.word()
    if written == "today":
        return Bound(written)
    if found := _OFFSET.fullmatch(written):
        many = int(found[1] + found[2])
        return {
            "d": Bound(written, days=many),
            "w": Bound(written, days=7 * many),
            "m": Bound(written, months=many),
            "y": Bound(written, months=12 * many),
        }[found[3]]
    try:
        return Bound(written, day=date.fromisoformat(written))
    except ValueError:
        pass
    if ID.fullmatch(written.replace(".", "")) is None:
        raise entry.mistake(f"'{written}' is no day: write today, -5y, +2w, 2026-03-05, or the id of another date")
    return Bound(written, name=written)


def _read_phone(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    common = _way_out(fields, around, _asking("phone", fields, around, common))
    country = fields.get("country")
    if country is not None and not re.fullmatch("[A-Z]{2}", country.word()):
        raise country.mistake(f"'{country.word()}' is no country: two capital letters, as in ML")
    return Phone(country=country.word() if country is not None else "ML", **common)


def _read_say(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    by, parts = fields.get("by"), fields.get("parts")
    if by is not None and by.word() != "sms":
        raise by.mistake(f"`by` knows 'sms' only, not '{by.word()}'")
    if parts is not None and by is None:
        raise parts.mistake("only a text sent `by: sms` has parts")
    return Say(
        text=read_text(fields.need("say", "the words"), around.languages),
        by_sms=by is not None,
        parts=read_count(parts, 1, 6) if parts is not None else 1,
        **common,
    )


def _read_end(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    if "next" in fields:
        raise fields.place_of("next").mistake("nothing comes after an `end`; take `next` away")
    words = fields.need("end", "the last words")
    return End(text=None if words.is_blank else read_text(words, around.languages), **common)


def _read_when(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    if "next" in fields:
        raise fields.place_of("next").mistake("a `when` leaves by its branches; write the `next` as its `else`")
    branches: list[Branch] = []
    otherwise: str | None = None
    for item in fields.need("when", "its branches").items():
        case = item.entries()
        if otherwise is not None:
            raise item.mistake("`else` is the last branch: nothing below it is ever reached")
        if "else" in case:
            otherwise = case.need("else", "").word()
        else:
            test = case.need("if", 'a branch is {if: "...", go: step} or {else: step}')
            target = case.need("go", "where the caller goes when the condition holds").word()
            branches.append(Branch(read_expression(test, parse), target, test.word()))
        case.finish(("if", "go", "else"))
    return When(branches=tuple(branches), otherwise=otherwise, **common)


def _read_run(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    return Run(flow=read_id(fields.need("run", "the sub-flow")), **common)


def _read_do(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    call = _read_call(fields.need("do", "the action"), fields)
    gives = fields.get("gives")
    widths = {key: read_count(width, 1, 160) for key, width in gives.entries().all()} if gives is not None else EMPTY
    for name in widths:
        if not ID.fullmatch(name) or name in RESERVED:
            raise fields.place_of("gives").mistake(f"'{name}' cannot be a name: small letters, digits and _")
    return Do(call=call, gives=widths, fails=_target(fields, "fails"), reads=read_yes(fields.get("reads")), **common)


def _read_set(fields: Entries, around: Surroundings, common: dict[str, Any]) -> Step:
    values = {}
    for key, value in fields.need("set", "names and values").entries().all():
        if not ID.fullmatch(key) or key in RESERVED:
            raise value.mistake(f"'{key}' cannot be a name: small letters, digits and _")
        values[key] = read_expression(value, parse_operand)
        if isinstance(values[key], Constant) and value.word() in ("true", "false"):
            raise value.mistake("there is no true or false to set; use a quoted word")
    return Set(values=values, **common)


Reader = Callable[[Entries, Surroundings, dict[str, Any]], Step]
KINDS: Final[dict[str, Reader]] = {
    "say": _read_say,
    "menu": _read_menu,
    "pick": _read_menu,
    "number": _read_number,
    "text": _read_words,
    "date": _read_day,
    "phone": _read_phone,
    "when": _read_when,
    "run": _read_run,
    "do": _read_do,
    "set": _read_set,
    "end": _read_end,
}
