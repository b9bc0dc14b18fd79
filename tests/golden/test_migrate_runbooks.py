"""Golden runbooks of the migrations: what the commands emit, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phlo_sql import runbook
from phlo_sql.compile.migrate import MigratePlan, compile_migration
from phlo_sql.compile.migrate_names import Facts, Staging
from phlo_sql.model.migration import (
    Bucketing,
    Convert,
    Format,
    Mode,
    SourceColumn,
    SourceFile,
    SourceKind,
    SourcePartition,
    SourceTable,
    Verify,
)
from phlo_sql.model.names import TableName

ROOT = Path(__file__).parents[2] / "sql" / "runbooks"
CONVERT = "migrate convert"
TABLE = TableName(catalog="iceberg", schema="sales", name="orders")
FOLDER = "s3://raw/orders"
STORAGE = {
    "fs.s3.enabled": "true",
    "s3.region": "eu-west-1",
    "s3.aws-access-key": "${ENV:S3_KEY}",
    "s3.aws-secret-key": "${ENV:S3_SECRET}",
}
ID = SourceColumn(
    name="ID",
    type="int64",
    target_type="bigint",
    read_type="bigint",
    not_null=True,
    counted=True,
    comment="it's the key",
)
AT = SourceColumn(
    name="at",
    type="timestamp[us, tz=UTC]",
    target_type="timestamp(6) with time zone",
    read_type="timestamp(6)",
)
HITS = SourceColumn(
    name="hits",
    type="uint64",
    target_type="decimal(20,0)",
    read_type="bigint",
    unsigned=64,
    meaning="uint64 becomes decimal(20,0), which holds every value of it",
    doubt="Iceberg has no uint64, so its files can't be read in place",
)
HOSTILE = SourceColumn(name='we"ird; --', type="string", target_type="varchar", read_type="varchar")
KEYS = (
    SourceColumn(name="region", type="folder name", target_type="varchar", read_type="varchar"),
    SourceColumn(name="day", type="folder name", target_type="date", read_type="date"),
)


def partition(raw: str, *values: str | None, doubt: str | None = None) -> SourcePartition:
    location = f"{FOLDER}/{raw}".rstrip("/")
    files = tuple(
        SourceFile(path=f"{location}/{name}.parquet", bytes=64 * 1024**2, rows=1000)
        for name in ("a", "b")
    )
    return SourcePartition(
        values=values, raw=raw, location=location, format="parquet", files=files, doubt=doubt
    )


def source(
    *columns: SourceColumn,
    keys: tuple[SourceColumn, ...] = (),
    partitions: tuple[SourcePartition, ...] = (),
    form: Format = "parquet",
) -> SourceTable:
    return SourceTable(
        kind=SourceKind.FILES,
        name=None,
        location=FOLDER,
        format=form,
        columns=columns,
        partition_columns=keys,
        partitions=partitions or (partition(""),),
    )


PARTITIONS = (
    partition("region=north/day=2026-01-01", "north", "2026-01-01"),
    partition("region=a%2Fb/day=2026-01-01", "a/b", "2026-01-01"),
    partition("region=__HIVE_DEFAULT_PARTITION__/day=2026-01-02", None, "2026-01-02"),
)
CASES: dict[str, tuple[SourceTable, Mode, Verify | None]] = {
    "in-place": (source(ID, AT), "auto", None),
    "partitions-mixed": (source(ID, AT, keys=KEYS, partitions=PARTITIONS), "auto", None),
    "copy-unsigned": (
        source(ID, HITS, partitions=(partition("", doubt=f"column hits: {HITS.doubt}"),)),
        "auto",
        None,
    ),
    "copy-count": (source(ID, AT, keys=KEYS, partitions=PARTITIONS), "copy", "count"),
    "sample": (source(ID, AT, keys=KEYS, partitions=PARTITIONS), "auto", "sample"),
    "hostile-name": (source(ID, HOSTILE), "auto", "sample"),
}


TOLD = replace(
    source(
        ID,
        SourceColumn(
            name="small",
            type="smallint",
            target_type="integer",
            read_type="smallint",
            meaning="Iceberg has no smallint: it becomes integer",
        ),
        keys=KEYS,
        partitions=PARTITIONS,
        form="orc",
    ),
    comment="orders of it's shops",
    owner="etl",
    properties={"team": "sales"},
    bucketing=Bucketing(columns=("id",), buckets=4, sorted_by=("id",)),
)
"""As a metastore tells it: with an owner, comments, properties of one's own and buckets."""
_WORDS = "--database sales --target sales --table orders"
TABLES = {
    "migrate from-hive": (
        SourceKind.HIVE,
        f"phlo-sql migrate from-hive --uri thrift://h:9083 {_WORDS}",
    ),
    "migrate from-glue": (
        SourceKind.GLUE,
        f"phlo-sql migrate from-glue --region eu-west-1 {_WORDS}",
    ),
}
EVERY = [
    *((CONVERT, name) for name in CASES),
    *((command, mode) for command in TABLES for mode in ("auto", "copy")),
    ("migrate from-hive", "partitions-elsewhere"),
]
ELSEWHERE = (
    PARTITIONS[0],
    replace(PARTITIONS[1], raw="region=ab/day=2026-01-01", values=("ab", "2026-01-01")),
    replace(
        PARTITIONS[0],
        raw="region=south/day=2026-01-01",
        values=("south", "2026-01-01"),
        location="s3://archive/south",
        custom_location=True,
    ),
)
"""One where it belongs, one that stayed Parquet in a table of ORC, one on another bucket."""


