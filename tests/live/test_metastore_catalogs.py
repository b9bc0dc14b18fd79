"""Iceberg tables whose catalog is a Hive metastore or Glue: planned as those of any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql.cli import cli
from phlo_sql.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]


@pytest.mark.parametrize("catalog", ["iceberg_hive", "iceberg_glue"])
def test_stats_and_the_dry_run_of_optimize(
    hive_stack: Clients,
    make_schema: Callable[..., str],
    catalog: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = f"{make_schema(hive_stack, catalog)}.t"
    hive_stack.rows(f"CREATE TABLE {table} (a bigint, d date) WITH (partitioning = ARRAY['d'])")
    for number in range(3):
        hive_stack.rows(f"INSERT INTO {table} VALUES ({number}, DATE '2026-01-01')")
    for name, value in hive_stack.env.items():
        monkeypatch.setenv(name, value)

    def document(*argv: str) -> Any:
        capsys.readouterr()
        assert run(cli, ["table", *argv, "--json", "--quiet"]) == 0
        return json.loads(capsys.readouterr().out)["data"]

    stats = document("stats", table)["stats"]
    assert [(stats["data_files"], stats["rows"])] == hive_stack.rows(
        f'SELECT count(*), sum(record_count) FROM {table.rpartition(".")[0]}."t$files"'
    )
    predicted = document("optimize", table, "--dry-run")["plan"]["predicts"]
    assert predicted["rewritten_data_files"] == 3
    done = document("optimize", table, "--yes")["result"]
    assert done["rewritten_data_files"] == 3
