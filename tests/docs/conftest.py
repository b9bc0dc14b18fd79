"""The same servers as the live tests use."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from tests.live.conftest import stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phlo_sql.stack.clients import Clients

__all__ = ["policies", "stack"]


@pytest.fixture
def policies(stack: Clients) -> Iterator[Mapping[str, str]]:
    """Schemas of this test's own: policies that a page makes would rule over every other test."""
    schema = f"a{uuid.uuid4().hex[:12]}"
    yield {"PHLO_SQL_ACCESS_SCHEMA": schema, "PHLO_SQL_AUDIT_SCHEMA": f"{schema}_audit"}
    with stack.postgres(autocommit=True) as server:
        for name in (schema, f"{schema}_audit"):
            server.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
