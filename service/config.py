"""Every setting, read once from the environment. A wrong one is a sentence that says what to write instead."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from sqlalchemy.engine import make_url

from flows import phone_numbers
from flows.model import Handset
from service.call_settings import CallSettings
from service.carrier_settings import (
    AfricasTalkingSettings,
    AfricasTalkingVoiceSettings,
    CarrierSettings,
    CommaList,
    KannelSettings,
    OrangeSettings,
    ScreenSettings,
    SimulatorSettings,
    SimulatorVoiceSettings,
    TwilioSettings,
    TwilioVoiceSettings,
    comma_list,
)
from service.console_settings import ConsoleSettings
from service.domain.prices import PricesMistake, load_prices
from service.follow_up_settings import CoverSettings, FollowUpSettings
from service.key_settings import BackupSettings, KeySettings
from service.programme_settings import (
    ExperimentSettings,
    LateListSettings,
    MutualSettings,
    ReportSettings,
    VisitSettings,
)

PREFIX = "LASELI_"
EXIT_BAD_CONFIG = 78  # EX_CONFIG of sysexits.h: a supervisor should not restart us in a loop


class BadConfig(Exception):
    """The settings cannot be used; `lines` holds one line per variable, each with its remedy."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class BudgetSettings(BaseModel):
    """What may be spent, in francs CFA; what is not set has no limit."""

    day_fcfa: int | None = Field(default=None, gt=0, le=1_000_000_000)
    campaign_fcfa: int | None = Field(default=None, gt=0, le=1_000_000_000)


