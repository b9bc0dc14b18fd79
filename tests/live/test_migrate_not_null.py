"""What Hive declares NOT NULL, as far as the files bear it out; written by PyArrow and by Trino."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from tests.live.hive_tables import AVRO, constrain, constrain_otherwise, from_hive, tell

if TYPE_CHECKING:
    from tests.live.migrating import Bench

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


def not_null(bench: Bench, table: str) -> set[str]:
    """Columns that the new table declares NOT NULL."""
    created = str(bench.stack.rows(f"SHOW CREATE TABLE {table}")[0][0])
    lines = (line.strip() for line in created.splitlines())
    return {line.split()[0] for line in lines if " NOT NULL" in line}


def told(document: dict[str, Any], column: str) -> str:
    found = [each for each in document["warnings"] if each.startswith(f"column {column} is not")]
    return found[0] if found else ""


def test_parquet_files_tell_it_themselves(bench: Bench, source: str, target: str) -> None:
    uri, database = bench.stack.env["HIVE_METASTORE_URI"], source
    columns = [("id", "bigint"), ("some", "bigint"), ("late", "bigint"), ("tags", "array<string>")]
    first = {"id": [1, 2], "some": [1, 2], "tags": [["a"], []]}
    bench.put("t/a.parquet", pa.table({**first, "late": pa.array([1, 2], pa.int64())}))
    bench.put("t/b.parquet", pa.table({**first, "some": pa.array([1, None], pa.int64())}))
    tell(uri, database, "t", f"{bench.folder}/t", columns=columns)
    constrain(uri, database, "t", "ID", "some", "late", "tags")
    constrain_otherwise(uri, database, "t", "id")
    where = ("--target", target, "--table", "t")

    document = from_hive(bench, database, *where, "--yes")
    assert not_null(bench, f"{target}.t") == {"id"}
    assert "it is NULL in" in told(document, "some")
    assert "b.parquet" in told(document, "some")
    assert "b.parquet" in told(document, "late")
    assert "--source-catalog" not in told(document, "tags")
    assert "--mode copy" in told(document, "tags")
    assert any("PRIMARY KEY (id), CHECK (id > 0)" in each for each in document["warnings"])
    bench.stack.rows(f"INSERT INTO {target}.t VALUES (3, NULL, NULL, NULL)")
    with pytest.raises(Exception, match="NULL value not allowed"):
        bench.stack.rows(f"INSERT INTO {target}.t VALUES (NULL, 1, 1, NULL)")


def test_a_copy_keeps_it_of_partitions_and_of_what_is_nested(
    bench: Bench, source: str, target: str
) -> None:
    uri, database = bench.stack.env["HIVE_METASTORE_URI"], source
    bench.stack.rows(
        f"CREATE TABLE hive.{source}.t (id bigint, some bigint, tags array(varchar), k varchar) "
        "WITH (format = 'ORC', partitioned_by = ARRAY['k'])"
    )
    bench.stack.rows(
        f"INSERT INTO hive.{source}.t VALUES (1, 1, ARRAY['a'], 'x'), (2, NULL, ARRAY[], 'y')"
    )
    constrain(uri, database, "t", "id", "some", "tags", "k")
    where = ("--target", target, "--table", "t")

    document = from_hive(bench, database, *where, "--dry-run")
    columns = {each["name"]: each["not_null"] for each in document["data"]["columns"]}
    assert columns == {"id": True, "some": False, "tags": False, "k": False}
    assert "--mode copy" in told(document, "k")
    unseen = from_hive(bench, database, *where, "--dry-run", "--source-catalog", "tpch")
    assert "--source-catalog" in told(unseen, "id")

    document = from_hive(bench, database, *where, "--mode", "copy", "--yes")
    assert not_null(bench, f"{target}.t") == {"id", "tags", "k"}
    assert "it is NULL in s3" in told(document, "some")


def test_files_without_statistics_stay_in_place(bench: Bench, source: str, target: str) -> None:
    uri, database = bench.stack.env["HIVE_METASTORE_URI"], source
    rows = pa.table({"id": pa.array([1, 2], pa.int64())})
    bench.put("p/a.parquet", rows, write_statistics=False)
    tell(uri, database, "p", f"{bench.folder}/p")
    avro = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "long"}]}
    bench.put_avro("a/a.avro", avro, [{"id": 1}, {"id": 2}])
    tell(uri, database, "a", f"{bench.folder}/a", form=AVRO)
    for name in ("p", "a"):
        constrain(uri, database, name, "id")
        document = from_hive(bench, database, "--target", target, "--table", name, "--yes")
        assert "--mode copy" in told(document, "id")
        assert not_null(bench, f"{target}.{name}") == set()
    assert bench.stack.rows(f"SELECT sum(id) FROM {target}.p") == [(3,)]


def test_files_that_say_it_themselves_without_counting(bench: Bench, target: str) -> None:
    fields = [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("tags", pa.list_(pa.string()), nullable=False),
    ]
    rows = pa.table({"id": [1], "tags": [["a"]]}, schema=pa.schema(fields))
    bench.put("a.parquet", rows)
    name = f"{target}.c{uuid.uuid4().hex[:6]}"
    document = bench.convert(bench.folder, name)
    assert not_null(bench, name) == {"id"}
    assert "--mode copy" in told(document, "tags")
    again = f"{name}_copy"
    bench.convert(bench.folder, again, "--mode", "copy")
    assert not_null(bench, again) == {"id", "tags"}
