"""The settings of mediators' work."""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

from pydantic import BaseModel, Field, field_validator


class LateListSettings(BaseModel):
    """When mediators are told whom to visit: a habit of the programme's, to be settled with it."""

    weekday: Literal["mon", "tue", "wed", "thu", "fri"] = "mon"
    at: time = Field(default=time(7, 30), description="local hour from which on the week's list goes out")

    @field_validator("at", mode="before")
    @classmethod
    def _by_day(cls, value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(r"(0[6-9]|1[0-7]):[0-5]\d", value):
            raise ValueError("write an hour like 07:30, between 06:00 and 17:59")
        return value


class VisitSettings(BaseModel):
    """What follows from a mediator's visit, in days. Ours, to be confirmed with the programme."""

    seen_days: int = Field(default=7, ge=1, le=60, description="so long a child that was seen is on no list of visits")
    hospital_days: int = Field(default=14, ge=1, le=120, description="so long nothing is sent of a child in hospital")
