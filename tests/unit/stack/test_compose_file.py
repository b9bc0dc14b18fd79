"""`docker-compose.yml` has the servers of the local stack: versions, ports, catalogs, secrets."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from phlo_sql import TESTED_TRINO_VERSIONS
from phlo_sql.stack import trino
from phlo_sql.stack.distribution import NESSIE_VERSION
from phlo_sql.stack.layout import Layout, properties

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "phlo_sql" / "stack" / "compose"
PORTS = {"trino": 8080, "postgres": 5432, "nessie": 19120, "s3": 9000, "hive": 9083, "glue": 5000}
_PASSWORD = "phlo-local"  # noqa: S105 - it stands in the file


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Trino's older names of settings: images of both versions know them."""
    return Layout(
        name="compose",
        home=tmp_path,
        trino_version=min(TESTED_TRINO_VERSIONS),
        extras=frozenset({"nessie", "hive", "glue"}),
        ports=PORTS,
        passwords={"postgres": _PASSWORD, "s3": _PASSWORD},
    )


def test_images_have_the_versions_that_are_tested(services: dict[str, Any]) -> None:
    assert services["trino"]["image"].endswith(f":-{max(TESTED_TRINO_VERSIONS)}}}")
    assert services["nessie"]["image"].endswith(f":{NESSIE_VERSION}}}")
    assert services["glue"]["image"].endswith(f":{version('moto')}")


def test_ports_are_this_machines_alone(services: dict[str, Any]) -> None:
    published = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert published == {
        name: [f"127.0.0.1:${{{name.upper()}_PORT:-{port}}}:{port}"] for name, port in PORTS.items()
    }


def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    named = [each.split(":")[0] for s in services.values() for each in s.get("volumes", ())]
    files = [each for each in named if each.startswith("./")]
    assert files
    assert not [each for each in files if not (ROOT / each).exists()]


def test_trino_shows_the_same_catalogs(layout: Layout) -> None:
    def among_containers(text: str) -> str:
        inside = re.sub(r"127\.0\.0\.1:(\d+)", lambda m: f"{_named(int(m[1]))}:{m[1]}", text)
        return inside.replace(layout.warehouse_uri, "file://${ENV:STACK_WAREHOUSE}")

    wanted = {
        name: among_containers(properties(settings))
        for name, settings in trino._catalogs(layout).items()
    }
    found = {path.stem: path.read_text() for path in (FOLDER / "catalog").glob("*.properties")}
    assert found == wanted


def _named(port: int) -> str:
    return next(name for name, each in PORTS.items() if each == port)


def test_a_catalog_made_by_a_statement_finds_its_secrets(
    services: dict[str, Any], layout: Layout
) -> None:
    given = services["trino"]["environment"]
    assert {name: given.get(name) for name in trino._secrets(layout)} == trino._secrets(layout)