class Config(BaseModel):
    """All of Laseli's settings. Names in the environment: `LASELI_` + the path, levels parted by `__`."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    database_url: str = Field(default="sqlite:///laseli.db", repr=False)
    keys: KeySettings
    routes: CommaList = Field(default=(), description="channels that send SMS, in order of preference")
    pace: dict[str, float] = Field(default={}, description="parts a second, by channel")
    budget: BudgetSettings = BudgetSettings()
    report: ReportSettings = ReportSettings()
    visits: VisitSettings = VisitSettings()
    experiment: ExperimentSettings = ExperimentSettings()
    late_list: LateListSettings = LateListSettings()
    prices_file: Path | None = Field(default=None, description="what a part costs (service/domain/prices/example.yaml)")
    africastalking: AfricasTalkingSettings | None = None
    twilio: TwilioSettings | None = None
    simulator: SimulatorSettings | None = None
    backup: BackupSettings = BackupSettings()
    kannel: KannelSettings | None = None
    orange: OrangeSettings | None = None
    truroute: ScreenSettings | None = None
    pages: ScreenSettings | None = None
    twilio_voice: TwilioVoiceSettings | None = None
    africastalking_voice: AfricasTalkingVoiceSettings | None = None
    simulator_voice: SimulatorVoiceSettings | None = None
    voice: CallSettings = CallSettings()
    console: ConsoleSettings = ConsoleSettings()

    public_url: str = Field(default="", description="our own https address, as carriers see it")
    country: str = Field(default="ML", pattern="^[A-Z]{2}$")
    timezone: str = "Africa/Bamako"
    service_code: str = Field(default="*384*223#", max_length=12, description="the code people dial")
    sender_name: str = Field(default="Laseli", max_length=11)
    emergency_number: str = Field(default="", max_length=16, description="unset: callers are sent to the health centre")
    help_number: str = Field(
        default="", max_length=16, description="a line for whoever needs to talk; unset: the centre"
    )
    mutual: MutualSettings | None = None
    follow_ups: FollowUpSettings | None = None
    cover: CoverSettings | None = None
    handsets: dict[str, Handset] = Field(default={}, description="screens and keys by operator")
    flows_need_second: bool = Field(default=False, description="a second person approves what is published")
    languages: tuple[Literal["fr", "bm", "en"], ...] = Field(default=("fr", "bm", "en"), min_length=1)
    organisation: str = "Suivi vaccinal, Commune III"
    drafts_allowed_by: str = Field(default="", description="who allowed unreviewed texts on real carriers")
    calendar: Literal["ml-pev-2026"] = "ml-pev-2026"
    ladder_file: Path | None = Field(default=None, description="another table of reminder steps")
    hours_file: Path | None = Field(default=None, description="other hours, holidays and market days")
    countries: CommaList = Field(default=(), description="whose mobile numbers are written to; empty: COUNTRY's")
    own_numbers: CommaList = Field(default=(), description="numbers of ours that are no sender in these settings")
    most_a_day: int = Field(default=3, ge=1, le=20, description="unasked messages to one phone in a day")
    dead_after_days: int = Field(default=5, ge=2, le=60, description="days on which nothing arrived, in a row")
    silent_after_days: int = Field(default=180, ge=30, le=400, description="no word: the number is asked after")
    answer_within_days: int = Field(default=14, ge=2, le=60, description="then a mediator looks; hypothesis")
    undo_days: int = Field(default=7, ge=1, le=60, description="a mediator takes back by SMS what she wrote since")
    grace_days: int = Field(default=0, ge=0, le=4, description="rule R3; WHO's tables give none")
    together_within_days: int = Field(default=7, ge=0, le=28, description="a wait so that one visit gives all")

    clock_witness: bool = Field(default=False, description="PostgreSQL is on another machine: its clock is a witness")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    web_threads: int = Field(default=4, ge=1, le=64)
    sender_threads: int = Field(default=4, ge=1, le=64)
    send_timeout: float = Field(default=10.0, gt=0, le=30, description="seconds a carrier may take to answer")
    sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL"
    screen_limit: int = Field(default=160, ge=80, le=182, description="septets of a USSD screen")
    metrics_token: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    demo_secret: SecretStr | None = Field(default=None, description="only for `dev demo`: opens the clock's buttons")

    split_lists = field_validator("routes", "languages", "countries", "own_numbers", mode="before")(comma_list)

    @field_validator("handsets", mode="before")
    @classmethod
    def _handsets(cls, value: object) -> object:
        return dict(map(read_handset, value.split())) if isinstance(value, str) else value

    @field_validator("pace", mode="before")
    @classmethod
    def _pace(cls, value: object) -> object:
        return dict(map(read_pace, value.split())) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("ladder_file", "prices_file", "hours_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("prices_file")
    @classmethod
    def _is_a_price_list(cls, value: Path | None) -> Path | None:
        try:
            if value:
                load_prices(value.read_text("utf-8"))
        except (PricesMistake, UnicodeDecodeError) as mistake:
            raise ValueError(str(mistake)) from None
        return value

    @field_validator("countries")
    @classmethod
    def _known_countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for country in value:
            if not phone_numbers.is_country(country):
                raise ValueError(f"'{country}' is no country: write two letters, ML for Mali, parted by commas")
        return value

    @field_validator("own_numbers")
    @classmethod
    def _whole_numbers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number in value:
            if not re.fullmatch(r"\+?[0-9]{3,15}", number):
                raise ValueError(f"'{number}' is no number: write +22376000001, or a short code's digits")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception:
            raise ValueError(f"no time zone '{value}'; write one like Africa/Bamako") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        value = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
        if value.startswith(("sqlite:///", "postgresql+psycopg://")):
            try:
                make_url(value)
            except Exception:  # its text may hold a piece of the password
                raise ValueError("not an address; in a password write @ : / ? # as %40 %3A %2F %3F %23") from None
            return value
        raise ValueError("write sqlite:///path/to/file.db or postgresql://user:password@host/name")

    @model_validator(mode="after")
    def _routes_exist(self) -> Config:
        for route in self.routes:
            _must_send_sms("ROUTES", route)
            if getattr(self, route) is None:
                raise ValueError(f"{PREFIX}ROUTES: '{route}' is not set up: {PREFIX}{route.upper()}__... is missing")
        for channel in (one for one in self.pace if not _CALLS.get(one)):
            _must_send_sms("PACE", channel)
        self._voice_is_set_up()
        if self.twilio and not self.public_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError(f"Twilio signs our own address: set {PREFIX}PUBLIC_URL=https://...")
        if self.console.enabled and not (self.demo_secret or self.public_url.startswith("https://")):
            raise ValueError(f"{PREFIX}CONSOLE__ENABLED: its cookie is kept over https only: set {PREFIX}PUBLIC_URL")
        if self.kannel and not (self.kannel.callback_url or self.public_url):
            raise ValueError(f"Kannel brings receipts to us: set {PREFIX}KANNEL__CALLBACK_URL=http://127.0.0.1:8000")
        return self

    def _voice_is_set_up(self) -> None:
        callers = [name for name in CARRIERS if _CALLS[name]]
        for name in callers:
            if getattr(self, name) and not getattr(self, account := name.removesuffix("_voice")):
                raise ValueError(f"{PREFIX}{name.upper()}: the account is missing: {PREFIX}{account.upper()}__...")
        if self.voice.by and (self.voice.by not in callers or getattr(self, self.voice.by) is None):
            raise ValueError(f"{PREFIX}VOICE__BY: '{self.voice.by}' is not set up; there may be {', '.join(callers)}")
        if self.voice.by and not self.public_url:
            raise ValueError(f"{PREFIX}VOICE__BY: carriers fetch the recordings from us: set {PREFIX}PUBLIC_URL")

    @property
    def may_write_to(self) -> frozenset[str]:
        """The countries whose mobile numbers may be written to."""
        return frozenset(self.countries or (self.country,))

    @property
    def our_own_numbers(self) -> frozenset[str]:
        """Every number that is ours, as carriers tell it: nothing automatic is ever answered or sent to them."""
        carriers = [getattr(self, name) for name in CARRIERS]
        named = [getattr(one, name, None) for one in carriers for name in ("sender", "sender_address", "number")]
        senders = [sender for sender in named if sender]
        return frozenset(
            phone_numbers.to_e164(number, self.country) or number for number in (*senders, *self.own_numbers)
        )

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Config:
        """Read the settings; raises BadConfig with one line per variable and its remedy."""
        if environment is None:
            environment = os.environ
        unknown = _unknown_names(environment)
        if unknown:
            raise BadConfig(unknown)
        try:
            return cls.model_validate(_nested(environment))
        except ValidationError as mistakes:
            raise BadConfig([_line(mistake) for mistake in mistakes.errors()]) from None


def read_handset(written: str) -> tuple[str, Handset]:
    """'61002=140,9,0,00': an operator's code or a channel, the septets of its screen, the keys more, back and start."""
    name, _, rest = written.partition("=")
    limit, *keys = rest.split(",")
    more, back, start = [*keys, *("9", "0", "00")[len(keys) :]][:3]
    if not name or not limit.isdecimal() or not 80 <= int(limit) <= 182 or len(keys) > 3:
        raise ValueError(
            f"'{written}' is no screen: write 61002=140,9,0,00 (80 to 182 septets; keys more, back, start)"
        )
    if len({more, back, start}) < 3 or not all(re.fullmatch(r"\d{1,2}", key, re.ASCII) for key in (more, back, start)):
        raise ValueError(f"'{written}': the keys more, back and start are three different numbers of one or two digits")
    if int(more) < 3:
        raise ValueError(f"'{written}': the key for more must leave keys below it for choices: 9, or 3 at least")
    return name, Handset(int(limit), more, back, start)


