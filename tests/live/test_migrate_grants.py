"""Who may read the source may read the new table: granted with the migration, by policies."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from phlo_sql.cli import access_policies
from tests.live.hive_tables import from_hive, tell
from tests.live.migrating import Killed, policies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.migrating import Bench

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]
HOSTILE = "o'x y@example.org"


@pytest.fixture
def bench(hive_bench: Bench) -> Iterator[Bench]:
    with policies(hive_bench):
        yield hive_bench


@pytest.fixture
def told(bench: Bench, source: str) -> str:
    """A table of the metastore with two rows, which two users may read and one group may write."""
    bench.put("t/a.parquet", pa.table({"id": [1, 2]}))
    tell(bench.stack.env["HIVE_METASTORE_URI"], source, "t", f"{bench.folder}/t")
    grant(bench, "--user", "ann", "--role", "read", f"hive.{source}.t", "--until", "30d")
    grant(bench, "--user", HOSTILE, "--role", "read", f"hive.{source}")
    grant(bench, "--group", "desk", "--role", "write", f"hive.{source}.t*")
    grant(bench, "--user", "eve", "--role", "read", f"hive.{source}.other")
    return source


def grant(bench: Bench, *argv: str) -> None:
    bench.other("access", "grant", *argv, "--yes")


def held(bench: Bench, target: str) -> list[tuple[Any, ...]]:
    name = f"{target}.t"
    found = bench.other("access", "list", "--resource", name)["data"]["grants"]
    return sorted(
        (each.get("user") or each["group"], each["role"], each["reason"], bool(each["until"]))
        for each in found
        if each["resource"] == name
    )


def wanted(source: str) -> list[tuple[Any, ...]]:
    reason = f"as on hive.{source}.t"
    return [
        ("ann", "read", reason, True),
        ("desk", "write", reason, False),
        (HOSTILE, "read", reason, False),
    ]


def test_grants_are_shown_made_and_taken_away_again(bench: Bench, told: str, target: str) -> None:
    to = ("--target", target, "--table", "t")
    planned = from_hive(bench, told, *to, "--dry-run")["data"]["plan"]
    lines = [each for each in planned["does"] if each.startswith("afterwards: ")]
    assert len(lines) == 3
    command = f"phlo-sql access grant --group desk --role write --reason 'as on hive.{told}.t'"
    assert lines[0] == f"afterwards: {command} {target}.t"
    assert held(bench, target) == []

    done = from_hive(bench, told, *to, "--yes")
    assert len(done["data"]["grants"]) == 3
    assert held(bench, target) == wanted(told)

    grant(bench, "--user", "eve", "--role", "read", f"{target}.t")
    assert bench("rollback", done["data"]["operation"], "--yes")["status"] == "success"
    assert held(bench, target) == [("eve", "read", None, False)], "which was not the migration's"


def test_a_saved_runbook_grants_when_it_is_applied(
    bench: Bench, told: str, target: str, tmp_path: Path
) -> None:
    """One of them was granted before, and that has ended."""
    file = str(tmp_path / "t.sql")
    grant(bench, "--group", "desk", "--role", "write", f"{target}.t", "--until", "1s")
    time.sleep(1)
    from_hive(bench, told, "--target", target, "--table", "t", "--out", file)
    assert len(held(bench, target)) == 1
    assert bench.other("runbook", "apply", file, "--yes")["status"] == "success"
    assert held(bench, target) == wanted(told)


def test_a_run_that_was_killed_before_its_grants_makes_them_on_resume(
    bench: Bench, told: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = ("--target", target, "--table", "t")

    def killed(*_given: object, **_named: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(access_policies, "_stored", killed)
        with pytest.raises(Killed):
            from_hive(bench, told, *to, "--yes")
    assert held(bench, target) == []
    assert from_hive(bench, told, *to, "--resume", "--yes")["status"] == "success"
    assert held(bench, target) == wanted(told)


def test_where_postgresql_refuses_the_table_is_there_and_its_report_says_what_is_left(
    bench: Bench, told: str, target: str, tmp_path: Path
) -> None:
    to = ("--target", target, "--table", "t")
    saved = tmp_path / "report.json"
    with refusing(bench):
        done = from_hive(bench, told, *to, "--report", str(saved), "--yes", expect=1)
    assert done["status"] == "partial"
    assert len(done["next_steps"]) == 3
    assert "the auditor is away" in done["errors"][0]
    report = json.loads(saved.read_text(encoding="utf-8"))
    assert (report["result"]["rows"], report["errors"]) == (2, done["errors"])
    assert held(bench, target) == []
    assert from_hive(bench, told, *to, "--resume", "--yes")["status"] == "success"
    assert held(bench, target) == wanted(told)


@contextmanager
def refusing(bench: Bench) -> Iterator[None]:
    """A trigger of the site's own lets nobody grant."""
    schema = f'"{os.environ["PHLO_SQL_ACCESS_SCHEMA"]}"'
    with bench.stack.postgres(autocommit=True) as connection:
        connection.execute(
            f"CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'the auditor is away'; END$$"
        )
        connection.execute(
            f"CREATE TRIGGER refused BEFORE INSERT ON {schema}.grants "
            f"FOR EACH ROW EXECUTE FUNCTION {schema}.refuse()"
        )
        yield
        connection.execute(f"DROP TRIGGER refused ON {schema}.grants")


def test_grants_that_may_be_anothers_are_told_and_not_made(
    bench: Bench, told: str, target: str
) -> None:
    """A catalog that is no Hive catalog, and a table without a row that could prove it."""
    bench.put("e/a.parquet", pa.table({"id": pa.array([], pa.int64())}))
    tell(bench.stack.env["HIVE_METASTORE_URI"], told, "e", f"{bench.folder}/e")
    grant(bench, "--user", "ann", "--role", "read", f"iceberg_hive.{told}.t")
    to = ("--target", target, "--yes", "--table")
    for words in (("t", "--source-catalog", "iceberg_hive"), ("e",)):
        done = from_hive(bench, told, *to, *words)
        assert any("1 grant(s) are not carried" in each for each in done["warnings"])
        assert any("not granted: phlo-sql access grant" in each for each in done["warnings"])
    assert held(bench, target) == []


def test_many_tables_bring_their_grants(bench: Bench, told: str, target: str) -> None:
    bench.put("u/a.parquet", pa.table({"id": [1]}))
    tell(bench.stack.env["HIVE_METASTORE_URI"], told, "u", f"{bench.folder}/u")
    planned = from_hive(bench, told, "--target", target, "--dry-run")
    counts = {each["table"]: len(each["grants"]) for each in planned["data"]["migrations"]}
    assert counts == {f"{target}.t": 3, f"{target}.u": 1}
    with refusing(bench):
        several = ("--target", target, "--parallel", "2", "--yes")
        failed = from_hive(bench, told, *several, expect=1)["data"]["migrations"]
        assert ["the auditor is away" in each["error"] for each in failed] == [True, True]
    again = from_hive(bench, told, "--target", target, "--yes", expect=1)
    assert all("--resume" in each["error"] for each in again["data"]["migrations"])
    assert from_hive(bench, told, *several, "--resume")["status"] == "success"
    assert held(bench, target) == wanted(told)
    revoke = ("access", "revoke", "--group", "desk", "--role", "write", f"{target}.t", "--yes")
    bench.other(*revoke)
    assert from_hive(bench, told, *several)["status"] == "noop", "who revoked it meant it"
    assert len(held(bench, target)) == 2
