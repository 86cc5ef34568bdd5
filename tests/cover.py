"""What the stories on the mutual, opinions and one's own data have in common: the way there, the staff's command."""

from __future__ import annotations

import re

from click.testing import CliRunner, Result
from sqlalchemy import Table, select
from sqlalchemy.engine import Row

from flows.sms_text import is_gsm7, measure
from scheduler.__main__ import main
from service.config import Config
from service.runtime import Runtime
from service.store.columns import metadata
from tests.people import Handset

SPOKEN = {"fr": "Français", "bm": "Bamanankan", "en": "English"}


def dial(handset: Handset, *labels: str, language: str = "fr") -> str:
    """Dial, choose the language if it is asked, and the lines of the menus with these labels."""
    handset.dial()
    if handset.screen.startswith("Langue"):
        handset.choose(SPOKEN[language])
    for label in labels:
        handset.choose(label)
    return handset.screen


def turn_to(handset: Handset, label: str) -> str:
    """Turn the pages of words until this line is there, and take it."""
    while label not in handset.screen:
        handset.press("9")
    return handset.choose(label)


def number_on(text: str) -> str:
    """The number of a request on a screen or in an SMS."""
    found = re.search(r"[AV]-\d{6}|\b\d{6}\b", text)
    assert found, text
    return found[0]


def is_one_plain_sms(text: str) -> bool:
    return is_gsm7(text) and measure(text).parts == 1


def command(settings: Config, *words: str) -> Result:
    """What `laseli ...` answers on the same database."""
    keys = settings.keys
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": keys.index.get_secret_value(),
    }
    return CliRunner().invoke(main, list(words), env=environment)


def rows_of(runtime: Runtime, table: Table) -> list[Row[tuple[object, ...]]]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(table)))


def everything(runtime: Runtime, *but: str) -> dict[str, list[str]]:
    """Every row of every table, opened; the tables named are left out."""
    return {
        table.name: sorted(str(tuple(row)) for row in rows_of(runtime, table))
        for table in metadata.sorted_tables
        if table.name not in but
    }
