"""Files that belong to a plan: those that must lie beside its runbook, and the list it was asked
to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from phlo_sql.cli.options import Options

_FORMATS = (".parquet", ".csv")


def require_format(file: str) -> None:
    """Raises PhloSqlError(INVALID_ARGUMENTS) for a list in a format that nobody writes here."""
    if not file.lower().endswith(_FORMATS):
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"--list {file}: its name says no format",
            "end it in .parquet or .csv",
        )


def save(details: Any, options: Options) -> None:
    """Write what the details of a plan bring along, where they bring anything."""
    attachments = getattr(details, "attachments", {})
    if options.out:
        for name, data in attachments.items():
            Path(options.out).with_name(name).write_bytes(data)
    wanted = getattr(details, "list_file", None)
    if wanted:
        _write(details.files, wanted)


def _write(files: Any, file: str) -> None:
    if file.lower().endswith(".csv"):
        from pyarrow import csv

        csv.write_csv(files, file)
    else:
        from pyarrow import parquet

        parquet.write_table(files, file)
