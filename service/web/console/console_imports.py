"""A list of doses sent by a form: every line checked and shown, and written after a yes."""

from __future__ import annotations

import threading
from typing import Any

from flask import Blueprint, render_template, request

from service.domain.dose_lists import NoColumns
from service.runtime import Runtime
from service.stories.care.dose_list_files import CannotOpen
from service.stories.staff import console_lists
from service.web.console import console_words
from service.web.console.console_guard import EVERY_ROLE, Guard, form_number, session

SHOWN = 60
"""Numbers of lines told beside each reason."""
NO_FILE = "Choisissez d'abord un fichier."
GONE = "Cette liste n'attend plus : elle a été écrite, ou une autre a pris sa place. Envoyez-la de nouveau."
# A workbook is unpacked in memory: one at a time, and whoever else sends one is told to wait.
_opening = threading.BoundedSemaphore(1)


def add_pages(pages: Blueprint, runtime: Runtime, guard: Guard) -> None:
    room_for_the_form = 20_000

    @guard.page(pages, "/import", EVERY_ROLE, "GET", "POST", largest=console_lists.LARGEST + room_for_the_form)
    def bring_in() -> Any:
        if request.method != "POST":
            return _form("")
        sent = request.files.get("liste")
        data = sent.read(console_lists.LARGEST + 1) if sent else b""
        if not data:
            return _form(NO_FILE), 400
        if not _opening.acquire(blocking=False):
            return _form(console_words.refusal(503)), 503
        try:
            seen = console_lists.look(runtime, session(), data, "La liste")
        except (CannotOpen, NoColumns) as reason:
            return _form(str(reason)), 400
        finally:
            _opening.release()
        return render_template("console/import_seen.html", seen=seen, outcome=seen.outcome, shown=SHOWN)

    @guard.page(pages, "/import/oui", EVERY_ROLE, "POST")
    def bring_in_now() -> Any:
        outcome = console_lists.write(runtime, session(), form_number("numero"))
        if outcome is None:
            return _form(GONE), 400
        return render_template("console/import_done.html", outcome=outcome, shown=SHOWN)


def _form(said: str) -> str:
    return render_template("console/import.html", said=said, most=console_lists.MOST_ROWS)
