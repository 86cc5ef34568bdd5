"""Statements of the hottest places: written in Core, compiled once, run on the driver's own cursor.

Building and running a Core statement anew costs 150 to 250 microseconds of Python, its work in SQLite 5 to 20. A USSD
step may not take much longer than Flask itself, so what a keystroke runs is prepared here. Values go in and come out
through the column types as everywhere else: dates are dates, sealed columns are text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Subquery, Table, bindparam, func, insert, select
from sqlalchemy.engine import Connection, Dialect

from service.store.dialects import insert_for

Convert = Callable[[Any], Any]


class Prepared:
    """One statement. `make` builds it; it is given the dialect's own `insert`, which knows ON CONFLICT."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def rows(self, tx: Connection, **values: Any) -> list[tuple[Any, ...]]:
        form = self._form(tx)
        found = form.execute(tx, values).fetchall()
        return [form.row(row) for row in found] if form.converted else found

    def first(self, tx: Connection, **values: Any) -> tuple[Any, ...] | None:
        form = self._form(tx)
        row = form.execute(tx, values).fetchone()
        return form.row(row) if row is not None and form.converted else row

    def run(self, tx: Connection, **values: Any) -> None:
        self._form(tx).execute(tx, values)

    def many(self, tx: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        form = self._form(tx)
        cursor = tx.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
        cursor.executemany(form.sql, [form.arguments({**row}) for row in rows])

    def _form(self, tx: Connection) -> _Form:
        # Kept with the dialect: each database has its own, and sealed columns hold on to its keys.
        forms: dict[Prepared, _Form] = tx.dialect.prepared  # type: ignore[attr-defined]
        form = forms.get(self)
        if form is None:
            form = forms[self] = _Form(self._make, tx.dialect)
        return form


class PreparedPage:
    """One statement for a page of rows, given as a mapping each.

    `each` is for one row: SQLite runs it row by row, which is as quick as anything there. PostgreSQL is spoken to once:
    it runs `page`, whose every value is a list, one item for each row (`listed`). `paged` and `adding` make both.
    """

    def __init__(self, each: Callable[[Any], Any], page: Callable[[Any], Any], *names: str) -> None:
        self._each, self._page, self._names = Prepared(each), Prepared(page), names

    def run(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        if tx.dialect.name == "postgresql":
            self._page.run(tx, **self._lists(rows))
        else:
            self._each.many(tx, rows)

    def returned(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The same, with what the statement returns."""
        if rows and tx.dialect.name == "postgresql":
            return self._page.rows(tx, **self._lists(rows))
        return [found for row in rows for found in self._each.rows(tx, **row)]

    def _lists(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        return {name: [row[name] for row in rows] for name in self._names}


Value = Callable[[str], ColumnElement[Any]]


def paged(build: Callable[[Value], Any], **kinds: Any) -> PreparedPage:
    """A statement for each row of a page. `build` takes a row's values by their names, each of the type given here."""
    page = listed(**kinds)
    return PreparedPage(
        lambda _: build(lambda name: bindparam(name, type_=kinds[name])),
        lambda _: build(lambda name: page.c[name]),
        *kinds,
    )


def adding(table: Table, *names: str) -> PreparedPage:
    """INSERT of these columns, for each row of a page."""
    kinds = {name: table.c[name].type for name in names}
    return PreparedPage(
        lambda _: insert(table).values({name: bindparam(name, type_=kind) for name, kind in kinds.items()}),
        lambda _: insert(table).from_select(names, select(listed(**kinds))),
        *names,
    )


def listed(**kinds: Any) -> Subquery:
    """Rows made of lists, one for each named column of this type."""
    columns = [func.unnest(bindparam(name, type_=ARRAY(kind))).label(name) for name, kind in kinds.items()]
    return select(*columns).subquery("page")


class _Form:
    """The statement as one database takes it, with what its values pass through on the way."""

    def __init__(self, make: Callable[[Any], Any], dialect: Dialect) -> None:
        compiled: Any = make(insert_for(dialect)).compile(dialect=dialect)
        self.sql = str(compiled)
        self._places: Sequence[str] | None = compiled.positiontup
        into = {name: _into(bind.type, dialect) for name, bind in compiled.binds.items()}
        constants = compiled.construct_params(_check=False)
        self._constants = {name: _through(into[name], value) for name, value in constants.items() if value is not None}
        self._into = [(name, convert) for name, convert in into.items() if convert is not None]
        columns = compiled._result_columns or ()
        out = ((place, _out_of(column.type, dialect)) for place, column in enumerate(columns))
        self.converted = [(place, convert) for place, convert in out if convert is not None]

    def execute(self, tx: Connection, values: dict[str, Any]) -> Any:
        connection: Any = tx.connection.dbapi_connection
        # What a statement gives is read before the next one runs, so all of a connection's may share a cursor.
        runs = connection if self._places is not None else connection.kept_cursor
        return runs.execute(self.sql, self.arguments(values))

    def arguments(self, values: dict[str, Any]) -> Any:
        """`values`, which are ours to change, as the driver takes them."""
        for name, convert in self._into:
            if name in values:
                values[name] = convert(values[name])
        if self._constants:
            values = self._constants | values
        return values if self._places is None else [values[place] for place in self._places]

    def row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        ready = list(row)
        for place, convert in self.converted:
            ready[place] = convert(ready[place])
        return tuple(ready)


def _into(kind: Any, dialect: Dialect) -> Convert | None:
    convert: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _out_of(kind: Any, dialect: Dialect) -> Convert | None:
    convert: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return convert


def _through(convert: Convert | None, value: Any) -> Any:
    return value if convert is None else convert(value)


def inserting(table: Table, *names: str, once: bool = False) -> Prepared:
    """INSERT of these columns; with `once` a row that would conflict is left out and nothing is returned."""

    def make(insert: Any) -> Any:
        statement = insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names})
        if once:
            return statement.on_conflict_do_nothing().returning(table.c[names[0]])
        return statement

    return Prepared(make)
