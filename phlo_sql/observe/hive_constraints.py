"""Constraints on a table of a Hive metastore: one call since Hive 4, one of NOT NULL in Hive 3."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from hive_metastore.ttypes import AllTableConstraintsRequest, NotNullConstraintsRequest
from thrift.Thrift import TApplicationException

from phlo_sql.observe.hive_client import CATALOG
from phlo_sql.observe.metastore import Constraints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from phlo_sql.observe.hive_client import MetastoreClient


def read_constraints(client: MetastoreClient, database: str, table: str) -> Constraints:
    """None of a metastore that is too old to have them. Raises TException as its calls do."""

    def every() -> Any:
        request = AllTableConstraintsRequest(dbName=database, tblName=table, catName=CATALOG)
        return client.get_all_table_constraints(request).allTableConstraints

    def of_not_null() -> Any:
        request = NotNullConstraintsRequest(db_name=database, tbl_name=table, catName=CATALOG)
        return client.get_not_null_constraints(request)

    found = _asked(every) or _asked(of_not_null)
    if found is None:
        return Constraints()
    return Constraints(
        not_null=frozenset(each.column_name.lower() for each in found.notNullConstraints or ()),
        others=tuple(_others(found)),
    )


def _asked(call: Callable[[], Any]) -> Any:
    """None where the server knows no such call."""
    try:
        return call()
    except TApplicationException as error:
        if error.type != TApplicationException.UNKNOWN_METHOD:
            raise
        return None


def _others(found: Any) -> Iterable[str]:
    def told(name: str) -> Any:
        return getattr(found, name, None) or ()

    for keys in _together(told("primaryKeys"), "pk_name"):
        yield f"PRIMARY KEY ({', '.join(each.column_name for each in keys)})"
    for keys in _together(told("uniqueConstraints"), "uk_name"):
        yield f"UNIQUE ({', '.join(each.column_name for each in keys)})"
    for keys in _together(told("foreignKeys"), "fk_name"):
        own = ", ".join(each.fkcolumn_name for each in keys)
        other = ", ".join(each.pkcolumn_name for each in keys)
        table = f"{keys[0].pktable_db}.{keys[0].pktable_name}"
        yield f"FOREIGN KEY ({own}) REFERENCES {table} ({other})"
    for each in told("checkConstraints"):
        yield f"CHECK ({each.check_expression})"
    for each in told("defaultConstraints"):
        yield f"{each.column_name} DEFAULT {each.default_value}"


def _together(keys: Iterable[Any], name: str) -> list[list[Any]]:
    """Columns of each key, in its order."""
    found: dict[str, list[Any]] = defaultdict(list)
    for each in sorted(keys, key=lambda each: each.key_seq or 0):
        found[getattr(each, name) or ""].append(each)
    return list(found.values())
