"""SQL of what a run's row holds only between the lines: settings in its JSON, seconds, LIKE."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import CharField, F, FloatField, Func, Lookup, TextField

Sql = tuple[str, list[object]]


class _Setting(Func):
    """A setting of ``config`` by its dotted name: nested, or the dots being part of its key."""

    of_one = ""  # with {column} and {path}, of one way to read the name

    def __init__(self, name: str) -> None:
        super().__init__(F("config"))
        self.name = name

    def ways(self) -> list[list[str]]:
        nested = self.name.split(".")
        return [nested] if len(nested) == 1 else [nested, [self.name]]

    def one_of(self, compiler: Any, template: str, paths: list[object]) -> Sql:
        """The first of several paths at which there is a value of the kind wanted."""
        column, _ = compiler.compile(self.source_expressions[0])
        one = template.format(column=column, path="%s")
        params = [path for path in paths for _ in range(one.count("%s"))]
        parts = ", ".join([one] * len(paths))
        return (f"COALESCE({parts})" if len(paths) > 1 else parts), params

    def sqlite_paths(self) -> list[object]:
        return ["$" + "".join(f'."{key}"' for key in way) for way in self.ways()]


class SettingNumber(_Setting):
    """NULL where the setting is no number, or beyond a double."""

    output_field = FloatField()

    def as_sqlite(self, compiler: Any, _connection: Any, **_context: Any) -> Sql:
        number = "JSON_EXTRACT({column}, {path})"
        is_number = "JSON_TYPE({column}, {path}) IN ('integer', 'real')"
        template = f"CASE WHEN {is_number} AND ABS({number}) < 1e308 THEN {number} END"
        return self.one_of(compiler, template, self.sqlite_paths())

    def as_postgresql(self, compiler: Any, _connection: Any, **_context: Any) -> Sql:
        # JSON's whole numbers may have hundreds of digits; the inner CASE is not reached by text.
        number = "({column} #>> {path}::text[])"
        template = (
            "CASE WHEN JSONB_TYPEOF({column} #> {path}::text[]) = 'number' THEN "
            f"CASE WHEN ABS({number}::numeric) < 1e308 THEN {number}::float8 END END"
        )
        return self.one_of(compiler, template, list(self.ways()))


class SettingText(_Setting):
    """A setting as text, ``true`` and ``false`` by these words; NULL where it is not set."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, _connection: Any, **_context: Any) -> Sql:
        template = (
            "CASE JSON_TYPE({column}, {path}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
            "ELSE CAST(JSON_EXTRACT({column}, {path}) AS TEXT) END"
        )
        return self.one_of(compiler, template, self.sqlite_paths())

    def as_postgresql(self, compiler: Any, _connection: Any, **_context: Any) -> Sql:
        return self.one_of(compiler, "({column} #>> {path}::text[])", list(self.ways()))


class SecondsBetween(Func):
    """``SecondsBetween(start, end)``; NULL where either is. SQLite: to some 50 µs."""

    output_field = FloatField()
    template = "EXTRACT(EPOCH FROM (%(expressions)s))::float8"
    arg_joiner = " - "

    def __init__(self, start: object, end: object) -> None:
        super().__init__(end, start)

    def as_sqlite(self, compiler: Any, _connection: Any, **_context: Any) -> Sql:
        days = " - ".join(["JULIANDAY(%s)"] * 2)
        compiled = [compiler.compile(one) for one in self.source_expressions]
        params = [param for _, some in compiled for param in some]
        return f"(({days}) * 86400.0)" % tuple(sql for sql, _ in compiled), params


class MomentText(Func):
    """A moment as the API writes it, made by the database: ``2026-11-28T06:52:10.479673Z``.

    Of a whole second without a fraction. A thousand moments read and written by Python take 6 ms.
    """

    output_field = TextField()
    template = (
        "REPLACE(TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '.000000Z', 'Z')"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        template = "REPLACE(%(expressions)s, ' ', 'T') || 'Z'"
        return self.as_sql(compiler, connection, template=template, **context)


@CharField.register_lookup
class Among(Lookup):
    """``in`` for a thousand texts: one parameter, where Django prepares each by itself.

    Give a set, which Django does not look into.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> Sql:
        return self._are(compiler, connection, "IN (SELECT value FROM JSON_EACH(%s))")

    def as_postgresql(self, compiler: Any, connection: Any) -> Sql:
        any_of = "= ANY(ARRAY(SELECT JSON_ARRAY_ELEMENTS_TEXT(%s::json)))"
        return self._are(compiler, connection, any_of)

    def _are(self, compiler: Any, connection: Any, any_of: str) -> Sql:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} {any_of}", [*params, json.dumps([*self.rhs])]


@CharField.register_lookup
@TextField.register_lookup
class Like(Lookup):
    """SQL's LIKE, with ``%`` and ``_``, telling small letters from capitals."""

    lookup_name = "like"
    operator = "LIKE"

    def as_sql(self, compiler: Any, connection: Any) -> Sql:  # type: ignore[override]
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} {self.operator} {right}", [*left_params, *right_params]

    def as_sqlite(self, compiler: Any, connection: Any) -> Sql:
        # SQLite's LIKE is blind to case; its GLOB is not, and has signs of its own.
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} GLOB %s", [*left_params, _glob(str(self.rhs))]


@CharField.register_lookup
@TextField.register_lookup
class ILike(Like):
    """LIKE blind to case; of SQLite for ASCII letters."""

    lookup_name = "ilike"
    operator = "ILIKE"

    def as_sqlite(self, compiler: Any, connection: Any) -> Sql:
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} LIKE %s", [*left_params, self.rhs]


def _glob(pattern: str) -> str:
    signs = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(signs.get(char, char) for char in pattern)
