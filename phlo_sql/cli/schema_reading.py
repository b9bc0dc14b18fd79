"""What the commands of `schema` that only read do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.cli.connection import connected
from phlo_sql.cli.output import Report
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema.difference import Effect
from phlo_sql.schema.reading import is_file

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.flow.schemas import Compared, Source
    from phlo_sql.model.intents import Evolve
    from phlo_sql.model.names import TableName


def read_text(file: str) -> str:
    """A schema file. Raises PhloSqlError(BAD_SCHEMA)."""
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise PhloSqlError(
            Code.BAD_SCHEMA, f"{file} cannot be read as text: {why}", "name a schema file"
        ) from error


def left_over(table: TableName, ref: str | None, options: Options) -> Evolve:
    """What the last run on a table left. Raises PhloSqlError(NOTHING_RECORDED)."""
    from phlo_sql import config
    from phlo_sql.cli.connection import journal_path
    from phlo_sql.cli.resume import last_unfinished
    from phlo_sql.model.intents import Evolve

    named = table.within(str(config.load(dict(options.flags)).trino_catalog.value))
    # A plan's table is the one that Trino shows: on a branch, that of the branch's catalog.
    shown = config.trino_catalog(config.load(dict(options.flags)), ref, named.catalog)
    names = {str(named), str(replace(named, catalog=shown))}
    found = [last_unfinished(journal_path(), each, ref, "schema evolve") for each in names]
    last = next((each for each in found if each is not None), None)
    if last is None:
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            f"no unfinished run of schema evolve on {named} is recorded",
            "name the changes themselves",
        )
    return Evolve(table=named, ref=ref, unfinished=last.runbook.text, done=tuple(sorted(last.done)))


def source(text: str) -> Source:
    """A file by its ending, else a table and what stands behind its `@`."""
    from phlo_sql.flow.schemas import Source
    from phlo_sql.model.names import parse_table

    if is_file(text) and (Path(text).exists() or "/" in text):
        return Source(text=text, file_text=read_text(text))
    table, at = parse_table(text)
    return Source(text=text, table=table, at=at)


def compared(
    left: str, right: str, ref: str | None, statements: bool, exit_code: bool, options: Options
) -> Report:
    """The differences, for people, programs, or as ALTER statements."""
    from phlo_sql import flow
    from phlo_sql.cli.progress import watching
    from phlo_sql.flow.schemas import compare

    one, other = source(left), source(right)
    with connected(options) as (settings, session), watching(quiet=options.quiet) as watch:
        edges = flow.Edges(settings=settings, session=session, note=watch.note)
        found = compare(one, other, ref, edges, statements=statements)
    breaking = [each for each in found.differences if each.effect.breaking]
    sql = [dialect.render(each, version=found.trino_version) + ";" for each in found.statements]
    fails = exit_code and bool(breaking)
    return Report(
        status="success",
        data={
            "left": left,
            "right": right,
            "differences": [each.document() for each in found.differences],
            "breaking": len(breaking),
            **({"sql": sql} if statements else {}),
        },
        reason_code="breaking_differences" if fails else None,
        exit_code=1 if fails else 0,
        human=lambda out: _draw(out, found, sql if statements else None),
    )


def _draw(out: Console, found: Compared, sql: list[str] | None) -> None:
    from phlo_sql.cli.draw_schema import differences

    if sql is not None:
        for each in found.differences:
            if each.effect is Effect.IMPOSSIBLE:
                out.file.write(f"-- not possible: {_one_line(each.line)} ({each.why})\n")
        out.file.write("".join(f"{line}\n" for line in sql))
        return
    if not found.differences:
        out.print("no difference")
        return
    differences(out, found.differences)
    breaking = sum(each.effect.breaking for each in found.differences)
    out.print(f"{len(found.differences)} difference(s), {breaking} breaking")


def _one_line(text: str) -> str:
    return " ".join(text.split())
