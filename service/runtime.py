"""Everything a story needs from outside, built once and handed down as the first argument."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flows.loader import load_library
from flows.mistakes import FlowMistake
from flows.model import Flow, Handset, Library
from flows.phrases import Phrases, standard
from service import clock, config
from service.channels.base import Channel
from service.channels.registry import build_channels
from service.domain import local_time
from service.domain.cover import Renewal, built_in_renewal
from service.domain.hours_file import HoursMistake, built_in_hours, load_hours
from service.domain.letter_rules import LetterRules
from service.domain.malaria_rounds import Malaria, built_in_malaria
from service.domain.networks import Networks, built_in_networks
from service.domain.prices import PriceList, example_prices, load_prices
from service.domain.protocol_file import Protocol
from service.domain.protocol_parameters import ProtocolMistake
from service.domain.protocols import built_in_protocol
from service.domain.rations import Nutrition, built_in_nutrition
from service.domain.recordings import BUILT_IN, Recordings, RecordingsMistake, load_recordings
from service.domain.reminder_ladder import Ladder, LadderMistake, built_in_ladder, load_ladder
from service.domain.sending_hours import HoursTable
from service.domain.vaccine_calendar import Calendar, built_in_calendar
from service.follow_up_settings import CoverSettings, FollowUpSettings
from service.key_rings import parse_index_ring, parse_ring
from service.store.care_tables import COVER, NUTRITION, ROUND, VACCINE
from service.store.database import Database
from service.store.together import Together
from service.store.vault import Vault

FLOWS = Path(__file__).resolve().parent.parent / "flows"
START_FLOW = "accueil"
PREGNANCY = "ml-anc-pnc-2026"


@dataclass(frozen=True, slots=True)
class Runtime:
    config: config.Config
    database: Database
    vault: Vault
    channels: dict[str, Channel]
    routes: tuple[Channel, ...]
    # The conversations that come with the program; None, and why, where they cannot be read.
    shipped: Library | None
    mistake: str
    phrases: Phrases
    calendar: Calendar
    ladder: Ladder
    hours: HoursTable
    zone: str
    clock: clock.Clock
    handsets: dict[str, Handset] = field(default_factory=dict)
    networks: Networks = field(default_factory=built_in_networks)
    prices: PriceList = field(default_factory=example_prices)
    # The channel that calls, and what calls play; None: nobody is called.
    voice: Channel | None = None
    recordings: Recordings = field(default_factory=Recordings)
    # Antenatal and postnatal contacts, and when a household hears of them.
    pregnancy: Protocol = field(default_factory=lambda: built_in_protocol(PREGNANCY))
    follow_up_ladder: Ladder = field(default_factory=lambda: built_in_ladder("follow_up"))
    # Weekly visits of malnourished children, and their reminders.
    nutrition: Nutrition = field(default_factory=built_in_nutrition)
    nutrition_ladder: Ladder = field(default_factory=lambda: built_in_ladder("nutrition"))
    # Malaria rounds and the end of a cover: ages, contacts, and when a household hears of them.
    malaria: Malaria = field(default_factory=built_in_malaria)
    renewal: Renewal = field(default_factory=built_in_renewal)
    round_ladder: Ladder = field(default_factory=lambda: built_in_ladder("round"))
    cover_ladder: Ladder = field(default_factory=lambda: built_in_ladder("cover"))
    # Read once: flows by hash, and the libraries of releases by number.
    known_flows: dict[str, Flow] = field(default_factory=dict)
    heard: dict[int, Any] = field(default_factory=dict)
    # Worked out once: the languages of a flow, by channel and hash.
    spoken: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    # Set when this process is to end: what goes on for long lets go at the next good moment.
    stopping: threading.Event = field(default_factory=threading.Event)
    # Receipts that come at the same moment are put on disk together.
    receipts_in: Together[dict[str, object]] = field(default_factory=Together)

    def now(self) -> int:
        return self.clock.now()

    def today(self, now: int) -> date:
        return local_time.day_of(now, self.zone)

    def local(self, now: int) -> datetime:
        return local_time.local(now, self.zone)

    def ladder_for(self, kind: str) -> Ladder:
        """The reminder steps of an appointment of this kind."""
        own = {
            VACCINE: self.ladder,
            NUTRITION: self.nutrition_ladder,
            ROUND: self.round_ladder,
            COVER: self.cover_ladder,
        }
        return own.get(kind, self.follow_up_ladder)

    def open_for(self, now: int, milliseconds: int) -> frozenset[str]:
        """The hours that are open and were for so long: what is due under them is late."""
        return self.hours.open_names(self.local(now)) & self.hours.open_names(self.local(now - milliseconds))

    def languages_for(self, channel: str, flow: Flow) -> tuple[str, ...]:
        """Languages in which this channel may say a flow: drafts on the simulator, or when somebody allowed them."""
        languages = self.spoken.get((channel, flow.hash))
        if languages is None:
            spoken = flow.speakable(drafts=self.shows_drafts(channel))
            languages = tuple(language for language in spoken if language in self.config.languages)
            self.spoken[channel, flow.hash] = languages
        return languages

    @property
    def ways_out(self) -> tuple[Channel, ...]:
        """Every channel by which messages leave: the routes of SMS, then the one that calls."""
        return self.routes if self.voice is None else (*self.routes, self.voice)

    def shows_drafts(self, channel: str | None) -> bool:
        if self.config.drafts_allowed_by:
            return True
        return channel is not None and self.channels[channel].capabilities.shows_drafts

    def handset(self, channel: str, network: str = "") -> Handset:
        """What a screen of this operator, or else of this channel, holds, and its keys."""
        return self.handsets.get(network) or self.handsets.get(channel) or self.handsets[""]


def build_runtime(settings: config.Config, *, at: clock.Clock | None = None) -> Runtime:
    """Open everything that the settings name. `at` replaces the clock (tests, `tick --at`)."""
    identity = parse_ring(settings.keys.identity.get_secret_value())
    vault = Vault(identity, parse_index_ring(settings.keys.index.get_secret_value()))
    database = Database(
        settings.database_url,
        vault,
        pool_size=settings.web_threads + settings.sender_threads + 2,
        sqlite_synchronous=settings.sqlite_synchronous,
    )
    hours = _hours(settings.hours_file)
    database.rules = LetterRules(hours, settings.timezone, settings.may_write_to, settings.our_own_numbers)
    channels = build_channels(settings)
    shipped, mistake = _shipped()
    return Runtime(
        config=settings,
        database=database,
        vault=vault,
        channels=channels,
        routes=tuple(channels[name] for name in settings.routes),
        shipped=shipped,
        mistake=mistake,
        phrases=standard(),
        calendar=built_in_calendar(settings.calendar).with_parameters(grace_days=settings.grace_days),
        ladder=_ladder(settings.ladder_file, "recall", "LADDER_FILE"),
        hours=hours,
        zone=settings.timezone,
        clock=at or (clock.DemoClock(database) if settings.demo_secret else clock.SystemClock()),
        handsets={"": Handset(limit=settings.screen_limit), **settings.handsets},
        networks=built_in_networks(settings.country),
        prices=load_prices(settings.prices_file.read_text("utf-8")) if settings.prices_file else example_prices(),
        voice=channels[settings.voice.by] if settings.voice.by else None,
        recordings=_recordings(settings.voice.recordings) if settings.voice.by else Recordings(),
        pregnancy=_pregnancy(settings.follow_ups),
        follow_up_ladder=_ladder(
            settings.follow_ups.ladder_file if settings.follow_ups else None, "follow_up", "FOLLOW_UPS__LADDER_FILE"
        ),
        nutrition=_nutrition(settings.follow_ups),
        nutrition_ladder=_ladder(
            settings.follow_ups.nutrition_ladder_file if settings.follow_ups else None,
            "nutrition",
            "FOLLOW_UPS__NUTRITION_LADDER_FILE",
        ),
        renewal=_renewal(settings.cover),
        round_ladder=_ladder(
            settings.follow_ups.round_ladder_file if settings.follow_ups else None,
            "round",
            "FOLLOW_UPS__ROUND_LADDER_FILE",
        ),
        cover_ladder=_ladder(settings.cover.ladder_file if settings.cover else None, "cover", "COVER__LADDER_FILE"),
    )


def _shipped() -> tuple[Library | None, str]:
    """The program's own conversations. A broken file must not silence the line: the published ones go on."""
    try:
        return load_library(FLOWS / "definitions"), ""
    except FlowMistake as mistake:
        return None, str(mistake)


