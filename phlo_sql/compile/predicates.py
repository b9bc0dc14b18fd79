"""Which partitions a user's WHERE selects, and what of it Trino will take into `optimize`.

`optimize` takes a predicate only when the connector enforces all of it; else it fails with
"Unexpected FilterNode". `IcebergMetadata.applyFilter` enforces a column's domain when every spec
that the snapshot's manifests name has a field for which
`IcebergUtil.canEnforceConstraintWithPartitionField` holds (476 and 483 alike):

- identity: any domain, except of uuid and nested types (`isConvertibleToIcebergExpression`);
- year, month, day, hour, truncate of whole numbers: ranges that start and end where partitions do;
- bucket: nothing but IS NULL, not even equality; truncate of text and decimals: IS [NOT] NULL;
- `"$path"`: any domain. The delete files of the files that it names then stay (`selection`).

A range that ends inside a partition is widened to the partition's edges, and said so. What can't be
widened is refused here, before a server refuses it in other words. AND of comparisons is read, and
OR between conditions on one column; functions other than CAST AS date and date_trunc are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.selection import Restriction
from phlo_sql.compile.spans import (
    Domain,
    UnreadableValueError,
    aligned,
    domain_of,
    partition_span,
    widened,
)
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.state import DATA

if TYPE_CHECKING:
    from phlo_sql.dialect import Comparison, Expression
    from phlo_sql.model.state import Column, PartitionField, TableState

    Alternatives = tuple[tuple[Comparison, ...], ...]
    """Comparisons of one column: all of one of these tuples must hold."""

_PATH = "$path"
_ALL_MANIFESTS_UP_TO = 476
"""Later versions look at data manifests only (`getPartitionSpecIdsFromSnapshot` in 483)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """A predicate that Trino takes as it stands, and what it selects.

    `widened` has a sentence for each column whose condition was widened; empty: `predicate` is the
    user's own.
    """

    predicate: Expression
    restriction: Restriction
    widened: tuple[str, ...] = ()


def enforce(predicate: Expression, state: TableState, server_version: int) -> Enforced:
    """The predicate as Trino will take it. Raises PhloSqlError(WHERE_NOT_ENFORCEABLE)."""
    by_column: dict[str, list[Alternatives]] = {}
    conditions: dict[str, list[Expression]] = {}
    for condition in dialect.conjuncts(predicate):
        found = _alternatives(condition)
        name = ".".join(found[0][0].column)
        by_column.setdefault(name, []).append(found)
        conditions.setdefault(name, []).append(condition)
    paths: frozenset[str] | None = None
    partitions: frozenset[int] | None = None
    kept: list[Expression] = []
    reasons: list[str] = []
    for name, comparisons in by_column.items():
        if name == _PATH:
            paths = _paths(state, comparisons)
            kept += conditions[name]
            continue
        column = _column(state, name)
        domain = _domain(column, comparisons)
        fields = _fields(state, column, server_version)
        wide = _enforceable(column, domain, fields)
        if wide == domain:
            kept += conditions[name]
        else:
            kept.append(_written(column, wide))
            reasons.append(_why(column, conditions[name], kept[-1], fields))
        inside = _partitions(state, column, wide)
        partitions = inside if partitions is None else partitions & inside
    return Enforced(
        predicate=dialect.all_of(kept) if reasons else predicate,
        restriction=Restriction(partitions=partitions, paths=paths),
        widened=tuple(reasons),
    )


def _alternatives(condition: Expression) -> Alternatives:
    found = []
    for branch in dialect.disjuncts(condition):
        comparisons = [dialect.comparison(part) for part in dialect.conjuncts(branch)]
        if any(each is None for each in comparisons):
            raise _refused(
                f"{dialect.sql_of(branch)} is not a comparison of a column with constants",
                "join comparisons of partition columns by AND",
            )
        found.append(tuple(each for each in comparisons if each is not None))
    if len({each.column for branch in found for each in branch}) > 1:
        raise _refused(
            f"{dialect.sql_of(condition)} joins several columns by OR",
            "run it once for each side of the OR: Trino takes one condition per column",
        )
    return tuple(found)


def _paths(state: TableState, conditions: list[Alternatives]) -> frozenset[str]:
    files = state.files.files
    data = (each == DATA for each in files["content"].to_pylist())
    paths = frozenset(
        path for path, wanted in zip(files["path"].to_pylist(), data, strict=True) if wanted
    )
    for comparison in (each for (branch,) in map(_only, conditions) for each in branch):
        named = {value for value in comparison.values if isinstance(value, str)}
        if comparison.operator in ("=", "IN"):
            paths &= named
        elif comparison.operator == "<>":
            paths -= named
        else:
            raise _refused(f'"$path" is compared by {comparison.operator}', "name paths by = or IN")
    return paths


def _only(alternatives: Alternatives) -> Alternatives:
    if len(alternatives) > 1:
        raise _refused('conditions on "$path" are joined by OR', "name the paths by IN")
    return alternatives


