"""What a programme settles with its partners: figures of ours until somebody competent has confirmed them."""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

from pydantic import BaseModel, Field, field_validator


class MutualSettings(BaseModel):
    """The mutual's prices. They are shown to nobody until somebody of the mutual has confirmed them.

    Published figures are old and contradict each other (550 F a month about 2013): there is no default.
    """

    monthly_fcfa: int = Field(gt=0, le=1_000_000)
    per: Literal["person", "family"]
    joining_fcfa: int = Field(default=0, ge=0, le=1_000_000)
    confirmed_by: str = Field(min_length=2, max_length=60)


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


class ReportSettings(BaseModel):
    """What `laseli report` counts by where no rule of the calendar says it; ours, to be settled with the programme."""

    smallest_group: int = Field(default=5, ge=1, le=100, description="fewer people of a quartier are not shown")
    caught_up_days: int = Field(default=14, ge=1, le=120, description="a dose so many days after a reminder")
    long_late_days: int = Field(default=90, ge=1, le=1000, description="the last band of days late begins after it")


class ExperimentSettings(BaseModel):
    """Off unless somebody allows it; the figures are ours, to be settled with the ethics committee."""

    allowed: bool = Field(default=False, description="False: everybody gets everything, whatever was begun")
    most_held_out: int = Field(default=20, ge=1, le=50, description="families of a hundred who miss an early step")
    fewest_families: int = Field(default=40, ge=2, le=10_000, description="of an arm; with fewer a result is no proof")
