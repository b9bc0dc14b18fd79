"""What a server adds to lint: its version, floors and sizes, and its own EXPLAIN of statements."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import dialect, lint
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.flow.edges import Edges
    from phlo_sql.lint import Finding, Known, Placed

ASKED = 200
"""Statements that the server is asked to plan at most; a note says where there are more."""
_UNASKED = {Code.SERVER_DOWN, Code.NOT_AUTHENTICATED}
_LATER = {Code.UNKNOWN_TABLE, Code.UNKNOWN_SCHEMA}
"""What an earlier statement of the same file may make."""


def served(known: Known, edges: Edges) -> Known:
    """What is known of the server that answers."""
    from phlo_sql.observe.server import read_server

    server = read_server(edges.session, known.catalog or None)
    target = server.session.get("target_max_file_size")
    return replace(
        known,
        version=server.version,
        expire_floor=server.expire_floor or known.expire_floor,
        orphan_floor=server.orphan_floor or known.orphan_floor,
        target=parse_size(target) if target else known.target,
    )


def planned(
    path: str, statements: Sequence[Placed], edges: Edges, notes: list[str]
) -> Iterator[Finding]:
    """What the server says of each statement that it can plan without running it."""
    made = False
    asked: set[str] = set()
    for placed in statements:
        if placed.found is None or not placed.found.changes:
            continue
        tree = dialect.parse(placed.sql)
        if not _plannable(tree):
            made = True
            continue
        if placed.sql in asked:
            continue
        if len(asked) == ASKED:
            notes.append(f"{path}: the server was asked to plan {ASKED} statements, not the rest")
            return
        asked.add(placed.sql)
        try:
            edges.session.query(dialect.explain(tree))
        except PhloSqlError as error:
            if error.code in _UNASKED:
                raise
            if made and error.code in _LATER:
                continue
            yield lint.finding(lint.REFUSED, path, placed.line, error.problem)


def _plannable(tree: dialect.Statement) -> bool:
    return dialect.procedure_of(tree) is not None or dialect.is_row_change(tree)
