"""The environment with which any client finds a stack, spelt as phlo and PyIceberg spell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import hive
from phlo_sql.stack.clients import catalog_properties
from phlo_sql.stack.layout import BUCKET, DATABASE, REGION, USER, Layout, write_private
from phlo_sql.stack.opa import bundle_path
from phlo_sql.stack.ports import HOST
from phlo_sql.stack.postgres import CATALOG
from phlo_sql.stack.trino import scratch_storage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    if "opa" in layout.extras:
        env["OPA_URL"] = layout.url("opa")
        env["PHLO_SQL_ACCESS_OPA_BUNDLE"] = str(bundle_path(layout))
    if "events" in layout.extras:
        env["PHLO_SQL_COLLECT_TOKEN"] = layout.passwords["events"]
        env["PHLO_SQL_COLLECT_URL"] = layout.url("events")
    if "nessie" in layout.extras:
        env |= {
            "NESSIE_HOST": HOST,
            "NESSIE_PORT": str(layout.ports["nessie"]),
            "NESSIE_URI": f"{layout.url('nessie')}/iceberg",
            "PHLO_SQL_SCRATCH_CATALOG": "iceberg_s3",
        }
    if "hive" in layout.extras:
        env["HIVE_METASTORE_URI"] = hive.uri(layout)
    if "glue" in layout.extras:
        # Two spellings: ours, and the one that AWS's own programs tell apart from S3's.
        env |= dict.fromkeys(("GLUE_ENDPOINT_URL", "AWS_ENDPOINT_URL_GLUE"), layout.url("glue"))
    if layout.s3:
        env |= {
            "PHLO_SQL_MIGRATE_STORAGE": ",".join(
                f"{name}={value}" for name, value in scratch_storage(layout).items()
            ),
            "PHLO_SQL_MIGRATE_SCRATCH": f"s3://{BUCKET}/phlo-sql-migrations",
            "ICEBERG_S3_ENDPOINT": layout.url("s3"),
            "ICEBERG_S3_ACCESS_KEY": USER,
            "ICEBERG_S3_SECRET_KEY": layout.passwords["s3"],
            "ICEBERG_S3_REGION": REGION,
            "AWS_ENDPOINT_URL": layout.url("s3"),
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": layout.passwords["s3"],
            "AWS_REGION": REGION,
        }
    return env | _pyiceberg_variables(env)


def for_catalog(env: Mapping[str, str], name: str) -> dict[str, str]:
    """The same environment with another catalog as `TRINO_CATALOG`, as a phlo project has it.

    Raises PhloSqlError(UNKNOWN_CATALOG) for one that the stack does not serve.
    """
    served = catalog_properties(env)
    if name not in served:
        raise PhloSqlError(
            Code.UNKNOWN_CATALOG,
            f"this stack serves no Iceberg catalog {name}",
            f"choose from {', '.join(served)}; nessie needs `phlo-sql stack up --with nessie`",
        )
    chosen = served[name]
    # phlo puts the ref behind the address itself.
    uri = env["NESSIE_URI"] if chosen["type"] == "rest" else chosen.get("uri", "")
    return {
        **env,
        "TRINO_CATALOG": name,
        "ICEBERG_CATALOG_URI": uri,
        "ICEBERG_WAREHOUSE_PATH": chosen["warehouse"],
        **({} if uri else {"ICEBERG_CATALOG_TYPE": chosen["type"]}),
    }


def write_pyiceberg_file(folder: Path, env: Mapping[str, str]) -> None:
    """PyIceberg's own file too: in its variables a name's underscore becomes a hyphen."""
    lines = ["catalog:"]
    for name, settings in catalog_properties(env).items():
        lines.append(f"  {name}:")
        lines += [f'    {key}: "{value}"' for key, value in settings.items()]
    write_private(folder / ".pyiceberg.yaml", "\n".join(lines) + "\n")


def _pyiceberg_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {
        f"PYICEBERG_CATALOG__{name.upper()}__{_spell(key)}": value
        for name, settings in catalog_properties(env).items()
        for key, value in settings.items()
    }


def _spell(key: str) -> str:
    return key.upper().replace(".", "__").replace("-", "_")
