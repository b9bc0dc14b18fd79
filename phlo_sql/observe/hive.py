"""The tables of a database of a Hive metastore, in few calls: names, then tables by fifty."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hive_metastore.ttypes import MetaException, NoSuchObjectException
from thrift.protocol.TProtocol import TProtocolException
from thrift.Thrift import TException
from thrift.transport.TTransport import TTransportException

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.hive_client import MetastoreClient, connected
from phlo_sql.observe.hive_constraints import read_constraints
from phlo_sql.observe.hive_statistics import read_statistics
from phlo_sql.observe.metastore import (
    Described,
    Details,
    Field,
    Partition,
    Storage,
    chosen,
    unknown_database,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.model.migration import HiveTable

_TABLES_AT_ONCE = 50
_PARTITIONS_AT_ONCE = 1000
_CONNECTIONS = 8
_DENYING = ("permission", "privilege", "denied", "not authorized", "not permitted", "not allowed")
"""Words of those who decide for a metastore: storage, SQL standard, Ranger."""


def read_database(uri: str, database: str, patterns: Sequence[str] = ()) -> tuple[Described, ...]:
    """Raises PhloSqlError: SERVER_DOWN, UNKNOWN_SCHEMA, UNKNOWN_TABLE, PERMISSION_DENIED."""
    with connected(uri) as client:
        try:
            client.get_database(database)
        except NoSuchObjectException:
            raise unknown_database(database, client.get_all_databases()) from None
        except (TTransportException, TProtocolException):
            raise
        except TException as error:  # a metastore's own can't leave a context: they are immutable
            raise _refused(f"database {database}", error) from error
        names = chosen(client.get_all_tables(database), patterns, database)
    batches = [
        names[start : start + _TABLES_AT_ONCE] for start in range(0, len(names), _TABLES_AT_ONCE)
    ]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        found = list(pool.map(lambda batch: _tables(uri, database, batch), batches))
    return tuple(sorted((each for part in found for each in part), key=lambda each: each.name))


def read_details(table: HiveTable, columns: Sequence[str]) -> Details:
    """What is asked table by table. Raises PhloSqlError as `read_database` does."""
    with connected(table.uri) as client:
        try:
            return Details(
                constraints=read_constraints(client, table.database, table.name),
                statistics=read_statistics(client, table, columns),
            )
        except (TTransportException, TProtocolException):
            raise
        except TException as error:
            raise _refused(f"{table.database}.{table.name}", error) from error


def _tables(uri: str, database: str, names: Sequence[str]) -> list[Described]:
    with connected(uri) as client:
        try:
            tables = client.get_table_objects_by_name(database, names)
            return [_with_parts(client, database, each) for each in tables]
        except (TTransportException, TProtocolException):
            raise
        except TException as error:  # a metastore's own can't leave a context: they are immutable
            raise _refused(f"database {database}", error) from error


def _with_parts(client: MetastoreClient, database: str, table: Any) -> Described:
    """With its partitions; who may not read those of one table may read those of others."""
    told = _described(table)
    if not table.partitionKeys:
        return told
    try:
        return replace(told, partitions=_partitions(client, database, table))
    except MetaException as error:
        refused = _refused(f"{database}.{told.name}", error)
        if refused.code is not Code.PERMISSION_DENIED:
            raise
        return replace(told, refused=refused.problem)


def _partitions(client: MetastoreClient, database: str, table: Any) -> tuple[Partition, ...]:
    """By name, a thousand at once: one answer with all would have to fit into memory twice."""
    names = client.get_partition_names(database, table.tableName, -1)
    found: list[Partition] = []
    for start in range(0, len(names), _PARTITIONS_AT_ONCE):
        some = names[start : start + _PARTITIONS_AT_ONCE]
        found += [
            Partition(
                values=tuple(each.values),
                storage=_storage(each.sd),
                parameters=dict(each.parameters or {}),
            )
            for each in client.get_partitions_by_names(database, table.tableName, some)
        ]
    return tuple(found)


def _described(table: Any) -> Described:
    return Described(
        name=table.tableName,
        type=table.tableType or "",
        owner=table.owner or None,
        parameters=dict(table.parameters or {}),
        storage=_storage(table.sd),
        columns=_fields(table.sd.cols),
        partition_columns=_fields(table.partitionKeys),
        bucket_columns=tuple(table.sd.bucketCols or ()),
        buckets=max(0, table.sd.numBuckets or 0),
        sort_columns=tuple(each.col for each in table.sd.sortCols or ()),
    )


def _storage(storage: Any) -> Storage:
    return Storage(
        location=(storage.location or "").rstrip("/"),
        input_format=storage.inputFormat or "",
        serde=(storage.serdeInfo.serializationLib or "") if storage.serdeInfo else "",
    )


def _fields(columns: Any) -> tuple[Field, ...]:
    return tuple(
        Field(name=each.name, type=each.type, comment=each.comment or None)
        for each in columns or ()
    )


def _refused(what: str, error: Exception) -> PhloSqlError:
    cause = (str(getattr(error, "message", "") or error).splitlines() or [""])[0][:200]
    denied = any(word in cause.lower() for word in _DENYING)
    return PhloSqlError(
        Code.PERMISSION_DENIED if denied else Code.CATALOG_UNREADABLE,
        f"the metastore does not tell of {what}: {cause}",
        "ask its administrator for the right to read it" if denied else "see the metastore's log",
    )
