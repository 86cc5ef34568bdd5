"""What differs between two versions of the conversations, for the person who is to say yes to the new one."""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final, TypeVar

from flows.describe import visible
from flows.model import Flow, Library
from flows.said import ORDER, Said, said_by_flow, said_by_step

# Words of two texts are matched one by one; nothing a phone can show is longer.
_MOST_WORDS: Final = 500
_LINE_BREAK: Final = "⏎"
_Key = TypeVar("_Key", bound=Hashable)
FLOW: Final = "flow"
STEP: Final = "step"
PLACE: Final = "place"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is said otherwise. `before` or `after` is empty where nothing was or is said.

    `step` is empty for what the flow says of itself, `language` for what is no words. `what` is the key of the thing,
    or "flow", "step" (one that came or went) or "place" (a step that moved: it stands after the step named).
    """

    flow: str
    step: str
    what: str
    language: str
    before: str
    after: str


def differences(old: Library, new: Library) -> list[Difference]:
    """All that differs, flow by flow in the order of their ids, and in reading order inside each."""
    found: list[Difference] = []
    for flow_id in sorted(old.flows.keys() | new.flows.keys()):
        before, after = old.flows.get(flow_id), new.flows.get(flow_id)
        if before is None or after is None:
            found.append(Difference(flow_id, "", FLOW, "", _summary(before), _summary(after)))
        else:
            found += _between(before, after)
    return found


def lines_of_diff(found: Sequence[Difference]) -> list[str]:
    """Lines to read: `-` before what was said, `+` before what is, the words that changed as [-old-] and [+new+]."""
    if not found:
        return ["Nothing differs."]
    lines: list[str] = []
    for flow, of_flow in groupby(found, lambda each: each.flow):
        lines += [""] if lines else []
        lines.append(flow)
        for step, of_step in groupby(of_flow, lambda each: each.step):
            lines += _lines_of_step(step, list(of_step))
    return [visible(line) for line in lines]


def _summary(flow: Flow | None) -> str:
    if flow is None:
        return ""
    return f"version {flow.version}, {len(flow.steps)} steps, {', '.join(flow.languages)}"


# --- what differs -------------------------------------------------------------------------------------------------


def _between(old: Flow, new: Flow) -> Iterator[Difference]:
    yield from _told(new.id, "", said_by_flow(old), said_by_flow(new))
    before, after = _steps_of(old), _steps_of(new)
    moved = _moved(list(before), list(after))
    above_before, above_after = _above(old), _above(new)
    for step_id in _in_reading_order(list(before), list(after)):
        was, now = before.get(step_id, ()), after.get(step_id, ())
        if not was or not now:
            yield Difference(new.id, step_id, STEP, "", _kind(old, step_id), _kind(new, step_id))
            was, now = _without_kind(was), _without_kind(now)
        elif step_id in moved:
            yield Difference(new.id, step_id, PLACE, "", above_before[step_id], above_after[step_id])
        yield from _told(new.id, step_id, was, now)


def _steps_of(flow: Flow) -> dict[str, Sequence[Said]]:
    order = list(flow.steps)
    below: Mapping[str, str | None] = dict(zip(order, [*order[1:], None], strict=True)) if order else {}
    return {step_id: said_by_step(step, below[step_id]) for step_id, step in flow.steps.items()}


def _kind(flow: Flow, step_id: str) -> str:
    return flow.steps[step_id].kind if step_id in flow.steps else ""


def _without_kind(said: Sequence[Said]) -> list[Said]:
    return [each for each in said if each.what != "kind"]


def _above(flow: Flow) -> dict[str, str]:
    order = list(flow.steps)
    return dict(zip(order, ["the beginning", *order[:-1]], strict=True)) if order else {}


def _told(flow: str, step: str, old: Sequence[Said], new: Sequence[Said]) -> Iterator[Difference]:
    before = {(each.what, each.language, each.order): each.value for each in old}
    after = {(each.what, each.language, each.order): each.value for each in new}
    for key in _in_reading_order(list(before), list(after)):
        what, language, is_order = key
        was, now = before.get(key, ""), after.get(key, "")
        if is_order:
            was, now = _order_of_kept(was, now)
            what = f"{what} {ORDER}"
        if was != now:
            yield Difference(flow, step, what, language, was, now)


def _order_of_kept(was: str, now: str) -> tuple[str, str]:
    before, after = was.split("\n"), now.split("\n")
    kept = set(before) & set(after)
    return tuple(", ".join(key for key in keys if key in kept) for keys in (before, after))  # type: ignore[return-value]


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The fewest steps that must have moved for the others to stand in the same order as before."""
    place = {step_id: at for at, step_id in enumerate(old)}
    kept = [step_id for step_id in new if step_id in place]
    return set(kept) - _longest_rising(kept, place)


def _longest_rising(kept: Sequence[str], place: Mapping[str, int]) -> set[str]:
    """The longest run of steps whose places rise."""
    lows: list[int] = []
    ends: list[str] = []
    under: dict[str, str | None] = {}
    for step_id in kept:
        at = bisect_left(lows, place[step_id])
        under[step_id] = ends[at - 1] if at else None
        if at == len(lows):
            lows.append(place[step_id])
            ends.append(step_id)
        else:
            lows[at], ends[at] = place[step_id], step_id
    rising: set[str] = set()
    last = ends[-1] if ends else None
    while last is not None:
        rising.add(last)
        last = under[last]
    return rising


def _in_reading_order(old: Sequence[_Key], new: Sequence[_Key]) -> list[_Key]:
    """The new ones in their order, and each old one that is gone where it stood before."""
    is_new = set(new)
    gone: dict[_Key | None, list[_Key]] = {}
    above = None
    for key in old:
        if key in is_new:
            above = key
        else:
            gone.setdefault(above, []).append(key)
    return [*gone.get(None, []), *[each for key in new for each in (key, *gone.get(key, []))]]


# --- lines --------------------------------------------------------------------------------------------------------


def _lines_of_step(step: str, found: Sequence[Difference]) -> Iterator[str]:
    indent = "  "
    if step:
        first = found[0]
        if first.what == STEP:
            sign, kind = ("+", first.after) if first.after else ("-", first.before)
            yield f"  {sign} step {step} ({kind})"
            found = found[1:]
        else:
            yield f"  step {step}"
        indent = "    "
    for each in found:
        yield from [indent + line for line in _lines_of(each)]


def _lines_of(each: Difference) -> Iterable[str]:
    if each.what == PLACE:
        return [f"moved: stood after {each.before}, stands after {each.after}"]
    if not each.language:
        if each.before and each.after:
            return [f"{each.what}: {each.before} -> {each.after}"]
        return [f"+ {each.what}: {each.after}" if each.after else f"- {each.what}: {each.before}"]
    was, now = marked(each.before, each.after)
    lines = [f"- {was}"] if each.before else []
    lines += [f"+ {now}"] if each.after else []
    return [f"{each.what} [{each.language}]", *[f"  {line}" for line in lines]]


def marked(before: str, after: str) -> tuple[str, str]:
    """Both texts with the words that changed marked: "[-chef-]" and "[+patron+]"; unmarked when one is empty."""
    before, after = _on_one_line(before), _on_one_line(after)
    old, new = before.split(), after.split()
    if not old or not new or len(old) + len(new) > _MOST_WORDS:
        return before, after
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    if all(step == "equal" for step, *_ in steps):
        return before, after  # only the blanks between the words differ
    was = [_words(old[low:high], "-" if step != "equal" else "") for step, low, high, _, _ in steps]
    now = [_words(new[low:high], "+" if step != "equal" else "") for step, _, _, low, high in steps]
    return " ".join(filter(None, was)), " ".join(filter(None, now))


def _on_one_line(text: str) -> str:
    return text.replace("\n", f" {_LINE_BREAK} ")


def _words(words: Sequence[str], sign: str) -> str:
    text = " ".join(words)
    return f"[{sign}{text}{sign}]" if sign and text else text
