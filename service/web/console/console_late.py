"""Who waits for a visit: by mediator and quartier, on paper, and quartiers that change hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import mediator_tables, staff_tables
from service.store.alarm_tables import Alarm
from service.store.mediator_tables import Mediator
from service.stories.recall import late_list, late_overview, late_page, late_sheet
from service.stories.recall.late_list import LateChild
from service.stories.recall.late_overview import Overview, Quartier
from service.stories.recall.late_sheet import Asked
from service.stories.staff import guess_alarms, reassigning
from service.stories.staff.mediator_accounts import Refused
from service.stories.staff.reassigning import Change
from service.web.console import console_words
from service.web.console.console_guard import EVERY_ROLE, SUPERVISORS, Guard, form_number, who

SHOWN = 60
"""Children on the screen, whoever waits longest first; all of them are on the paper."""
PAPER_POLICY = (
    f"default-src 'none'; style-src {late_page.STYLE_HASH}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Sum(NamedTuple):
    """Of some quartiers together: followed, to be visited, the most days late."""

    followed: int
    late: int
    oldest: int


def add_pages(pages: Blueprint, runtime: Runtime, guard: Guard) -> None:
    @guard.page(pages, "/retards", EVERY_ROLE)
    def late() -> str:
        found = late_overview.overview(runtime, runtime.today(runtime.now()), who().remit)
        with runtime.database.read() as tx:
            centres = staff_tables.centres_within(tx, who().remit)
            alarms = [_alarm(runtime, one) for one in guess_alarms.told_to(tx, who(), runtime.now())]
        return render_template("console/late.html", found=found, sum_of=sum_of, centres=centres, alarms=alarms)

    @guard.page(pages, "/retards/<int:mediator>", EVERY_ROLE)
    def late_of(mediator: int) -> str:
        now = runtime.now()
        found, one = _hers(runtime, mediator)
        served = found.served(one.id)
        # The list is read outside of the writing: SQLite has one writer, and callers would wait for it.
        with runtime.database.read() as tx:
            children = _children(tx, runtime, served, now)
        with runtime.database.begin() as tx:
            staff_tables.note_reads(tx, who().id, "list", [one.id], now)
        return render_template(
            "console/late_of.html", one=one, found=found, served=served, children=children, most=SHOWN, sum_of=sum_of
        )

    @guard.page(pages, "/retards/<int:mediator>/feuille", EVERY_ROLE)
    def paper(mediator: int) -> Response:
        return _paper(runtime, lambda tx: _asked_of(tx, mediator), mediator, with_names=False)

    @guard.page(pages, "/retards/<int:mediator>/feuille-noms", EVERY_ROLE)
    def paper_with_names(mediator: int) -> Response:
        return _paper(runtime, lambda tx: _asked_of(tx, mediator), mediator, with_names=True)

    @guard.page(pages, "/centres/<int:centre>/feuille", EVERY_ROLE)
    def centre_paper(centre: int) -> Response:
        return _paper(runtime, lambda tx: Asked(centre=_code_of(tx, centre)), centre, with_names=False)

    @guard.page(pages, "/centres/<int:centre>/feuille-noms", EVERY_ROLE)
    def centre_paper_with_names(centre: int) -> Response:
        return _paper(runtime, lambda tx: Asked(centre=_code_of(tx, centre)), centre, with_names=True)

    @guard.page(pages, "/retards/<int:mediator>/confier", SUPERVISORS, "GET", "POST")
    def hand_over(mediator: int) -> Any:
        if request.method != "POST":
            return _hand_over_form(runtime, mediator, "")
        try:
            with runtime.database.begin() as tx:
                change = _asked(tx, runtime, mediator, dry_run=True)
                found = reassigning.reassign(tx, runtime, change, runtime.now())
        except Refused:
            return _hand_over_form(runtime, mediator, _NOT_HANDED), 400
        now_serving, giver = _hers(runtime, change.giver_id)
        taker = next(one for one in now_serving.mediators if one.id == change.taker_id)
        places = now_serving.places_of(taker.id)
        return render_template("console/hand_over_seen.html", found=found, giver=giver, taker=taker, places=places)

    @guard.page(pages, "/retards/<int:mediator>/confier/oui", SUPERVISORS, "POST")
    def hand_over_now(mediator: int) -> Any:
        try:
            with runtime.database.begin() as tx:
                change = _asked(tx, runtime, mediator, dry_run=False)
                reassigning.reassign(tx, runtime, change, runtime.now())
        except Refused:
            return _hand_over_form(runtime, mediator, _NOT_HANDED), 400
        return redirect(url_for("console.late_of", mediator=change.taker_id, dit="confie"), 303)


_NOT_HANDED = (
    "Rien n'a été changé : choisissez au moins un quartier et une autre médiatrice. Si quelqu'un vient de changer "
    "ces quartiers, la page montre maintenant où ils en sont."
)


def _alarm(runtime: Runtime, one: Alarm) -> str:
    said = console_words.ALARMS[one.kind].format(login=one.login)
    return f"{said}, la dernière fois le {runtime.local(one.last_at):%d/%m à %H:%M}."


def sum_of(quartiers: list[Quartier]) -> Sum:
    late, oldest = sum(sum(one.late) for one in quartiers), max((one.oldest for one in quartiers), default=0)
    return Sum(sum(one.followed for one in quartiers), late, oldest)


def _hers(runtime: Runtime, mediator: int) -> tuple[Overview, Mediator]:
    """What stands for this account, within the remit; 404."""
    found = late_overview.overview(runtime, runtime.today(runtime.now()), who().remit, mediator)
    hers = [one for one in found.mediators if one.id == mediator]
    return (found, hers[0]) if hers else abort(404)


def _children(tx: Connection, runtime: Runtime, served: list[Quartier], now: int) -> list[LateChild]:
    late = late_list.late_children(tx, runtime, [one.id for one in served], runtime.today(now))
    return [one for one in late if who().remit.has(one.child)]


def _asked_of(tx: Connection, mediator: int) -> Asked:
    return Asked(account=mediator) if late_overview.is_within(tx, who().remit, mediator) else abort(404)


def _code_of(tx: Connection, centre: int) -> str:
    codes = [code for centre_id, code, _ in staff_tables.centres_within(tx, who().remit) if centre_id == centre]
    return codes[0] if codes else abort(404)


def _paper(runtime: Runtime, asked: Callable[[Connection], Asked], about: int, *, with_names: bool) -> Response:
    """The A4 pages. Who is named there is written down with whoever looked."""
    now = runtime.now()
    try:
        with runtime.database.read() as tx:
            found = late_sheet.sheet(
                tx, runtime, asked(tx), runtime.today(now), with_names=with_names, remit=who().remit
            )
    except Refused:
        abort(404)
    kind, seen = ("names", found.child_ids) if with_names else ("list", (about,))
    with runtime.database.begin() as tx:
        staff_tables.note_reads(tx, who().id, kind, seen, now)
    page = Response(late_page.page_of(found), mimetype="text/html")
    page.headers["Content-Security-Policy"] = PAPER_POLICY
    return page


def _hand_over_form(runtime: Runtime, mediator: int, said: str) -> str:
    found, one = _hers(runtime, mediator)
    others = [each for each in found.mediators if each.id != one.id]
    return render_template(
        "console/hand_over.html", one=one, found=found, served=found.served(one.id), others=others, said=said
    )


def _asked(tx: Connection, runtime: Runtime, mediator: int, *, dry_run: bool) -> Change:
    """What the form says; `reassigning` refuses where it names no other mediator of ours, or no quartier of hers."""
    wanted = set(request.form.getlist("quartier"))
    names = [name for zone_id, name in mediator_tables.zones_of(tx, mediator) if str(zone_id) in wanted]
    return Change(names, mediator, form_number("a"), who().signature, dry_run, who().remit)
