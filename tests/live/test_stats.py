"""`table stats` against the server's own metadata tables, and its page in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.live import forked
from tests.live.browser import opened
from tests.live.two_refs import two_refs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


def run(stack: Clients, *words: str) -> subprocess.CompletedProcess[str]:
    return forked.run(["table", "stats", *words], env=stack.subprocess_env)


def document(stack: Clients, *words: str) -> Any:
    ran = run(stack, *words, "--json")
    assert ran.returncode == 0, ran.stdout
    return json.loads(ran.stdout)["data"]


@pytest.fixture
def schema(stack: Clients, make_schema: Callable[..., str]) -> str:
    """Two tables: `days` with four partitions, seven small files and a delete file; `empty`."""
    name = make_schema(stack)
    stack.rows(f"CREATE TABLE {name}.days (d date, a bigint) WITH (partitioning = ARRAY['d'])")
    for day in range(1, 5):
        stack.rows(f"INSERT INTO {name}.days VALUES (DATE '2026-01-0{day}', {day})")
    for value in range(3):
        stack.rows(f"INSERT INTO {name}.days VALUES (DATE '2026-01-01', {10 + value})")
    stack.rows(f"DELETE FROM {name}.days WHERE a = 10")
    stack.rows(f'CREATE TABLE {name}.empty ("a b" bigint)')
    return name


def test_figures_are_the_server_s(stack: Clients, schema: str) -> None:
    stats = document(stack, f"{schema}.days")["stats"]
    columns = "content, count(*), sum(file_size_in_bytes)"
    asked = f'SELECT {columns} FROM {schema}."days$files" GROUP BY content'
    by_content = {content: (count, size) for content, count, size in stack.rows(asked)}
    assert stats["data_files"] == by_content[0][0]
    assert stats["data_bytes"] == by_content[0][1]
    assert stats["position_delete_files"] == by_content.get(1, (0, 0))[0]
    assert stats["size_bytes"] == sum(size for _, size in by_content.values())
    assert stats["snapshots"] == stack.rows(f'SELECT count(*) FROM {schema}."days$snapshots"')[0][0]
    assert stats["manifests"] == stack.rows(f'SELECT count(*) FROM {schema}."days$manifests"')[0][0]
    assert stats["partitions"] == 4
    assert stats["small_file_share"] == 1
    assert stats["worst_partitions"][0]["partition"] == "d=2026-01-01"
    assert sum(bucket["files"] for bucket in stats["histogram"]) == stats["data_files"]


def test_gains_are_the_planners_and_cost_health(stack: Clients, schema: str) -> None:
    before = document(stack, f"{schema}.days")["stats"]
    gains = {gain["command"]: gain["figures"] for gain in before["gains"]}
    assert gains["table optimize"]["rewritten_data_files"] >= 3
    assert 0 <= before["health"]["score"] < 100
    assert before["health"]["reasons"]
    stack.rows(f"ALTER TABLE {schema}.days EXECUTE optimize")
    after = document(stack, f"{schema}.days")["stats"]
    assert after["health"]["score"] > before["health"]["score"]
    assert not any(dict(after["gains"][0]["figures"]).values())


def test_one_metric(stack: Clients, schema: str) -> None:
    stats = document(stack, f"{schema}.days", "--metric", "rows")["stats"]
    assert stats["rows"] == 7
    assert "histogram" not in stats
    assert "health" in stats


def test_people_see_bars(stack: Clients, schema: str) -> None:
    ran = run(stack, f"{schema}.days")
    assert ran.returncode == 0, ran.stderr
    assert "health" in ran.stdout
    assert "█" in ran.stdout
    assert "d=2026-01-01" in ran.stdout
    assert "next: phlo-sql table optimize" in ran.stderr


def test_a_fleet_by_a_pattern_with_most_to_gain_first(stack: Clients, schema: str) -> None:
    found = document(stack, f"{schema}.*")
    assert [each["table"] for each in found["stats"]] == [f"{schema}.days", f"{schema}.empty"]
    assert found["stats"][0]["worth_bytes"] > found["stats"][1]["worth_bytes"] == 0
    assert found["unreadable"] == []


def test_a_table_that_cannot_be_read_is_listed_and_stops_nothing(
    stack: Clients, schema: str
) -> None:
    location = stack.rows(
        f"""SELECT "file" FROM {schema}."empty$metadata_log_entries" ORDER BY "timestamp" DESC"""
    )[0][0]
    path = Path(location.removeprefix("file://"))
    kept = path.read_bytes()
    path.unlink()
    try:
        found = document(stack, f"{schema}.*")
    finally:
        path.write_bytes(kept)
    assert [each["table"] for each in found["stats"]] == [f"{schema}.days"]
    assert found["unreadable"][0]["table"] == f"{schema}.empty"


def test_at_a_ref(stack: Clients, make_schema: Callable[..., str]) -> None:
    with two_refs(stack, make_schema(stack, "nessie")) as refs:
        stack.rows(f"INSERT INTO {refs.other} SELECT * FROM tpch.tiny.nation")
        main = document(stack, refs.main)["stats"]
        named = document(stack, f"{refs.main}@{refs.branch}")["stats"]
        by_option = document(stack, refs.main, "--ref", refs.branch)["stats"]
    assert (main["rows"], named["rows"]) == (25, 50)
    assert (main["data_files"] + 1, named["snapshots"]) == (named["data_files"], 1)
    assert by_option["data_bytes"] == named["data_bytes"] > main["data_bytes"]


def test_a_pattern_that_is_none(stack: Clients) -> None:
    ran = run(stack, "a*")
    assert ran.returncode == 2
    assert "sales.*" in ran.stderr


def test_the_page_opens_in_a_browser_without_network(
    stack: Clients, schema: str, tmp_path: Path
) -> None:
    page = tmp_path / "fleet.html"
    assert run(stack, f"{schema}.*", "--html", str(page)).returncode == 0
    text = page.read_text()
    assert "http://" not in text
    assert "https://" not in text
    shown, shot = opened(page, tmp_path)
    assert shot.stat().st_size > 10_000
    assert shown.count("<svg") >= 4
    assert "days" in shown
