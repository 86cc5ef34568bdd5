"""The page with the phones: plain forms that post and come back, and one fragment for those who have JavaScript."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from flows.phone_numbers import show, to_e164
from service.simulator import calls, replays
from service.simulator.postman import real_now
from service.simulator.product import Child, Control, Demonstration, ProductProblem, Task
from service.simulator.scripts import MOST_STEPS
from service.simulator.showing import long_day, phone_view, plural, short_day, short_time
from service.simulator.simulation import NoSuchPhone, Simulation
from service.simulator.state import INVENTED, first_free
from service.simulator.tried_phone import put_on_page, tried_phone

CHILDREN_SHOWN, TASKS_SHOWN = 40, 20
NOTICE_MS = 60_000
NOTHING = Demonstration(datetime.fromtimestamp(0, UTC), ZoneInfo("UTC"))
PAGE_AGE, PARTS_AGE = 0.0, 5.0  # how old the product's word may be, in seconds
KEYS = tuple(
    zip("123456789*0#", ("", "abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz", "", "+", ""), strict=True)
)
ADVANCES = ((1, "+1 jour"), (7, "+7 jours"), (28, "+28 jours"))


def phone_pages(sim: Simulation) -> Blueprint:
    """/sim and what its buttons do."""
    pages = Blueprint("sim", __name__, url_prefix="/sim")

    @pages.get("")
    def page() -> str:
        return render_template("simulator.html", **_context(sim, PAGE_AGE))

    @pages.get("/parts")
    def parts() -> Response:
        """The inside of the page; 204 when it still is the one whose tag is given as `seen`."""
        body = render_template("parts.html", **_context(sim, PARTS_AGE))
        tag = hashlib.sha256(body.encode()).hexdigest()[:16]
        response = Response(status=204) if request.args.get("seen") == tag else Response(body, mimetype="text/html")
        response.headers["X-Tag"] = tag
        return response

    @pages.post("/phones")
    def add_phone() -> BaseResponse:
        return _act(sim, lambda: _add_phone(sim, request.form.get("number", "")), "add")

    @pages.post("/phones/<int:phone_id>/<action>")
    def phone_action(phone_id: int, action: str) -> BaseResponse:
        do = _phone_actions(sim, phone_id).get(action)
        return _act(sim, do, f"phone-{phone_id}") if do else abort(404)

    @pages.post("/clock")
    def clock() -> BaseResponse:
        days = request.form.get("days", "")
        if days not in {str(number) for number, _ in ADVANCES}:
            abort(400)
        return _act(sim, lambda: _advance(sim, _control(sim), int(days)), None)

    @pages.post("/dose")
    def dose() -> BaseResponse:
        return _act(sim, lambda: _give_doses(sim, _control(sim), request.form.get("code", "")[:40]), "children")

    return pages


def _act(sim: Simulation, do: Callable[[], str | None], place: str | None) -> BaseResponse:
    """Do it, keep the sentence that tells how it went, and go back to that place of the page."""
    try:
        notice, is_problem = do() or "", False
    except ProductProblem as problem:
        notice, is_problem = problem.sentence, True
    except NoSuchPhone:
        notice, is_problem = "Ce téléphone n'est plus sur la page.", True
    sim.state.remember("notice", {"text": notice, "is_problem": is_problem, "at": real_now()})
    sim.watch.forget()
    return redirect(url_for("sim.page", _anchor=place), 303)


def _phone_actions(sim: Simulation, phone_id: int) -> dict[str, Callable[[], str | None]]:
    form = request.form
    typed = form.get("typed", "").replace("\r", "").replace("\n", " ")[: calls.LONGEST_ANSWER]
    return {
        "send": lambda: calls.answer(sim, phone_id, typed),
        "press": lambda: calls.answer(sim, phone_id, form.get("key", "")[:1]),
        "dial": lambda: calls.dial(sim, phone_id, typed),
        "hang-up": lambda: calls.hang_up(sim, phone_id),
        "repeat": lambda: calls.repeat(sim, phone_id),
        "twice": lambda: _twice(sim, phone_id, typed),
        "cut": lambda: calls.cut(sim, phone_id),
        "timeout": lambda: _time_out(sim, phone_id),
        "script": lambda: _play(sim, phone_id, form.get("script", ""), MOST_STEPS),
        "script-begin": lambda: _play(sim, phone_id, form.get("script", ""), 1),
        "script-step": lambda: replays.go_on(sim, phone_id, 1),
        "script-rest": lambda: replays.go_on(sim, phone_id, MOST_STEPS),
        "script-forget": lambda: replays.forget(sim, phone_id),
        "on": lambda: calls.turn(sim, phone_id, True),
        "off": lambda: calls.turn(sim, phone_id, False),
        "remove": lambda: _remove(sim, phone_id),
        "sms": lambda: _write_sms(sim, phone_id, form.get("text", "")),
    }


def _remove(sim: Simulation, phone_id: int) -> None:
    calls.remove(sim, phone_id)
    replays.forget(sim, phone_id)


def _twice(sim: Simulation, phone_id: int, typed: str) -> str | None:
    first, second = calls.twice(sim, phone_id, typed)
    if first != second:
        raise ProductProblem(f"Les deux demandes ont reçu deux écrans différents. Le second : {second}")
    return "Les deux demandes ont reçu le même écran." if first else None


def _time_out(sim: Simulation, phone_id: int) -> None:
    """In a demonstration the time passes as well; elsewhere only the call ends."""
    if sim.control is None:
        calls.time_out(sim, phone_id)
    elif (phone := tried_phone(sim, phone_id, "ussd")).screen().is_open:
        phone.time_out()


def _play(sim: Simulation, phone_id: int, name: str, most: int) -> str:
    replays.begin(sim, phone_id, name)
    return replays.go_on(sim, phone_id, most)


def _write_sms(sim: Simulation, phone_id: int, written: str) -> str:
    text = written.replace("\r\n", "\n")[: calls.LONGEST_SMS]
    if not text.strip():
        raise ProductProblem("Ce SMS est vide : il n'est pas parti.")
    try:
        calls.write_sms(sim, phone_id, text)
    except ProductProblem as problem:
        raise ProductProblem(f"{problem.sentence} Le SMS sera présenté de nouveau.") from None
    return "SMS remis au service."


def _add_phone(sim: Simulation, typed: str) -> str | None:
    known = sim.state.knows(typed)
    number = typed if known else to_e164(typed)
    if number is None or not (known or INVENTED.fullmatch(number)):
        raise ProductProblem("Seuls des numéros inventés entrent ici : +223 70 00 xx xx ou +223 60 00 xx xx.")
    put_on_page(sim, number)
    return None


def _control(sim: Simulation) -> Control:
    return sim.control or abort(404)


def _advance(sim: Simulation, control: Control, days: int) -> str:
    control.advance(days)
    return f"L'horloge a avancé de {plural(days, 'jour', 'jours')}."


def _give_doses(sim: Simulation, control: Control, code: str) -> str:
    recorded = control.give_doses(code)
    return f"Dose reçue, {code} : {', '.join(recorded)}." if recorded else f"{code} : rien n'était à recevoir."


def _context(sim: Simulation, max_age: float) -> dict[str, Any]:
    """All that the templates show."""
    sight = sim.watch.look(max_age)
    local = sim.watch.local(sim.watch.now())
    phones = sim.state.phones()
    numbers = {phone.number for phone in phones}
    shown = sight.demonstration or NOTHING
    children = sorted(shown.children, key=lambda child: child.phone not in numbers)
    tasks = sorted(shown.tasks, key=lambda task: task.phone not in numbers)[:TASKS_SHOWN]
    refused, given_up = sim.state.untold()
    return {
        "phones": [phone_view(phone, sim.state, sim.watch) for phone in phones],
        "proposed": show(first_free(numbers)),
        "scripts": replays.known_scripts(sim),
        "replays": {phone.id: replays.replay_of(sim, phone.id) for phone in phones},
        "elsewhere": [(show(found.number), found) for found in sim.state.elsewhere(CHILDREN_SHOWN)],
        "children": [_child_view(child) for child in children[:CHILDREN_SHOWN]],
        "children_left": max(len(children) - CHILDREN_SHOWN, 0),
        "tasks": [_task_view(task, sim) for task in tasks],
        "tasks_open": shown.tasks_open,
        "tasks_left": max(shown.tasks_open - len(tasks), 0),
        "words": shown.words,
        "clock": {"day": long_day(local), "time": local.strftime("%H:%M"), "zone": sim.watch.zone_name},
        "has_control": sim.control is not None,
        "problem": sight.problem,
        "notice": _fresh_notice(sim),
        "untold": plural(refused, "avis attend", "avis attendent") if refused else "",
        "given_up": given_up,
        "service_code": sim.service_code,
        "short_code": sim.short_code,
        "keys": KEYS,
        "advances": ADVANCES,
    }


def _task_view(task: Task, sim: Simulation) -> dict[str, Any]:
    return {
        "kind": task.kind,
        "where": " · ".join(filter(None, (task.zone, show(task.phone) if task.phone else ""))),
        "since": short_time(sim.watch.local(int(task.since.timestamp() * 1000))),
        "lines": task.lines,
    }


def _fresh_notice(sim: Simulation) -> dict[str, Any]:
    """What the last button did, for a minute; whoever opens the page later did not press it."""
    notice: dict[str, Any] = sim.state.setting("notice") or {}
    return notice if real_now() - notice.get("at", 0) < NOTICE_MS else {}


def _child_view(child: Child) -> dict[str, Any]:
    return {
        "code": child.code,
        "label": child.label,
        "due": ", ".join(child.due),
        "next": short_day(child.next) if child.next else "",
    }
