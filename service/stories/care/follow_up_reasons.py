"""Why something of a follow-up cannot be: each reason in a sentence for whoever asked."""

from __future__ import annotations

WHY = ("moved", "withdrawn", "death", "complete")
"""How a follow-up may end besides a birth or a loss."""

REASONS = {
    "off": "follow-ups are not open yet: a health professional confirms the dates first (docs/follow-ups.md)",
    "number": "that is no number of a mobile phone that may be written to; write it like +223 70 00 00 01",
    "place": "this quartier is none of ours",
    "future": "that day has not come yet",
    "week": "the week on the card and its day cannot be: no contact of this pregnancy is left",
    "who": "somebody is registered on this phone: say whether it is her, or another woman",
    "known": "a pregnancy is followed on this phone already; for another woman say so",
    "unknown": "no open follow-up has this code; it has eight digits, as on the booklet",
    "before": "that day is before this follow-up began",
    "unlikely": "that is far from the day on which this birth is expected; if the day is right, say so with --really",
    "no_contact": "no contact was open on that day, or it was noted before",
    "not_a_pregnancy": "a birth ends a pregnancy, and this follow-up is of the weeks after a birth",
    "children": "from 0 to 6 living children",
    "which": "several children were born that day: say which one, by its code, or all",
    "why": f"an end is one of {', '.join(WHY)}",
}


class Refused(Exception):
    """Nothing was written. `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason
