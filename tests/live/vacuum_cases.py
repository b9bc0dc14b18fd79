"""Tables of every layout, each with files that are dead: what a vacuum lists is what goes.

Run by `test_vacuum_odd.py`, and printed by the benchmark of predictions.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.live.reclaiming import dead_file, loaded, local, make_older, rewritten
from tests.live.two_refs import two_refs
from tests.live.vacuuming import WEEK, Vacuumed, named, quoted, reclaim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.model.names import TableName
    from phlo_sql.stack.clients import Clients

BRIEF = timedelta(seconds=1)
SOURCE = "SELECT * FROM tpch.tiny.nation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a case makes its table. `folder` is its own, on this machine."""

    stack: Clients
    schema: str
    folder: Path
    later: ExitStack = field(default_factory=ExitStack)
    """What is to be closed after the run."""

    def made(self, name: str, *properties: str) -> TableName:
        """Two snapshots, the first of which has a file less."""
        table = named(self.schema, name)
        listed = f" WITH ({', '.join(properties)})" if properties else ""
        self.stack.rows(f"CREATE TABLE {quoted(table)}{listed} AS {SOURCE}")
        self.stack.rows(f"INSERT INTO {quoted(table)} {SOURCE}")
        return table

    def set(self, table: TableName, **properties: str) -> None:
        with loaded(self.stack, table).transaction() as change:
            change.set_properties({key.replace("_", "."): each for key, each in properties.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`make` answers with the table and what must be among the files that go."""

    name: str
    make: Callable[[Place], tuple[TableName, set[str]]]
    catalog: str = "iceberg"
    since: int = 476
    warns: str | None = None
    older: timedelta = BRIEF

    def run(self, stack: Clients, schema: str, folder: Path) -> Vacuumed:
        stack = replace(stack, env={**stack.env, "PHLO_SQL_SCRATCH_CATALOG": "iceberg_s3"})
        with ExitStack() as later:
            place = Place(stack=stack, schema=schema, folder=folder, later=later)
            return self._run(place)

    def _run(self, place: Place) -> Vacuumed:
        stack, folder = place.stack, place.folder
        table, dead = self.make(place)
        count = stack.rows(f"SELECT count(*) FROM {quoted(table)}")
        if self.catalog == "iceberg":
            make_older(stack, table)
        time.sleep(1.1)
        found = reclaim(stack, table, folder, self.older)
        assert dead <= found.gone.keys()
        assert stack.rows(f"SELECT count(*) FROM {quoted(table)}") == count
        assert bool(self.warns) == any(str(self.warns) in each for each in found.warnings)
        return found


def _data(place: Place, table: TableName) -> Path:
    return local(loaded(place.stack, table).location()) / "data"


def plain(place: Place) -> tuple[TableName, set[str]]:
    table = place.made("t")
    place.stack.rows(f"DELETE FROM {quoted(table)} WHERE nationkey = 3")
    place.stack.rows(f"ALTER TABLE {quoted(table)} EXECUTE optimize")
    data = _data(place, table)
    return table, {dead_file(data / "left.parquet"), dead_file(data / "deep" / "er" / "x.orc")}


def odd_values(place: Place, name: str = "t", *properties: str) -> tuple[TableName, set[str]]:
    """Partitions whose values have signs that paths don't like."""
    table = named(place.schema, name)
    listed = ", ".join((*properties, "partitioning = ARRAY['part']"))
    values = "(1, 'a b'), (2, 'ñ/ü'), (3, '100%'), (4, 'x=%20&?#'), (5, NULL), (6, '')"
    place.stack.rows(
        f"CREATE TABLE {quoted(table)} WITH ({listed}) AS "
        f"SELECT * FROM (VALUES {values}) AS v (id, part)"
    )
    place.stack.rows(f"DELETE FROM {quoted(table)} WHERE id = 1")
    place.stack.rows(f"INSERT INTO {quoted(table)} VALUES (7, 'a b')")
    if not loaded(place.stack, table).location().startswith("file:"):
        return table, set()
    folders = [path for path in _data(place, table).iterdir() if path.is_dir()]
    assert len(folders) >= 5
    return table, {dead_file(path / "a dead%2Fone+ñ.parquet") for path in folders}


def odd_name(place: Place) -> tuple[TableName, set[str]]:
    where = f"file://{place.folder}/we ird/tàble%20''x"
    return odd_values(place, "we ird.tàble%20'x#?", f"location = '{where}'")


def slash_at_the_end(place: Place) -> tuple[TableName, set[str]]:
    return odd_values(place, "t", f"location = 'file://{place.folder}/slash/'")


def prefix_of_another(place: Place) -> tuple[TableName, set[str]]:
    base = f"file://{place.folder}/lake"
    table = place.made("orders", f"location = '{base}/orders'")
    other = place.made("orders_2", f"location = '{base}/orders_2'")
    make_older(place.stack, other)
    theirs = dead_file(_data(place, other) / "dead.parquet")
    dead = {dead_file(_data(place, table) / "dead.parquet")}
    assert local(theirs).exists()
    return table, dead


def native_refs(place: Place) -> tuple[TableName, set[str]]:
    """A tag and a branch of the table's own; the branch keeps its last two, whatever their age."""
    table = place.made("t")
    opened = loaded(place.stack, table)
    first = opened.metadata.snapshots[0].snapshot_id
    current = opened.metadata.current_snapshot_id
    assert current is not None
    (
        opened.manage_snapshots()
        .create_tag(first, "audit")
        .create_branch(current, "dev", min_snapshots_to_keep=2)
        .commit()
    )
    place.stack.rows(f"DELETE FROM {quoted(table)} WHERE nationkey < 100")
    place.stack.rows(f"INSERT INTO {quoted(table)} {SOURCE}")
    return table, {dead_file(_data(place, table) / "left.parquet")}


def puffin(place: Place) -> tuple[TableName, set[str]]:
    """Statistics of a snapshot that goes, and of one that stays."""
    table = place.made("t")
    place.stack.rows(f"ANALYZE {quoted(table)}")
    place.stack.rows(f"INSERT INTO {quoted(table)} {SOURCE}")
    place.stack.rows(f"ANALYZE {quoted(table)}")
    return table, {dead_file(_data(place, table).parent / "metadata" / "left.stats")}


def partition_statistics(place: Place) -> tuple[TableName, set[str]]:
    """Trino writes none; another engine's metadata names one."""
    table = place.made("t")
    opened = loaded(place.stack, table)
    metadata = local(opened.location()) / "metadata"
    used = dead_file(metadata / "used-stats.parquet")

    def with_statistics(told: dict[str, Any]) -> None:
        told["partition-statistics"] = [
            {
                "snapshot-id": told["current-snapshot-id"],
                "statistics-path": used,
                "file-size-in-bytes": 100,
            }
        ]

    rewritten(place.stack, str(table), with_statistics)
    return table, {dead_file(metadata / "left-stats.parquet")}


def deletion_vectors(place: Place) -> tuple[TableName, set[str]]:
    table = place.made("t", "format_version = 3")
    for key in (1, 2, 3):
        place.stack.rows(f"DELETE FROM {quoted(table)} WHERE nationkey = {key}")
    return table, {dead_file(_data(place, table) / "left.puffin")}


def _laid_out(place: Place, **properties: str) -> tuple[TableName, set[str]]:
    table = place.made("t")
    place.set(table, **properties)
    place.stack.rows(f"INSERT INTO {quoted(table)} {SOURCE}")
    place.stack.rows(f"INSERT INTO {quoted(table)} {SOURCE}")
    return table, {dead_file(_data(place, table) / "dead.parquet")}


def metadata_within(place: Place) -> tuple[TableName, set[str]]:
    home = f"file://{place.folder}/t"
    table = place.made("t", f"location = '{home}'")
    place.set(table, write_metadata_path=f"{home}/own metadata")
    place.stack.rows(f"INSERT INTO {quoted(table)} {SOURCE}")
    return table, {dead_file(_data(place, table) / "dead.parquet")}


def metadata_elsewhere(place: Place) -> tuple[TableName, set[str]]:
    return _laid_out(place, write_metadata_path=f"file://{place.folder}/elsewhere")


def object_store(place: Place) -> tuple[TableName, set[str]]:
    table = place.made("t", "object_store_layout_enabled = true")
    place.stack.rows(f"DELETE FROM {quoted(table)} WHERE nationkey = 3")
    return table, {dead_file(_data(place, table) / "0110" / "1001" / "dead.parquet")}


def object_store_elsewhere(place: Place) -> tuple[TableName, set[str]]:
    dead_file(place.folder / "shared" / "not-looked-at.parquet")
    where = f"data_location = 'file://{place.folder}/shared'"
    table = place.made("t", "object_store_layout_enabled = true", where)
    return table, {dead_file(_data(place, table) / "dead.parquet")}


def _stray(place: Place, table: TableName) -> set[str]:
    opened = loaded(place.stack, table)
    path = f"{opened.location()}/data/a dead%2Fone.parquet"
    with opened.io.new_output(path).create() as stream:
        stream.write(b"never referenced")
    return {path}


def on_s3(place: Place) -> tuple[TableName, set[str]]:
    table, _ = odd_values(place)
    return table, _stray(place, table)


def on_s3a(place: Place) -> tuple[TableName, set[str]]:
    place.stack.rows(f"CREATE TABLE {place.schema}.beside (n integer)")
    beside = loaded(place.stack, f"{place.schema}.beside").location()
    home = beside.removeprefix("s3://").rsplit("/", 1)[0] + "/t"
    table, _ = odd_values(place, "t", f"location = 's3a://{home}'")
    return table, _stray(place, table)


def two_refs_of_nessie(place: Place) -> tuple[TableName, set[str]]:
    refs = place.later.enter_context(two_refs(place.stack, place.schema))
    refs.commit()
    return named(place.schema, "t"), {refs.stray()}


def refs_that_evolved_apart(place: Place) -> tuple[TableName, set[str]]:
    refs = place.later.enter_context(two_refs(place.stack, place.schema))
    refs.evolve_apart()
    return named(place.schema, "t"), set()


CASES = (
    Case(name="optimised, files of a writer that was killed", make=plain),
    Case(name="odd values in partitions", make=odd_values),
    Case(name="odd table name and location", make=odd_name),
    Case(name="a slash ends the location", make=slash_at_the_end),
    Case(name="a name that another begins with", make=prefix_of_another),
    Case(name="branch and tag of its own", make=native_refs),
    Case(name="statistics", make=puffin),
    Case(name="partition statistics", make=partition_statistics),
    Case(name="deletion vectors", make=deletion_vectors, since=480),
    Case(name="metadata in a folder of its own", make=metadata_within, since=477),
    Case(
        name="metadata elsewhere", make=metadata_elsewhere, warns="write.metadata.path", older=WEEK
    ),
    Case(name="object-store layout", make=object_store),
    Case(
        name="object-store layout elsewhere",
        make=object_store_elsewhere,
        warns="write.data",
        older=WEEK,
    ),
    Case(name="on S3", make=on_s3, catalog="iceberg_s3"),
    Case(name="on S3, told s3a", make=on_s3a, catalog="iceberg_s3"),
    Case(name="two refs of Nessie", make=two_refs_of_nessie, catalog="nessie"),
    Case(name="refs that evolved apart", make=refs_that_evolved_apart, catalog="nessie"),
)
