"""Statements around a rewriting: the size and order of the files written, and the manifests."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.state import DATA, SortField
from phlo_sql.model.units import human_size, trino_size
from phlo_sql.plan import Kind, Step, Undo

if TYPE_CHECKING:
    from phlo_sql.model.intents import Optimize
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

DEFAULT_TARGET = 1024**3
"""Trino's `iceberg.target-max-file-size` where nothing else is said (IcebergConfig, 476 to 483)."""
TARGET = "target_max_file_size"
OWN_TARGET = "write.target-file-size-bytes"
_MANIFEST_SIZE = "commit.manifest.target-size-bytes"
_MANIFEST_DEFAULT = 8 * 1024**2
"""Iceberg's `TableProperties.MANIFEST_TARGET_SIZE_BYTES_DEFAULT`."""
_WORTHWHILE = 2
"""Times as many manifests as their bytes need: below that, merging them gains little."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_NESTED = ("struct", "list", "map")

Pair = tuple[tuple[Step, ...], tuple[Step, ...]]
"""Steps before and after the rewriting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes: the target that outputs are cut at, and the threshold that picks inputs."""

    target: int
    threshold: int
    current_target: int
    """What the table or session has now."""


def settings_steps(intent: Optimize, state: TableState, server: Server, chosen: Sizes) -> Pair:
    """What is set before the rewriting, and put back after it."""
    size_before, size_after = _target_steps(state, server, chosen)
    sort_before, sort_after = _sort_steps(intent, state)
    return (*size_before, *sort_before), (*sort_after, *size_after)


def _target_steps(
    state: TableState, server: Server, chosen: Sizes
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Steps before and after the rewriting that make the server write files of the target size.

    A session property up to 481, a table property from 482 (release notes; `SET PROPERTIES …
    = DEFAULT` is refused there, so a property that was absent can't be taken away by SQL again).
    """
    if chosen.target == chosen.current_target:
        return (), ()
    size = human_size(chosen.target)
    if server.has_target_session_property:
        catalog = state.table.catalog or server.catalog
        step = Step(
            id=1,
            kind=Kind.SESSION,
            temporary=True,
            statement=dialect.set_session(catalog, TARGET, trino_size(chosen.target)),
            summary=f"write files of {size} in this session",
            why=f"the session writes {human_size(chosen.current_target)} otherwise",
            undo=Undo(
                reason="the setting ends with the session",
                statement=dialect.reset_session(catalog, TARGET),
            ),
        )
        return (step,), ()
    own = state.properties.get(OWN_TARGET)
    back = dialect.set_properties(state.table, {TARGET: trino_size(int(own))}) if own else None
    step = Step(
        id=1,
        kind=Kind.PROPERTIES,
        temporary=True,
        statement=dialect.set_properties(state.table, {TARGET: trino_size(chosen.target)}),
        summary=f"write files of {size} to this table",
        why=f"Trino {server.version} takes the size from the table alone",
        undo=Undo(reason="the table gets its own size back", statement=back)
        if back
        else Undo(reason="stays: the table had no size of its own, and Trino cannot unset one"),
    )
    if back is None:
        return (step,), ()
    restore = Step(
        id=3,
        kind=Kind.PROPERTIES,
        statement=back,
        summary=f"give the table its own file size back, {human_size(int(own or 0))}",
        why="the size was for this run only",
        undo=Undo(reason="none needed: this is the state the table had"),
    )
    return (step,), (restore,)


def sorting(intent: Optimize, state: TableState) -> TableState:
    """The table with the order that this run writes in. Raises PhloSqlError(INVALID_ARGUMENTS)."""
    if not intent.sort_by:
        return state
    return replace(state, sort_order=_asked_order(intent, state))


def _asked_order(intent: Optimize, state: TableState) -> tuple[SortField, ...]:
    columns = {column.name.lower(): column for column in state.columns}
    fields = []
    for name in intent.sort_by:
        column = columns.get(name.lower())
        if column is None or column.type.startswith(_NESTED):
            raise PhloSqlError(
                Code.INVALID_ARGUMENTS,
                f"--sort-by: {state.table} has no column {name} that files can be sorted by",
                f"name columns of it: {', '.join(columns)}",
            )
        fields.append(
            SortField(
                source_id=column.field_id, transform="identity", direction="asc", nulls_first=True
            )
        )
    return tuple(fields)


