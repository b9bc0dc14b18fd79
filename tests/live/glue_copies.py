"""Glue databases that hold what a Hive database holds, over the same files.

Trino can't write to moto's Glue (it has no column statistics), so its Hive tables are told anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phlo_sql.observe.hive_client import connected

if TYPE_CHECKING:
    from phlo_sql.stack.clients import Clients


class GlueCopies:
    def __init__(self, stack: Clients) -> None:
        import boto3

        self.uri = stack.env["HIVE_METASTORE_URI"]
        self.client = boto3.client(
            "glue",
            endpoint_url=stack.env["GLUE_ENDPOINT_URL"],
            region_name=stack.env["AWS_REGION"],
            aws_access_key_id=stack.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=stack.env["AWS_SECRET_ACCESS_KEY"],
        )
        self._made: list[str] = []

    def copy(self, database: str) -> None:
        self.client.create_database(DatabaseInput={"Name": database})
        self._made.append(database)
        with connected(self.uri) as hive:
            for name in hive.get_all_tables(database):
                table = hive.get_table(database, name)
                self.client.create_table(DatabaseName=database, TableInput=_table(table))
                partitions = hive.get_partitions(database, name, -1)
                for start in range(0, len(partitions), 100):
                    self.client.batch_create_partition(
                        DatabaseName=database,
                        TableName=name,
                        PartitionInputList=[
                            {"Values": each.values, "StorageDescriptor": _storage(each.sd)}
                            for each in partitions[start : start + 100]
                        ],
                    )

    def clear(self) -> None:
        for database in self._made:
            self.client.delete_database(Name=database)


def _table(table: Any) -> dict[str, Any]:
    found = {
        "Name": table.tableName,
        "Owner": table.owner,
        "StorageDescriptor": _storage(table.sd),
        "PartitionKeys": _columns(table.partitionKeys),
        "TableType": table.tableType,
        "Parameters": table.parameters,
    }
    if table.tableType == "VIRTUAL_VIEW":
        found["ViewOriginalText"] = table.viewOriginalText
    return found


def _storage(storage: Any) -> dict[str, Any]:
    return {
        "Columns": _columns(storage.cols),
        "Location": storage.location or "",
        "InputFormat": storage.inputFormat or "",
        "OutputFormat": storage.outputFormat or "",
        "SerdeInfo": {
            "SerializationLibrary": storage.serdeInfo.serializationLib or "",
            "Parameters": storage.serdeInfo.parameters or {},
        },
        "BucketColumns": storage.bucketCols or [],
        "NumberOfBuckets": storage.numBuckets,
        "SortColumns": [
            {"Column": each.col, "SortOrder": each.order} for each in storage.sortCols or []
        ],
    }


def _columns(columns: Any) -> list[dict[str, str]]:
    return [
        {"Name": each.name, "Type": each.type} | ({"Comment": each.comment} if each.comment else {})
        for each in columns
    ]
