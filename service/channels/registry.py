"""Every carrier we speak to, built from the settings. A new one: its `via_*.py`, its settings, its line in MAKERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypedDict

from service.carrier_settings import (
    AfricasTalkingSettings,
    KannelSettings,
    OrangeSettings,
    ScreenSettings,
    TwilioSettings,
    VoiceSettings,
)
from service.channels.base import Channel
from service.channels.via_africastalking import AfricasTalking
from service.channels.via_africastalking_voice import AfricasTalkingVoice, SimulatorVoice
from service.channels.via_kannel import Kannel
from service.channels.via_orange import Orange
from service.channels.via_pages import Pages
from service.channels.via_simulator import Simulator
from service.channels.via_truroute import TruRoute
from service.config import Config

CONNECT_TIMEOUT_S = 3.05


class Patience(TypedDict):
    """How many seconds a carrier may take: to be reached, and between two pieces of its answer."""

    connect_timeout: float
    read_timeout: float


def _patience(config: Config) -> Patience:
    return {"connect_timeout": min(CONNECT_TIMEOUT_S, config.send_timeout), "read_timeout": config.send_timeout}


def _africastalking(kind: type[AfricasTalking], found: AfricasTalkingSettings, config: Config) -> AfricasTalking:
    return kind(
        username=found.username,
        api_key=found.api_key.get_secret_value(),
        hook_secrets=found.hook_secrets,
        base_url=found.base_url,
        sender=found.sender,
        country=config.country,
        sends_whole=found.sends == "whole",
        **_patience(config),
    )


def _twilio(found: TwilioSettings, config: Config) -> Channel:
    # Its SDK takes seventeen megabytes: only where it is used.
    from service.channels.via_twilio import Twilio

    return Twilio(
        account_sid=found.account_sid,
        auth_token=found.auth_token.get_secret_value(),
        base_url=found.base_url,
        sender=found.sender,
        messaging_service_sid=found.messaging_service_sid,
        public_url=config.public_url,
        country=config.country,
        timeout=config.send_timeout,
    )


def _twilio_voice(found: VoiceSettings, config: Config) -> Channel:
    from service.channels.via_twilio_voice import TwilioVoice

    account: TwilioSettings = _account_of("twilio_voice", config)
    return TwilioVoice(
        account_sid=account.account_sid,
        auth_token=account.auth_token.get_secret_value(),
        base_url=found.base_url,
        sender=found.number,
        public_url=config.public_url,
        country=config.country,
        timeout=config.send_timeout,
    )


def _at_voice(kind: type[AfricasTalkingVoice], found: VoiceSettings, config: Config) -> Channel:
    owner: AfricasTalkingSettings = _account_of(kind.name, config)
    return kind(
        username=owner.username,
        api_key=owner.api_key.get_secret_value(),
        hook_secrets=owner.hook_secrets,
        base_url=found.base_url,
        sender=found.number,
        country=config.country,
        **_patience(config),
    )


def _account_of(caller: str, config: Config) -> Any:
    """Calls go by the account of the SMS: "twilio_voice" by that of "twilio". The settings ask for it."""
    return getattr(config, caller.removesuffix("_voice"))


def _kannel(found: KannelSettings, config: Config) -> Kannel:
    return Kannel(
        username=found.username,
        password=found.password.get_secret_value(),
        hook_secrets=found.hook_secrets,
        callback_url=found.callback_url or config.public_url,
        base_url=found.base_url,
        sender=found.sender,
        country=config.country,
        **_patience(config),
    )


def _orange(found: OrangeSettings, config: Config) -> Orange:
    return Orange(
        client_id=found.client_id,
        client_secret=found.client_secret.get_secret_value(),
        hook_secrets=found.hook_secrets,
        sender_address=found.sender_address,
        sender=found.sender,
        base_url=found.base_url,
        country=config.country,
        **_patience(config),
    )


def _screens(kind: type[TruRoute] | type[Pages], found: ScreenSettings, config: Config) -> Channel:
    return kind(found.hook_secrets, country=config.country)


MAKERS: Mapping[str, Callable[[Any, Config], Channel]] = {
    "africastalking": partial(_africastalking, AfricasTalking),
    "simulator": partial(_africastalking, Simulator),
    "twilio": _twilio,
    "kannel": _kannel,
    "orange": _orange,
    "truroute": partial(_screens, TruRoute),
    "pages": partial(_screens, Pages),
    "twilio_voice": _twilio_voice,
    **{kind.name: partial(_at_voice, kind) for kind in (AfricasTalkingVoice, SimulatorVoice)},
}
"""Each by the name of its settings, which is also its name in our addresses, tables and routes."""


def build_channels(config: Config) -> dict[str, Channel]:
    """The channels that are set up, by name."""
    found = {name: getattr(config, name) for name in MAKERS}
    return {name: MAKERS[name](settings, config) for name, settings in found.items() if settings}
