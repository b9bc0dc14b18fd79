"""The rules that look at one statement, described in plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from phlo_sql import dialect
from phlo_sql.dialect.versions import require_version
from phlo_sql.errors import PhloSqlError
from phlo_sql.lint import rules
from phlo_sql.lint.procedures import CATALOG, TABLE
from phlo_sql.model.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.dialect import Described
    from phlo_sql.lint.finding import Rule, Severity

DEFAULT_TARGET = 1024**3
"""`target_max_file_size` where nobody sets it (Trino 476 to 483)."""
DELIBERATE = 1024**5
"""A threshold that no file reaches asks for everything to be rewritten, once."""
_WIDE_TYPES = ("bigint", "double", "decimal", "timestamp", "row", "array", "map")
"""What an Iceberg type may be widened to, and nested types, which are changed within."""

_HOPELESS = re.compile(
    r"\bLIKE\b|\b(?!(?:CAST|DATE|DATE_TRUNC|YEAR|NOT|AND|OR|IN)\b)\w+\(|\) IN \(SELECT|[-+*/%] "
)
"""LIKE, arithmetic, and functions that Trino does not unwrap. Of the rest EXPLAIN has to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the server that the file is for. `refs`: catalogs with more than one."""

    version: int | None = None
    expire_floor: timedelta = timedelta(days=7)
    orphan_floor: timedelta = timedelta(days=7)
    target: int = DEFAULT_TARGET
    refs: frozenset[str] = field(default_factory=frozenset)
    catalog: str = ""
    """Of tables named without one."""


class Hit(NamedTuple):
    rule: Rule
    problem: str
    severity: Severity | None = None
    """None: the rule's own."""


def judge(tree: dialect.Statement, found: Described, known: Known) -> Iterator[Hit]:
    """What the rules say of one statement by itself."""
    yield from _grammar(tree, known)
    yield from _procedure(found, known)
    yield from _deletion(found, known)
    yield from _where(found)
    yield from _columns(found)
    for name in found.reserved:
        yield Hit(rules.RESERVED_NAME, f"{name} is a reserved word: write it in double quotes")
    if found.unquoted:
        names = ", ".join(found.unquoted[:4])
        yield Hit(rules.UNQUOTED_NAME, f"without double quotes: {names}")


def _grammar(tree: dialect.Statement, known: Known) -> Iterator[Hit]:
    if known.version:
        try:
            require_version(tree, known.version)
        except PhloSqlError as error:
            yield Hit(rules.NEWER_TRINO, f"{error.problem}; {error.hint}")


def _procedure(found: Described, known: Known) -> Iterator[Hit]:
    if found.procedure is None:
        return
    table = CATALOG if found.called else TABLE
    if found.procedure not in table:
        if not found.called:
            yield Hit(
                rules.UNKNOWN_PROCEDURE,
                f"no Trino has a table procedure {found.procedure}: it has {', '.join(table)}",
            )
        return
    since, arguments = table[found.procedure]
    version = known.version or 10**9
    if version < since:
        yield Hit(rules.UNKNOWN_PROCEDURE, f"{found.procedure} is there from Trino {since} on")
        return
    for name in found.arguments:
        if name not in arguments:
            has = ", ".join(arguments) or "none"
            yield Hit(rules.UNKNOWN_ARGUMENT, f"{found.procedure} has no {name}: it has {has}")
        elif version < arguments[name]:
            yield Hit(
                rules.UNKNOWN_ARGUMENT,
                f"{name} of {found.procedure} is there from Trino {arguments[name]} on",
            )


def _deletion(found: Described, known: Known) -> Iterator[Hit]:
    floors = {"expire_snapshots": known.expire_floor, "remove_orphan_files": known.orphan_floor}
    if found.procedure not in floors or found.called:
        return
    asked, floor = found.arguments.get("retention_threshold"), floors[found.procedure]
    if asked is not None:
        try:
            short = parse_duration(asked) < floor
        except PhloSqlError as error:
            yield Hit(rules.UNKNOWN_ARGUMENT, f"retention_threshold: {error.problem}")
            short = False
        if short:
            days = floor / timedelta(days=1)
            yield Hit(
                rules.BELOW_FLOOR,
                f"{found.procedure} keeps {asked}, the floor is {days:g}d",
            )
    catalog = (found.target.catalog if found.target else None) or known.catalog
    if found.procedure == "remove_orphan_files" and catalog in known.refs:
        yield Hit(
            rules.ORPHANS,
            f"catalog {catalog} has branches and tags: Trino sees the files of one ref alone, and"
            " deletes those of the others",
        )


def _where(found: Described) -> Iterator[Hit]:
    if found.procedure != "optimize" or found.where is None:
        return
    for condition in dialect.conjuncts(found.where):
        parts = dialect.disjuncts(condition)
        read = [dialect.comparison(part) for part in parts]
        columns = {each.column for each in read if each is not None}
        if None in read:
            text = _text(condition)
            yield Hit(
                rules.NOT_PUSHED,
                f"{text}: compare a partition column, $path, $partition or $file_modified_time"
                " with constants",
                None
                if _HOPELESS.search(text) or len(dialect.columns_of(condition)) > 1
                else rules.WARNING,
            )
        elif len(columns) > 1:
            yield Hit(
                rules.NOT_PUSHED,
                f"{_text(condition)}: OR over several columns; write one statement for each",
            )


def _text(condition: dialect.Expression) -> str:
    try:
        return dialect.sql_of(condition)
    except PhloSqlError:
        return "a condition"


def _columns(found: Described) -> Iterator[Hit]:
    for name in found.dropped:
        yield Hit(
            rules.DROPS_COLUMN, f"column {name} is dropped; old snapshots alone still have it"
        )
    for name, kind in found.types:
        if not kind.startswith(_WIDE_TYPES):
            yield Hit(
                rules.NARROWS_COLUMN,
                f"column {name} to {kind}: Iceberg widens to bigint, double or a decimal of more"
                " digits, and to nothing else",
            )


@dataclass(slots=True)
class Sizes:
    """Follows the size of files written through a file, statement by statement."""

    known: Known
    session: int | None = None
    tables: dict[object, int] = field(default_factory=dict)

    def see(self, found: Described) -> Iterator[Hit]:
        """Note what is set, and hold each optimize against it."""
        if (value := _size(found.session.get("target_max_file_size"))) is not None:
            self.session = value
        if (value := _size(found.properties.get("target_max_file_size"))) is not None:
            self.tables[found.target] = value
        if found.procedure != "optimize" or found.called:
            return
        threshold = _size(found.arguments.get("file_size_threshold"))
        if threshold is None:
            return
        target = self.tables.get(found.target, self.session or self.known.target)
        if threshold >= target:
            yield Hit(
                rules.NEVER_CONVERGES,
                f"files below {found.arguments['file_size_threshold']} are rewritten into files of"
                f" up to {target // 1024**2} MB, which the next run rewrites again: keep the"
                " threshold at 75 % of the target or less",
                rules.WARNING if threshold >= DELIBERATE else None,
            )


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_size(text)
    except PhloSqlError:
        return None
