"""What lies in a table's location, by a listing of its own, and files made old."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.live.optimizing import PHLO_SQL, document

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyiceberg.table import Table

    from phlo_sql.model.names import TableName
    from phlo_sql.stack.clients import Clients

SHORT = ("--older-than", "1s", "--allow-short-retention")
DAY = 86400.0


def loaded(stack: Clients, table: str | TableName) -> Table:
    if isinstance(table, str):
        catalog, _, name = table.partition(".")
        return stack.pyiceberg(catalog).load_table(name)
    return stack.pyiceberg(table.catalog).load_table(table.identifier)


def stored(stack: Clients, table: str | TableName) -> dict[str, int]:
    """Paths and sizes of all files in the location."""
    from pyarrow.fs import FileSelector, FileType
    from pyiceberg.io.pyarrow import PyArrowFileIO

    found = loaded(stack, table)
    assert isinstance(found.io, PyArrowFileIO)
    scheme, rest = found.location().split("://", 1)
    system = found.io.fs_by_scheme(scheme, None if scheme == "file" else rest.split("/", 1)[0])
    infos = system.get_file_info(FileSelector(rest, recursive=True))
    return {f"{scheme}://{i.path}": i.size for i in infos if i.type == FileType.File}


def local(location: str) -> Path:
    return Path(location.removeprefix("file://"))


def dead_file(path: Path, *, age: float = 8 * DAY, size: int = 100) -> str:
    """A file that nothing references, modified `age` seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return f"file://{path}"


def make_older(stack: Clients, table: str | TableName, age: float = 8 * DAY) -> None:
    """All files of a local table, as if they were written `age` seconds ago."""
    moment = time.time() - age
    for path in stored(stack, table):
        os.utime(local(path), (moment, moment))


def rewritten(stack: Clients, table: str, change: Callable[[dict[str, Any]], None]) -> None:
    """A local table whose metadata is as `change` makes it: registered anew from a file."""
    opened = loaded(stack, table)
    told: dict[str, Any] = json.loads(local(opened.metadata_location).read_text())
    change(told)
    name = f"00099-{uuid.uuid4()}.metadata.json"
    (local(opened.location()) / "metadata" / name).write_text(json.dumps(told))
    _, schema, own = table.split(".")
    at = f"schema_name => '{schema}', table_name => '{own}'"
    stack.rows(f"CALL iceberg.system.unregister_table({at})")
    stack.rows(
        f"CALL iceberg.system.register_table({at}, table_location => '{opened.location()}', "
        f"metadata_file_name => '{name}')"
    )


def committed(days: Sequence[float]) -> Callable[[dict[str, Any]], None]:
    """The snapshots as if they were made so many days ago, in their order."""
    moments = [int((time.time() - each * DAY) * 1000) for each in days]

    def change(told: dict[str, Any]) -> None:
        order = sorted(told["snapshots"], key=lambda each: int(each["sequence-number"]))
        for snapshot, moment in zip(order, moments, strict=True):
            snapshot["timestamp-ms"] = moment
        told["last-updated-ms"] = moments[-1]
        told["metadata-log"] = []
        told["snapshot-log"] = [
            {"snapshot-id": each["snapshot-id"], "timestamp-ms": each["timestamp-ms"]}
            for each in order
        ]

    return change


def made(stack: Clients, schema: str, name: str = "t", properties: str = "") -> str:
    table = f"{schema}.{name}"
    with_ = f" WITH ({properties})" if properties else ""
    stack.rows(f"CREATE TABLE {table}{with_} AS SELECT * FROM tpch.tiny.nation")
    stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
    return table


def vacuum(stack: Clients, table: str, *words: str) -> dict[str, Any]:
    return document(stack, "table", "vacuum", table, *words)


def killed(stack: Clients, table: str, words: Sequence[str], step: int, state: Path) -> None:
    """Start a vacuum, and kill it when its journal says that the step began."""
    line = [PHLO_SQL, "table", "vacuum", table, *words, "--yes", "--quiet", "--json"]
    env = {**stack.subprocess_env, "XDG_STATE_HOME": str(state)}
    with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if any(event.get("step") == step for event in _journal(state)):
                process.kill()
            time.sleep(0.002)


def _journal(state: Path) -> list[dict[str, Any]]:
    found = state / "phlo-sql" / "operations.jsonl"
    if not found.exists():
        return []
    return [json.loads(line) for line in found.read_text().split("\n")[:-1]]


def rows(stack: Clients, table: str) -> int:
    [[count]] = stack.rows(f"SELECT count(*) FROM {table}")
    return int(count)
