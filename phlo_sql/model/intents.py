"""What a person asked for, one frozen value per command; made by `cli`, read by `compile`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from phlo_sql.model.names import TableName

Verify = Literal["none", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimize:
    """`table optimize`: rewrite small files and apply deletes.

    `target_file_size` in bytes is the size of the files written; None takes the table's own.
    """

    table: TableName
    ref: str | None = None
    target_file_size: int | None = None
    verify: Verify = "count"


Intent = Optimize
