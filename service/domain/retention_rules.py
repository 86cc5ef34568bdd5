"""How long we keep what, and what becomes of it then. One table: the nightly job, `laseli purge` and the docs read it.

"safety.md" is the project's page on safety; "ours" was decided while building, and the remark says why.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, NamedTuple

from service.domain.ages import add_months

When = Literal["hour", "night", "elsewhere"]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
GROWN_MONTHS = 63
"""60 months of age, when the vaccination schedule is over, and three more."""


class Rule(NamedTuple):
    """One line. `kept_ms` is 0 where the age of a person and not of a row counts. `when`: who carries it out."""

    name: str
    data: str
    keep: str
    kept_ms: int
    then: str
    source: str
    when: When


RULES = (
    Rule("keystrokes", "USSD and SMS conversations", "24 hours", DAY_MS, "deleted", "safety.md", "hour"),
    Rule(
        "listening",
        "sensitive conversations",
        "minutes after their end",
        0,
        "deleted by the job that looks after cut calls",
        "safety.md",
        "elsewhere",
    ),
    Rule("receipts", "receipts that fit no message", "72 hours", 3 * DAY_MS, "deleted", "safety.md", "hour"),
    Rule(
        "former_ids",
        "the carrier's id of a message that a person had sent again (no number)",
        "30 days",
        30 * DAY_MS,
        "deleted",
        "ours: no receipt comes later",
        "hour",
    ),
    Rule("tries", "tries of a child's code or of a new number", "2 days", DAY_MS, "deleted", "ours", "hour"),
    Rule(
        "staff_tries",
        "tries at the console's door, and its searches that found nobody",
        "1 day",
        DAY_MS,
        "deleted",
        "ours: guesses of a day are told",
        "hour",
    ),
    Rule(
        "staff_lists", "lists of doses that wait for a yes on the console", "1 hour", HOUR_MS, "deleted", "ours", "hour"
    ),
    Rule(
        "staff_sessions", "sessions of the console", "1 day", DAY_MS, "deleted", "ours: they last eight hours", "hour"
    ),
    Rule("route_samples", "how routes served (no person)", "2 days", 2 * DAY_MS, "deleted", "ours", "hour"),
    Rule(
        "given_up_jobs",
        "coarse jobs that were given up (no person)",
        "90 days",
        90 * DAY_MS,
        "deleted",
        "ours",
        "night",
    ),
    Rule("inbound_bodies", "words of incoming SMS", "30 days", 30 * DAY_MS, "deleted", "safety.md", "night"),
    Rule(
        "event_keys",
        "keyed hashes of incoming events",
        "400 days",
        400 * DAY_MS,
        "deleted",
        "safety.md",
        "night",
    ),
    Rule(
        "message_texts",
        "words of messages, the carrier's id and remarks, every try",
        "90 days",
        90 * DAY_MS,
        "emptied: class, state, times and ids without a name stay",
        "safety.md",
        "night",
    ),
    Rule(
        "messages",
        "messages without words, by phone",
        "400 days",
        400 * DAY_MS,
        "counted by day, purpose, operator and state; deleted",
        "ours: as long as an event may be repeated",
        "night",
    ),
    Rule(
        "expired_tasks",
        "half forms, lines about a child or a number",
        "14 to 180 days",
        0,
        "deleted",
        "decision 31",
        "hour",
    ),
    Rule(
        "closed_tasks",
        "closed lines of the mediators' list",
        "90 days after they were closed",
        90 * DAY_MS,
        "deleted",
        "ours: as message texts",
        "night",
    ),
    Rule(
        "feedback",
        "complaints and suggestions, with the answer",
        "90 days after the answer",
        90 * DAY_MS,
        "deleted",
        "ours: as message texts",
        "night",
    ),
    Rule(
        "requests",
        "requests to a mutual that were refused or ended",
        "90 days after that",
        90 * DAY_MS,
        "deleted",
        "ours: as message texts",
        "night",
    ),
    Rule(
        "unanswered_requests",
        "requests that a mutual never answered",
        "400 days",
        400 * DAY_MS,
        "deleted",
        "ours: nobody answers any more",
        "night",
    ),
    Rule(
        "handovers",
        "which phone a family's messages went to before",
        "90 days after it was settled or ran out",
        90 * DAY_MS,
        "deleted",
        "ours: who lost messages has 30 days to notice",
        "night",
    ),
    Rule(
        "grown_children",
        "children, with all that is kept of their care",
        "until 63 months of age",
        0,
        "counted by centre and year of birth; deleted",
        "safety.md",
        "night",
    ),
    Rule(
        "left_children",
        "children whose family said stop for this child, who moved away or died",
        "30 days after that",
        30 * DAY_MS,
        "counted by centre and year of birth; deleted",
        "safety.md",
        "night",
    ),
    Rule(
        "refused_children",
        "children all of whose phones refused every message",
        "30 days after that",
        30 * DAY_MS,
        "counted by centre and year of birth; deleted",
        "safety.md",
        "night",
    ),
    Rule(
        "ended_follow_ups",
        "follow-ups of a pregnancy or a birth that ended, how they ended, and what the woman agreed to for them",
        "30 days after that",
        30 * DAY_MS,
        "counted by month; deleted",
        "ours: as a child that is no longer followed",
        "night",
    ),
    Rule(
        "unended_follow_ups",
        "follow-ups whose end nobody told",
        "400 days after the day they count from",
        400 * DAY_MS,
        "counted by month; deleted",
        "ours: their last contact is long over",
        "night",
    ),
    Rule(
        "ended_treatments",
        "weekly visits of a treated child that ended, what was measured, how it ended, and the yes to them",
        "30 days after that",
        30 * DAY_MS,
        "counted by month; deleted",
        "ours: as a child that is no longer followed",
        "night",
    ),
    Rule(
        "unended_treatments",
        "weekly visits of a treated child whose end nobody told",
        "400 days after the first one",
        400 * DAY_MS,
        "counted by month; deleted",
        "ours: as the other follow-ups",
        "night",
    ),
    Rule(
        "former_phones",
        "that somebody had a phone before",
        "90 days after the phone was given up",
        90 * DAY_MS,
        "deleted",
        "ours: numbers are given out again",
        "night",
    ),
    Rule(
        "former_mediators",
        "accounts of mediators who left",
        "90 days after they left",
        90 * DAY_MS,
        "deleted; doses keep the account's number",
        "ours: as message texts",
        "night",
    ),
    Rule(
        "staff_reads",
        "who opened whose page on the console, and when (no name)",
        "400 days",
        400 * DAY_MS,
        "deleted",
        "ours: as an event key; an audit of the console is to be confirmed",
        "night",
    ),
    Rule(
        "staff_alarms",
        "alarms about guesses at the console, by account (no child, no number)",
        "90 days",
        90 * DAY_MS,
        "deleted",
        "ours: as message texts",
        "night",
    ),
    Rule(
        "former_staff",
        "console accounts that were revoked",
        "400 days after that",
        400 * DAY_MS,
        "emptied: the login stays, and nobody else ever signs with it",
        "ours: as long as what they read",
        "night",
    ),
    Rule(
        "talks",
        "talks: theme, quartier, day, how many listened, the account's number (no listener)",
        "3 years",
        3 * 365 * DAY_MS,
        "deleted",
        "ours: a year is compared with the one before; to be confirmed",
        "night",
    ),
    Rule(
        "dropped_talks",
        "talks that were dropped, with who said so and why",
        "3 years",
        3 * 365 * DAY_MS,
        "deleted",
        "ours: as the talks that count",
        "night",
    ),
    Rule(
        "visits",
        "visits of mediators; without the child once it is deleted",
        "24 months",
        730 * DAY_MS,
        "deleted",
        "ours: a report compares a year with the one before",
        "night",
    ),
    Rule(
        "people",
        "people with no child, follow-up, request or visit any more, and their consents",
        "30 days after they came",
        30 * DAY_MS,
        "deleted",
        "ours: nothing is left that needs them",
        "night",
    ),
    Rule(
        "households",
        "households without anybody",
        "30 days after they came",
        30 * DAY_MS,
        "deleted",
        "ours: nothing is left that needs them",
        "night",
    ),
    Rule(
        "phones",
        "phones of nobody, and what was sent there",
        "90 days after the last message; 30 after refusing every message",
        90 * DAY_MS,
        "messages counted; deleted",
        "ours: as message texts",
        "night",
    ),
    Rule(
        "refusals",
        "refusals (keyed hash, the proof of a STOP) of numbers that we know nothing else of",
        "5 years",
        5 * 365 * DAY_MS,
        "deleted",
        "safety.md",
        "night",
    ),
    Rule(
        "erasures",
        "that somebody was erased on request, by whom and why (no name, no number)",
        "24 months",
        730 * DAY_MS,
        "deleted",
        "safety.md, as an audit",
        "night",
    ),
    Rule("backups", "backups", "35 days", 35 * DAY_MS, "overwritten by whoever keeps them", "safety.md", "elsewhere"),
)
BY_NAME = {rule.name: rule for rule in RULES}
REFUSED_PHONE_MS = 30 * DAY_MS


def born_by(today: date) -> date:
    """Who was born on this day or before has reached the age at which we forget a child."""
    day = add_months(today, -GROWN_MONTHS)
    # 31 July less 63 months is no day: the first of May, and who was born then is not quite as old.
    return day if add_months(day, GROWN_MONTHS) <= today else day - timedelta(1)
