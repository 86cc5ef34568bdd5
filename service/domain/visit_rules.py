"""What a mediator may find at a child's home, and what follows from each: one table that the story carries out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

Status = Literal["seen", "refused", "moved", "dead", "wrong_number", "hospital"]
Recalls = Literal["go_on", "refused", "paused", "elsewhere", "ended", "no_phone"]
"""What becomes of the messages about the child."""


class Rule(NamedTuple):
    """`line`: the kind of line that the supervisor finds on the list, if any. `by_sms`: taken without a PIN too."""

    recalls: Recalls
    line: str | None
    by_sms: bool
    why: str


RULES: Final[Mapping[Status, Rule]] = {
    "seen": Rule("go_on", None, True, "the family was spoken to: a new visit the next day helps nobody"),
    "refused": Rule("refused", "visit_refused", True, "who said no to a person is not asked again by a machine"),
    "moved": Rule("elsewhere", None, True, "the child is another mediator's from now on: the move tells her"),
    "dead": Rule("ended", None, False, "no message, list or line may remind a family of a child that died"),
    "wrong_number": Rule("no_phone", "wrong_number", False, "a stranger reads what is sent; the child is still late"),
    "hospital": Rule("paused", None, True, "a family at a bedside is not called to a vaccination day"),
}
MOVED_AWAY: Final = Rule("ended", "moved_away", False, "nobody of ours serves that place: a person looks for the child")
"""Of a move to no quartier that we know."""
# Anybody can write an SMS in her name. What ends all is not taken by it; nor is what leaves a family without a phone,
# for whoever takes its messages with the code then is announced to nobody.


def rule_of(status: Status, *, elsewhere: bool = False) -> Rule:
    """`elsewhere`: moved to a place that is none of our quartiers."""
    return MOVED_AWAY if status == "moved" and elsewhere else RULES[status]


def quiet_until(visited_on: date, days: int) -> date:
    """The day from which a child that was in hospital is spoken of again."""
    return visited_on + timedelta(days)


def seen_lately_since(today: date, days: int) -> date:
    """Who was seen on this day or later is not on the list of visits."""
    return today - timedelta(days - 1)
