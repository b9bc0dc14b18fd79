"""What a person asked for, one frozen value per command; made by `cli`, read by `compile`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from phlo_sql.model.bounds import RETENTION, SLICE_BYTES, SLICE_FILES
from phlo_sql.model.migration import Convert, CutOver, Detach, FromTable, Rollback

if TYPE_CHECKING:
    from datetime import timedelta

    from phlo_sql.model.names import TableName

Verify = Literal["none", "count", "checksum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimize:
    """`table optimize`: rewrite small files and apply deletes.

    `target_file_size` in bytes is the size of the files written; None takes the table's own.
    `where` is a predicate that `dialect.predicate` reads. One statement takes at most
    `max_slice_bytes` and `max_slice_files`. `rewrite_all` takes files of any size. `sort_by` are
    columns that files are sorted by in this run, `manifests` adds `optimize_manifests` where it
    gains. `create_catalog` has the run make a catalog where none of Trino's shows the ref.
    """

    table: TableName
    ref: str | None = None
    target_file_size: int | None = None
    where: str | None = None
    max_slice_bytes: int = SLICE_BYTES
    max_slice_files: int = SLICE_FILES
    rewrite_all: bool = False
    sort_by: tuple[str, ...] = ()
    manifests: bool = False
    create_catalog: bool = False
    verify: Verify = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireSnapshots:
    """`table expire-snapshots`: forget snapshots older than `older_than`, but the last `keep_last`
    of each branch, and delete what only they reach."""

    table: TableName
    ref: str | None = None
    older_than: timedelta = RETENTION
    keep_last: int | None = None
    clean_expired_metadata: bool = False
    """Drop schemas and partition specs too that no snapshot needs any more; from Trino 479 on."""
    allow_short_retention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuum:
    """`table vacuum`: expire, then delete files older than `older_than` that nothing reaches.

    `list_file`: where the list of all files to delete is written, `.parquet` or `.csv`."""

    table: TableName
    ref: str | None = None
    older_than: timedelta = RETENTION
    allow_short_retention: bool = False
    list_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRunbook:
    """`runbook undo`: the steps of a runbook that finished, taken back in reverse order.

    `text` is the runbook's, `file` its name, `done` the ids of the steps to take back.
    """

    table: TableName
    ref: str | None
    text: str
    file: str
    done: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolve:
    """`schema evolve`: change a table's columns. A path is all names of a field from its column
    down; a type stands in Iceberg's spelling. `file_text` is a wanted schema, `file` its name.
    """

    table: TableName
    ref: str | None = None
    adds: tuple[tuple[tuple[str, ...], str], ...] = ()
    drops: tuple[tuple[str, ...], ...] = ()
    renames: tuple[tuple[tuple[str, ...], str], ...] = ()
    types: tuple[tuple[tuple[str, ...], str], ...] = ()
    optional: tuple[tuple[str, ...], ...] = ()
    comments: tuple[tuple[tuple[str, ...], str], ...] = ()
    defaults: tuple[tuple[tuple[str, ...], str], ...] = ()
    table_comment: str | None = None
    first: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    file: str | None = None
    file_text: str | None = None
    allow_breaking: bool = False
    unfinished: str | None = None
    """The runbook of a run that stopped: its steps but those in `done` are planned again."""
    done: tuple[int, ...] = ()


Intent = (
    Convert
    | CutOver
    | Detach
    | Evolve
    | ExpireSnapshots
    | FromTable
    | Optimize
    | Rollback
    | UndoRunbook
    | Vacuum
)
