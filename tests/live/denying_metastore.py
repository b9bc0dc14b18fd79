"""A second metastore over the same tables, with a listener that decides who reads what, as those of
Ranger and of Hive do: it lets nobody read a database, or a table's partitions, called `denied…`."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from phlo_sql.errors import PhloSqlError
from phlo_sql.observe.hive_client import connected
from phlo_sql.stack import distribution, machine, ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

_LISTENER = """
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hive.metastore.MetaStorePreEventListener;
import org.apache.hadoop.hive.metastore.api.MetaException;
import org.apache.hadoop.hive.metastore.events.*;

public class Denying extends MetaStorePreEventListener {
    public Denying(Configuration conf) { super(conf); }

    @Override
    public void onEvent(PreEventContext event) throws MetaException {
        if (event instanceof PreReadDatabaseEvent read) {
            check(read.getDatabase().getName());
        }
        if (event instanceof PreReadTableEvent read) {
            check(read.getTable().getTableName());
        }
    }

    private static void check(String name) throws MetaException {
        if (name.startsWith("denied")) {
            throw new MetaException(
                "Permission denied: user [phlo] has no [SELECT] privilege on [" + name + "]");
        }
    }
}
"""


@contextmanager
def denying(stack: Clients, folder: Path) -> Iterator[str]:
    """Its address."""
    programs = machine.find(s3=True, hive=True)
    classes = f"{distribution.metastore(programs, lambda _text: None) / 'lib'}/*"
    source = folder / "Denying.java"
    source.write_text(_LISTENER)
    subprocess.run(
        [programs.jdk / "bin" / "javac", "--release", "17", "-cp", classes, "-d", folder, source],
        check=True,
        capture_output=True,
    )
    (folder / "metastore-site.xml").write_text(_site(stack))
    port = ports.choose(("denying",), {}, {})["denying"]
    command = [
        f"{programs.hive_jdk}/bin/java",
        "-Xmx256m",
        *(f"--add-opens=java.base/java.{each}=ALL-UNNAMED" for each in ("lang", "net", "util")),
        *("-cp", f"{folder}:{classes}"),
        *("org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", str(port)),
    ]
    uri = f"thrift://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ), cwd=folder)
        try:
            _await(uri, server)
            yield uri
        finally:
            server.terminate()
            server.wait(30)


def _await(uri: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with connected(uri) as client:
                client.get_all_databases()
        except PhloSqlError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the second metastore does not start")


def _site(stack: Clients) -> str:
    env = stack.env
    database = f"jdbc:postgresql://{env['POSTGRES_HOST']}:{env['POSTGRES_PORT']}/metastore"
    settings = {
        "metastore.warehouse.dir": "file:///nowhere",
        "javax.jdo.option.ConnectionURL": database,
        "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
        "javax.jdo.option.ConnectionUserName": env["POSTGRES_USER"],
        "javax.jdo.option.ConnectionPassword": env["POSTGRES_PASSWORD"],
        "datanucleus.schema.autoCreateAll": "false",
        "metastore.metadata.transformer.class": " ",
        "metastore.pre.event.listeners": "Denying",
    }
    lines = (
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>"
        for name, value in settings.items()
    )
    return f'<?xml version="1.0"?><configuration>{"".join(lines)}</configuration>'
