"""The environment with which any client finds a stack, spelt as phlo and PyIceberg spell it."""

from __future__ import annotations

from pathlib import Path

from phlo_sql.stack.layout import BUCKET, DATABASE, REGION, USER, WAREHOUSE, Layout, write_private
from phlo_sql.stack.ports import HOST
from phlo_sql.stack.postgres import CATALOG


def environment(layout: Layout) -> dict[str, str]:
    """`ICEBERG_*` describes the catalog that `TRINO_CATALOG` names, `NESSIE_*` the other."""
    env = {
        "TRINO_HOST": HOST,
        "TRINO_PORT": str(layout.ports["trino"]),
        "TRINO_USER": USER,
        "TRINO_CATALOG": CATALOG,
        "TRINO_VERSION": str(layout.trino_version),
        "POSTGRES_HOST": HOST,
        "POSTGRES_PORT": str(layout.ports["postgres"]),
        "POSTGRES_USER": USER,
        "POSTGRES_PASSWORD": layout.passwords["postgres"],
        "POSTGRES_DB": DATABASE,
        "ICEBERG_CATALOG_URI": layout.postgres_uri("postgresql+psycopg"),
        "ICEBERG_WAREHOUSE_PATH": layout.warehouse_uri,
        "PYICEBERG_HOME": str(layout.home),
    }
    if "nessie" in layout.extras:
        env |= {
            "NESSIE_HOST": HOST,
            "NESSIE_PORT": str(layout.ports["nessie"]),
            "NESSIE_URI": f"{layout.url('nessie')}/iceberg",
            "ICEBERG_S3_ENDPOINT": layout.url("s3"),
            "ICEBERG_S3_ACCESS_KEY": USER,
            "ICEBERG_S3_SECRET_KEY": layout.passwords["s3"],
            "ICEBERG_S3_REGION": REGION,
            "AWS_ENDPOINT_URL": layout.url("s3"),
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": layout.passwords["s3"],
            "AWS_REGION": REGION,
        }
    return env | _pyiceberg_environment(layout)


def catalogs(layout: Layout) -> dict[str, dict[str, str]]:
    """PyIceberg's settings for each of Trino's Iceberg catalogs, under the same names."""
    sql = {
        "type": "sql",
        "uri": layout.postgres_uri("postgresql+psycopg"),
        "init_catalog_tables": "false",
    }
    found = {CATALOG: sql | {"warehouse": layout.warehouse_uri}}
    if "nessie" in layout.extras:
        s3 = {
            "s3.endpoint": layout.url("s3"),
            "s3.access-key-id": USER,
            "s3.secret-access-key": layout.passwords["s3"],
            "s3.region": REGION,
            "s3.path-style-access": "true",
        }
        found["iceberg_s3"] = sql | s3 | {"warehouse": f"s3://{BUCKET}/jdbc"}
        for name, ref in (("nessie", "main"), ("nessie_dev", "dev")):
            uri = f"{layout.url('nessie')}/iceberg/{ref}"
            found[name] = {"type": "rest", "uri": uri, "warehouse": WAREHOUSE} | s3
    return found


def write_pyiceberg_file(layout: Layout) -> Path:
    """PyIceberg's own file too: its variables can't spell a name with an underscore."""
    lines = ["catalog:"]
    for name, settings in catalogs(layout).items():
        lines.append(f"  {name}:")
        lines += [f'    {key}: "{value}"' for key, value in settings.items()]
    path = layout.home / ".pyiceberg.yaml"
    write_private(path, "\n".join(lines) + "\n")
    return path


def _pyiceberg_environment(layout: Layout) -> dict[str, str]:
    return {
        f"PYICEBERG_CATALOG__{name.upper()}__{_spell(key)}": value
        for name, settings in catalogs(layout).items()
        if "_" not in name
        for key, value in settings.items()
    }


def _spell(key: str) -> str:
    return key.upper().replace(".", "__").replace("-", "_")
