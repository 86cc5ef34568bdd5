"""What each database has words of its own for. An installation on SQLite never loads PostgreSQL's.

SQLAlchemy's PostgreSQL brings the code for every driver there is: three megabytes in each process.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex


def insert_for(dialect: Dialect) -> Any:
    """`insert` of this database, which knows ON CONFLICT."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_in_postgresql

        return insert_in_postgresql
    from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite

    return insert_in_sqlite


def only_rows(condition: ColumnElement[bool]) -> dict[str, Any]:
    """Arguments of an Index that holds only the rows of which this is true, on both databases."""
    # Its own `postgresql_where` would load all of PostgreSQL's to look whether there is such an argument.
    return {"sqlite_where": condition, "info": {"only_rows": condition}}


@compiles(CreateIndex, "postgresql")
def _create_index(create: CreateIndex, compiler: Any, **kwargs: Any) -> str:
    condition = create.element.info.get("only_rows")
    if condition is not None:
        create.element.dialect_options["postgresql"]["where"] = condition
    told: str = compiler.visit_create_index(create, **kwargs)
    return told
