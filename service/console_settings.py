"""What the settings say about the console: off unless it is asked for."""

from __future__ import annotations

import ipaddress

from pydantic import BaseModel, Field, field_validator


class ConsoleSettings(BaseModel):
    """Pages for staff under /console."""

    enabled: bool = Field(default=False, description="serve the console under /console")
    proxy: str = Field(default="", description="the address of our own proxy: its X-Forwarded-For is believed")

    @field_validator("proxy")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            return str(ipaddress.ip_address(value)) if value else ""
        except ValueError:
            raise ValueError(f"'{value}' is no address: write 127.0.0.1 for a proxy on this machine") from None
