"""Talking to a Hive metastore by the client that PyIceberg brings along, of Hive 2.3 to 4.

Hive 4.0.1 took away `get_table` and `get_table_objects_by_name`, which PyIceberg 0.12 asks; what
stands in their place is asked here.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hive_metastore.ThriftHiveMetastore import Client
from hive_metastore.ttypes import GetTableRequest, GetTablesRequest
from pyiceberg.catalog.hive import HiveCatalog, _HiveClient
from thrift.protocol import TBinaryProtocol, TProtocol
from thrift.transport import TSocket, TTransport

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# It logs the traceback of an address that it can't open, which is told here in one line.
logging.getLogger("thrift.transport.TSocket").setLevel(logging.CRITICAL)
_TIMEOUT_MS = 60_000
CATALOG = "hive"


class MetastoreClient(Client):  # type: ignore[misc]  # the generated client has no types
    """The two calls of every Hive since 2.3, under the names that PyIceberg uses."""

    def get_table(self, dbname: str, tbl_name: str) -> Any:
        request = GetTableRequest(dbName=dbname, tblName=tbl_name, catName=CATALOG)
        return self.get_table_req(request).table

    def get_table_objects_by_name(self, dbname: str, tbl_names: Sequence[str]) -> list[Any]:
        request = GetTablesRequest(dbName=dbname, tblNames=list(tbl_names), catName=CATALOG)
        return list(self.get_table_objects_by_name_req(request).tables)


class _Connection(_HiveClient):
    def _client(self) -> Client:
        client = MetastoreClient(TBinaryProtocol.TBinaryProtocol(self._transport))
        if self._ugi:
            client.set_ugi(*self._ugi)
        return client


class MetastoreCatalog(HiveCatalog):
    """PyIceberg's catalog of a Hive metastore, of version 4 too."""

    @staticmethod
    def _create_hive_client(properties: dict[str, str]) -> _HiveClient:
        found = HiveCatalog._create_hive_client(properties)
        return _Connection(
            found._uri, properties.get("ugi"), found._kerberos_auth, found._kerberos_service_name
        )


IMPLEMENTATION = f"{__name__}.{MetastoreCatalog.__name__}"


@contextmanager
def connected(uri: str) -> Iterator[MetastoreClient]:
    """A client of its own (it is no use to two threads at once), closed afterwards.

    Raises PhloSqlError(BAD_SETTING, SERVER_DOWN).
    """
    host, port = _address(uri)
    socket = TSocket.TSocket(host, port)
    socket.setTimeout(_TIMEOUT_MS)
    transport = TTransport.TBufferedTransport(socket)
    try:
        transport.open()
        yield MetastoreClient(TBinaryProtocol.TBinaryProtocol(transport))
    except (
        TTransport.TTransportException,
        TProtocol.TProtocolException,
        OSError,
        EOFError,
    ) as error:
        raise PhloSqlError(
            Code.SERVER_DOWN,
            f"the Hive metastore at {host}:{port} does not answer as one",
            "check --uri: its host, its port (9083 as a rule), and that it runs",
        ) from error
    finally:
        transport.close()


def _address(uri: str) -> tuple[str, int]:
    try:
        parts = urlsplit(uri)
        if parts.scheme == "thrift" and parts.hostname:
            return parts.hostname, parts.port or 9083
    except ValueError:
        pass
    raise PhloSqlError(
        Code.BAD_SETTING,
        f"{uri!r} is not the address of a Hive metastore",
        "write --uri thrift://host:9083",
    )