def _ladder(file: Path | None, name: str, setting: str) -> Ladder:
    try:
        return load_ladder(file.read_text("utf-8")) if file else built_in_ladder(name)
    except LadderMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}{setting}: {mistake}"]) from None


def _pregnancy(chosen: FollowUpSettings | None) -> Protocol:
    try:
        return built_in_protocol(PREGNANCY).with_parameters(chosen.settled if chosen else {})
    except ProtocolMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}FOLLOW_UPS: {mistake}"]) from None


def _nutrition(chosen: FollowUpSettings | None) -> Nutrition:
    try:
        settled = chosen.settled_nutrition if chosen else {}
        return built_in_nutrition().with_parameters(settled) if settled else built_in_nutrition()
    except ProtocolMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}FOLLOW_UPS: {mistake}"]) from None


def _renewal(chosen: CoverSettings | None) -> Renewal:
    try:
        return built_in_renewal().with_parameters(chosen.settled if chosen else {})
    except ProtocolMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}COVER: {mistake}"]) from None


def _recordings(folder: Path | None) -> Recordings:
    try:
        return load_recordings(folder or BUILT_IN)
    except RecordingsMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}VOICE__RECORDINGS: {mistake}"]) from None


def _hours(file: Path | None) -> HoursTable:
    try:
        return load_hours(file.read_text("utf-8")) if file else built_in_hours()
    except HoursMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}HOURS_FILE: {mistake}"]) from None
