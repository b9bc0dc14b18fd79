"""Opening catalogs and tables: whose configuration counts, and what a failure says."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.observe.catalog import at_ref, load_table, open_catalog, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Schema(NestedField(1, "id", LongType()))


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PyIceberg looks in PYICEBERG_HOME, the home folder and the working one."""
    for name in ("PYICEBERG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[SqlCatalog]:
    made = SqlCatalog(
        "lake", uri=f"sqlite:///{tmp_path}/lake.db", warehouse=f"file://{tmp_path}/warehouse"
    )
    made.create_namespace("sales")
    made.create_namespace("finance")
    for table in ("orders", "customers", "Returns"):
        made.create_table(("sales", table), SCHEMA)
    yield made
    made.close()


def properties(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"type": "sql", "uri": f"sqlite:///{tmp_path}/lake.db", **more}


def table(name: str, schema: str = "sales") -> TableName:
    return TableName(schema=schema, name=name, catalog="lake")


@pytest.mark.usefixtures("lake")
class TestOpening:
    def test_by_properties(self, tmp_path: Path) -> None:
        catalog = open_catalog("lake", properties(tmp_path))
        assert load_table(catalog, table("orders")).name() == ("sales", "orders")
        catalog.close()

    @pytest.mark.parametrize("name", ["lake", "LAKE"])
    def test_by_file(self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / ".pyiceberg.yaml").write_text(
            f"catalog:\n  Lake:\n    type: sql\n    uri: sqlite:///{tmp_path}/lake.db\n"
        )
        monkeypatch.setenv("PYICEBERG_HOME", str(home))
        catalog = open_catalog(name, {"catalog-name": "lake"})
        assert load_table(catalog, table("orders")).metadata.format_version == 2
        catalog.close()

    def test_by_environment_where_pyiceberg_turns_underscores_into_hyphens(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYICEBERG_CATALOG__MY_LAKE__URI", f"sqlite:///{tmp_path}/lake.db")
        monkeypatch.setenv("PYICEBERG_CATALOG__MY_LAKE__TYPE", "sql")
        catalog = open_catalog("my_lake", {"catalog-name": "lake"})
        assert load_table(catalog, table("orders")).name() == ("sales", "orders")
        catalog.close()

    def test_properties_win_over_configuration(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", "sqlite:////nowhere/at/all.db")
        catalog = open_catalog("lake", properties(tmp_path))
        assert load_table(catalog, table("orders")).name() == ("sales", "orders")
        catalog.close()

    def test_nothing_known_is_an_unknown_catalog(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", "sqlite://")
        with pytest.raises(PhloSqlError) as caught:
            open_catalog("lakes", {})
        assert caught.value.code is Code.UNKNOWN_CATALOG
        assert caught.value.hint == "did you mean lake?"


def test_it_never_creates_a_catalog(tmp_path: Path) -> None:
    catalog = open_catalog("lake", properties(tmp_path))
    with pytest.raises(PhloSqlError) as caught:
        load_table(catalog, table("orders"))
    assert caught.value.code is Code.CATALOG_UNREADABLE
    assert (tmp_path / "lake.db").stat().st_size == 0
    catalog.close()


class TestNames:
    def refused(self, catalog: SqlCatalog, name: TableName) -> PhloSqlError:
        with pytest.raises(PhloSqlError) as caught:
            load_table(catalog, name)
        assert "\n" not in caught.value.problem + caught.value.hint
        return caught.value

    def test_an_unknown_table_names_near_ones(self, lake: SqlCatalog) -> None:
        error = self.refused(lake, table("order"))
        assert error.code is Code.UNKNOWN_TABLE
        assert error.problem == "table lake.sales.order does not exist"
        assert error.hint == "did you mean orders?"

    def test_an_unknown_table_without_near_names(self, lake: SqlCatalog) -> None:
        assert self.refused(lake, table("xyzzy")).hint == "check the table's name"

    def test_an_unknown_schema_names_near_ones(self, lake: SqlCatalog) -> None:
        error = self.refused(lake, table("orders", "sale"))
        assert error.code is Code.UNKNOWN_SCHEMA
        assert error.hint == "did you mean sales?"

    def test_an_empty_schema_is_not_an_unknown_one(self, lake: SqlCatalog) -> None:
        assert self.refused(lake, table("orders", "finance")).code is Code.UNKNOWN_TABLE

    def test_case_is_folded_as_trino_does(self, lake: SqlCatalog) -> None:
        assert load_table(lake, table("returns")).name() == ("sales", "Returns")


def test_a_type_that_pyiceberg_cannot_load_is_told_apart(lake: SqlCatalog, tmp_path: Path) -> None:
    location = lake.load_table(("sales", "orders")).metadata_location
    path = Path(location.removeprefix("file://"))
    metadata: dict[str, Any] = json.loads(path.read_text())
    metadata["schemas"][0]["fields"][0]["type"] = "variant"
    path.write_text(json.dumps(metadata))
    with pytest.raises(PhloSqlError) as caught:
        load_table(lake, table("orders"))
    assert caught.value.code is Code.UNSUPPORTED_TYPE
    assert "variant" in caught.value.problem
    assert "\n" not in caught.value.problem


def test_a_metadata_file_that_is_gone(lake: SqlCatalog) -> None:
    location = lake.load_table(("sales", "orders")).metadata_location
    Path(location.removeprefix("file://")).unlink()
    with pytest.raises(PhloSqlError) as caught:
        load_table(lake, table("orders"))
    assert caught.value.code is Code.CATALOG_UNREADABLE
    assert "metadata.json" in caught.value.problem
    assert "\n" not in caught.value.problem


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestServersThatAreDown:
    def refused(self, name: str, given: dict[str, str]) -> str:
        with pytest.raises(PhloSqlError) as caught:
            load_table(open_catalog(name, given), table("orders"))
        assert caught.value.code is Code.CATALOG_UNREADABLE
        assert "\n" not in caught.value.problem + caught.value.hint
        assert "hunter2" not in caught.value.problem + caught.value.hint
        return caught.value.problem

    def test_rest(self, closed_port: int) -> None:
        uri = f"http://me:hunter2@127.0.0.1:{closed_port}/iceberg/main"
        self.refused("lake", {"type": "rest", "uri": uri, "credential": "me:hunter2"})

    def test_sql(self, closed_port: int) -> None:
        uri = f"postgresql://me:hunter2@127.0.0.1:{closed_port}/lake"
        self.refused("lake", {"type": "sql", "uri": uri})

    def test_hive(self, closed_port: int) -> None:
        uri = f"thrift://127.0.0.1:{closed_port}"
        self.refused("lake", {"type": "hive", "uri": uri, "s3.secret-access-key": "hunter2"})

    def test_glue(self, closed_port: int) -> None:
        given = {
            "type": "glue",
            "glue.endpoint": f"http://127.0.0.1:{closed_port}",
            "glue.region": "us-east-1",
            "glue.access-key-id": "hunter2",
            "glue.secret-access-key": "hunter2",
            "glue.max-retries": "1",
        }
        self.refused("lake", given)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://h:1/iceberg", "http://h:1/iceberg/dev"),
        ("http://h:1/iceberg/", "http://h:1/iceberg/dev"),
        ("http://h:1/iceberg/main", "http://h:1/iceberg/dev"),
        ("https://h/nessie/iceberg/main", "https://h/nessie/iceberg/dev"),
    ],
)
def test_a_nessie_ref_stands_in_the_path(uri: str, expected: str) -> None:
    assert at_ref({"uri": uri, "type": "rest"}, "dev") == {"uri": expected, "type": "rest"}


def test_a_ref_with_a_slash_is_one_part_of_the_path() -> None:
    assert at_ref({"uri": "http://h/iceberg"}, "feature/x")["uri"].endswith("/feature%2Fx")


def test_secrets_are_taken_out() -> None:
    known = {
        "uri": "postgresql://me:p%40ss@h/db",
        "credential": "client:sesame",
        "s3.secret-access-key": "abc/def",
        "warehouse": "lake",
    }
    text = "no to p%40ss, sesame and abc/def at https://you:yours@other/lake"
    assert redact(text, known) == "no to ***, *** and *** at https://***@other/lake"
