"""Every builder once or more, with slots for names and texts that tests fill with the worst."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from hypothesis import strategies as st

from phlo_sql import dialect
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.dialect import Expression, Statement

NAMES = 6
TEXTS = 3


@dataclass(frozen=True, slots=True)
class Slots:
    """What goes into the places of a statement where people's own names and texts go."""

    names: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def table(self) -> TableName:
        catalog, schema, name = self.names[:3]
        return TableName(catalog=catalog, schema=schema, name=name)

    @property
    def short(self) -> TableName:
        return TableName(schema=self.names[1], name=self.names[2])

    def replace(self, text: str) -> str:
        """A text with the marks in it replaced by what fills them here."""
        for mark, value in zip(MARKS.names + MARKS.texts, self.names + self.texts, strict=True):
            if mark in text:
                return text.replace(mark, value)
        return text


MARKS = Slots(
    tuple(f"slotname{number}" for number in range(NAMES)),
    tuple(f"slottext{number}" for number in range(TEXTS)),
)
"""Harmless values, found again in whatever is made of them."""

HOSTILE = (
    "a b",
    "A",
    "select",
    "a.b",
    'a"b',
    '""',
    "'",
    "''",
    "it's",
    't"; DROP TABLE x; --',
    "'; DROP TABLE x; --",
    "--",
    "/*",
    "*/",
    ";",
    "\\",
    "\\'",
    "a\nb",
    "\r\n",
    "\t",
    "\x00",
    "U&'\\0041'",
    'U&"\\0041"',
    "é",
    "日本語",
    "\u202eabc",
    "🦆",
    "{{ x }}",
    "{# x #}",
    "${ENV:X}",
    "$path",
    "@",
    "t@b",
    "?",
    ":x",
    "%(x)s",
    "%s",
    "1",
    "1e5",
    " ",
    "DEFAULT",
    "=>",
    "()",
    "__SQLGLOT__LBMT__",
)

_texts = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20
)
FILLED = st.builds(
    Slots,
    st.lists(_texts, min_size=NAMES, max_size=NAMES, unique=True).map(tuple),
    st.lists(_texts | st.just(""), min_size=TEXTS, max_size=TEXTS).map(tuple),
)
"""Slots filled with hostile names and texts."""


def _optimize(slots: Slots, where: Expression) -> Statement:
    return dialect.execute_procedure(slots.table, "optimize", where=where)


def _literals(slots: Slots) -> Expression:
    values: list[dialect.Value] = [
        slots.texts[0],
        True,
        5,
        -5,
        2**63 - 1,
        -(2**63),
        2**70,
        1.5,
        -1e300,
        float("nan"),
        float("inf"),
        Decimal("-1.50"),
        b"\x00\xff",
        b"",
        date(1, 1, 1),
        datetime(2024, 1, 2, 3, 4, 5, 678),  # noqa: DTZ001 - a TIMESTAMP without time zone
        datetime(2024, 1, 2, tzinfo=UTC),
        time(1, 2, 3),
        timedelta(days=7),
        UUID(int=5),
        None,
        [slots.texts[1], 1],
        {slots.texts[2]: slots.texts[0]},
    ]
    return dialect.all_of([dialect.compare(slots.names[3], "=", value) for value in values])


def _everything(slots: Slots) -> Expression:
    name, other, text = slots.names[3], slots.names[4], slots.texts[0]
    return dialect.any_of(
        [
            dialect.all_of(
                [
                    dialect.between(name, text, slots.texts[1]),
                    dialect.is_not_null(dialect.column(name, other)),
                ]
            ),
            dialect.negated(dialect.is_in(name, [text, slots.texts[1]])),
            dialect.negated(dialect.compare(name, "<>", text)),
            dialect.is_null(other),
            dialect.in_paths([]),
        ]
    )


