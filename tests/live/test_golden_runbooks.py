"""The statements of every golden runbook, one by one, on the server that they were made for."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from trino.exceptions import TrinoExternalError

from phlo_sql import dialect, runbook
from phlo_sql.plan import UNMOVED
from phlo_sql.runbook import sealing
from tests.live import trino_cli
from tests.live.second_catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.plan import Check
    from phlo_sql.stack.clients import Clients

# `iceberg.sales` and the catalogs that the files name belong to one test at a time
pytestmark = [pytest.mark.live, pytest.mark.xdist_group("shown")]
ROOT = Path(__file__).parent.parent.parent / "sql" / "runbooks"
COMMANDS = (
    "runbook-undo",
    "schema-evolve",
    "table-expire-snapshots",
    "table-optimize",
    "table-vacuum",
)
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for command in COMMANDS
    for path in (ROOT / command).rglob("*.sql")
)
MADE_UP = "s3://lake/sales/orders"
"""Where the golden tables are said to be."""
SNAPSHOT = 8954597067493422955
"""Where the undone runbooks are said to have begun."""
EVOLVED = """ (
    id integer NOT NULL, a bigint, b varchar, address row(city varchar, street varchar),
    attrs map(varchar, row(k integer)), "we""ird; --" date, day date)
    WITH (partitioning = ARRAY['day(day)'], sorted_by = ARRAY['a'])"""
PLAIN = " (id bigint NOT NULL, ts timestamp(6) with time zone, amount decimal(12, 2))"
BY_DAY = PLAIN + " WITH (partitioning = ARRAY['day(ts)'])"
HOSTILE = 'iceberg."we""ird"."a.b; drop table x --"'


@pytest.fixture
def server(request: pytest.FixtureRequest, file: str) -> Clients:
    version = file.split("/")[1]
    found: Clients = request.getfixturevalue("stack" if version == "483" else "stack_476")
    return found


@pytest.fixture
def table(server: Clients, file: str, sales_alone: None) -> Iterator[str]:
    """The table that the file is for, with three days of rows in six files."""
    command, _, name = file.split("/")
    called = HOSTILE if (command, name) == ("table-optimize", "hostile-name.sql") else None
    called = called or "iceberg.sales.orders"
    schema = called.split(".")[1]
    server.rows(f"DROP SCHEMA IF EXISTS iceberg.{schema} CASCADE")
    try:
        server.rows(f"CREATE SCHEMA iceberg.{schema}")
    except TrinoExternalError:  # a JDBC catalog's very first statements, on a busy machine
        time.sleep(3)
        server.rows(f"CREATE SCHEMA IF NOT EXISTS iceberg.{schema}")
    days = name in {"partitions.sql", "slices.sql", "where-widened.sql"}
    evolved = "columns" in name or "names" in name or command == "schema-evolve"
    columns = EVOLVED if evolved else BY_DAY if days else PLAIN
    server.rows(f"CREATE TABLE {called}{columns}")
    for day in (1, 2, 3) * 2:
        if evolved:
            row = f"{day}, 1, 'b', ROW('c', 's'), map(), NULL, DATE '2026-01-0{day}'"
        else:
            row = f"{day}, TIMESTAMP '2026-01-0{day} 01:00:00 UTC', 1.5"
        server.rows(f"INSERT INTO {called} VALUES ({row})")
    if name.startswith("added-columns"):  # what it takes back
        server.rows(f"ALTER TABLE {called} ADD COLUMN note varchar")
        server.rows(f"ALTER TABLE {called} ADD COLUMN address.zip varchar")
    yield called
    server.rows(f"DROP SCHEMA IF EXISTS iceberg.{schema} CASCADE")


def answers(cursor: Any, checks: tuple[Check, ...], version: int) -> dict[str, str]:
    found = {}
    for check in checks:
        rows = cursor.execute(dialect.render(check.query, version=version)).fetchall()
        found[check.name] = str(rows)
        if check.name != UNMOVED and check.expected is not None:
            found[f"{check.name}, as text"] = str(rows[0][0]) if rows else ""
    return found


def real(text: str, server: Clients, table: str) -> str:
    """The file with this table's own paths, and a metadata file of the name that it asks for."""
    [[latest]] = server.rows(
        f"""SELECT file FROM {table.replace("orders", '"orders$metadata_log_entries"')}
        ORDER BY "timestamp" DESC LIMIT 1"""
    )
    if "metadata_file_name => '" in text:
        wanted = text.split("metadata_file_name => '")[1].split("'")[0]
        path = Path(urlsplit(latest).path)
        shutil.copy(path, path.with_name(wanted))
    history = table.replace("orders", '"orders$history"')
    [[snapshot]] = server.rows(f"SELECT min_by(snapshot_id, made_current_at) FROM {history}")
    text = text.replace(str(SNAPSHOT), str(snapshot))
    paths = server.rows(f'SELECT DISTINCT "$path" FROM {table} ORDER BY 1')
    for number, (path,) in enumerate(paths):
        text = text.replace(f"'{MADE_UP}/data/{number:05}.parquet'", f"'{path}'")
    text = text.replace(f"'{MADE_UP}'", f"'{latest.rsplit('/metadata/', 1)[0]}'")
    blank = f"-- digest:    sha256:{'0' * 64}"
    return sealing.sealed(re.sub("^-- digest: .*$", blank, text, count=1, flags=re.MULTILINE))


