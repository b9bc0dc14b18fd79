"""Tables that another program put into a Hive metastore, over files that lie on S3 already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hive_metastore.ttypes import (
    AddCheckConstraintRequest,
    AddNotNullConstraintRequest,
    AddPrimaryKeyRequest,
    FieldSchema,
    SerDeInfo,
    SQLCheckConstraint,
    SQLNotNullConstraint,
    SQLPrimaryKey,
    StorageDescriptor,
    Table,
)
from hive_metastore.ttypes import Partition as HivePartition

from phlo_sql.observe.hive_client import CATALOG, connected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.live.migrating import Bench

_IO = "org.apache.hadoop.hive.ql.io"
PARQUET = (f"{_IO}.parquet.MapredParquetInputFormat", f"{_IO}.parquet.serde.ParquetHiveSerDe")
AVRO = (
    f"{_IO}.avro.AvroContainerInputFormat",
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
)
ORC = (f"{_IO}.orc.OrcInputFormat", f"{_IO}.orc.OrcSerde")
AT_ONCE = 1000
"""Partitions that one call adds."""


def tell(
    uri: str,
    database: str,
    name: str,
    place: str,
    *,
    columns: Sequence[tuple[str, str]] = (("id", "bigint"),),
    keys: Sequence[str] = (),
    partitions: Mapping[str, str] | None = None,
    form: tuple[str, str] = PARQUET,
    **parameters: str,
) -> None:
    """Create an external table; `partitions`: folders by the value of the one key, of ORC where
    they are called so."""

    def storage(location: str) -> StorageDescriptor:
        reader = ORC if location.endswith("-orc") else form
        return StorageDescriptor(
            cols=[FieldSchema(name=column, type=type_) for column, type_ in columns],
            location=location,
            inputFormat=reader[0],
            outputFormat="",
            numBuckets=-1,
            serdeInfo=SerDeInfo(serializationLib=reader[1], parameters={}),
            bucketCols=[],
            sortCols=[],
            parameters={},
        )

    table: Any = Table(
        tableName=name,
        dbName=database,
        owner="spark",
        sd=storage(place),
        partitionKeys=[FieldSchema(name=key, type="string") for key in keys],
        parameters={"EXTERNAL": "TRUE", **parameters},
        tableType="EXTERNAL_TABLE",
    )
    parts = [
        HivePartition(
            values=[value], dbName=database, tableName=name, sd=storage(location), parameters={}
        )
        for value, location in (partitions or {}).items()
    ]
    with connected(uri) as client:
        client.create_table(table)
        for start in range(0, len(parts), AT_ONCE):
            client.add_partitions(parts[start : start + AT_ONCE])


def constrain(uri: str, database: str, name: str, *columns: str) -> None:
    """NOT NULL as Hive has it of external tables: declared, neither enforced nor validated."""
    with connected(uri) as client:
        declared = [
            SQLNotNullConstraint(
                column_name=each, nn_name=f"{name}_{each}_nn", **_on(database, name)
            )
            for each in columns
        ]
        client.add_not_null_constraint(AddNotNullConstraintRequest(declared))


def constrain_otherwise(uri: str, database: str, name: str, column: str) -> None:
    """A primary key and a check."""
    on = _on(database, name)
    key = SQLPrimaryKey(column_name=column, key_seq=1, pk_name=f"{name}_pk", **on)
    check = SQLCheckConstraint(
        column_name=column, check_expression=f"{column} > 0", dc_name=f"{name}_c", **on
    )
    with connected(uri) as client:
        client.add_primary_key(AddPrimaryKeyRequest([key]))
        client.add_check_constraint(AddCheckConstraintRequest([check]))


def _on(database: str, name: str) -> dict[str, Any]:
    declared = {"enable_cstr": False, "validate_cstr": False, "rely_cstr": True}
    return {"catName": CATALOG, "table_db": database, "table_name": name, **declared}


def from_hive(bench: Bench, database: str, *argv: str, expect: int = 0) -> dict[str, Any]:
    words = ("from-hive", "--uri", bench.stack.env["HIVE_METASTORE_URI"], "--database", database)
    return bench(*words, *argv, expect=expect)


def states(document: dict[str, Any]) -> dict[str, str]:
    """What became of each table, by its name."""
    return {e["table"].rpartition(".")[2]: e["state"] for e in document["data"]["migrations"]}
