"""Scratch catalogs of a migration: made before it, the table registered out of them, gone after.

Everything in them is named after the run, so whatever finds it knows whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.made_catalog import drops, makes
from phlo_sql.compile.migrate_names import SCHEMA
from phlo_sql.dialect import copying
from phlo_sql.dialect.schemas import create_schema, drop_schema
from phlo_sql.plan import Check, Kind, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.migrate_names import Staging
    from phlo_sql.dialect import Expression
    from phlo_sql.model.names import TableName

HIVE = {
    "hive.metastore": "file",
    "hive.timestamp-precision": "MICROSECONDS",
    "hive.orc.use-column-names": "true",
    "hive.allow-register-partition-procedure": "true",
}
ICEBERG = {
    "iceberg.catalog.type": "TESTING_FILE_METASTORE",
    "iceberg.add-files-procedure.enabled": "true",
    "iceberg.register-table-procedure.enabled": "true",
    "iceberg.allowed-extra-properties": "*",
}
GOES = Undo(reason="none is needed: `migrate rollback` drops the scratch catalogs and their files")
WAS = Undo(reason="none is needed: it was made for this run")
_SEEN = "nobody else knows it, and it goes at the end"


def made(staging: Staging, *, hive: bool = True) -> Iterator[Step]:
    """The catalogs and their one schema; without `hive` nothing shows files of a source."""
    metastore = {"hive.metastore.catalog.dir": staging.folder}
    both = (
        (staging.hive, "hive", HIVE, "show the source's files as a table"),
        (staging.iceberg, "iceberg", ICEBERG, "have the table in the making"),
    )
    for name, connector, own, what in both if hive else both[1:]:
        yield makes(
            name,
            dialect.create_catalog(name, connector, {**staging.storage, **own, **metastore}),
            f"make catalog {name}",
            f"to {what}; {_SEEN}",
            Undo(reason="drop it", statement=dialect.drop_catalog(name)),
        )
    yield Step(
        id=1,
        kind=Kind.DDL,
        statement=create_schema(staging.iceberg, SCHEMA),
        summary=f"make schema {SCHEMA} in both" if hive else f"make schema {SCHEMA}",
        why="they share one metastore" if hive else "the table in the making needs one",
        undo=GOES,
    )


def register(staging: Staging) -> Step:
    """The step from which on everybody sees the table."""
    names = names_of(staging.target)
    catalog = str(staging.target.catalog)
    return Step(
        id=1,
        kind=Kind.CALL,
        statement=dialect.call(
            catalog, "register_table", {**names, "table_location": staging.location}
        ),
        summary=f"register it as {staging.target}",
        why="it is proven: from here on everybody sees it",
        undo=Undo(
            reason="takes the name away; no file goes with it",
            statement=dialect.call(catalog, "unregister_table", names),
        ),
        prechecks=(Check(name="absent", query=copying.count_tables(staging.target), expected="0"),),
        checks=(is_table(staging.target, 1),),
    )


def names_of(table: TableName) -> dict[str, dialect.Value | Expression]:
    """A table as the arguments of a catalog's procedure."""
    return {"schema_name": table.schema, "table_name": table.name}


def cleared(staging: Staging, shown: Sequence[TableName], *, hive: bool = True) -> Iterator[Step]:
    """Nothing of the run is left on the server."""
    yield Step(
        id=1,
        kind=Kind.CALL,
        statement=dialect.call(staging.iceberg, "unregister_table", names_of(staging.table)),
        summary="forget the name in the scratch catalog",
        why="one table must not have two catalogs that write to it",
        undo=WAS,
        checks=(is_table(staging.table, 0),),
    )
    for name in shown:
        yield Step(
            id=1,
            kind=Kind.DDL,
            statement=dialect.drop_table(name),
            summary=f"drop external Hive table {name.name}",
            why="its files stay: they are the source",
            undo=WAS,
            checks=(is_table(name, 0),),
        )
    yield Step(
        id=1,
        kind=Kind.DDL,
        statement=drop_schema(staging.iceberg, SCHEMA),
        summary=f"drop schema {SCHEMA}",
        why="nothing is left behind",
        undo=WAS,
    )
    for catalog in (staging.hive, staging.iceberg) if hive else (staging.iceberg,):
        yield drops(catalog, "nothing is left behind", WAS, checked=True)


def is_table(name: TableName, expected: int) -> Check:
    return Check(name="table", query=copying.count_tables(name), expected=str(expected))
