"""Everything a story needs from outside, built once and handed down as the first argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from flows.loader import load_library
from flows.model import Flow, Library
from flows.phrases import Phrases, load_phrases
from service import clock, config
from service.channels.base import Channel
from service.channels.registry import build_channels
from service.domain import local_time
from service.domain.reminder_ladder import Ladder, LadderMistake, built_in_ladder, load_ladder
from service.domain.sending_hours import Window
from service.domain.vaccine_calendar import Calendar, built_in_calendar
from service.store.database import Database
from service.store.vault import Vault

FLOWS = Path(__file__).resolve().parent.parent / "flows"
START_FLOW = "accueil"


@dataclass(frozen=True, slots=True)
class Runtime:
    config: config.Config
    database: Database
    vault: Vault
    channels: dict[str, Channel]
    routes: tuple[Channel, ...]
    library: Library
    phrases: Phrases
    calendar: Calendar
    ladder: Ladder
    zone: str
    clock: clock.Clock
    known_flows: dict[str, Flow] = field(default_factory=dict)
    kept_flows: set[str] = field(default_factory=set)  # hashes whose sources are in the database

    def now(self) -> int:
        return self.clock.now()

    def today(self, now: int) -> date:
        return local_time.day_of(now, self.zone)

    def local(self, now: int) -> datetime:
        return local_time.local(now, self.zone)

    def languages_for(self, channel: str) -> tuple[str, ...]:
        """Languages whose texts this channel may show: drafts only on the simulator, or when somebody allowed them."""
        spoken = self.start_flow().speakable(drafts=self.shows_drafts(channel))
        return tuple(language for language in spoken if language in self.config.languages)

    def shows_drafts(self, channel: str | None) -> bool:
        if self.config.drafts_allowed_by:
            return True
        return channel is not None and self.channels[channel].capabilities.shows_drafts

    @property
    def sending_window(self) -> Window:
        return self.ladder.window

    def start_flow(self) -> Flow:
        return self.library.get(START_FLOW)


def build_runtime(settings: config.Config, *, at: clock.Clock | None = None) -> Runtime:
    """Open everything that the settings name. `at` replaces the clock (tests, `tick --at`)."""
    identity = config.parse_ring(settings.keys.identity.get_secret_value())
    vault = Vault(identity, config.parse_key(settings.keys.index.get_secret_value()))
    database = Database(
        settings.database_url,
        vault,
        pool_size=settings.web_threads + settings.sender_threads + 2,
        sqlite_synchronous=settings.sqlite_synchronous,
    )
    channels = build_channels(settings)
    library = load_library(FLOWS / "definitions")
    return Runtime(
        config=settings,
        database=database,
        vault=vault,
        channels=channels,
        routes=tuple(channels[name] for name in settings.routes),
        library=library,
        phrases=load_phrases(),
        calendar=built_in_calendar(settings.calendar).with_parameters(grace_days=settings.grace_days),
        ladder=_ladder(settings.ladder_file),
        zone=settings.timezone,
        clock=at or (clock.DemoClock(database) if settings.demo_secret else clock.SystemClock()),
        known_flows={flow.hash: flow for flow in library.flows.values()},
    )


def _ladder(file: Path | None) -> Ladder:
    try:
        return load_ladder(file.read_text("utf-8")) if file else built_in_ladder()
    except LadderMistake as mistake:
        raise config.BadConfig([f"{config.PREFIX}LADDER_FILE: {mistake}"]) from None
