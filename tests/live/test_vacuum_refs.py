"""`table vacuum` on Nessie: what any branch or tag needs stays, whoever writes or is killed."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from phlo_sql import flow
from phlo_sql.audit.journal import Journal
from phlo_sql.config import Settings, load
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import Watch
from phlo_sql.model.intents import Vacuum
from phlo_sql.model.names import parse_table
from phlo_sql.observe.trino import connect
from phlo_sql.stack.clients import catalog_properties
from tests.live.optimizing import PHLO_SQL
from tests.live.reclaiming import loaded, stored, vacuum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
SHORT = ("--older-than", "2s", "--allow-short-retention")
STEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoRefs:
    """A table on main and on a branch of its own, with commits on each since."""

    stack: Clients
    main: str
    other: str
    branch: str

    def rows(self) -> tuple[int, int]:
        counts = []
        for table in (self.main, self.other):
            [[count]] = self.stack.rows(f"SELECT count(*) FROM {table}")
            counts.append(int(count))
        return counts[0], counts[1]

    def whole(self) -> None:
        """Every file of both heads is there: asked of the storage, not of Trino's cache."""
        from pyiceberg.catalog import load_catalog

        from phlo_sql.observe.listing import absent
        from phlo_sql.observe.manifests import read_bytes

        own = catalog_properties(self.stack.env)["nessie"]
        for ref in ("main", self.branch):
            uri = own["uri"].rsplit("/", 1)[0] + f"/{ref}"
            table = load_catalog(ref, **{**own, "uri": uri}).load_table(self.main[7:])
            read_bytes(table.io, table.metadata_location)
            snapshot = table.current_snapshot()
            assert snapshot is not None
            manifests = snapshot.manifests(table.io)
            paths = [snapshot.manifest_list, *(each.manifest_path for each in manifests)]
            paths += [
                entry.data_file.file_path
                for each in manifests
                for entry in each.fetch_manifest_entry(table.io)
            ]
            assert absent(table.io, paths) == []

    def commit(self) -> None:
        """States of both refs that are over at once, and a file that was never referenced."""
        for table in (self.main, self.other):
            self.stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
            self.stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
        opened = loaded(self.stack, self.main)
        path = f"{opened.location()}/data/{uuid.uuid4()}.parquet"
        with opened.io.new_output(path).create() as stream:
            stream.write(b"never referenced")
        time.sleep(3.1)


def nessie(stack: Clients) -> str:
    return stack.env["NESSIE_URI"].removesuffix("/iceberg") + "/api/v2"


@pytest.fixture
def refs(stack: Clients, make_schema: Callable[..., str]) -> Iterator[TwoRefs]:
    stack = replace(stack, env={**stack.env, "PHLO_SQL_SCRATCH_CATALOG": "iceberg_s3"})
    main = make_schema(stack, "nessie") + ".t"
    stack.rows(f"CREATE TABLE {main} AS SELECT * FROM tpch.tiny.nation")
    branch = f"br_{uuid.uuid4().hex[:8]}"  # Nessie takes hexadecimal names for hashes
    api = nessie(stack)
    head = requests.get(f"{api}/trees/main", timeout=30).json()["reference"]
    made = requests.post(f"{api}/trees?name={branch}&type=BRANCH", json=head, timeout=30)
    made.raise_for_status()
    env = stack.env
    settings = {
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": env["NESSIE_URI"],
        "iceberg.rest-catalog.warehouse": "warehouse",
        "iceberg.rest-catalog.prefix": branch,
        "fs.s3.enabled": "true",
        "s3.endpoint": env["ICEBERG_S3_ENDPOINT"],
        "s3.region": env["ICEBERG_S3_REGION"],
        "s3.path-style-access": "true",
        "s3.aws-access-key": env["ICEBERG_S3_ACCESS_KEY"],
        "s3.aws-secret-key": env["ICEBERG_S3_SECRET_KEY"],
    }
    pairs = ", ".join(f"\"{name}\" = '{value}'" for name, value in settings.items())
    stack.rows(f"CREATE CATALOG nessie_{branch} USING iceberg WITH ({pairs})")
    other = main.replace("nessie.", f"nessie_{branch}.", 1)
    try:
        yield TwoRefs(stack=stack, main=main, other=other, branch=branch)
    finally:
        stack.rows(f"DROP CATALOG nessie_{branch}")
        found = requests.get(f"{api}/trees/{branch}", timeout=30).json()["reference"]
        requests.delete(f"{api}/trees/{branch}@{found['hash']}", timeout=30)


def traces(refs: TwoRefs) -> list[str]:
    """What a run leaves behind: a schema of the scratch catalog, a metadata file."""
    uid = str(loaded(refs.stack, refs.main).metadata.table_uuid)
    schemas = [row[0] for row in refs.stack.rows("SHOW SCHEMAS FROM iceberg_s3")]
    files = [path for path in stored(refs.stack, refs.main) if f"/00000-{uid}-" in path]
    return [name for name in schemas if uid.replace("-", "") in name] + files


