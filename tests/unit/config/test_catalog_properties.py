"""Which catalog serves a ref, in Trino and in PyIceberg."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from phlo_sql.config import Settings, catalog_properties, load, nessie_uri, trino_catalog
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_pyiceberg_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYICEBERG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def settings(cwd: Path, toml: str = "", **environ: str) -> Settings:
    (cwd / "phlo-sql.toml").write_text(toml)
    return load(environ=environ, cwd=cwd)


class TestTrinoCatalog:
    def test_phlos_rule(self, tmp_path: Path) -> None:
        found = settings(tmp_path, TRINO_CATALOG="lake")
        assert trino_catalog(found, None) == "lake"
        assert trino_catalog(found, "main") == "lake"
        assert trino_catalog(found, "dev") == "lake_dev"
        assert trino_catalog(found, "feature/x") == "lake_feature/x"
        assert trino_catalog(found, "dev", "other") == "other_dev"

    def test_the_file_overrides_it_for_the_default_catalog(self, tmp_path: Path) -> None:
        found = settings(tmp_path, "[refs]\ndev = 'lab'\n")
        assert trino_catalog(found, "dev") == "lab"
        assert trino_catalog(found, "dev", "other") == "other_dev"

    def test_another_default_ref(self, tmp_path: Path) -> None:
        found = settings(tmp_path, TRINO_DEFAULT_REF="dev")
        assert trino_catalog(found, None) == "iceberg_dev"
        assert trino_catalog(found, "main") == "iceberg"


class TestCatalogProperties:
    def test_nessie_takes_the_ref_in_its_path(self, tmp_path: Path) -> None:
        found = settings(tmp_path, NESSIE_HOST="n", NESSIE_PORT="19121")
        assert catalog_properties(found, "iceberg")["uri"] == "http://n:19121/iceberg/main"
        assert catalog_properties(found, "iceberg", "a/b")["uri"].endswith("/iceberg/a%2Fb")
        assert nessie_uri(found) == "http://n:19121"

    @pytest.mark.parametrize("path", ["", "/iceberg", "/iceberg/main", "/api/v2"])
    def test_nessies_address_in_any_spelling(self, tmp_path: Path, path: str) -> None:
        found = settings(tmp_path, NESSIE_URI=f"https://n:1{path}")
        assert nessie_uri(found) == "https://n:1"
        assert catalog_properties(found, "iceberg", "dev")["uri"] == "https://n:1/iceberg/dev"

    def test_phlos_variables(self, tmp_path: Path) -> None:
        found = settings(
            tmp_path,
            ICEBERG_CATALOG_URI="http://nessie:19120/iceberg",
            ICEBERG_WAREHOUSE_PATH="s3://lake/warehouse",
            ICEBERG_S3_ENDPOINT="http://minio:10001",
            ICEBERG_S3_ACCESS_KEY="minio",
            ICEBERG_S3_SECRET_KEY="minio123",  # noqa: S106 - phlo's own default
            ICEBERG_S3_REGION="us-east-1",
        )
        assert catalog_properties(found, "iceberg") == {
            "type": "rest",
            "uri": "http://nessie:19120/iceberg/main",
            "warehouse": "s3://lake/warehouse",
            "s3.endpoint": "http://minio:10001",
            "s3.access-key-id": "minio",
            "s3.secret-access-key": "minio123",
            "s3.region": "us-east-1",
        }
        assert "minio123" in found.secrets()

    @pytest.mark.parametrize(
        ("uri", "kind"),
        [
            ("postgresql+psycopg://u:p@h/db", "sql"),
            ("thrift://h:9083", "hive"),
            ("https://polaris/api/catalog", "rest"),
        ],
    )
    def test_the_address_tells_the_kind(self, tmp_path: Path, uri: str, kind: str) -> None:
        found = settings(tmp_path, ICEBERG_CATALOG_URI=uri)
        properties = catalog_properties(found, "iceberg")
        assert (properties["type"], properties["uri"]) == (kind, uri)

    def test_a_catalog_without_refs_says_so(self, tmp_path: Path) -> None:
        found = settings(tmp_path, ICEBERG_CATALOG_URI="postgresql+psycopg://u:p@h/db")
        with pytest.raises(PhloSqlError) as caught:
            catalog_properties(found, "iceberg", "dev")
        assert caught.value.code is Code.NO_REFS

    def test_the_file_wins_and_a_mapped_catalog_has_its_own_section(self, tmp_path: Path) -> None:
        toml = (
            "[refs]\ndev = 'lab'\n"
            "[catalogs.iceberg]\nuri = 'sqlite:///main'\n"
            "[catalogs.lab]\nuri = 'sqlite:///lab'\n"
        )
        found = settings(tmp_path, toml, NESSIE_HOST="n")
        assert catalog_properties(found, "iceberg") == {"uri": "sqlite:///main"}
        assert catalog_properties(found, "iceberg", "dev") == {"uri": "sqlite:///lab"}

    def test_pyicebergs_own_configuration_wins_over_variables(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYICEBERG_CATALOG__MY_LAKE__URI", "http://own/iceberg")
        found = settings(tmp_path, TRINO_CATALOG="my_lake", NESSIE_HOST="n")
        assert catalog_properties(found, "my_lake")["uri"] == "http://own/iceberg/main"

    def test_the_catalog_of_a_ref_may_be_named_itself(self, tmp_path: Path) -> None:
        found = settings(tmp_path, "[refs]\nx = 'lab'\n", NESSIE_HOST="n")
        assert catalog_properties(found, "iceberg_dev")["uri"].endswith("/iceberg/dev")
        assert catalog_properties(found, "lab")["uri"].endswith("/iceberg/x")

    @pytest.mark.parametrize("catalog", ["iceberg", "hive"])
    def test_what_nobody_described_is_an_error(self, tmp_path: Path, catalog: str) -> None:
        environ = {} if catalog == "iceberg" else {"NESSIE_HOST": "n"}
        with pytest.raises(PhloSqlError) as caught:
            catalog_properties(settings(tmp_path, **environ), catalog)
        assert caught.value.code is Code.MISSING_SETTING
        assert f"[catalogs.{catalog}]" in caught.value.hint

    def test_an_address_of_no_known_kind_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PhloSqlError) as caught:
            catalog_properties(settings(tmp_path, ICEBERG_CATALOG_URI="gopher://x"), "iceberg")
        assert caught.value.code is Code.BAD_SETTING
