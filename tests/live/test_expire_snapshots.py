"""`table expire-snapshots`: which snapshots go and which files, compared with what happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.live.optimizing import document, shown
from tests.live.reclaiming import SHORT, committed, loaded, rewritten, rows, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


@pytest.mark.parametrize("keep", [None, 2])
def test_what_is_listed_goes_and_nothing_else(
    keep: int | None, each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    stack = each_stack
    table = make_schema(stack) + ".t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
    stack.rows(f"ALTER TABLE {table} EXECUTE optimize")
    stack.rows(f"DELETE FROM {table} WHERE nationkey = 1")
    words = [*SHORT, *(["--keep-last", str(keep)] if keep and stack.version >= 479 else [])]
    before = stored(stack, table)
    planned = document(stack, "table", "expire-snapshots", table, *words, "--dry-run")
    done = document(stack, "table", "expire-snapshots", table, *words, "--yes")
    assert done["status"] == "success", shown(done)
    gone = set(before) - set(stored(stack, table))
    assert gone == set(planned["data"]["deleted_paths"])
    kept = {each["snapshot_id"] for each in planned["data"]["snapshots"] if each["kept"]}
    loaded(stack, table).refresh()
    assert {each.snapshot_id for each in loaded(stack, table).metadata.snapshots} == kept
    assert rows(stack, table) == 48


def test_the_last_are_kept_whatever_their_age(
    each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    """By `retain_last` where the server has it, by an age that does the same where it does not."""
    stack = each_stack
    table = make_schema(stack) + ".t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    for key in range(3):
        stack.rows(f"DELETE FROM {table} WHERE nationkey = {key}")
    rewritten(stack, table, committed((40, 30, 20, 10)))
    ids = [each.snapshot_id for each in loaded(stack, table).metadata.snapshots]
    before = stored(stack, table)
    words = ("--older-than", "7d", "--keep-last", "2")
    planned = document(stack, "table", "expire-snapshots", table, *words, "--dry-run")
    done = document(stack, "table", "expire-snapshots", table, *words, "--yes")
    assert done["status"] == "success", shown(done)
    assert set(before) - set(stored(stack, table)) == set(planned["data"]["deleted_paths"])
    left = loaded(stack, table).metadata.snapshots
    assert [each.snapshot_id for each in left] == ids[2:]
    assert rows(stack, table) == 22


def test_a_branch_and_a_tag_keep_by_their_own_retention(
    each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    stack = each_stack
    table = make_schema(stack) + ".t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    for key in range(3):
        stack.rows(f"DELETE FROM {table} WHERE nationkey = {key}")
    ids = [each.snapshot_id for each in loaded(stack, table).metadata.snapshots]
    with loaded(stack, table).manage_snapshots() as refs:
        refs.create_branch(
            ids[2], "dev", max_snapshot_age_ms=30 * 86_400_000, min_snapshots_to_keep=1
        )
        refs.create_tag(ids[0], "gone", max_ref_age_ms=1)
    time.sleep(1.1)  # --older-than 1s
    before = stored(stack, table)
    planned = document(stack, "table", "expire-snapshots", table, *SHORT, "--dry-run")
    kept = {each["snapshot_id"] for each in planned["data"]["snapshots"] if each["kept"]}
    assert kept == set(ids), planned  # dev keeps all of its own history for thirty days
    assert any("tag gone" in each for each in planned["warnings"])
    with loaded(stack, table).manage_snapshots() as refs:
        refs.remove_branch("dev")
    with loaded(stack, table).manage_snapshots() as refs:
        refs.create_branch(ids[2], "dev", max_snapshot_age_ms=1, min_snapshots_to_keep=1)
    before = stored(stack, table)
    planned = document(stack, "table", "expire-snapshots", table, *SHORT, "--dry-run")
    kept = {each["snapshot_id"] for each in planned["data"]["snapshots"] if each["kept"]}
    assert kept == {ids[2], ids[3]}
    done = document(stack, "table", "expire-snapshots", table, *SHORT, "--yes")
    assert done["status"] == "success", shown(done)
    assert set(before) - set(stored(stack, table)) == set(planned["data"]["deleted_paths"])
    left = loaded(stack, table).metadata
    assert {each.snapshot_id for each in left.snapshots} == kept
    assert "gone" not in left.refs


def test_unused_schemas_go_where_the_server_can(
    each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    stack = each_stack
    table = make_schema(stack) + ".t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    stack.rows(f"ALTER TABLE {table} ADD COLUMN more integer")
    stack.rows(f"INSERT INTO {table} (nationkey, more) VALUES (99, 1)")
    time.sleep(1.1)  # --older-than 1s
    words = (*SHORT, "--clean-expired-metadata", "--yes")
    done = document(stack, "table", "expire-snapshots", table, *words)
    if stack.version < 479:
        assert done["reason_code"] == "unsupported_version", shown(done)
        assert "479" in done["errors"][0]
        return
    assert done["status"] == "success", shown(done)
    assert len(loaded(stack, table).metadata.schemas) == 1


def test_nessie_is_explained_and_vacuum_named(
    stack: Clients, make_schema: Callable[..., str]
) -> None:
    table = make_schema(stack, "nessie") + ".t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    found = document(stack, "table", "expire-snapshots", table, "--yes")
    assert found["reason_code"] == "gc_disabled"
    assert found["exit_code"] == 3
    assert "one snapshot per commit" in found["errors"][0]


def test_collection_switched_on_by_hand_on_nessie_is_refused(
    stack: Clients, make_schema: Callable[..., str]
) -> None:
    table = make_schema(stack, "nessie") + ".t"
    stack.rows(f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.nation")
    with loaded(stack, table).transaction() as change:
        change.set_properties({"gc.enabled": "true"})
    found = document(stack, "table", "expire-snapshots", table, *SHORT, "--yes")
    assert found["reason_code"] == "gc_disabled", shown(found)
    assert "by hand" in found["errors"][0]
