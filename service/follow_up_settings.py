"""The settings of follow-ups: who confirmed their dates, and what a programme settles otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, field_validator


class FollowUpSettings(BaseModel):
    """Antenatal and postnatal follow-ups. None is opened until a health professional has confirmed their figures.

    What is left out stays as the protocol file says (service/domain/protocols, docs/follow-ups.md).
    """

    confirmed_by: str = Field(min_length=2, max_length=60)
    antenatal_model: Literal["who_2016", "focused_4"] | None = None
    postnatal_model: Literal["who_2013", "cht_sample"] | None = None
    early_days: int | None = Field(default=None, ge=0, le=28)
    late_days: int | None = Field(default=None, ge=0, le=28)
    likely_birth_from_days: int | None = Field(default=None, ge=154, le=280)
    likely_birth_until_days: int | None = Field(default=None, ge=280, le=350)
    ladder_file: Path | None = None  # another table of reminder steps than service/domain/ladders/follow_up.yaml

    @property
    def settled(self) -> dict[str, int | str]:
        """The parameters of the protocol that the programme chose itself."""
        return self.model_dump(exclude={"confirmed_by", "ladder_file"}, exclude_none=True)

    @field_validator("ladder_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value
