"""The same servers as the live tests use."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import pytest
from psycopg import sql
from trino.exceptions import TrinoExternalError

from tests.live.conftest import stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from phlo_sql.stack.clients import Clients

CATALOGS = ("iceberg", "nessie")
__all__ = ["policies", "stack"]


@pytest.fixture
def policies(stack: Clients) -> Iterator[Mapping[str, str]]:
    """Schemas of this test's own: policies that a page makes would rule over every other test."""
    schema = f"a{uuid.uuid4().hex[:12]}"
    yield {"PHLO_SQL_ACCESS_SCHEMA": schema, "PHLO_SQL_AUDIT_SCHEMA": f"{schema}_audit"}
    with stack.postgres(autocommit=True) as server:
        for name in (schema, f"{schema}_audit"):
            server.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


@pytest.fixture
def orders(stack: Clients, sales_alone: None) -> Iterator[Callable[[str, int], None]]:
    """Fills `sales.orders` of a catalog with TPC-H's orders, in so many small files."""
    for catalog in CATALOGS:
        stack.rows(f"DROP SCHEMA IF EXISTS {catalog}.sales CASCADE")

    def fill(catalog: str, files: int) -> None:
        try:
            stack.rows(f"CREATE SCHEMA {catalog}.sales")
        except TrinoExternalError:  # a JDBC catalog's very first statements, on a busy machine
            time.sleep(3)
            stack.rows(f"CREATE SCHEMA IF NOT EXISTS {catalog}.sales")
        name = f"{catalog}.sales.orders"
        stack.rows(f"CREATE TABLE {name} AS SELECT * FROM tpch.tiny.orders WHERE false")
        for part in range(files):
            rows = f"SELECT * FROM tpch.tiny.orders WHERE orderkey % {files} = {part}"
            stack.rows(f"INSERT INTO {name} {rows}")

    yield fill
    for catalog in CATALOGS:
        stack.rows(f"DROP SCHEMA IF EXISTS {catalog}.sales CASCADE")
