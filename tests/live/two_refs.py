"""A table on two refs of a Nessie catalog, and what a vacuum of it must leave."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import requests

from phlo_sql.stack.clients import catalog_properties
from tests.alone import alone
from tests.live.reclaiming import loaded, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.stack.clients import Clients

SHORT = ("--older-than", "2s", "--allow-short-retention")
S3 = {483: "fs.s3.enabled", 476: "fs.native-s3.enabled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoRefs:
    """A table on main and on a branch of its own."""

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
            paths += [each.statistics_path for each in table.metadata.statistics]
            assert absent(table.io, paths) == []

    def insert(self) -> None:
        for table in (self.main, self.other):
            self.stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")

    def stray(self) -> str:
        """A file that was never referenced."""
        opened = loaded(self.stack, self.main)
        path = f"{opened.location()}/data/{uuid.uuid4()}.parquet"
        with opened.io.new_output(path).create() as stream:
            stream.write(b"never referenced")
        return path

    def commit(self) -> None:
        """States of both refs that are over at once, a stray file, and time for all to be old."""
        self.insert()
        self.insert()
        self.stray()
        time.sleep(3.1)

    def evolve_apart(self) -> None:
        """Schemas, specs and statistics of their own; both refs get a spec 1, of another type."""
        rows, main, other = self.stack.rows, self.main, self.other
        rows(f"ALTER TABLE {main} SET PROPERTIES partitioning = ARRAY['regionkey']")
        rows(f"ALTER TABLE {other} DROP COLUMN comment")
        rows(f'ALTER TABLE {other} ADD COLUMN "nación" varchar')
        rows(f"ALTER TABLE {other} ADD COLUMN day date")
        parts = "'truncate(\"nación\", 2)', 'month(day)', 'name'"
        rows(f"ALTER TABLE {other} SET PROPERTIES partitioning = ARRAY[{parts}]")
        for _ in range(2):
            rows(f"INSERT INTO {main} SELECT * FROM tpch.tiny.nation")
            rows(
                f"INSERT INTO {other} SELECT nationkey, name, regionkey, 'ñ %20 ' || name, "
                "DATE '2024-02-29' FROM tpch.tiny.nation WHERE nationkey < 3"
            )
            for table in (main, other):
                rows(f"ANALYZE {table}")
        self.stray()
        time.sleep(3.1)

    def traces(self) -> list[str]:
        """What a run leaves behind: a schema of the scratch catalog, a metadata file."""
        uid = str(loaded(self.stack, self.main).metadata.table_uuid)
        schemas = [row[0] for row in self.stack.rows("SHOW SCHEMAS FROM iceberg_s3")]
        files = [path for path in stored(self.stack, self.main) if f"/00000-{uid}-" in path]
        return [name for name in schemas if uid.replace("-", "") in name] + files


def nessie(stack: Clients) -> str:
    return stack.env["NESSIE_URI"].removesuffix("/iceberg") + "/api/v2"


REFS = "refs"
"""Who has it alone sees no ref of the catalog come or go: a branch shows every table of it."""


@contextmanager
def branched(stack: Clients, name: str | None = None) -> Iterator[str]:
    """A branch of the whole catalog, from where main is now."""
    branch = name or f"br_{uuid.uuid4().hex[:8]}"  # Nessie takes hexadecimal names for hashes
    branch_at(stack, branch, head(stack))
    try:
        yield branch
    finally:
        unbranched(stack, branch)


def head(stack: Clients) -> dict[str, str]:
    """Where main is now."""
    answer = requests.get(f"{nessie(stack)}/trees/main", timeout=30)
    found: dict[str, str] = answer.json()["reference"]
    return found


def branch_at(stack: Clients, branch: str, at: dict[str, str]) -> None:
    with alone(REFS):
        asked = f"{nessie(stack)}/trees?name={branch}&type=BRANCH"
        requests.post(asked, json=at, timeout=30).raise_for_status()


def unbranched(stack: Clients, branch: str) -> None:
    api = nessie(stack)
    with alone(REFS):
        found = requests.get(f"{api}/trees/{branch}", timeout=30)
        if found.ok:
            own = found.json()["reference"]["hash"]
            requests.delete(f"{api}/trees/{branch}@{own}", timeout=30).raise_for_status()


@contextmanager
def two_refs(stack: Clients, schema: str) -> Iterator[TwoRefs]:
    stack = replace(stack, env={**stack.env, "PHLO_SQL_SCRATCH_CATALOG": "iceberg_s3"})
    main = f"{schema}.t"
    stack.rows(f"CREATE TABLE {main} AS SELECT * FROM tpch.tiny.nation")
    with branched(stack) as branch, shown_by_trino(stack, branch) as catalog:
        other = main.replace("nessie.", f"{catalog}.", 1)
        yield TwoRefs(stack=stack, main=main, other=other, branch=branch)


@contextmanager
def shown_by_trino(stack: Clients, branch: str) -> Iterator[str]:
    """A catalog of Trino that shows a branch."""
    env = stack.env
    settings = {
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": env["NESSIE_URI"],
        "iceberg.rest-catalog.warehouse": "warehouse",
        "iceberg.rest-catalog.prefix": branch,
        S3[stack.version]: "true",
        "s3.endpoint": env["ICEBERG_S3_ENDPOINT"],
        "s3.region": env["ICEBERG_S3_REGION"],
        "s3.path-style-access": "true",
        "s3.aws-access-key": env["ICEBERG_S3_ACCESS_KEY"],
        "s3.aws-secret-key": env["ICEBERG_S3_SECRET_KEY"],
    }
    pairs = ", ".join(f"\"{name}\" = '{value}'" for name, value in settings.items())
    stack.rows(f"CREATE CATALOG nessie_{branch} USING iceberg WITH ({pairs})")
    try:
        yield f"nessie_{branch}"
    finally:
        stack.rows(f"DROP CATALOG nessie_{branch}")