@contextmanager
def ready(server: Clients, table: str, file: str, folder: Path) -> Iterator[str]:
    """The file's text for this table, while the catalogs stand that it names."""
    command, version, name = file.split("/")
    assert server.version == int(version)
    text = (ROOT / file).read_text(encoding="utf-8")
    with ExitStack() as more:
        if name == "nessie-branch.sql":
            more.enter_context(catalog(server, folder, "iceberg_dev"))
        if name == "nessie-all-refs.sql":
            enabled = {"iceberg.register-table-procedure.enabled": "true"}
            more.enter_context(catalog(server, folder, "scratch", **enabled))
        if name in {"nessie-all-refs.sql", "groups-of-files.sql"} or command == "runbook-undo":
            text = real(text, server, table)
        yield text


SHORT = {
    f"iceberg.{procedure}_min_retention": "1d"
    for procedure in ("expire_snapshots", "remove_orphan_files")
}
"""The golden server's floor is a day in `short-retention.sql`."""


@pytest.mark.parametrize("file", FILES)
def test_each_statement_runs(server: Clients, table: str, file: str, tmp_path: Path) -> None:
    command, _, name = file.split("/")
    expected = runbook.read((ROOT / file).read_text(encoding="utf-8")).plan
    short = SHORT if name == "short-retention.sql" else {}
    with (
        ready(server, table, file, tmp_path) as text,
        server.trino(session_properties=short) as connection,
    ):
        cursor = connection.cursor()
        ran = 0
        first: dict[str, str] = {}
        for step in runbook.read(text).plan.steps:
            first |= answers(cursor, step.prechecks, server.version)
            cursor.execute(dialect.render(step.statement, version=server.version)).fetchall()
            after = answers(cursor, step.checks, server.version)
            ran += 1
            for check in step.checks:
                if check.expected is None:
                    assert after[check.name] == first[check.name], (file, step.id)
                elif command == "schema-evolve":
                    assert after[f"{check.name}, as text"] == check.expected, (file, step.id)
        assert ran == len(expected.steps)
    assert ran or name == "nothing-to-do.sql"


@pytest.fixture(scope="module")
def cli() -> tuple[str, ...]:
    return trino_cli.command()


@pytest.mark.parametrize("file", FILES)
def test_trinos_own_cli_runs_the_file(
    server: Clients, table: str, file: str, tmp_path: Path, cli: tuple[str, ...]
) -> None:
    short = SHORT if file.endswith("/short-retention.sql") else {}
    words = [word for each in short.items() for word in ("--session", "=".join(each))]
    with ready(server, table, file, tmp_path) as text:
        path = tmp_path / "runbook.sql"
        path.write_text(text, encoding="utf-8", newline="\n")
        ran = trino_cli.run_file(cli, server, path, *words)
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