def _column(state: TableState, name: str) -> Column:
    found = next((each for each in state.columns if each.name.lower() == name), None)
    if found is not None:
        return found
    if name in ("$partition", "$file_modified_time"):
        raise _refused(
            f'what "{name}" selects is not predicted', "name partition columns, or files by $path"
        )
    raise _refused(
        f"{state.table} has no column {name}", f"its partition columns are {_names(state)}"
    )


def _names(state: TableState) -> str:
    fields = {field.source_id for spec in state.specs.values() for field in spec.fields}
    found = [each.name for each in state.columns if each.field_id in fields]
    return ", ".join(found) or "none: leave --where out"


def _domain(column: Column, conditions: list[Alternatives]) -> Domain:
    domain = Domain.everything()
    try:
        for alternatives in conditions:
            either = Domain(spans=())
            for branch in alternatives:
                both = Domain.everything()
                for comparison in branch:
                    both = both.intersect(domain_of(column.type, comparison))
                either = either.union(both)
            domain = domain.intersect(either)
    except UnreadableValueError as error:
        raise _refused(f"column {column.name} is {column.type}: {error}", error.hint) from error
    return domain


def _fields(
    state: TableState, column: Column, server_version: int
) -> tuple[tuple[PartitionField, ...], ...]:
    """The fields on this column of each spec that Trino looks at."""
    manifests = state.files.manifests
    alive = {
        spec
        for spec, content in zip(
            manifests["spec_id"].to_pylist(), manifests["content"].to_pylist(), strict=True
        )
        if content == 0 or server_version <= _ALL_MANIFESTS_UP_TO
    }
    found = []
    for spec_id in sorted(alive or {state.default_spec_id}):
        fields = tuple(
            field
            for field in state.specs[spec_id].fields
            if field.source_id == column.field_id and field.transform != "void"
        )
        if not fields and spec_id == state.default_spec_id:
            raise _refused(
                f"{state.table} is not partitioned by {column.name}",
                f"its partition columns are {_names(state)}",
            )
        if not fields:
            raise _refused(
                f"older files of {state.table} are not partitioned by {column.name}",
                "optimize once without --where: it moves them into the current partitions",
            )
        found.append(fields)
    return tuple(found)


def _enforceable(
    column: Column, domain: Domain, specs: tuple[tuple[PartitionField, ...], ...]
) -> Domain:
    """The domain, widened until every spec's partitions are wholly in or out of it."""
    while True:
        before = domain
        for fields in specs:
            if any(aligned(column.type, field.transform, domain) for field in fields):
                continue
            wider = [widened(column.type, field.transform, domain) for field in fields]
            found = next((each for each in wider if each is not None), None)
            if found is None:
                transforms = " and ".join(field.transform for field in fields)
                raise _refused(
                    f"Trino takes no such condition on {column.name}, "
                    f"which is partitioned by {transforms}",
                    "name another partition column, or leave --where out",
                )
            domain = found
        if domain == before:
            return domain


def _partitions(state: TableState, column: Column, domain: Domain) -> frozenset[int]:
    """Partitions of which any row may lie in the domain; it is aligned, so all of its rows do."""
    fields = {
        spec_id: tuple(
            (place, field.transform)
            for place, field in enumerate(spec.fields)
            if field.source_id == column.field_id and field.transform != "void"
        )
        for spec_id, spec in state.specs.items()
    }
    found = []
    for number, partition in enumerate(state.files.partitions):
        try:
            spans = [
                partition_span(column.type, transform, partition.values[place])
                for place, transform in fields[partition.spec_id]
            ]
        except (TypeError, ValueError, OverflowError) as error:
            raise _refused(
                f"a partition value of {column.name} is beyond what can be compared here",
                "leave --where out",
            ) from error
        if all(span is None or not domain.intersect(span).empty for span in spans):
            found.append(number)
    return frozenset(found)


def _written(column: Column, domain: Domain) -> Expression:
    """The domain as a predicate."""
    alternatives = []
    for span in domain.spans:
        sides = []
        if span.low is not None:
            sides.append(dialect.compare(column.name, ">=", span.low))
        if span.high is not None:
            sides.append(dialect.compare(column.name, "<", span.high))
        alternatives.append(dialect.all_of(sides) if sides else dialect.is_not_null(column.name))
    if domain.null:
        alternatives.append(dialect.is_null(column.name))
    return dialect.any_of(alternatives)


def _why(
    column: Column,
    asked: list[Expression],
    sent: Expression,
    specs: tuple[tuple[PartitionField, ...], ...],
) -> str:
    transforms = dict.fromkeys(field.transform for fields in specs for field in fields)
    return (
        f"{dialect.sql_of(dialect.all_of(asked))} ends inside a partition: {column.name} is "
        f"partitioned by {', '.join(transforms)}, and Trino takes whole partitions only; "
        f"widened to {dialect.sql_of(sent)}"
    )


def _refused(problem: str, hint: str) -> PhloSqlError:
    return PhloSqlError(Code.WHERE_NOT_ENFORCEABLE, f"--where: {problem}", hint)