CASES: dict[str, Callable[[Slots], Statement]] = {
    "optimize": lambda s: dialect.execute_procedure(s.table, "optimize"),
    "optimize arguments": lambda s: dialect.execute_procedure(
        s.short, "optimize", {"file_size_threshold": s.texts[0]}
    ),
    "optimize where": lambda s: _optimize(s, dialect.compare(s.names[3], ">=", s.texts[0])),
    "optimize paths": lambda s: _optimize(s, dialect.in_paths(s.texts)),
    "optimize literals": lambda s: _optimize(s, _literals(s)),
    "optimize conditions": lambda s: _optimize(s, _everything(s)),
    "expire_snapshots": lambda s: dialect.execute_procedure(
        s.table,
        "expire_snapshots",
        {"retention_threshold": timedelta(hours=36), "retain_last": 5},
    ),
    "rollback": lambda s: dialect.rollback_to_snapshot(s.table, 8954597067493422955),
    "set_properties": lambda s: dialect.set_properties(
        s.table,
        {s.names[3]: s.texts[0], s.names[4]: dialect.DEFAULT, s.names[5]: [s.texts[1]]},
    ),
    "set_properties map": lambda s: dialect.set_properties(
        s.table, {"extra_properties": {s.texts[0]: s.texts[1]}}
    ),
    "add_column": lambda s: dialect.add_column(s.table, s.names[3], "bigint"),
    "add_column nested": lambda s: dialect.add_column(
        s.table, s.names[3:6], "row(x bigint, y array(varchar(5)))", if_not_exists=True
    ),
    "add_column clauses": lambda s: dialect.add_column(
        s.table,
        s.names[3],
        "varchar",
        default=s.texts[0],
        not_null=True,
        comment=s.texts[1],
        after=s.names[4],
    ),
    "add_column first": lambda s: dialect.add_column(
        s.table, s.names[3], "timestamp(6) with time zone", first=True
    ),
    "drop_column": lambda s: dialect.drop_column(s.table, s.names[3:5], if_exists=True),
    "rename_column": lambda s: dialect.rename_column(s.table, s.names[3:5], s.names[5]),
    "alter_column_type": lambda s: dialect.alter_column_type(s.table, s.names[3], "decimal(10, 2)"),
    "set_default": lambda s: dialect.set_default(s.table, s.names[3], s.texts[0]),
    "drop_default": lambda s: dialect.drop_default(s.table, s.names[3]),
    "drop_not_null": lambda s: dialect.drop_not_null(s.table, s.names[3]),
    "rename_table": lambda s: dialect.rename_table(
        s.table, TableName(schema=s.names[3], name=s.names[4])
    ),
    "drop_table": lambda s: dialect.drop_table(s.table, if_exists=True),
    "comment_on_table": lambda s: dialect.comment_on_table(s.table, s.texts[0]),
    "comment_on_table none": lambda s: dialect.comment_on_table(s.table, None),
    "comment_on_column": lambda s: dialect.comment_on_column(s.table, s.names[3:6], s.texts[0]),
    "set_session": lambda s: dialect.set_session(s.names[0], s.names[1], s.texts[0]),
    "set_session system": lambda s: dialect.set_session(None, s.names[1], timedelta(minutes=5)),
    "reset_session": lambda s: dialect.reset_session(s.names[0], s.names[1]),
    "call": lambda s: dialect.call(
        s.names[0],
        "register_table",
        {"schema_name": s.texts[0], "table_name": s.texts[1], "metadata_file_name": s.texts[2]},
    ),
    "call elsewhere": lambda s: dialect.call(None, s.names[1], {"x": 1}, schema=s.names[2]),
    "create_catalog": lambda s: dialect.create_catalog(
        s.names[0], "iceberg", {s.names[2]: s.texts[0], s.names[3]: s.texts[1]}
    ),
    "create_catalog bare": lambda s: dialect.create_catalog(
        s.names[0], "memory", {}, if_not_exists=True
    ),
    "drop_catalog": lambda s: dialect.drop_catalog(s.names[0], if_exists=True),
    "explain": lambda s: dialect.explain(
        _optimize(s, dialect.compare(s.names[3], "=", s.texts[0]))
    ),
    "count_rows": lambda s: dialect.count_rows(s.table),
    "count_rows version": lambda s: dialect.count_rows(
        s.table, dialect.compare(s.names[3], "<", s.texts[0]), 123
    ),
    "count_rows ref": lambda s: dialect.count_rows(s.short, None, s.texts[0]),
    "latest_metadata": lambda s: dialect.latest_metadata(s.table),
    "metadata_table": lambda s: dialect.select(
        ["file_path", "record_count"], dialect.metadata_table(s.table, "files")
    ),
    "checksums": lambda s: dialect.checksums(
        s.table, s.names[3:6], partition_by=[s.names[3]], version=s.texts[0]
    ),
    "select": lambda s: dialect.select(
        [
            dialect.aliased(dialect.function("max", dialect.column(s.names[3])), s.names[4]),
            dialect.function("version"),
        ],
        dialect.table(s.table),
        where=_everything(s),
        group_by=[s.names[5]],
        order_by=[s.names[5], dialect.descending(s.names[4])],
        limit=3,
    ),
    "select all": lambda s: dialect.select([], dialect.table(s.short)),
    "show_session": lambda s: dialect.show_session(s.texts[0]),
}
