"""Checks 7 and 9: every screen and SMS fits, in every language, with the longest answers there can be."""

from collections.abc import Iterator
from dataclasses import dataclass

from flows import words
from flows.answers import HELP_KEYS, Unclear
from flows.findings import ERROR, NOTE, WARNING, Finding
from flows.model import Ask, Day, End, Flow, Handset, Menu, Number, Phone, Pick, Say, Words
from flows.screens import Page, in_front, most_choices, pages_of_question
from flows.sms_text import LIMITS, units
from flows.texts import Text, fill

# More lines than any list from data has pages for; enough to see each kind of page.
_MANY: Final = 24
