"""The carriers as the contract tests meet them: one recipe each, all against the loopback carrier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from service.channels.base import Channel, Fields, Outgoing
from service.channels.via_africastalking import AfricasTalking
from service.channels.via_kannel import Kannel
from service.channels.via_simulator import Simulator
from service.channels.via_twilio import Twilio
from tests.loopback import ACCOUNT, TOKEN

SECRET = "first-secret-of-thirty-two-characters"
OTHER_SECRET = "second-secret-of-thirty-two-characters"
API_KEY = "api-key-that-no-log-may-hold"
PUBLIC_URL = "https://alertes.example.org"
PHONE = "+22370000001"
TEXT = "A partir du 12/12, au CSCom de Darsalam, avec le carnet. Info *384*223#"

CONNECT_SECONDS, READ_SECONDS = 0.3, 0.25
LONGEST = CONNECT_SECONDS + READ_SECONDS


def africastalking(base_url: str, **changes: Any) -> AfricasTalking:
    return AfricasTalking(**_at_settings(base_url) | changes)


def simulator(base_url: str, **changes: Any) -> Simulator:
    return Simulator(**_at_settings(base_url) | changes)


def twilio(base_url: str, **changes: Any) -> Twilio:
    settings: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": TOKEN,
        "public_url": PUBLIC_URL,
        "sender": "LASELI",
        "base_url": base_url,
        "connect_timeout": CONNECT_SECONDS,
        "timeout": READ_SECONDS,
    }
    return Twilio(**settings | changes)


def kannel(base_url: str, **changes: Any) -> Kannel:
    settings: dict[str, Any] = {
        "username": "laseli",
        "password": API_KEY,
        "hook_secrets": (SECRET, OTHER_SECRET),
        "callback_url": "http://127.0.0.1:8000",
        "base_url": base_url,
        "sender": "LASELI",
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }
    return Kannel(**settings | changes)


def _at_settings(base_url: str) -> dict[str, Any]:
    return {
        "username": "laseli",
        "api_key": API_KEY,
        "hook_secrets": (SECRET, OTHER_SECRET),
        "base_url": base_url,
        "sender": "LASELI",
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }


RECIPES: dict[str, Callable[..., Channel]] = {
    "africastalking": africastalking,
    "simulator": simulator,
    "twilio": twilio,
    "kannel": kannel,
}
KEYS = {"twilio": "auth_token", "kannel": "password"}
"""What each calls the key that it shows; "api_key" where nothing stands."""


def a_message(**changes: Any) -> Outgoing:
    return Outgoing(**{"message_id": 7, "to": PHONE, "text": TEXT} | changes)


def fields(pairs: Iterable[tuple[str, str]] | dict[str, str]) -> Fields:
    return Fields(pairs.items() if isinstance(pairs, dict) else pairs)
