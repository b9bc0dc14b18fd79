"""`table vacuum` on a catalog without refs: exactly the dead files go, and no other ever."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING

import pytest
from pyarrow.parquet import read_table

from tests.live.optimizing import document, shown
from tests.live.reclaiming import (
    SHORT,
    dead_file,
    killed,
    loaded,
    local,
    made,
    make_older,
    rows,
    stored,
    vacuum,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


class TestExactly:
    @pytest.mark.parametrize(
        "properties",
        ["", "partitioning = ARRAY['regionkey']", "object_store_layout_enabled = true"],
        ids=["plain", "partitioned", "object store layout"],
    )
    def test_what_is_listed_goes_and_nothing_else(
        self, properties: str, each_stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        stack = each_stack
        table = made(stack, make_schema(stack), "t", properties)
        stack.rows(f"DELETE FROM {table} WHERE nationkey = 3")
        stack.rows(f"ALTER TABLE {table} EXECUTE optimize")
        home = local(loaded(stack, table).location())
        orphans = {
            dead_file(home / "data" / "left-by-a-writer.parquet"),
            dead_file(home / "metadata" / "left-m0.avro"),
            dead_file(home / "data" / "deep" / "er" / "x.orc"),
        }
        young = dead_file(home / "data" / "being-written.parquet", age=-60)
        before, count = stored(stack, table), rows(stack, table)
        listed = tmp_path / "dead.csv"
        planned = vacuum(stack, table, *SHORT, "--dry-run", "--list", str(listed))
        assert planned["status"] == "planned", shown(planned)
        assert stored(stack, table) == before
        predicted = {each["path"]: int(each["size"]) for each in csv.DictReader(listed.open())}

        done = vacuum(stack, table, *SHORT, "--yes")
        after = stored(stack, table)
        gone = {path: size for path, size in before.items() if path not in after}
        assert done["status"] == "success", shown(done)
        assert gone == predicted
        assert orphans <= set(gone)
        assert young in after
        assert done["data"]["result"]["deleted_files"] == len(gone)
        assert done["data"]["result"]["deleted_bytes"] == sum(gone.values())
        assert all(check["ok"] for check in done["data"]["checks"])
        assert rows(stack, table) == count
        local(young).unlink()
        assert (
            vacuum(stack, table, "--older-than", "1h", "--allow-short-retention", "--yes")["status"]
            == "noop"
        )

    def test_on_an_object_store(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack, "iceberg_s3"))
        stack.rows(f"DELETE FROM {table} WHERE nationkey = 3")
        io, home = loaded(stack, table).io, loaded(stack, table).location()
        with io.new_output(f"{home}/data/left.parquet").create() as stream:
            stream.write(b"xyz")
        stack.rows("SELECT * FROM tpch.tiny.nation")
        before = stored(stack, table)
        time.sleep(2.1)
        listed = tmp_path / "dead.parquet"
        planned = vacuum(stack, table, *SHORT, "--dry-run", "--list", str(listed))
        done = vacuum(stack, table, *SHORT, "--yes")
        gone = set(before) - set(stored(stack, table))
        assert done["status"] == "success", shown(done)
        assert gone == set(planned["data"]["deleted_paths"])
        told = read_table(listed)
        assert gone == set(told["path"].to_pylist())
        assert {"size", "modified", "age_seconds", "why"} <= set(told.column_names)
        assert f"{home}/data/left.parquet" in gone
        assert rows(stack, table) == 48

    def test_branches_and_tags_of_the_table_itself(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = made(stack, make_schema(stack))
        opened = loaded(stack, table)
        first = opened.metadata.snapshots[0].snapshot_id
        current = opened.metadata.current_snapshot_id
        assert current is not None
        opened.manage_snapshots().create_tag(first, "audit").create_branch(current, "dev").commit()
        stack.rows(f"DELETE FROM {table} WHERE nationkey < 100")
        stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
        done = vacuum(stack, table, *SHORT, "--yes")
        assert done["status"] == "success", shown(done)
        assert done["data"]["result"]["expired_snapshots"] == 1
        assert stack.rows(f"SELECT count(*) FROM {table} FOR VERSION AS OF 'audit'") == [(25,)]
        assert stack.rows(f"SELECT count(*) FROM {table} FOR VERSION AS OF 'dev'") == [(50,)]

    def test_statistics_that_are_in_use_stay(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        stack = each_stack
        table = made(stack, make_schema(stack))
        stack.rows(f"ANALYZE {table}")
        make_older(stack, table)
        used = {each.statistics_path for each in loaded(stack, table).metadata.statistics}
        current = loaded(stack, table).metadata.current_snapshot_id
        [mine] = [
            each.statistics_path
            for each in loaded(stack, table).metadata.statistics
            if each.snapshot_id == current
        ]
        done = vacuum(stack, table, *SHORT, "--yes")
        assert done["status"] == "success", shown(done)
        assert mine in stored(stack, table)
        assert used & set(stored(stack, table)) == {mine}

    def test_deletion_vectors(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        table = made(stack, make_schema(stack), "t", "format_version = 3")
        for key in (1, 2, 3):
            stack.rows(f"DELETE FROM {table} WHERE nationkey = {key}")
        make_older(stack, table)
        done = vacuum(stack, table, *SHORT, "--yes")
        assert done["status"] == "success", shown(done)
        assert any(path.endswith(".puffin") for path in stored(stack, table))
        assert rows(stack, table) == 44


class TestAfterwards:
    def test_a_living_file_that_is_not_there_is_told(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        """Whoever deleted it: the run went as planned, and the table is not whole."""
        table = made(stack, make_schema(stack))
        [[path], *_] = stack.rows(f'SELECT file_path FROM {table[:-1]}"t$files"')
        dead_file(local(loaded(stack, table).location()) / "data" / "left.parquet")
        local(path).unlink()
        done = vacuum(stack, table, "--yes")
        assert done["exit_code"] == 4, shown(done)
        [wrong] = [check for check in done["data"]["checks"] if not check["ok"]]
        assert wrong["name"] == "live files that are there"
        assert path in wrong["actual"]

    def test_killed_at_each_step_and_run_again(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        """1 lowers a floor, 2 expires, 3 lowers the other, 4 removes."""
        table = made(stack, make_schema(stack))
        for step in (2, 3, 4):
            stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
            dead = dead_file(local(loaded(stack, table).location()) / "data" / f"{step}.parquet")
            time.sleep(1.1)  # --older-than 1s
            count = rows(stack, table)
            killed(stack, table, SHORT, step, tmp_path / str(step))
            assert rows(stack, table) == count
            again = vacuum(stack, table, *SHORT, "--yes")
            assert again["status"] in ("success", "noop"), shown(again)
            assert rows(stack, table) == count
            assert dead not in stored(stack, table)


class TestOtherTables:
    def refused(self, stack: Clients, table: str) -> str:
        before = stored(stack, table)
        for command in ("vacuum", "expire-snapshots"):
            found = document(stack, "table", command, table, *SHORT, "--yes")
            assert found["reason_code"] == "unsafe_deletion", shown(found)
            assert found["exit_code"] == 3
        assert stored(stack, table) == before
        return str(found["errors"][0])

    def test_a_location_that_another_table_shares(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack)
        table = made(stack, schema)
        make_older(stack, table)
        location = loaded(stack, table).location()
        name = schema.split(".")[1]
        stack.rows(
            f"CALL iceberg.system.register_table(schema_name => '{name}', table_name => 'twin', "
            f"table_location => '{location}')"
        )
        try:
            assert "same location" in self.refused(stack, table)
        finally:
            stack.rows(
                f"CALL iceberg.system.unregister_table(schema_name => '{name}', "
                "table_name => 'twin')"
            )
        assert vacuum(stack, table, *SHORT, "--yes")["status"] == "success"

    @pytest.mark.parametrize("which", ["inner", "outer"])
    def test_a_location_within_another(
        self, which: str, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack)
        outer = made(stack, schema, "outer_one")
        location = loaded(stack, outer).location()
        nested = made(stack, schema, "inner_one", f"location = '{location}/data/nested'")
        told = self.refused(stack, nested if which == "inner" else outer)
        assert "lies within" in told

    def test_files_that_another_table_took_over(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        """`add_files` into another table: neither table's metadata tells of the other."""
        schema = make_schema(stack, "iceberg_s3")
        source = made(stack, schema, "source")
        location = loaded(stack, source).location()
        stack.rows(f"CREATE TABLE {schema}.taker AS SELECT * FROM tpch.tiny.nation WITH NO DATA")
        stack.rows(
            f"ALTER TABLE {schema}.taker EXECUTE add_files(location => '{location}/data', "
            "format => 'PARQUET')"
        )
        stack.rows(f"DELETE FROM {source}")
        stack.rows(f"INSERT INTO {source} SELECT * FROM tpch.tiny.nation")
        time.sleep(2.1)
        assert "reads" in self.refused(stack, source)
        assert rows(stack, f"{schema}.taker") == 50

    def test_files_taken_over_from_elsewhere(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack, "iceberg_s3")
        source = made(stack, schema, "source")
        location = loaded(stack, source).location()
        taker = f"{schema}.taker"
        stack.rows(f"CREATE TABLE {taker} AS SELECT * FROM tpch.tiny.nation WITH NO DATA")
        stack.rows(
            f"ALTER TABLE {taker} EXECUTE add_files(location => '{location}/data', "
            "format => 'PARQUET')"
        )
        stack.rows(f"DELETE FROM {taker}")
        stack.rows(f"INSERT INTO {taker} SELECT * FROM tpch.tiny.nation")
        time.sleep(1.1)
        assert "outside" in self.refused(stack, taker)
        assert rows(stack, source) == 50

    def test_a_path_property_outside_of_the_location(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack))
        opened = loaded(stack, table)
        with opened.transaction() as change:
            change.set_properties({"write.data.path": f"file://{tmp_path}/elsewhere"})
        kept = dead_file(tmp_path / "elsewhere" / "not-looked-at.parquet")
        stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
        dead_file(local(opened.location()) / "data" / "dead.parquet")
        done = vacuum(stack, table, "--yes")
        assert done["status"] == "success", shown(done)
        assert any("write.data.path" in each for each in done["warnings"])
        assert local(kept).exists()
        assert rows(stack, table) == 75

    def test_a_location_provider(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        table = made(stack, make_schema(stack))
        with loaded(stack, table).transaction() as change:
            change.set_properties({"write.location-provider.impl": "com.example.Mine"})
        found = vacuum(stack, table, *SHORT, "--yes")
        assert found["reason_code"] == "unsafe_deletion"
        with loaded(stack, table).transaction() as change:
            change.remove_properties("write.location-provider.impl")

    def test_collection_switched_off(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        table = made(stack, make_schema(stack))
        with loaded(stack, table).transaction() as change:
            change.set_properties({"gc.enabled": "false"})
        dead_file(local(loaded(stack, table).location()) / "data" / "dead.parquet")
        assert vacuum(stack, table, "--yes")["reason_code"] == "unsafe_deletion"

    def test_live_data_where_trino_476_looks_for_metadata(
        self, stack_476: Clients, make_schema: Callable[..., str]
    ) -> None:
        """Trino 476 deletes below `metadata/` whatever is no metadata file."""
        stack = stack_476
        table = made(stack, make_schema(stack))
        home = loaded(stack, table).location()
        with loaded(stack, table).transaction() as change:
            change.set_properties({"write.data.path": f"{home}/metadata/data"})
        stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
        make_older(stack, table)
        before = stored(stack, table)
        found = vacuum(stack, table, "--yes")
        assert found["reason_code"] == "unsafe_deletion", shown(found)
        assert stored(stack, table) == before


def test_a_neighbour_with_a_type_unknown_to_the_planner_stops_nothing(
    stack: Clients, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(stack)
    table = f"{schema}.t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    stack.rows(f"CREATE TABLE {schema}.odd (v array(variant)) WITH (format_version = 3)")
    stack.rows(f"INSERT INTO {schema}.odd VALUES ARRAY[CAST(1 AS variant)]")
    make_older(stack, table)
    dead = dead_file(local(loaded(stack, table).location()) / "data" / "left.parquet")
    done = vacuum(stack, table, "--yes")
    assert done["status"] == "success", shown(done)
    assert done["data"]["result"]["deleted_files"] == 1
    assert dead not in stored(stack, table)
    assert rows(stack, f"{schema}.odd") == 1
