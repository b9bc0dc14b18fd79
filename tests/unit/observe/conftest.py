"""Tables made by hand, or written by PyIceberg, in the test's own folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from tests.unit.observe.manifest_maker import TableMaker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def maker(tmp_path: Path) -> TableMaker:
    return TableMaker(tmp_path)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    uri = f"sqlite:///{tmp_path}/catalog.db"
    opened = SqlCatalog("lake", uri=uri, warehouse=f"file://{tmp_path}/warehouse")
    opened.create_namespace("sales")
    yield opened
    opened.close()
