"""After a deletion: every live file is still there, and what was to go is gone. Asks the storage
itself, file by file, not a server that may answer from its cache."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import CheckResult
from phlo_sql.flow.edges import physical
from phlo_sql.plan import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

    from phlo_sql.execute import StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.history import History
    from phlo_sql.runbook import Runbook

_ASKING = 32
_NAMED = 3
"""Missing files that an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Files that must be there and files that must be gone, each with columns path and size."""

    live: pa.Table
    dead: pa.Table
    expired: int | None = None
    kept: int | None = None


def watch(
    book: Runbook, table: Table, edges: Edges, after: Callable[[History], Watched]
) -> Measure:
    """A measure of what is gone; `after` is given the history as it is when the steps have run."""

    def measure(_steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        from phlo_sql.observe.history import read_history

        table.refresh()
        name = physical(book.plan.table, book.plan.ref, edges)
        watched = after(read_history(table, name, book.plan.ref))
        gone = _absent(table.io, watched.dead)
        lost = _absent(table.io, watched.live)
        sizes = dict(
            zip(watched.dead["path"].to_pylist(), watched.dead["size"].to_pylist(), strict=True)
        )
        found = Prediction(
            deleted_files=len(gone),
            deleted_bytes=sum(sizes[path] for path in gone),
            expired_snapshots=watched.expired,
            kept_snapshots=watched.kept,
        )
        named = ", ".join(sorted(lost)[:_NAMED]) + (" …" if len(lost) > _NAMED else "")
        whole = CheckResult(
            name="live files that are there",
            step=len(book.plan.steps),
            expected=str(watched.live.num_rows),
            actual=f"{watched.live.num_rows - len(lost)}; missing: {named}"
            if lost
            else str(watched.live.num_rows),
        )
        return found, (whole,)

    return measure


def server_now(edges: Edges) -> datetime:
    """The server's clock: it decides what is old."""
    found = edges.session.query(dialect.server_time())[0][0]
    if not isinstance(found, datetime):
        raise PhloSqlError(
            Code.QUERY_FAILED, f"the server's time is {found!r}", "report this server's version"
        )
    return found.astimezone(UTC)


def _absent(io: FileIO, files: pa.Table) -> list[str]:
    """Paths where nothing is, by one request each."""
    paths = files["path"].to_pylist()
    with ThreadPoolExecutor(_ASKING) as pool:
        there = list(pool.map(lambda path: io.new_input(path).exists(), paths))
    return [path for path, present in zip(paths, there, strict=True) if not present]