class TestEveryRef:
    def test_only_what_no_ref_needs_goes_and_no_trace_stays(self, refs: TwoRefs) -> None:
        refs.commit()
        before, count = stored(refs.stack, refs.main), refs.rows()
        planned = vacuum(refs.stack, refs.main, *SHORT, "--dry-run")
        assert stored(refs.stack, refs.main) == before
        done = vacuum(refs.stack, refs.main, *SHORT, "--yes")
        assert done["status"] == "success", done
        gone = set(before) - set(stored(refs.stack, refs.main))
        assert gone == set(planned["data"]["deleted_paths"])
        assert done["data"]["result"]["deleted_bytes"] == sum(before[path] for path in gone)
        assert len(gone) > 4
        refs.whole()
        assert refs.rows() == count
        assert traces(refs) == []
        # a second run sees the same union again, under another name, after another commit
        refs.commit()
        assert vacuum(refs.stack, refs.main, *SHORT, "--yes")["status"] == "success"
        refs.whole()

    def test_without_a_scratch_catalog_it_names_refs_and_files(self, refs: TwoRefs) -> None:
        refs.commit()
        bare = replace(refs.stack, env={**refs.stack.env, "PHLO_SQL_SCRATCH_CATALOG": ""})
        before = stored(bare, refs.main)
        found = vacuum(bare, refs.main, *SHORT, "--yes")
        assert found["reason_code"] == "unsafe_deletion"
        assert found["exit_code"] == 3
        assert refs.branch in found["errors"][0]
        assert set(found["data"]["live_paths"]) <= set(before)
        assert stored(bare, refs.main) == before

    def test_a_state_inside_the_retention_stays(self, refs: TwoRefs) -> None:
        refs.commit()
        before = stored(refs.stack, refs.main)
        found = vacuum(
            refs.stack, refs.main, "--older-than", "1h", "--allow-short-retention", "--yes"
        )
        assert found["status"] == "noop"
        assert stored(refs.stack, refs.main) == before

    def test_specs_that_two_refs_made_apart_are_refused(self, refs: TwoRefs) -> None:
        refs.stack.rows(f"ALTER TABLE {refs.main} SET PROPERTIES partitioning = ARRAY['regionkey']")
        refs.stack.rows(f"ALTER TABLE {refs.other} SET PROPERTIES partitioning = ARRAY['name']")
        refs.commit()
        before = stored(refs.stack, refs.main)
        found = vacuum(refs.stack, refs.main, *SHORT, "--yes")
        assert found["reason_code"] == "unsafe_deletion", found
        assert "spec" in found["errors"][0]
        assert stored(refs.stack, refs.main) == before


class TestKilled:
    def test_at_each_step_and_run_again(self, refs: TwoRefs, tmp_path: Path) -> None:
        for step in range(2, STEPS + 1):
            refs.commit()
            count = refs.rows()
            self.killed(refs, step, tmp_path / str(step))
            refs.whole()
            again = vacuum(refs.stack, refs.main, *SHORT, "--yes")
            assert again["status"] in ("success", "noop"), (step, again)
            refs.whole()
            assert refs.rows() == count
            assert traces(refs) == [], step

    def killed(self, refs: TwoRefs, step: int, state: Path) -> None:
        """Start it, and kill it when the journal says that the step began."""
        words = [PHLO_SQL, "table", "vacuum", refs.main, *SHORT, "--yes", "--quiet", "--json"]
        env = {**refs.stack.subprocess_env, "XDG_STATE_HOME": str(state)}
        with subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                if any(event.get("step") == step for event in journal(state)):
                    process.kill()
                time.sleep(0.002)


def journal(state: Path) -> list[dict[str, Any]]:
    found = state / "phlo-sql" / "operations.jsonl"
    if not found.exists():
        return []
    lines = found.read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]


def vacuumed(settings: Settings, intent: Vacuum, log: Path, turn: int) -> bool:
    """In this process, so that many follow each other quickly. False: nothing to do, or stale."""
    with connect(settings) as session:
        edges = flow.Edges(settings=settings, session=session)
        book = flow.plan(intent, edges).runbook
        if not book.plan.steps:
            return False
        try:
            journal = Journal(path=log, operation=str(turn))
            applied = flow.apply(book.text, edges, journal, Watch())
        except PhloSqlError as error:
            if error.code is not Code.STALE_PLAN:
                raise
            return False
        assert applied.failures == []
        return True


class TestWriters:
    def test_twenty_vacuums_beside_writers_on_two_refs(self, refs: TwoRefs, tmp_path: Path) -> None:
        stop, written = threading.Event(), {refs.main: 25, refs.other: 25}

        def write(table: str) -> None:
            while not stop.wait(0.3):
                refs.stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
                written[table] += 25

        settings = load(environ=refs.stack.env, cwd=tmp_path)
        settings = replace(settings, catalogs=catalog_properties(refs.stack.env))
        intent = Vacuum(
            table=parse_table(refs.main)[0],
            older_than=timedelta(seconds=90),
            allow_short_retention=True,
        )
        refs.commit()
        for table in written:
            written[table] += 50
        writers = [threading.Thread(target=write, args=(table,)) for table in written]
        for each in writers:
            each.start()
        try:
            time.sleep(92)
            done = sum(vacuumed(settings, intent, tmp_path / "log", turn) for turn in range(20))
        finally:
            stop.set()
            for each in writers:
                each.join()
        assert done >= 10
        refs.whole()
        assert refs.rows() == (written[refs.main], written[refs.other])
