"""Hive's metastore: tables on S3, all that it knows in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from phlo_sql.stack.launch import Launch
from phlo_sql.stack.layout import BUCKET, REGION, USER, Layout, write_private
from phlo_sql.stack.ports import HOST, answers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from phlo_sql.stack.machine import Machine

DATABASE = "metastore"
_OPENED = ("java.base/java.lang", "java.base/java.net", "java.base/java.util")
_LOGGING = """\
status = WARN
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p [%t] %c{2}: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
"""


def uri(layout: Layout) -> str:
    return f"thrift://{HOST}:{layout.ports['hive']}"


def launch(layout: Layout, machine: Machine, programs: Path) -> Launch:
    """With its tables made beforehand: it makes its own lazily, and locks itself out over it."""
    _create(layout, programs / "schema.sql")
    conf = layout.folder("hive", "conf")
    write_private(conf / "metastore-site.xml", _site(_settings(layout)))
    (conf / "log4j2.properties").write_text(_LOGGING)
    return Launch(
        name="hive",
        command=[
            f"{machine.hive_jdk}/bin/java",
            "-Xmx512m",
            *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED),
            "-cp",
            f"{conf}:{programs / 'lib'}/*",
            "org.apache.hadoop.hive.metastore.HiveMetaStore",
            "-p",
            str(layout.ports["hive"]),
        ],
        cwd=layout.folder("hive"),
        log=layout.log("hive"),
        port=layout.ports["hive"],
        ready=lambda: _answers(layout),
    )


def _settings(layout: Layout) -> dict[str, object]:
    warehouse = f"s3://{BUCKET}/hive"
    return {
        "metastore.thrift.uris": uri(layout),
        "metastore.thrift.bind.host": HOST,
        "metastore.warehouse.dir": warehouse,
        "metastore.warehouse.external.dir": f"{warehouse}_external",
        "javax.jdo.option.ConnectionURL": layout.jdbc_url(DATABASE),
        "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
        "javax.jdo.option.ConnectionUserName": USER,
        "javax.jdo.option.ConnectionPassword": layout.passwords["postgres"],
        "datanucleus.schema.autoCreateAll": "false",
        "datanucleus.schema.autoCreateTables": "false",
        # Each handler takes two; with the usual ten, parallel commits of Trino hang for ever. The
        # other pool, dbcp, takes no more than eight whatever it is told.
        "datanucleus.connectionPool.maxPoolSize": 100,
        "datanucleus.connectionPoolingType": "hikaricp",
        "hikaricp.minimumIdle": 1,  # the others on demand, not when it starts
        # The usual one hides what a client does not say that it can do: Trino says nothing.
        "metastore.metadata.transformer.class": " ",
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": layout.url("s3"),
        "fs.s3a.endpoint.region": REGION,
        "fs.s3a.access.key": USER,
        "fs.s3a.secret.key": layout.passwords["s3"],
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
    }


def _site(settings: Mapping[str, object]) -> str:
    lines = (
        f"<property><name>{escape(name)}</name><value>{escape(str(value))}</value></property>\n"
        for name, value in settings.items()
    )
    return f'<?xml version="1.0"?>\n<configuration>\n{"".join(lines)}</configuration>\n'


def _create(layout: Layout, schema: Path) -> None:
    """The database, whole or not at all: where the last table is missing, it is made anew."""
    import psycopg

    server = layout.postgres_uri("postgresql", "postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute("CREATE DATABASE metastore")
    with psycopg.connect(layout.postgres_uri("postgresql", DATABASE)) as connection:
        made = connection.execute("SELECT to_regclass('public.\"VERSION\"')").fetchone()
        if made is None or made[0] is None:
            connection.execute(schema.read_bytes())


def _answers(layout: Layout) -> bool:
    """It names its databases: then it has its tables and its port."""
    if not answers(layout.ports["hive"]):
        return False
    from hive_metastore import ThriftHiveMetastore
    from thrift.protocol import TBinaryProtocol
    from thrift.transport import TSocket, TTransport

    socket = TSocket.TSocket(HOST, layout.ports["hive"])
    socket.setTimeout(5000)
    transport = TTransport.TBufferedTransport(socket)
    try:
        transport.open()
        client = ThriftHiveMetastore.Client(TBinaryProtocol.TBinaryProtocol(transport))
        return "default" in client.get_all_databases()
    except (OSError, TTransport.TTransportException):
        return False
    finally:
        transport.close()
