"""What the settings say about keys: those that seal what is kept, and those to which backups are sealed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import BaseModel, SecretStr, field_validator

from service.carrier_settings import CommaList, comma_list
from service.key_rings import parse_index_ring, parse_ring


class KeySettings(BaseModel):
    """`identity`: one or more `number:base64 of 32 bytes`, parted by commas; the first writes, all read.

    `index`: the same for the blind index of telephone numbers; one key alone needs no number.
    """

    identity: SecretStr
    index: SecretStr

    @field_validator("identity")
    @classmethod
    def _identity_is_a_ring(cls, value: SecretStr) -> SecretStr:
        parse_ring(value.get_secret_value())
        return value

    @field_validator("index")
    @classmethod
    def _index_is_a_ring(cls, value: SecretStr) -> SecretStr:
        parse_index_ring(value.get_secret_value())
        return value


class BackupSettings(BaseModel):
    """`recipients`: the public keys to which backups are sealed (age1...); their private keys stay off this server."""

    recipients: CommaList = ()
    pg_dump: Path | None = None  # where PostgreSQL's own is not on PATH; pg_restore stands beside it

    split_recipients = field_validator("recipients", mode="before")(comma_list)

    @field_validator("recipients")
    @classmethod
    def _public(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            if key.upper().startswith("AGE-SECRET-KEY"):
                raise ValueError("a private key stands here: take it off this server, into the safe, and write age1...")
            if not re.fullmatch(r"age1[02-9ac-hj-np-z]{58}", key):
                raise ValueError("not public keys, age1 and 58 letters each (`laseli db backup-key` prints a pair)")
        return value

    @field_validator("pg_dump")
    @classmethod
    def _is_a_program(cls, value: Path | None) -> Path | None:
        if value is not None and not os.access(value, os.X_OK):
            raise ValueError(f"there is no program {value}")
        return value
