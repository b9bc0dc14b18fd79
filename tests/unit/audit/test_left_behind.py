"""What the journal says of catalogs that runs made for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from phlo_sql.audit.journal import Journal
from phlo_sql.flow.ref_catalog import left_behind

if TYPE_CHECKING:
    from pathlib import Path

CREATE = 'CREATE CATALOG "lake_x" USING iceberg WITH ("a" = \'b\')'
DROP = 'DROP CATALOG "lake_x"'


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([], False),
        ([("step started", 1, CREATE)], True),
        ([("step started", 1, CREATE), ("step finished", 1, None)], True),
        ([("step started", 1, CREATE), ("step started", 3, DROP)], False),
        ([("step started", 1, CREATE), ("undone", 1, None)], False),
        ([("step started", 1, CREATE), ("undone", 2, None)], True),
        ([("step started", 1, CREATE.replace("lake_x", "lake_y"))], False),
        ([("step started", 3, DROP), ("step started", 1, CREATE)], True),
    ],
)
def test_left_behind(
    events: list[tuple[str, int, str | None]],
    left: bool,  # noqa: FBT001 - a case's fact
    tmp_path: Path,
) -> None:
    journal = Journal(path=tmp_path / "operations.jsonl", operation="one")
    for name, step, sql in events:
        journal.write(name, step=step, **({} if sql is None else {"sql": sql}))
    assert left_behind(journal.path, "lake_x") is left
