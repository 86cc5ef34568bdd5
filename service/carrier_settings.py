"""What each carrier needs to be told: the part of the settings that `Config` holds under the carrier's name."""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator


def comma_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaList = tuple[str, ...]


def is_near(host: str) -> bool:
    """Whether a host is this machine or stands on a private network: a name without a dot, or such an address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_private or address.is_loopback


class CarrierSettings(BaseModel):
    """A setting of `Config` whose class comes from here is a carrier, and may be a route if it sends SMS."""

    sends_sms: ClassVar[bool] = True
    calls: ClassVar[bool] = False

    @field_validator("base_url", check_fields=False)
    @classmethod
    def _nobody_listens_in(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("write an address like https://api.example.org")
        if url.scheme == "http" and not is_near(url.hostname):
            raise ValueError("write https://: numbers, texts and the key would cross the network readable for all")
        return value


class SecretCarrierSettings(CarrierSettings):
    """A carrier that signs nothing: who calls us has to know a secret."""

    # One or two, so that one can be replaced while in use.
    hook_secrets: CommaList = Field(min_length=1, repr=False)

    split_secrets = field_validator("hook_secrets", mode="before")(comma_list)

    @field_validator("hook_secrets")
    @classmethod
    def _long_enough(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(secret) < 32 for secret in value):
            raise ValueError("each secret needs 32 characters or more (`laseli keys new` prints one)")
        return value


class AfricasTalkingSettings(SecretCarrierSettings):
    username: str
    api_key: SecretStr
    base_url: str = "https://api.africastalking.com"
    sender: str | None = None
    # Some gateways with this form send the last key only, and not everything typed so far.
    sends: Literal["whole", "last"] = "whole"


class SimulatorSettings(AfricasTalkingSettings):
    username: str = "simulator"
    api_key: SecretStr = SecretStr("simulator")
    base_url: str = "http://127.0.0.1:8001"
    sender: str | None = "LASELI"


class TwilioSettings(CarrierSettings):
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: SecretStr = Field(min_length=16)
    base_url: str = "https://api.twilio.com"
    sender: str | None = None
    messaging_service_sid: str | None = None

    @model_validator(mode="after")
    def _has_a_sender(self) -> TwilioSettings:
        if not self.sender and not self.messaging_service_sid:
            raise ValueError("give TWILIO__SENDER (a number or a name) or TWILIO__MESSAGING_SERVICE_SID")
        return self


class KannelSettings(SecretCarrierSettings):
    username: str
    password: SecretStr
    base_url: str = "http://127.0.0.1:13013"
    sender: str
    callback_url: str = ""  # where Kannel finds us, if not at our public address: http://127.0.0.1:8000

    @field_validator("hook_secrets")
    @classmethod
    def _plain(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[A-Za-z0-9_-]+", secret) for secret in value):
            raise ValueError("Kannel reads % in an address: letters, digits, - and _ only (`laseli keys new`)")
        return value


class OrangeSettings(SecretCarrierSettings):
    client_id: str = Field(min_length=1, pattern=r"^[^:]+$")
    client_secret: SecretStr
    base_url: str = "https://api.orange.com"
    # The number of the contract, as Orange gave it: +2230000. It is part of the address of every send.
    sender_address: str = Field(pattern=r"^\+[1-9][0-9]{5,14}$")
    # A name or short code that Orange has approved; without one, Orange's own stands there.
    sender: str | None = Field(default=None, pattern=r"^([0-9]{3,11}|[A-Za-z0-9][A-Za-z0-9 ._&-]{0,10})$")


class ScreenSettings(SecretCarrierSettings):
    """A gateway that brings USSD and nothing else."""

    sends_sms: ClassVar[bool] = False


class VoiceSettings(CarrierSettings):
    """Calls through the account of a carrier: all that is new is the number that rings people, and where to ask."""

    sends_sms: ClassVar[bool] = False
    calls: ClassVar[bool] = True

    number: str = Field(pattern=r"^\+[1-9][0-9]{5,14}$", description="the number that calls, as +22320000001")
    base_url: str


class TwilioVoiceSettings(VoiceSettings):
    base_url: str = "https://api.twilio.com"


class AfricasTalkingVoiceSettings(VoiceSettings):
    base_url: str = "https://voice.africastalking.com"


class SimulatorVoiceSettings(VoiceSettings):
    number: str = "+22320000001"
    base_url: str = "http://127.0.0.1:8001"
