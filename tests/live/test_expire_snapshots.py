"""`table expire-snapshots`: which snapshots go and which files, compared with what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.optimizing import document
from tests.live.reclaiming import SHORT, loaded, rows, stored

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
    assert done["status"] == "success", done
    gone = set(before) - set(stored(stack, table))
    assert gone == set(planned["data"]["deleted_paths"])
    kept = {each["snapshot_id"] for each in planned["data"]["snapshots"] if each["kept"]}
    loaded(stack, table).refresh()
    assert {each.snapshot_id for each in loaded(stack, table).metadata.snapshots} == kept
    assert rows(stack, table) == 48


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
    assert found["reason_code"] == "gc_disabled", found
    assert "by hand" in found["errors"][0]