def _sort_steps(intent: Optimize, state: TableState) -> Pair:
    asked = sorting(intent, state).sort_order
    if asked == state.sort_order:
        return (), ()
    names = ", ".join(intent.sort_by)
    own = _spelled(state, state.sort_order)
    back = dialect.set_properties(state.table, {"sorted_by": own}) if own is not None else None
    undo = (
        Undo(reason="the table gets its own order back", statement=back)
        if back is not None
        else Undo(reason="stays: Trino cannot spell the order that the table had")
    )
    step = Step(
        id=0,
        kind=Kind.PROPERTIES,
        temporary=True,
        statement=dialect.set_properties(state.table, {"sorted_by": _spelled(state, asked) or []}),
        summary=f"write files sorted by {names}",
        why="Trino takes the order from the table alone",
        undo=undo,
    )
    if back is None:
        return (step,), ()
    restore = Step(
        id=0,
        kind=Kind.PROPERTIES,
        statement=back,
        summary="give the table its own order back" if own else "leave the table without an order",
        why="the order was for this run only",
        undo=Undo(reason="none needed: this is the state the table had"),
    )
    return (step,), (restore,)


def _spelled(state: TableState, order: tuple[SortField, ...]) -> list[str] | None:
    """As the property `sorted_by` has it; None where it cannot say it."""
    names = {column.field_id: column.name for column in state.columns}
    if any(field.transform != "identity" or field.source_id not in names for field in order):
        return None
    return [
        f"{_quoted(names[field.source_id])} {field.direction.upper()} "
        f"NULLS {'FIRST' if field.nulls_first else 'LAST'}"
        for field in order
    ]


def _quoted(name: str) -> str:
    return name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """Data manifests, and how many their bytes need."""

    count: int
    bytes: int
    needed: int

    @property
    def text(self) -> str:
        return (
            f"Merges {self.count:,} data manifests ({human_size(self.bytes)}) into about "
            f"{self.needed:,}."
        )


def manifests_of(state: TableState, server: Server) -> Manifests | None:
    """What merging manifests would do; None where it gains nothing."""
    if server.version < _MERGES:
        raise PhloSqlError(
            Code.UNSUPPORTED_VERSION,
            f"Trino {server.version} has no optimize_manifests",
            f"leave --manifests out, or use Trino {_MERGES} or newer",
        )
    manifests = state.files.manifests
    data = manifests.filter(pc.equal(manifests["content"], DATA))
    total = int(pc.sum(data["length"]).as_py() or 0)
    own = state.properties.get(_MANIFEST_SIZE, "")
    needed = max(1, -(-total // (int(own) if own.isdigit() else _MANIFEST_DEFAULT)))
    alive = len(pc.unique(data["spec_id"]))
    needed = max(needed, alive) if server.version >= _CLUSTERS else max(needed, _keys(state))
    if data.num_rows <= max(needed, 1 if needed == 1 else _WORTHWHILE * needed):
        return None
    return Manifests(count=data.num_rows, bytes=total, needed=needed)


def _keys(state: TableState) -> int:
    """What older versions write a manifest for each of: the values of the first partition field,
    or of the only one (`IcebergMetadata.executeOptimizeManifests` in 476)."""
    return len(
        {(partition.spec_id, partition.values[:1] or None) for partition in state.files.partitions}
    )


_CLUSTERS = 480
"""First Trino that puts several partitions into one manifest."""
_MERGES = 470
"""First Trino with `optimize_manifests`."""


def manifests_step(state: TableState, found: Manifests, undo: Undo) -> Step:
    return Step(
        id=0,
        kind=Kind.PROCEDURE,
        statement=dialect.execute_procedure(state.table, "optimize_manifests"),
        summary=f"merge {found.count:,} data manifests",
        why=f"{human_size(found.bytes)} of manifests fit into {found.needed:,}",
        undo=undo,
    )
