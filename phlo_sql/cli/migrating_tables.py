"""A database's tables, one migration each: shown together, asked for once, one failing alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from phlo_sql import flow
from phlo_sql.cli.confirmation import confirmed
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.cli.draw_migration import database
from phlo_sql.cli.migrating import Operation, converted, gone_on, unfinished
from phlo_sql.cli.migration_report import require_ending, save
from phlo_sql.cli.output import Report, console
from phlo_sql.cli.progress import watching
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phlo_sql.cli.options import Options
    from phlo_sql.flow.outlook import Outlook
    from phlo_sql.model.migration import FromGlue, FromHive, FromTable


class Then(Protocol):
    """What follows on a table that came over: its report, with more told."""

    def __call__(self, report: Report, table: FromTable, /, *, several: bool) -> Report: ...


@dataclass(slots=True, kw_only=True)
class Line:
    """One table: what is foreseen for it, and what came of it. `begun` is a run of it that left
    something to do."""

    outlook: Outlook
    begun: Operation | None = None
    state: str = ""
    reason: str = ""
    error: PhloSqlError | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    """The data of its own report."""
    next_steps: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self.state, self.reason = self.outlook.state, self.outlook.reason
        if self.begun is None or self.state not in ("planned", "done"):
            return
        self.state = "begun"
        self.reason = (
            f"{self.begun.id} did {self.begun.done} of {self.begun.steps} steps: go on with "
            f"--resume, or back with `phlo-sql migrate rollback {self.begun.id}`"
            if self.begun.left_behind
            else "it is there, and not all of its grants are: make them with --resume"
        )

    @property
    def table(self) -> FromTable:
        return self.outlook.table

    @property
    def name(self) -> str:
        return str(self.table.table)

    def document(self) -> dict[str, Any]:
        source, outlook = self.table.source, self.outlook
        return {
            "table": self.name,
            "kind": source.kind.value,
            "format": source.format,
            "location": source.location,
            "partitions": len(source.partitions) if source.partitioned else None,
            "files": source.files,
            "bytes": source.bytes,
            "owner": source.owner,
            "state": self.state,
            "reason": self.reason or None,
            "mode": outlook.mode,
            "modes": [
                {
                    "mode": mode,
                    "reason": reason,
                    "partitions": len(found) if source.partitioned else None,
                    "files": sum(len(each.partition.files) for each in found),
                    "bytes": sum(each.partition.bytes for each in found),
                }
                for mode, reason, found in outlook.modes
            ],
            "grants": list(outlook.grants),
            "operation": self.told.get("operation"),
            "result": self.told.get("result"),
            "cut_over": self.told.get("cut_over"),
            "error": None if self.error is None else f"{self.error.code.id}: {self.error.problem}",
        }


def migrated_tables(
    intent: FromHive | FromGlue,
    options: Options,
    *,
    resume: bool,
    file: str | None,
    then: Then | None = None,
) -> Report:
    """One table goes the way of every command; several are told, or run, together. `then` has its
    say of each that is there in the end."""
    from phlo_sql.flow.outlook import foresee
    from phlo_sql.flow.sources import look, require_migratable

    if file is not None:
        require_ending(file)
    with (
        connected(options) as (settings, session),
        watching(quiet=options.quiet) as watch,
    ):
        edges = flow.Edges(settings=settings, session=session, note=watch.note)
        tables = look(intent, edges)
        seen = foresee(tables, edges) if len(tables) > 1 else ()
    if len(tables) == 1:
        require_migratable(tables[0])
        if resume:
            report = gone_on(tables[0].table, tables[0].ref, options, file)
        else:
            report = converted(tables[0], options, file)
        return report if then is None else then(report, tables[0], several=False)
    if options.out:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"--out saves one runbook, and {len(tables)} tables have one each",
            "name one of them with --table",
        )
    catalog = str(settings.trino_catalog.value)
    known = {str(e.table.within(catalog)): e.ref for e in tables}
    begun = unfinished(journal_path(), known, settings)
    lines = [
        Line(outlook=each, begun=begun.get(str(each.table.table.within(catalog)))) for each in seen
    ]
    if options.dry_run:
        return _report("planned", lines)
    _run(intent, lines, options, resume=resume)
    if then is not None:
        _followed(lines, then)
    report = _ended(lines)
    if file is not None:
        save(report, file, [dict(each.told) for each in lines if each.told])
    return report


def _run(
    intent: FromHive | FromGlue, lines: Sequence[Line], options: Options, *, resume: bool
) -> None:
    from phlo_sql.cli.migrating_together import run_all

    for each in lines:
        _refuse(each, intent.if_exists, resume=resume)
    wanted = [each for each in lines if each.error is None and each.state in ("planned", "begun")]
    if wanted:
        documents = [each.document() for each in lines]
        if not options.as_json:
            database(console(), documents)
        size = human_size(sum(each.table.source.bytes for each in wanted))
        confirmed(
            f"Bring {len(wanted):,} tables ({size}) into Iceberg?",
            options,
            needing=f"a migration of {len(wanted):,} tables",
            hint="add --yes to run it, or --dry-run to look",
            data={"migrations": documents},
        )
        run_all(wanted, replace(options, yes=True, as_json=True))


def _followed(lines: Sequence[Line], then: Then) -> None:
    """What `then` makes of each table that is there now; it fails for one alone, too."""
    for each in lines:
        if each.error is not None or each.state not in ("success", "done", "exists"):
            continue
        own = Report(status="success", data=each.told)
        try:
            report = then(own, each.table, several=True)
        except PhloSqlError as error:
            each.error = error
            continue
        warnings = (*each.told.get("warnings", ()), *report.warnings)
        each.told = {**report.data, "warnings": warnings}
        each.next_steps = report.next_steps


def _ended(lines: Sequence[Line]) -> Report:
    if any(each.error is not None for each in lines):
        return _report("partial", lines)
    ran = any(each.state == "success" for each in lines)
    return _report("success" if ran else "noop", lines)


def _refuse(line: Line, if_exists: str, *, resume: bool) -> None:
    """What fails before anything of it runs, beside the others that do."""
    match line.state:
        case "refused":
            line.error = PhloSqlError(Code.NOT_MIGRATABLE, line.reason, "leave it out with --table")
        case "exists" if if_exists == "fail":
            hint = "leave it alone with --if-exists skip"
            line.error = PhloSqlError(Code.TARGET_EXISTS, line.reason, hint)
        case "begun" if not resume:
            line.error = PhloSqlError(Code.TARGET_EXISTS, line.reason, "go on with --resume")
        case _:
            return
    line.state = "failed"


def _report(status: str, lines: Sequence[Line]) -> Report:
    failed = [each for each in lines if each.error is not None]
    documents = [each.document() for each in lines]
    stopped = any(each.error.code is Code.INTERRUPTED for each in failed if each.error)
    return Report(
        status=status,
        data={"migrations": documents},
        warnings=tuple(
            f"{each.name}: {text}" for each in lines for text in each.told.get("warnings", ())
        ),
        errors=tuple(f"{each.name}: {each.error}" for each in failed),
        reason_code=Code.INTERRUPTED.reason if stopped else None,
        next_steps=tuple(
            step
            for each in lines
            for step in (*(each.error.next_steps if each.error else ()), *each.next_steps)
        ),
        exit_code=1 if failed else 0,
        human=lambda out: database(out, documents),
    )
