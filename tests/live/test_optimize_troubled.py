"""What goes wrong while `table optimize` runs, made to happen: a conflict, a kill, lost rows."""

from __future__ import annotations

import io
import json
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tests.live.optimizing import PHLO_SQL, document, files, ran
from tests.live.stopping import events, killed
from tests.live.test_optimize_slices import days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
FIRST_DAY = "day = DATE '2026-01-01'"


class CatalogRow:
    """A table's row in the JDBC catalog: where its metadata is, read and written by hand."""

    def __init__(self, stack: Clients, table: str) -> None:
        self.stack = stack
        self.key = tuple(table.split(".")[1:])

    def location(self) -> str:
        with self.stack.postgres() as connection:
            asked = "SELECT metadata_location FROM iceberg_tables WHERE {}"
            row = connection.execute(asked.format(_KEY), self.key).fetchone()
            assert row is not None
            return str(row[0])

    def point_at(self, location: str) -> None:
        with self.stack.postgres() as connection:
            told = "UPDATE iceberg_tables SET metadata_location = %s WHERE {}"
            connection.execute(told.format(_KEY), (location, *self.key))

    @contextmanager
    def commits_wait(self, until: str) -> Iterator[Callable[[], None]]:
        """Nobody can commit to the table inside; reading goes on. At the end it has the metadata
        `until`. What is given waits until somebody tries to commit."""
        with self.stack.postgres() as holder, self.stack.postgres(autocommit=True) as looking:
            told = "UPDATE iceberg_tables SET metadata_location = %s WHERE {}"
            holder.execute(told.format(_KEY), (until, *self.key))
            asked = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"

            def somebody_waits() -> None:
                deadline = time.monotonic() + 200
                while looking.execute(asked, (holder.info.backend_pid,)).fetchone() is None:
                    assert time.monotonic() < deadline, "nobody came to commit"
                    time.sleep(0.1)

            yield somebody_waits
            holder.commit()


_KEY = "table_namespace = %s AND table_name = %s"


@pytest.mark.parametrize(
    ("writes", "needed", "rows", "left"),
    [
        (f"DELETE FROM {{}} WHERE {FIRST_DAY} AND note = 'turn 0'", True, 3, 2),
        (f"DELETE FROM {{}} WHERE {FIRST_DAY}", False, 2, 1),
    ],
    ids=["rows-deleted", "partition-gone"],
)
def test_a_conflict_is_planned_again(
    writes: str,
    needed: bool,  # noqa: FBT001 - a case's fact
    rows: int,
    left: int,
    each_stack: Clients,
    make_schema: Callable[..., str],
    tmp_path: Path,
) -> None:
    """Another writer's commit lies between a slice's start and its commit: the slice reads the
    older metadata, comes to commit, waits for the row's lock, and then finds the newer."""
    stack = each_stack
    table = days(stack, make_schema(stack), partitions=2, turns=2)
    row = CatalogRow(stack, table)
    older = row.location()
    stack.rows(writes.format(table))
    newer = row.location()
    row.point_at(older)
    with row.commits_wait(until=newer) as somebody_waits:
        started = subprocess.Popen(
            [PHLO_SQL, "table", "optimize", table, "--max-slice-files", "2", "--yes", "--json"],
            env={**stack.subprocess_env, "XDG_STATE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        somebody_waits()
    out, err = started.communicate(timeout=300)
    done = json.loads(out)
    assert (done["status"], done["exit_code"]) == ("success", 0), done
    assert "another writer committed first; planning it again" in err
    [again] = [each for each in events(tmp_path) if each["event"] == "step planned again"]
    assert again["needed"] is needed
    assert done["data"]["remaining"] == []
    assert stack.rows(f"SELECT count(*) FROM {table}") == [(rows,)]
    assert len(files(stack, table)) == left
    assert any("others wrote" in warning for warning in done["warnings"])


def test_killed_and_gone_on_with(
    each_stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    """SIGKILL before the second slice: the first one stands, and so does the size of this run."""
    stack = each_stack
    own = ", target_max_file_size = '300MB'" if stack.version >= 482 else ""
    table = days(stack, make_schema(stack), partitions=3, turns=2)
    if own:
        stack.rows(f"ALTER TABLE {table} SET PROPERTIES target_max_file_size = '300MB'")
    words = ("table", "optimize", table)
    bounds = ("--max-slice-files", "2", "--target-file-size", "200MB")
    killed(stack, tmp_path, "step started", 3, *words, *bounds)
    assert len(files(stack, table)) == 5

    done = ran(stack, tmp_path, *words, "--resume", "--yes")
    assert done["status"] == "success", done
    slices = [s for s in done["data"]["plan"]["steps"] if "EXECUTE" in s["sql"]]
    assert len(slices) == 2
    assert len(files(stack, table)) == 3
    assert stack.rows(f"SELECT count(*) FROM {table}") == [(6,)]
    [[ddl]] = stack.rows(f"SHOW CREATE TABLE {table}")
    assert ("300MB" in ddl) is bool(own)
    assert ran(stack, tmp_path, *words, *bounds, "--yes")["status"] == "noop"


def shorten(path: Path) -> None:
    """Half of a Parquet file's rows are lost, and its size is as before."""
    size, whole = path.stat().st_size, pq.read_table(path)
    written = io.BytesIO()
    pq.write_table(whole.slice(0, whole.num_rows // 2), written, compression="zstd")
    content = written.getvalue()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    padding = bytes(size - len(content))
    path.write_bytes(content[:footer] + padding + content[footer:])


def test_lost_rows_are_told_by_partition_with_the_way_back(
    each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    """A file of one day has fewer rows than its metadata says, so a rewriting loses them."""
    stack = each_stack
    table = f"{make_schema(stack)}.t"
    stack.rows(
        f"CREATE TABLE {table} (id bigint, day date, note varchar) "
        "WITH (partitioning = ARRAY['day'])"
    )
    for _ in range(2):
        stack.rows(
            f"INSERT INTO {table} SELECT orderkey, date_add('day', orderkey % 2, "
            "DATE '2026-01-01'), comment FROM tpch.tiny.orders"
        )
    [[snapshot]] = stack.rows(f"SELECT max_by(snapshot_id, committed_at) FROM {_snapshots(table)}")
    before = files(stack, table)
    broken = next(path for path, _ in sorted(before) if "2026-01-02" in path)
    shorten(Path(broken.removeprefix("local://").removeprefix("file://")))

    ended = document(stack, "table", "optimize", table, "--yes")
    assert (ended["reason_code"], ended["exit_code"]) == ("not_verified", 4), ended
    [error] = [line for line in ended["errors"] if "check recorded-rows" in line]
    assert "2026-01-02" in error
    assert "2026-01-01" not in error
    back = ended["next_steps"][0]["command"]
    assert "rollback_to_snapshot" in back
    assert str(snapshot) in back
    stack.rows(back.rstrip(";"))
    assert files(stack, table) == before


def _snapshots(table: str) -> str:
    schema, name = table.rsplit(".", 1)
    return f'{schema}."{name}$snapshots"'


def test_nothing_runs_that_cannot_be_recorded(
    stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    table = days(stack, make_schema(stack), partitions=1, turns=2)
    before, state = files(stack, table), tmp_path / "a file"
    state.touch()
    found = ran(stack, state, "table", "optimize", table, "--yes")
    assert (found["reason_code"], found["exit_code"]) == ("not_writable", 1), found
    assert str(state) in found["errors"][0]
    assert files(stack, table) == before
