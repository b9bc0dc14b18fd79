"""Statistics of columns that a Hive metastore has, of a table or of its partitions together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hive_metastore.ttypes import PartitionsStatsRequest, TableStatsRequest
from thrift.protocol.TProtocol import TProtocolException
from thrift.Thrift import TException
from thrift.transport.TTransport import TTransportException

from phlo_sql.model.migration import ColumnStatistics
from phlo_sql.observe.hive_client import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from phlo_sql.model.migration import HiveTable
    from phlo_sql.observe.hive_client import MetastoreClient

_ENGINE = "hive"
_PARTITIONS = 1000
"""Of more than these the metastore is not asked to add them up."""


def read_statistics(
    client: MetastoreClient, table: HiveTable, columns: Sequence[str]
) -> dict[str, ColumnStatistics]:
    """By column in lower case; empty where it has none, or does not tell."""
    try:
        found = _asked(client, table, columns)
    except (TTransportException, TProtocolException):
        raise
    except TException:
        return {}
    return {each.colName.lower(): _counts(each.statsData) for each in found}


def _asked(client: MetastoreClient, table: HiveTable, columns: Sequence[str]) -> Iterable[Any]:
    given = {
        "dbName": table.database,
        "tblName": table.name,
        "colNames": [each.lower() for each in columns],
        "catName": CATALOG,
        "engine": _ENGINE,
    }
    names = client.get_partition_names(table.database, table.name, _PARTITIONS + 1)
    if not names:
        return client.get_table_statistics_req(TableStatsRequest(**given)).tableStats or ()
    if len(names) > _PARTITIONS:
        return ()
    found = client.get_aggr_stats_for(PartitionsStatsRequest(partNames=names, **given))
    return (found.colStats or ()) if found.partsFound == len(names) else ()


def _counts(data: Any) -> ColumnStatistics:
    kinds = (each for each in vars(data).values() if each is not None)
    told = next(kinds, None)
    return ColumnStatistics(
        distinct=getattr(told, "numDVs", None), nulls=getattr(told, "numNulls", None)
    )
