"""What is brought into Iceberg: tables and files as they were found, and what was chosen for each.

Source readers (`observe`) make `SourceTable`; `compile.migrate` chooses the rest. Types of columns
stand as their source spells them, `target_type` as Trino does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.model.names import TableName

Format = Literal["parquet", "avro", "orc"]
FORMATS: tuple[Format, ...] = ("parquet", "avro", "orc")
Mode = Literal["auto", "in-place", "copy"]
Verify = Literal["count", "checksum", "sample"]
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The folder name of a NULL partition value, in Hive and in what writes as Hive does."""


class SourceKind(Enum):
    """What a source is. Only the first three are brought over."""

    HIVE = "hive"
    GLUE = "glue"
    FILES = "files"
    VIEW = "view"
    ACID = "acid"
    DELTA = "delta"
    HUDI = "hudi"
    ICEBERG = "iceberg"
    OTHER = "other"

    @property
    def left_alone(self) -> bool:
        return self not in (SourceKind.HIVE, SourceKind.GLUE, SourceKind.FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumn:
    """`type` as the source spells it (`tinyint`, `char(5)`, `timestamp[ms]`), `target_type` as
    Trino does; `read_type` is what a Hive table over the files declares, empty where Hive has no
    such type. `doubt`: why files with it can't be taken as they are, None where they can.
    `not_null`: the source says so, and as soon as its files were looked at they say so too;
    `nullable_for`: why they don't."""

    name: str
    type: str
    comment: str | None = None
    not_null: bool = False
    counted: bool = False
    """Statistics of each file count its NULL values: without it, what stays in place can't be NOT
    NULL."""
    nullable_for: str = ""
    target_type: str = ""
    read_type: str = ""
    unsigned: int | None = None
    """Bits of an unsigned number, which the reader takes for a signed one."""
    meaning: str = ""
    """What changes by the mapping, in one line; empty where nothing does."""
    doubt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """`rows` is None where only a query could tell."""

    path: str
    bytes: int
    rows: int | None = None
    format: Format | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePartition:
    """One folder of files. `values` follow the partition columns, decoded, None for NULL; `raw` is
    the folder name as it is spelt (`region=a%2Fb`). `missing`: the folder is gone."""

    values: tuple[str | None, ...] = ()
    raw: str = ""
    location: str
    format: Format
    files: tuple[SourceFile, ...] = ()
    rows: int | None = None
    custom_location: bool = False
    missing: bool = False
    doubt: str | None = None
    """Why its files can't be taken as they are, None where they can."""

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.files)

    @property
    def known_rows(self) -> int | None:
        """Rows, where the source or every file tells them."""
        if self.rows is not None:
            return self.rows
        rows = [each.rows for each in self.files]
        known = [each for each in rows if each is not None]
        return sum(known) if len(known) == len(rows) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucketing:
    columns: tuple[str, ...]
    buckets: int
    sorted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics:
    distinct: int | None
    nulls: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What a metastore counted at some time, by column in lower case; nothing is decided by it."""

    rows: int | None
    columns: Mapping[str, ColumnStatistics] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """`name` is the source's table as Trino names it (`hive.db.t`), None for files. `columns` are
    those in the files, in order; `partition_columns` stand in folder names. An unpartitioned table
    has one partition without values."""

    kind: SourceKind
    name: TableName | None
    location: str
    format: Format | None
    columns: tuple[SourceColumn, ...]
    partition_columns: tuple[SourceColumn, ...] = ()
    partitions: tuple[SourcePartition, ...] = ()
    chosen_files: bool = False
    """The files are some of those in their folders, named one by one or by a glob."""
    strangers: tuple[str, ...] = ()
    """Folders with files that are named like partitions (`k=3`), but are none to the metastore."""
    bucketing: Bucketing | None = None
    managed: bool = False
    """To rename it moves its files."""
    owner: str | None = None
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    statistics: Statistics | None = None
    constraints: tuple[str, ...] = ()
    """Others than NOT NULL, in SQL's words: `PRIMARY KEY (id)`."""
    why_left_alone: str = ""
    refused: str = ""
    """Why its partitions are not known: the metastore does not let this user read them."""

    @property
    def partitioned(self) -> bool:
        return bool(self.partition_columns)

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.partitions)

    @property
    def files(self) -> int:
        return sum(len(each.files) for each in self.partitions)

    @property
    def rows(self) -> int | None:
        rows = [each.known_rows for each in self.partitions]
        known = [each for each in rows if each is not None]
        return sum(known) if len(known) == len(rows) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What every migration is asked for. `partition_by` in Iceberg's spelling (`day(ts)`), None
    keeps the source's. `location` is where the table's own files go, None: beside its schema's
    other tables. `verify` None lets the size decide."""

    ref: str | None = None
    mode: Mode = "auto"
    verify: Verify | None = None
    partition_by: tuple[str, ...] | None = None
    location: str | None = None
    if_exists: Literal["fail", "skip"] = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert(Migration):
    """`migrate convert`: a file, a folder, Hive-style partition folders or a glob."""

    path: str
    format: Format
    table: TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class HiveTable:
    """Where a Hive metastore has a table."""

    uri: str
    database: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromTable(Migration):
    """One table of a metastore, with what its reader found; made per table of a database. `shown`:
    the source as a catalog of Trino is to show it, for the grants on it. `hive`: where the rest is
    told of it, which a database's reader does not ask for."""

    source: SourceTable
    table: TableName
    command_line: str
    shown: TableName | None = None
    hive: HiveTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FromHive(Migration):
    """`migrate from-hive`. `target` is `[catalog.]schema`; `tables` are globs, empty: all.
    `source_catalog`: the catalog of Trino that shows the metastore, if any does."""

    uri: str
    database: str
    target: str
    tables: tuple[str, ...] = ()
    source_catalog: str = "hive"


@dataclass(frozen=True, slots=True, kw_only=True)
class FromGlue(Migration):
    """`migrate from-glue`; credentials and profile are AWS's usual ones."""

    database: str
    target: str
    region: str | None = None
    endpoint: str | None = None
    tables: tuple[str, ...] = ()
    source_catalog: str = "glue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """`migrate detach`: a table that reads files of its source gets files of its own."""

    table: TableName
    ref: str | None = None
    verify: Verify | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOver:
    """`--cut-over`: `source` as Trino shows it in a Hive catalog, `location` where its files lie;
    `columns` of the migrated table, in order."""

    source: TableName
    target: TableName
    ref: str | None
    columns: tuple[str, ...]
    location: str
    bytes: int
    managed: bool
    command_line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The mode of one partition, and why."""

    partition: SourcePartition
    mode: Literal["in-place", "copy"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """`migrate rollback`: take away all that one operation made. `text` is its runbook."""

    table: TableName
    ref: str | None
    operation: str
    text: str
