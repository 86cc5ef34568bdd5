"""One child: found by the code of its booklet or by a phone, its plan and its doses, and doses written down."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for

from service.domain.dose_lists import read_day
from service.domain.dose_words import DoseWord, NotRead, written
from service.runtime import Runtime
from service.store import staff_tables
from service.stories.care import child_record
from service.stories.staff import staff_sessions
from service.web.console import console_words
from service.web.console.console_guard import EVERY_ROLE, Guard, child_named, form_text, ref_of, who

UNREAD_DAY = "Écrivez le jour comme 12/11/2026."
NOTHING_TICKED = "Cochez au moins un vaccin."


def add_pages(pages: Blueprint, runtime: Runtime, guard: Guard) -> None:
    @guard.page(pages, "/enfant", EVERY_ROLE, "GET", "POST")
    def search() -> Any:
        if request.method != "POST":
            return render_template("console/search.html", said="", found=())
        now, typed = runtime.now(), form_text("quoi", 40)
        with runtime.database.begin() as tx:
            if not staff_sessions.may_search(tx, runtime, who(), now):
                return render_template("console/search.html", said=console_words.TOO_MANY_SEARCHES, found=()), 429
            found = child_record.find(tx, runtime, who().remit, typed) if typed else []
            staff_tables.note_reads(tx, who().id, "search", [one.id for one in found] or [None], now)
            if not found:
                staff_sessions.note_miss(tx, runtime, who(), now)
        if not found:
            return render_template("console/search.html", said=console_words.NO_CHILD, found=()), 404
        if len(found) == 1:
            return redirect(url_for("console.child", ref=ref_of(found[0].id)), 303)
        return render_template("console/search.html", said="", found=found)

    @guard.page(pages, "/enfant/<ref>", EVERY_ROLE)
    def child(ref: str) -> str:
        return _child_page(runtime, ref, "")

    @guard.page(pages, "/enfant/<ref>/doses", EVERY_ROLE, "POST")
    def doses(ref: str) -> Any:
        """What would be written; nothing is."""
        on, told, mistake = _read_form(runtime)
        if on is None or mistake:
            return _child_page(runtime, ref, mistake), 400
        with runtime.database.begin() as tx:
            one = child_named(tx, ref)
            seen = child_record.look(tx, runtime, one, told, on, runtime.today(runtime.now()))
            staff_tables.note_reads(tx, who().id, "child", [one.id], runtime.now())
        return render_template("console/doses_seen.html", child=one, name=ref, seen=seen, on=on, written=written)

    @guard.page(pages, "/enfant/<ref>/doses/oui", EVERY_ROLE, "POST")
    def doses_now(ref: str) -> Any:
        on, told, mistake = _read_form(runtime)
        if on is None or mistake:
            return _child_page(runtime, ref, mistake), 400
        with runtime.database.begin() as tx:
            one = child_named(tx, ref)
            kept = child_record.keep(tx, runtime, one, told, on, who(), runtime.now())
        is_new = any(verdict.new for verdict in kept)
        return redirect(url_for("console.child", ref=ref, dit="ecrit" if is_new else "rien"), 303)


def _child_page(runtime: Runtime, ref: str, said: str) -> str:
    now = runtime.now()
    today = runtime.today(now)
    with runtime.database.begin() as tx:
        one = child_named(tx, ref)
        record = child_record.record_of(tx, runtime, one, today)
        staff_tables.note_reads(tx, who().id, "child", [one.id], now)
    return render_template("console/child.html", child=one, record=record, name=ref, today=today, said=said)


def _read_form(runtime: Runtime) -> tuple[date | None, list[DoseWord], str]:
    """The day, the doses, and what is wrong with them."""
    on = read_day(form_text("jour", 20))
    if on is None:
        return None, [], UNREAD_DAY
    try:
        told = child_record.told_doses(runtime, request.form.getlist("dose"))
    except NotRead:
        abort(400)
    return on, told, "" if told else NOTHING_TICKED
