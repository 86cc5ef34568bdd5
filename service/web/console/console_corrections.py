"""A dose taken back or put on another day: asked why, shown what it comes to, then done."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy.engine import Connection

from service.domain.correction_words import LONGEST_NOTE
from service.domain.dose_lists import read_day
from service.runtime import Runtime
from service.store import staff_tables
from service.store.care_tables import RecordedDose
from service.store.people_tables import Child
from service.stories.care import dose_corrections
from service.stories.care.dose_corrections import Corrected, Correction, Refused
from service.web.console import console_words
from service.web.console.console_guard import EVERY_ROLE, Guard, child_named, form_text, who

NO_REASON = "Dites pourquoi ; « autre raison » demande quelques mots."
UNREAD_DAY = "Écrivez le jour comme 12/11/2026."


class Asked(NamedTuple):
    """What the form says: the dose as it stands, and the day that it should have, or why it counts no more."""

    antigen: str
    on: date
    to: date | None
    said: Correction


class _OnlySeen(Exception):
    """Ends a transaction that must change nothing."""


def add_pages(pages: Blueprint, runtime: Runtime, guard: Guard) -> None:
    @guard.page(pages, "/enfant/<ref>/corriger", EVERY_ROLE, "POST")
    def correct(ref: str) -> Any:
        return _form(runtime, ref, "")

    @guard.page(pages, "/enfant/<ref>/corriger/voir", EVERY_ROLE, "POST")
    def correct_seen(ref: str) -> Any:
        asked = _read_form()
        if isinstance(asked, str):
            return _form(runtime, ref, asked), 400
        seen: list[tuple[Child, Corrected]] = []
        try:
            with runtime.database.begin() as tx:
                child = child_named(tx, ref)
                seen.append((child, _carry_out(tx, runtime, child, asked)))
                raise _OnlySeen
        except Refused as reason:
            return _form(runtime, ref, console_words.NOT_CORRECTED[reason.why]), 400
        except _OnlySeen:
            [(child, found)] = seen
        with runtime.database.begin() as tx:
            staff_tables.note_reads(tx, who().id, "child", [child.id], runtime.now())
        return render_template("console/correct_seen.html", child=child, name=ref, found=found, asked=asked)

    @guard.page(pages, "/enfant/<ref>/corriger/oui", EVERY_ROLE, "POST")
    def correct_now(ref: str) -> Any:
        asked = _read_form()
        if isinstance(asked, str):
            return _form(runtime, ref, asked), 400
        try:
            with runtime.database.begin() as tx:
                _carry_out(tx, runtime, child_named(tx, ref), asked)
        except Refused as reason:
            return _form(runtime, ref, console_words.NOT_CORRECTED[reason.why]), 400
        return redirect(url_for("console.child", ref=ref, dit="corrige"), 303)


def _carry_out(tx: Connection, runtime: Runtime, child: Child, asked: Asked) -> Corrected:
    now = runtime.now()
    if asked.to is None:
        return dose_corrections.take_back(tx, runtime, child.code, asked.antigen, asked.on, asked.said, now)
    return dose_corrections.move(tx, runtime, child.code, asked.antigen, asked.on, asked.to, asked.said, now)


def _form(runtime: Runtime, ref: str, said: str) -> str:
    antigen, on = form_text("antigene", 12), read_day(form_text("jour", 20))
    with runtime.database.begin() as tx:
        child = child_named(tx, ref)
        staff_tables.note_reads(tx, who().id, "child", [child.id], runtime.now())
        lines = dose_corrections.lines_of(tx, runtime, child, runtime.today(runtime.now()))
    standing = [one for one in lines if _is_meant(one.dose, antigen, on)]
    return render_template(
        "console/correct.html",
        child=child,
        name=ref,
        line=standing[0] if standing else None,
        said=said,
        whys=console_words.WHYS,
        longest=LONGEST_NOTE,
    )


def _is_meant(one: RecordedDose, antigen: str, on: date | None) -> bool:
    return (one.antigen, one.given_on) == (antigen, on) and one.voided_at is None


def _read_form() -> Asked | str:
    """What is asked, or what is wrong with it."""
    antigen, on = form_text("antigene", 12), read_day(form_text("jour", 20))
    if on is None or not antigen:
        abort(400)
    note, by, remit = form_text("note", LONGEST_NOTE), who().signature, who().remit
    if request.form.get("quoi") == "jour":
        to = read_day(form_text("vrai_jour", 20))
        return UNREAD_DAY if to is None else Asked(antigen, on, to, Correction(by, "wrong-date", note, remit))
    why = form_text("pourquoi", 20)
    if why not in console_words.WHYS or (why == "other" and not note):
        return NO_REASON
    return Asked(antigen, on, None, Correction(by, why, note, remit))
