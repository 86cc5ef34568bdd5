"""Coming in and going out: login, password, the first page, the style."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from service.logs import log
from service.runtime import Runtime
from service.stories.staff import staff_sessions
from service.stories.staff.staff_sessions import Typed
from service.web.console import console_words
from service.web.console.console_guard import ANYBODY, EVERY_ROLE, Guard, csrf_token, form_text, ref_of, session

_STATUS = {"wrong": 403, "wait": 429, "busy": 503}
_SAID = {"wrong": console_words.WRONG_ENTRY, "wait": console_words.TOO_MANY_TRIES, "busy": console_words.BUSY}


def add_pages(pages: Blueprint, runtime: Runtime, guard: Guard) -> None:
    @pages.context_processor
    def in_every_page() -> dict[str, Any]:
        visit = g.get("visit")
        return {
            "staff": visit.session.staff if visit and visit.session else None,
            "csrf": csrf_token,
            "ref": ref_of,
            "style_tag": console_words.STYLE_TAG,
            "done": console_words.DONE.get(request.args.get("dit", ""), ""),
            "sender": runtime.config.sender_name,
            "silent": console_words.SILENT,
        }

    @guard.page(pages, "/style.css", ANYBODY)
    def style() -> BaseResponse:
        return console_words.style()

    @guard.page(pages, "/", EVERY_ROLE)
    def home() -> BaseResponse:
        return redirect(url_for("console.late"), 303)

    @guard.page(pages, "/entrer", ANYBODY, "GET", "POST")
    def enter() -> Any:
        if request.method != "POST":
            return render_template("console/enter.html", said="", login="")
        login = form_text("identifiant", 60)
        password, code = request.form.get("mot_de_passe", "")[:400], form_text("code", 20)
        typed = Typed(login, password, code, guard.address(), guard.marks())
        found = staff_sessions.log_in(runtime, typed)
        if found.why_not is not None:
            log.warning("console_login_refused", why=found.why_not)
            said = _SAID[found.why_not]
            return render_template("console/enter.html", said=said, login=login), _STATUS[found.why_not]
        if g.visit.session is not None:  # nobody holds its cookie any more who should
            staff_sessions.log_out(runtime, g.visit.session)
        answer = redirect(url_for("console.home"), 303)
        guard.give_cookie(answer, found.token)
        guard.give_marks(answer, found.marks)
        g.visit = g.visit._replace(is_new=False)
        return answer

    @guard.page(pages, "/sortir", EVERY_ROLE, "POST")
    def leave() -> BaseResponse:
        staff_sessions.log_out(runtime, session())
        answer = redirect(url_for("console.enter", dit="sorti"), 303)
        guard.take_cookie(answer)
        return answer

    @guard.page(pages, "/mot-de-passe", EVERY_ROLE, "GET", "POST")
    def password() -> Any:
        if request.method != "POST":
            return render_template("console/password.html", said="")
        former, new, again = (request.form.get(name, "")[:400] for name in ("ancien", "nouveau", "encore"))
        chosen = staff_sessions.choose_password(runtime, session(), former, new, again, marks=guard.marks())
        if chosen.why_not is not None:
            said = console_words.WEAK[chosen.why_not]
            return render_template("console/password.html", said=said), _STATUS.get(chosen.why_not, 400)
        answer = redirect(url_for("console.late", dit="choisi"), 303)
        guard.give_cookie(answer, chosen.token)
        guard.give_marks(answer, chosen.marks)
        return answer