def planned(command: str, name: str) -> MigratePlan:
    if command == CONVERT:
        found, mode, verify = CASES[name]
        line = f"phlo-sql migrate convert {FOLDER} --format parquet --table {TABLE}"
    else:
        kind, line = TABLES[command]
        told = ELSEWHERE if name == "partitions-elsewhere" else PARTITIONS
        orc = [replace(each, format="orc") for each in told]
        if told is ELSEWHERE:
            orc[1] = told[1]
        strangers = ("region=west/day=2026-01-01",) if told is ELSEWHERE else ()
        found = replace(TOLD, kind=kind, partitions=tuple(orc), strangers=strangers)
        mode, verify = ("copy" if name == "copy" else "auto"), None
        line += " --mode copy" if name == "copy" else ""
    staging = Staging(
        run="0123456789ab",
        target=TABLE,
        location="s3://lake/sales/orders-0123456789ab",
        folder="s3://lake/scratch/0123456789ab",
        storage=STORAGE,
    )
    facts = Facts(
        command=command,
        table=TABLE,
        command_line=line,
        trino_version=483,
        now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        planned_by="phlo-sql",
    )
    intent = Convert(path=FOLDER, format="parquet", table=TABLE, mode=mode, verify=verify)
    return compile_migration(found, intent, staging, facts)


@pytest.mark.parametrize(("command", "name"), EVERY)
def test_runbook(command: str, name: str, request: pytest.FixtureRequest) -> None:
    written = runbook.write(planned(command, name).plan).text
    path = ROOT / command.replace(" ", "-") / "483" / f"{name}.sql"
    if request.config.getoption("--update"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == written


def test_no_other_file_is_kept() -> None:
    kept = {
        (command, path.stem)
        for command in (CONVERT, *TABLES)
        for path in (ROOT / command.replace(" ", "-")).rglob("*.sql")
    }
    assert kept == set(EVERY)


def test_one_partition_in_three_is_copied() -> None:
    assert planned(CONVERT, "partitions-mixed").modes == {"in-place": 2, "copy": 1}
    assert planned("migrate from-hive", "auto").modes == {"in-place": 2, "copy": 1}


def test_nothing_is_registered_before_it_is_compared() -> None:
    for command, name in EVERY:
        steps = planned(command, name).plan.steps
        kinds, summaries = [s.kind.value for s in steps], [s.summary for s in steps]
        registered = next(i for i, s in enumerate(summaries) if s.startswith("register it"))
        assert "compare" in kinds[:registered]
        assert not {"procedure", "write"} & set(kinds[registered:])
