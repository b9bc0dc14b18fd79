"""Takes away the files that a migration itself made, in folders that were its own from the start.

The one place that deletes outside of Trino: a scratch metastore's folders and what a stopped copy
wrote belong to no table that a statement could name.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from phlo_sql.flow.edges import Edges
    from phlo_sql.plan import Plan


def sweep(folder: str, plan: Plan, edges: Edges) -> int:
    """Delete all below a folder that carries the migration's token; how many files that were.

    Raises PhloSqlError(UNSAFE_DELETION) for any other folder.
    """
    from pyarrow.fs import FileSelector
    from pyiceberg.io.pyarrow import PyArrowFileIO

    from phlo_sql.flow.edges import file_properties
    from phlo_sql.flow.migrating import staging
    from phlo_sql.observe.listing import opened_at

    own = staging(plan, edges)
    if len(own.run) != 12 or not folder.rstrip("/").endswith(own.run):
        raise PhloSqlError(
            Code.UNSAFE_DELETION,
            f"{folder} is not named after the migration, and may hold more than it wrote",
            "take away by hand what is no one's there, or name no --location next time",
        )
    io = PyArrowFileIO(file_properties(plan.table, plan.ref, edges))
    _, system, root = opened_at(io, folder)
    found = system.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
    if found:
        with suppress(FileNotFoundError):
            system.delete_dir(root)
    return sum(each.is_file for each in found)
