"""Settings that a programme decides and no law or table gives: each is a hypothesis until it is confirmed there."""

from __future__ import annotations

from pydantic import BaseModel, Field


class VisitSettings(BaseModel):
    """What follows from a mediator's visit, in days. Ours, to be confirmed with the programme."""

    seen_days: int = Field(default=7, ge=1, le=60, description="so long a child that was seen is on no list of visits")
    hospital_days: int = Field(default=14, ge=1, le=120, description="so long nothing is sent of a child in hospital")