def read_pace(written: str) -> tuple[str, float]:
    """'kannel=10': a channel, and how many parts of messages it may be given in a second."""
    channel, _, rate = written.partition("=")
    if not channel or not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", rate) or not 0.01 <= float(rate) <= 2000:
        raise ValueError(f"'{written}' is no pace: write kannel=10 (parts a second, 0.01 to 2000), parted by spaces")
    return channel, float(rate)


def _nested(environment: Mapping[str, str]) -> dict[str, Any]:
    """{'LASELI_KEYS__INDEX': 'x'} -> {'keys': {'index': 'x'}}; empty values count as unset."""
    tree: dict[str, Any] = {}
    for name, value in environment.items():
        if name.startswith(PREFIX) and value != "":
            *parents, leaf = name.removeprefix(PREFIX).lower().split("__")
            branch = tree
            for parent in parents:
                branch = branch.setdefault(parent, {})
            branch[leaf] = value
    return tree


def known_names(model: type[BaseModel] = Config, prefix: str = PREFIX) -> list[str]:
    """Every variable that may be set."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        inner = next((kind for kind in _kinds(field.annotation) if issubclass(kind, BaseModel)), None)
        names += known_names(inner, f"{prefix}{name.upper()}__") if inner else [prefix + name.upper()]
    return names


def _kinds(annotation: Any) -> list[type]:
    options = getattr(annotation, "__args__", (annotation,))
    return [option for option in options if isinstance(option, type)]


_KINDS = {
    name: kind
    for name, field in Config.model_fields.items()
    for kind in _kinds(field.annotation)
    if issubclass(kind, CarrierSettings)
}
_SENDS_SMS = {name: kind.sends_sms for name, kind in _KINDS.items()}
_CALLS = {name: kind.calls for name, kind in _KINDS.items()}
CARRIERS = tuple(_SENDS_SMS)


def _must_send_sms(setting: str, channel: str) -> None:
    senders = ", ".join(name for name in CARRIERS if _SENDS_SMS[name])
    if channel not in CARRIERS:
        raise ValueError(f"{PREFIX}{setting}: '{channel}' is no channel; there are {senders}")
    if not _SENDS_SMS[channel]:
        raise ValueError(f"{PREFIX}{setting}: '{channel}' shows screens and sends no SMS: name one of {senders}")


def _unknown_names(environment: Mapping[str, str]) -> list[str]:
    known = known_names()
    lines = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            lines.append(f"{name}: no such setting; " + (f"did you mean {near[0]}?" if near else "remove it"))
    return lines


def _line(mistake: Any) -> str:
    path = "__".join(str(part).upper() for part in mistake["loc"] if not isinstance(part, int))
    if mistake["type"] == "missing" and path == "KEYS":
        return f"{PREFIX}KEYS__IDENTITY, {PREFIX}KEYS__INDEX: are not set (`laseli keys new` prints both lines)"
    if mistake["type"] == "missing":
        hint = " (`laseli keys new` prints a line to copy)" if "KEYS" in path else ""
        return f"{PREFIX}{path}: is not set{hint}"
    reason = mistake["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{path}: {reason}" if path else reason
