"""The product as the carrier sees it: its hooks, and in a demonstration the buttons of its clock and its clinic.

An address of the product holds a secret, so no error from here carries one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import requests

USSD_TIMES = (5.0, 15.0)  # Africa's Talking waits that long for a screen
HOOK_TIMES = (3.0, 10.0)
CALL_TIMES = (1.0, 2.0)  # the product waits for our answer to its call meanwhile
CLOCK_TIMES = (3.0, 75.0)  # the product itself gives up after a minute
CLINIC_TIMES = (3.0, 15.0)


class ProductProblem(Exception):
    """The product did not do what it was asked; `sentence` says so to whoever is looking at the page."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(detail or sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Child:
    """A child known to the product: its code, and what is due at its next appointment."""

    code: str
    label: str
    phone: str
    due: tuple[str, ...]
    next: date | None


@dataclass(frozen=True, slots=True)
class Task:
    """A line of the mediators' list: what it asks for, where, whom to call, since when, and what is known so far."""

    kind: str
    zone: str
    phone: str
    since: datetime
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the product says of itself in a demonstration.

    `tasks` may be the first of the `tasks_open`; `words` begin a conversation by SMS.
    """

    now: datetime
    zone: ZoneInfo
    children: tuple[Child, ...] = ()
    tasks: tuple[Task, ...] = ()
    tasks_open: int = 0
    words: tuple[str, ...] = ()


class Hooks:
    """Where the carrier calls the product back."""

    def __init__(self, product_url: str, secret: str) -> None:
        self._url, self._secret = product_url.rstrip("/"), secret

    def ask_screen(self, form: Mapping[str, str]) -> str:
        """The product's answer to a keystroke, "CON ..." or "END ..."; anything else is a problem."""
        answer = _ask("POST", self._address("ussd"), form, USSD_TIMES)
        text = answer.content.decode("utf-8", "replace")
        if answer.status_code != 200:
            raise ProductProblem(_refusal(answer.status_code), f"status {answer.status_code}")
        if not text.startswith(("CON ", "END ")):
            raise ProductProblem(
                "Le service a répondu autre chose qu'un écran (ni CON, ni END).", "neither CON nor END"
            )
        return text

    def tell(self, event: str, form: Mapping[str, str]) -> None:
        """Post one callback; returns when the product has taken it."""
        answer = _ask("POST", self._address(event), form, HOOK_TIMES)
        if not answer.ok or answer.is_redirect:
            raise ProductProblem(_refusal(answer.status_code), f"status {answer.status_code}")

    def hear(self, form: Mapping[str, str], asks_at: str = "") -> str:
        """What a call plays, in the product's XML: one just taken, or after a key that the product waits for there."""
        about = urlsplit(asks_at).query
        address = self._address("voice") + (f"?{about}" if about else "")
        answer = _ask("POST", address, form, CALL_TIMES)
        if answer.status_code != 200:
            raise ProductProblem(_refusal(answer.status_code), f"status {answer.status_code}")
        return answer.content.decode("utf-8", "replace")

    def _address(self, event: str) -> str:
        return f"{self._url}/hooks/simulator/{event}/{self._secret}"


class Control:
    """The buttons that only a demonstration has."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url.rstrip("/")

    def state(self, seconds: float) -> Demonstration:
        return _read_state(_json(_ask("GET", f"{self._url}/state", {}, (min(seconds, 1.0), seconds))))

    def advance(self, days: int) -> None:
        """Let the demonstration's clock go on; returns when the days have been worked through."""
        _json(_ask("POST", f"{self._url}/clock", {"days": str(days)}, CLOCK_TIMES))

    def wait(self, seconds: int) -> None:
        """The same by so many seconds."""
        _json(_ask("POST", f"{self._url}/clock", {"seconds": str(seconds)}, CLOCK_TIMES))

    def give_doses(self, code: str, antigens: str = "") -> tuple[str, ...]:
        """Record doses of today, by default all that is due; gives their names."""
        found = _json(_ask("POST", f"{self._url}/dose", {"code": code, "antigens": antigens}, CLINIC_TIMES))
        recorded = found.get("recorded")
        return tuple(str(name) for name in recorded) if isinstance(recorded, list) else ()


def _ask(method: str, url: str, form: Mapping[str, str], times: tuple[float, float]) -> requests.Response:
    # No proxy of the environment and no redirect: the demonstration talks to this machine only.
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.request(
                method, url, data=dict(form) if method == "POST" else None, timeout=times, allow_redirects=False
            )
        except requests.Timeout:
            raise ProductProblem("Le service met trop de temps à répondre.", "timeout") from None
        except requests.RequestException as problem:
            raise ProductProblem(
                "Le service ne répond pas : est-il démarré ?", f"no connection ({type(problem).__name__})"
            ) from None


def _refusal(status: int) -> str:
    if status == 404:
        return "Le service ne connaît pas cette adresse (404) : vérifiez le secret du simulateur."
    return f"Le service a refusé ou s'est trompé (réponse {status})."


def _json(answer: requests.Response) -> dict[str, Any]:
    """The object in an answer; an error of the product in the product's own words."""
    try:
        found = answer.json()
    except requests.JSONDecodeError:
        found = None
    if not answer.ok or answer.is_redirect:
        own_words = found.get("error") if isinstance(found, dict) else None
        sentence = own_words[:300] if isinstance(own_words, str) and own_words else _refusal(answer.status_code)
        raise ProductProblem(sentence, f"status {answer.status_code}")
    if not isinstance(found, dict):
        raise ProductProblem("Le service a répondu quelque chose d'illisible.", "no JSON object")
    return found


def _read_state(found: Mapping[str, Any]) -> Demonstration:
    try:
        return Demonstration(
            _moment(found["now"]),
            ZoneInfo(found.get("zone") or "Africa/Bamako"),
            tuple(_read_child(child) for child in found.get("children") or ()),
            tuple(_read_task(task) for task in found.get("tasks") or ()),
            int(found.get("tasks_open") or 0),
            tuple(str(word) for word in found.get("words") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OSError):
        # ZoneInfo raises KeyError, ValueError or OSError for an unknown name, by its spelling.
        raise ProductProblem("Le service décrit la démonstration d'une façon inconnue.", "unknown state") from None


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_task(found: Mapping[str, Any]) -> Task:
    return Task(
        kind=str(found["kind"]),
        zone=str(found.get("zone") or ""),
        phone=str(found.get("phone") or ""),
        since=_moment(found["since"]),
        lines=tuple(str(line) for line in found.get("lines") or ()),
    )


def _read_child(found: Mapping[str, Any]) -> Child:
    due_on = found.get("next")
    return Child(
        code=str(found["code"]),
        label=str(found.get("label") or found["code"]),
        phone=str(found.get("phone") or ""),
        due=tuple(str(name) for name in found.get("due") or ()),
        next=date.fromisoformat(due_on) if due_on else None,
    )
