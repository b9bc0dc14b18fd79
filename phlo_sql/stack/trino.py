"""Trino: its settings and catalogs. `iceberg` is the embedded default, on PostgreSQL and files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from phlo_sql.stack import events, hive, opa
from phlo_sql.stack.launch import Launch, get
from phlo_sql.stack.layout import (
    BUCKET,
    REGION,
    USER,
    WAREHOUSE,
    Layout,
    properties,
    write_private,
)
from phlo_sql.stack.nessie import BRANCH
from phlo_sql.stack.ports import HOST
from phlo_sql.stack.postgres import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from phlo_sql.stack.machine import Machine

_LAST_TARBALL = 476
_HEAP = {476: "2500M", 483: "3G"}
S3_KEY, S3_SECRET = "PHLO_SQL_STACK_S3_KEY", "PHLO_SQL_STACK_S3_SECRET"
# Both off the box in every Trino; switched on here so that each of our statements can be tried.
_PROCEDURES = {
    "iceberg.register-table-procedure.enabled": "true",
    "iceberg.add-files-procedure.enabled": "true",
}

_PLUGIN_FILES = (
    "access-control.properties",
    "group-provider.properties",
    "event-listener.properties",
)
"""Beside config.properties: Trino takes what is there, so what a stack no longer has must go."""


_HIVE: dict[str, object] = {
    "connector.name": "hive",
    "hive.non-managed-table-writes-enabled": "true",
    "hive.allow-register-partition-procedure": "true",
}
# moto can't update column statistics: each query would ask again and again for seconds. Nor can
# Trino write rows there; a table over rows that lie on S3 already is no trouble.
_NO_STATISTICS: dict[str, object] = {
    "hive.table-statistics-enabled": "false",
    "hive.collect-column-statistics-on-write": "false",
}


def launch(
    layout: Layout,
    machine: Machine,
    programs: Path,
    extra_settings: Mapping[str, str],
    heap: str | None = None,
) -> Launch:
    etc = layout.folder("trino", "etc")
    catalogs = _catalogs(layout)
    folder = layout.folder("trino", "etc", "catalog")
    for name, settings in catalogs.items():
        write_private(folder / f"{name}.properties", properties(settings))
    write_private(
        etc / "config.properties",
        properties({**_settings(layout, programs), **extra_settings}),
    )
    plugins = _plugins(layout)
    for name in _PLUGIN_FILES:
        (etc / name).unlink(missing_ok=True)
        if name in plugins:
            write_private(etc / name, properties(plugins[name]))
    (etc / "log.properties").write_text("io.trino=INFO\n")
    return Launch(
        name="trino",
        command=_command(layout, machine, programs, heap or _HEAP[layout.trino_version]),
        cwd=layout.folder("trino"),
        log=layout.log("trino"),
        port=layout.ports["trino"],
        ready=lambda: _answers(layout, frozenset(catalogs)),
        deadline=300,
        env=_secrets(layout),
    )


def _secrets(layout: Layout) -> dict[str, str]:
    """What a catalog made by a statement may name as `${ENV:…}`, so that no statement holds it."""
    if not layout.s3:
        return {}
    key, secret = USER, layout.passwords["s3"]
    # Under the usual names too, as a server in the field has them: `table optimize` names those.
    usual = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    return {S3_KEY: key, S3_SECRET: secret, **usual}


def _command(layout: Layout, machine: Machine, programs: Path, heap: str) -> list[str | Path]:
    etc = layout.home / "trino" / "etc"
    return [
        machine.jdk / "bin" / "java",
        f"-Xmx{heap}",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:ReservedCodeCacheSize=256M",
        "-Djdk.attach.allowAttachSelf=true",
        "-Dfile.encoding=UTF-8",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "--add-modules=jdk.incubator.vector",
        f"-Dconfig={etc / 'config.properties'}",
        f"-Dlog.levels-file={etc / 'log.properties'}",
        "-cp",
        _class_path(layout.trino_version, programs),
        *_main_class(layout.trino_version),
    ]


def _class_path(version: int, programs: Path) -> str:
    lib = f"{programs / 'lib'}/*"
    return lib if version <= _LAST_TARBALL else f"{programs / 'launcher'}:{lib}"


def _main_class(version: int) -> list[str]:
    """The tarball's main jar says its version itself; the modules' jars are told it."""
    return (
        ["io.trino.server.TrinoServer"] if version <= _LAST_TARBALL else ["Launcher", str(version)]
    )


def _settings(layout: Layout, programs: Path) -> dict[str, object]:
    return {
        "node.environment": "phlo_sql",
        "node.id": f"phlo-sql-{layout.name}",
        "node.internal-address": HOST,
        "node.bind-ip": HOST,
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": layout.ports["trino"],
        "discovery.uri": layout.url("trino"),
        "plugin.dir": programs / "plugin",
        "catalog.management": "dynamic",
        "query.max-memory": "1500MB",
        "query.max-memory-per-node": "1500MB",
        "memory.heap-headroom-per-node": "600MB",
    }


def _plugins(layout: Layout) -> dict[str, dict[str, object]]:
    files: dict[str, dict[str, object]] = {}
    if "opa" in layout.extras:
        files["access-control.properties"] = opa.access_control(layout)
        files["group-provider.properties"] = opa.groups(layout)
    if "events" in layout.extras:
        files["event-listener.properties"] = events.listener(layout)
    return files


def _catalogs(layout: Layout) -> dict[str, dict[str, object]]:
    catalogs: dict[str, dict[str, object]] = {
        CATALOG: _jdbc(layout, CATALOG, layout.warehouse_uri) | _local_files(layout.trino_version),
        "tpch": {"connector.name": "tpch", "tpch.splits-per-node": 2},
        "memory": {"connector.name": "memory"},
    }
    s3 = _s3(layout) if layout.s3 else {}
    if layout.s3:
        catalogs["iceberg_s3"] = _jdbc(layout, "iceberg_s3", f"s3://{BUCKET}/jdbc") | s3
    if "hive" in layout.extras:
        metastore = {"hive.metastore.uri": hive.uri(layout)}
        catalogs["hive"] = _HIVE | metastore | s3
        catalogs["iceberg_hive"] = _iceberg("hive_metastore") | metastore | s3
    if "glue" in layout.extras:
        glue = _glue(layout)
        catalogs["glue"] = _HIVE | {"hive.metastore": "glue"} | _NO_STATISTICS | glue | s3
        catalogs["iceberg_glue"] = _iceberg("glue") | glue | s3
    if "nessie" in layout.extras:
        catalogs["nessie"] = _nessie(layout) | s3
        catalogs[f"nessie_{BRANCH}"] = (
            _nessie(layout) | s3 | {"iceberg.rest-catalog.prefix": BRANCH}
        )
    return catalogs


def _jdbc(layout: Layout, name: str, warehouse: str) -> dict[str, object]:
    return {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "jdbc",
        "iceberg.jdbc-catalog.driver-class": "org.postgresql.Driver",
        "iceberg.jdbc-catalog.connection-url": layout.jdbc_url(),
        "iceberg.jdbc-catalog.connection-user": USER,
        "iceberg.jdbc-catalog.connection-password": layout.passwords["postgres"],
        "iceberg.jdbc-catalog.catalog-name": name,
        "iceberg.jdbc-catalog.default-warehouse-dir": warehouse,
        **_PROCEDURES,
    }


def _nessie(layout: Layout) -> dict[str, object]:
    return {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": f"{layout.url('nessie')}/iceberg",
        "iceberg.rest-catalog.warehouse": WAREHOUSE,
        **_PROCEDURES,
    }


def _iceberg(kind: str) -> dict[str, object]:
    return {"connector.name": "iceberg", "iceberg.catalog.type": kind, **_PROCEDURES}


def _glue(layout: Layout) -> dict[str, object]:
    return {
        "hive.metastore.glue.endpoint-url": layout.url("glue"),
        "hive.metastore.glue.region": REGION,
        "hive.metastore.glue.default-warehouse-dir": f"s3://{BUCKET}/glue",
        "hive.metastore.glue.aws-access-key": USER,
        "hive.metastore.glue.aws-secret-key": layout.passwords["s3"],
    }


def _local_files(version: int) -> dict[str, object]:
    switch = "fs.native-local.enabled" if version <= _LAST_TARBALL else "fs.local.enabled"
    return {switch: "true", "local.location": "/"}


def _s3(layout: Layout) -> dict[str, object]:
    version = layout.trino_version
    switch = "fs.native-s3.enabled" if version <= _LAST_TARBALL else "fs.s3.enabled"
    return {
        switch: "true",
        "s3.endpoint": layout.url("s3"),
        "s3.region": REGION,
        "s3.path-style-access": "true",
        "s3.aws-access-key": USER,
        "s3.aws-secret-key": layout.passwords["s3"],
    }


def scratch_storage(layout: Layout) -> dict[str, object]:
    """The file systems of a catalog that is made for one migration."""
    named = {
        "s3.aws-access-key": f"${{ENV:{S3_KEY}}}",
        "s3.aws-secret-key": f"${{ENV:{S3_SECRET}}}",
    }
    return _s3(layout) | named | _local_files(layout.trino_version)


def _answers(layout: Layout, catalogs: frozenset[str]) -> bool:
    """It says that it has started, and a query finds every catalog."""
    about = get(f"{layout.url('trino')}/v1/info")
    if not about or about.get("starting", True):
        return False
    from trino.dbapi import connect
    from trino.exceptions import Error, TrinoUserError

    opened = connect(host=HOST, port=layout.ports["trino"], user=USER, request_timeout=20)
    with contextlib.closing(opened) as connection:
        cursor = connection.cursor()
        try:
            cursor.execute("SHOW CATALOGS")
            shown = {row[0] for row in cursor.fetchall()}
            return catalogs <= shown or ("opa" in layout.extras and bool(shown))
        except TrinoUserError as error:
            # Policies may not know the stack's own user any more; the server stands all the same.
            return "opa" in layout.extras and error.error_name == "PERMISSION_DENIED"
        except (Error, OSError):
            return False
