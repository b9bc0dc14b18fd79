"""`schema export`: one table to the terminal, or many into a folder with an index."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.cli.connection import connected
from phlo_sql.cli.output import Report
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.flow.schemas import Exported
    from phlo_sql.model.names import TableName


def exported(
    table: TableName, ref: str | None, form: str, folder: str | None, options: Options
) -> Report:
    from phlo_sql import flow
    from phlo_sql.cli.progress import watching
    from phlo_sql.flow.schemas import export, matching

    glob = any(sign in part for part in (table.schema, table.name) for sign in "*?[")
    if glob and folder is None:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS, f"{table} may be many tables", "add --out DIR for their files"
        )
    with connected(options) as (settings, session), watching(quiet=options.quiet) as watch:
        edges = flow.Edges(settings=settings, session=session, note=watch.note)
        names = matching(table, ref, edges) if glob else (table,)
        if not names:
            raise PhloSqlError(
                Code.UNKNOWN_TABLE, f"no table fits {table}", "check the pattern's schema and name"
            )
        found, failed = _each(names, ref, form, glob, edges, export)
    if folder is None:
        return _one(found[0], form)
    return _many(found, failed, form, Path(folder))


def _each(
    names: tuple[TableName, ...], ref: str | None, form: str, glob: bool, edges: Any, export: Any
) -> tuple[list[Exported], list[str]]:
    """Of many tables, one that can't be read does not hold up the others."""
    found: list[Exported] = []
    failed: list[str] = []
    for name in names:
        try:
            found.append(export(name, ref, form, edges))
        except PhloSqlError as error:
            if not glob:
                raise
            failed.append(f"{name}: {error.problem}")
    return found, failed


def _one(found: Exported, form: str) -> Report:
    def human(out: Console) -> None:
        out.file.write(found.text)

    return Report(
        status="success",
        data={"schema": {"table": str(found.schema.name), "format": form, "text": found.text}},
        human=human,
    )


def _many(found: list[Exported], failed: list[str], form: str, folder: Path) -> Report:
    from phlo_sql.schema.formats.markdown import Entry, index

    try:
        folder.mkdir(parents=True, exist_ok=True)
        entries, used = [], set[str]()
        for each in found:
            file = _file(str(each.schema.name), each.suffix, used)
            (folder / file).write_text(each.text, "utf-8", newline="\n")
            entries.append(
                Entry(
                    title=str(each.schema.name),
                    file=file,
                    columns=len(each.schema.fields),
                    comment=each.schema.comment,
                    facts=each.facts,
                )
            )
        (folder / "index.md").write_text(index(entries), "utf-8", newline="\n")
    except OSError as error:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS, f"{folder} cannot be written: {error}", "name another folder"
        ) from error
    files = [entry.file for entry in entries]
    return Report(
        status="partial" if failed else "success",
        data={"schema": {"format": form, "folder": str(folder), "files": [*files, "index.md"]}},
        warnings=tuple(failed),
        reason_code="some_tables_failed" if failed else None,
        exit_code=1 if failed else 0,
        human=lambda out: out.print(f"{len(files)} table(s) in {folder}", soft_wrap=True),
    )


def _file(name: str, suffix: str, used: set[str]) -> str:
    """A file name for a table: no path in it, and none twice."""
    plain = re.sub(r"[^\w.-]", "_", name).strip(".") or "table"
    found, number = f"{plain}{suffix}", 2
    while found in used or found == "index.md":
        found, number = f"{plain}_{number}{suffix}", number + 1
    used.add(found)
    return found
