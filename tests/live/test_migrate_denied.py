"""A metastore that lets this user read some of what it has: the rest is told by name."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.live.denying_metastore import denying
from tests.live.hive_tables import states, tell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.migrating import Bench

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]


def test_what_may_not_be_read_is_named_and_the_rest_comes_over(
    hive_bench: Bench, source: str, target: str, tmp_path: Path
) -> None:
    bench, own = hive_bench, hive_bench.stack.env["HIVE_METASTORE_URI"]
    closed = f"denied{uuid.uuid4().hex[:8]}"
    for name in ("open", "denied"):
        bench.put(f"{name}/k=x/1.parquet", pa.table({"id": [1, 2]}))
        folders = {"x": f"{bench.folder}/{name}/k=x"}
        tell(own, source, name, f"{bench.folder}/{name}", keys=["k"], partitions=folders)
    bench.stack.rows(f"CREATE SCHEMA hive.{closed}")
    folder = tmp_path / "metastore"
    folder.mkdir()
    with denying(bench.stack, folder) as uri:
        words = ("from-hive", "--uri", uri, "--target", target, "--database")
        refused = bench(*words, closed, "--dry-run", expect=3)
        assert refused["reason_code"] == "permission_denied"
        assert closed in refused["data"]["error"]["problem"]

        alone = bench(*words, source, "--table", "denied", "--yes", expect=3)
        assert alone["reason_code"] == "permission_denied"
        assert f"{source}.denied" in alone["data"]["error"]["problem"]

        planned = bench(*words, source, "--dry-run")
        assert states(planned) == {"open": "planned", "denied": "refused"}
        done = bench(*words, source, "--yes", expect=1)
        assert states(done) == {"open": "success", "denied": "failed"}
    assert bench.stack.rows(f"SELECT count(*) FROM {target}.open") == [(2,)]
    assert bench.stack.rows(f"SHOW TABLES FROM {target}") == [("open",)]
    bench.stack.rows(f"DROP SCHEMA hive.{closed}")
