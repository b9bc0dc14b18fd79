"""Many tables of a metastore at once: one that fails, a second run, the report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from phlo_sql.observe import hive
from phlo_sql.observe.hive_client import MetastoreClient
from tests.live.gate import gate_of
from tests.live.hive_tables import from_hive, states, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.migrating import Bench


pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]
PHLO_SQL = str(Path(sys.executable).with_name("phlo-sql"))
ROWS = pa.table({"id": list(range(100))})


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


def four_tables(bench: Bench, source: str) -> None:
    """One for both modes, one in place, one whose file is none, one whose folder is gone."""
    uri = bench.stack.env["HIVE_METASTORE_URI"]
    bench.put("mixed/k=x/1.parquet", ROWS)
    bench.put("mixed/k=a%2Fb/1.parquet", ROWS)
    folders = {key: f"{bench.folder}/mixed/k={raw}" for key, raw in (("x", "x"), ("a/b", "a%2Fb"))}
    tell(uri, source, "mixed", f"{bench.folder}/mixed", keys=["k"], partitions=folders)
    bench.put("plain/1.parquet", ROWS.slice(0, 10))
    tell(uri, source, "plain", f"{bench.folder}/plain")
    bench.put("broken/1.parquet", b"PAR1 this is none PAR1")
    tell(uri, source, "broken", f"{bench.folder}/broken")
    tell(uri, source, "lost", f"{bench.folder}/lost", keys=["k"],
         partitions={"4": f"{bench.folder}/lost/k=4"})  # fmt: skip
    bench.store.delete_dir(f"{bench.folder.removeprefix('s3://')}/lost/k=4")


def swaps(bench: Bench, source: str, *words: str) -> None:
    """All are there: each gets the runbook that swaps its names, and nothing of them runs."""
    over = from_hive(bench, source, *words)
    assert over["status"] == "noop"
    files = {name: words[-1].replace("swap", f"swap-{name}") for name in states(over)}
    assert {each["cut_over"]["runbook"] for each in over["data"]["migrations"]} == {*files.values()}
    applied = {each["command"] for each in over["next_steps"]}
    assert applied == {f"phlo-sql runbook apply {file}" for file in files.values()}
    assert all("CREATE VIEW" in Path(each).read_text() for each in files.values())
    kept = {row[0] for row in bench.stack.rows(f"SHOW TABLES FROM hive.{source}")}
    assert kept == {*files}


def test_one_that_fails_does_not_stop_the_others_and_a_second_run_does_what_is_left(
    bench: Bench, source: str, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    target = make_schema(bench.stack, "iceberg_s3")
    four_tables(bench, source)
    seen = from_hive(bench, source, "--target", target, "--dry-run")["data"]["migrations"]
    assert [each["table"] for each in seen] == [
        f"{target}.{name}" for name in ("mixed", "plain", "broken", "lost")
    ], "the largest first"
    mixed, plain, _, lost = seen
    assert mixed["mode"] == "mixed"
    assert {(each["mode"], each["partitions"]) for each in mixed["modes"]} == {
        ("in-place", 1),
        ("copy", 1),
    }
    assert "letters that in place are not read right" in mixed["reason"]
    assert (plain["mode"], plain["state"]) == ("in-place", "planned")
    assert (lost["state"], lost["mode"]) == ("refused", None)
    assert "no folder any more" in lost["reason"]

    page = tmp_path / "report.html"
    words = ("--target", target, "--parallel", "2", "--yes")
    first = from_hive(bench, source, *words, "--report", str(page), expect=1)
    assert first["status"] == "partial"
    assert states(first) == {
        "mixed": "success",
        "plain": "success",
        "broken": "failed",
        "lost": "failed",
    }
    assert [each.partition(":")[0] for each in first["errors"]] == [
        f"{target}.broken",
        f"{target}.lost",
    ]
    assert set(bench.stack.rows(f"SELECT k, count(*) FROM {target}.mixed GROUP BY k")) == {
        ("x", 100),
        ("a/b", 100),
    }
    text = page.read_text()
    for each in first["data"]["migrations"]:
        assert each["table"] in text
    assert "register it as" in text

    # What failed is half there: it is named, and neither begun anew nor hidden.
    again = from_hive(bench, source, *words, expect=1)
    assert states(again) == {
        "mixed": "done",
        "plain": "done",
        "broken": "failed",
        "lost": "failed",
    }
    assert "migrate rollback" in again["errors"][0]
    bench.store.delete_file(f"{bench.folder.removeprefix('s3://')}/broken/1.parquet")
    bench.put("broken/2.parquet", ROWS)  # the server remembers what the first one held
    bench.put("lost/k=4/1.parquet", ROWS)
    file = tmp_path / "report.json"
    last = from_hive(bench, source, *words, "--resume", "--report", str(file))
    assert states(last) == {
        "mixed": "done",
        "plain": "done",
        "broken": "success",
        "lost": "success",
    }
    assert bench.stack.rows(f"SELECT count(*) FROM {target}.broken") == [(100,)]
    told = json.loads(file.read_text())
    assert {each["plan"]["table"] for each in told["tables"]} == {
        f"{target}.broken",
        f"{target}.lost",
    }
    assert all(each["checks"] and each["steps"] for each in told["tables"])

    swaps(bench, source, *words, "--cut-over", str(tmp_path / "swap.sql"))


def test_ctrl_c_stops_all_of_them_on_the_server_and_resume_goes_on(
    bench: Bench, source: str, make_schema: Callable[..., str]
) -> None:
    target, uri = make_schema(bench.stack, "iceberg_s3"), bench.stack.env["HIVE_METASTORE_URI"]
    for name in ("a", "b", "c"):
        bench.put(f"{name}/1.parquet", ROWS)
        tell(uri, source, name, f"{bench.folder}/{name}")
    words = ["migrate", "from-hive", "--uri", uri, "--database", source, "--target", target]
    words += ["--mode", "copy", "--parallel", "2", "--yes", "--json"]
    with gate_of(bench.stack) as way:
        way.at("INSERT INTO", after=lambda: started.send_signal(SIGINT))
        env = {**way.to(bench.stack).subprocess_env, "XDG_STATE_HOME": str(bench.state)}
        started = subprocess.Popen(
            [PHLO_SQL, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        out, err = started.communicate(timeout=240)
    stopped = json.loads(out)
    assert (stopped["reason_code"], started.returncode) == ("cancelled", 1), err
    assert "Traceback" not in err
    ways = set(states(stopped).values())
    assert "failed" in ways <= {"failed", "not run", "success"}
    running = bench.stack.rows(
        "SELECT query FROM system.runtime.queries WHERE state NOT IN ('FINISHED', 'FAILED')"
    )
    assert not [query for (query,) in running for run in bench.runs() if f"phlo_sql_{run}" in query]
    there = {name for (name,) in bench.stack.rows(f"SHOW TABLES FROM {target}")}
    assert there == {name for name, state in states(stopped).items() if state == "success"}

    on = ("--target", target, "--mode", "copy", "--parallel", "2", "--yes", "--resume")
    ended = from_hive(bench, source, *on)
    assert set(states(ended).values()) <= {"success", "done"}
    for name in ("a", "b", "c"):
        assert bench.stack.rows(f"SELECT count(*) FROM {target}.{name}") == [(100,)]
    assert not bench.left_catalogs()


def test_a_database_is_read_by_many_tables_and_partitions_a_call(
    bench: Bench, source: str, make_schema: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables times a call would be minutes for thousands of them."""
    uri = bench.stack.env["HIVE_METASTORE_URI"]
    target = make_schema(bench.stack, "iceberg_s3")
    bench.put("t/1.parquet", ROWS)
    bench.put("p/k=1/1.parquet", ROWS)
    for number in range(12):
        tell(uri, source, f"t{number:02}", f"{bench.folder}/t")
    folders = {str(number): f"{bench.folder}/p/k={number}" for number in range(25)}
    tell(uri, source, "p", f"{bench.folder}/p", keys=["k"], partitions=folders)
    monkeypatch.setattr(hive, "_TABLES_AT_ONCE", 10)
    monkeypatch.setattr(hive, "_PARTITIONS_AT_ONCE", 20)
    asked: list[str] = []
    sent = MetastoreClient.__getattribute__

    def counted(client: MetastoreClient, name: str) -> Any:
        if name.startswith("send_"):
            asked.append(name.removeprefix("send_"))
        return sent(client, name)

    monkeypatch.setattr(MetastoreClient, "__getattribute__", counted)
    seen = from_hive(bench, source, "--target", target, "--dry-run")["data"]["migrations"]
    monkeypatch.undo()
    assert Counter(asked) == {
        "get_database": 1,
        "get_all_tables": 1,
        "get_table_objects_by_name_req": 2,
        "get_partition_names": 1,
        "get_partitions_by_names": 2,
    }
    assert {each["state"] for each in seen if not each["table"].endswith(".p")} == {"planned"}
    (parted,) = (each for each in seen if each["table"].endswith(".p"))
    assert (parted["state"], parted["files"], parted["partitions"]) == ("planned", 1, 1)
