"""What the settings say about calls: who makes them, what they play, and how often anybody is rung."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field


class CallSettings(BaseModel):
    """How people are called who chose calls. Our own figures, to be settled with the programme."""

    by: str = Field(default="", description="the channel that calls; unset: reminders are SMS for everybody")
    steps: Literal["all", "named"] = Field(default="all", description="named: only steps with `medium: voice`")
    recordings: Path | None = Field(default=None, description="a folder with recordings.yaml and its files")
    plays: int = Field(default=3, ge=1, le=9, description="how often the message is played in one call")
    tries: int = Field(default=2, ge=1, le=5, description="calls for one reminder that nobody takes")
    again_after_min: int = Field(default=45, ge=5, le=600, description="minutes before it rings once more")
    calls_back: Literal["known", "home", "nobody"] = Field(
        default="known", description="who lets us ring is called back: known phones, all of our countries, nobody"
    )
    calls_back_a_day: int = Field(default=3, ge=1, le=24, description="to one phone, beside once an hour")
