"""The settings of follow-ups: who confirmed their dates, and what a programme settles otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, field_validator

OF_PREGNANCY = {"antenatal_model", "postnatal_model", "early_days", "late_days"}


class FollowUpSettings(BaseModel):
    """Follow-ups with dates. None is opened until a health professional has confirmed their figures.

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
    treatment: Literal["optima", "mali_simplified"] | None = None
    visit_late_days: int | None = Field(default=None, ge=0, le=6)
    absent_days: int | None = Field(default=None, ge=7, le=90)
    nutrition_ladder_file: Path | None = None  # the same of weekly visits, than ladders/nutrition.yaml
    round_ladder_file: Path | None = None  # and of malaria rounds, than ladders/round.yaml

    @property
    def settled(self) -> dict[str, int | str]:
        """The parameters of the antenatal and postnatal protocol that the programme chose itself."""
        return self.model_dump(include=OF_PREGNANCY, exclude_none=True)

    @property
    def settled_nutrition(self) -> dict[str, int | str]:
        """Those of the protocol of malnutrition."""
        chosen = {"treatment": self.treatment, "late_days": self.visit_late_days, "absent_days": self.absent_days}
        return {name: value for name, value in chosen.items() if value is not None}

    @field_validator("ladder_file", "nutrition_ladder_file", "round_ladder_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        return a_file(value)


class CoverSettings(BaseModel):
    """The end of a mutual's cover. No family is told of one until the mutual has settled when, and confirmed it.

    What is left out stays as service/domain/protocols/ml-mutual-renewal.yaml says.
    """

    confirmed_by: str = Field(min_length=2, max_length=60)
    first_days_before: int | None = Field(default=None, ge=2, le=120)
    second_days_before: int | None = Field(default=None, ge=1, le=60)
    caught_up_days_after: int | None = Field(default=None, ge=1, le=120)
    ladder_file: Path | None = None  # another table of steps than service/domain/ladders/cover.yaml

    @property
    def settled(self) -> dict[str, int | str]:
        """The parameters of the protocol that the mutual chose itself."""
        return self.model_dump(exclude={"confirmed_by", "ladder_file"}, exclude_none=True)

    @field_validator("ladder_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        return a_file(value)


def a_file(value: Path | None) -> Path | None:
    """The path, if there is a file; raises ValueError."""
    if value is not None and not value.is_file():
        raise ValueError(f"there is no file {value}")
    return value
