"""What `runbook lint` does: read the files, lint, and print in the format that is asked for."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from phlo_sql import config, flow, lint
from phlo_sql.cli.connection import connected
from phlo_sql.cli.output import Report
from phlo_sql.cli.saved import read_text
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.linting import Linted, lint_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.lint import Finding

_AWAY = {Code.SERVER_DOWN, Code.NOT_AUTHENTICATED}


def run(
    files: Sequence[str],
    options: Options,
    *,
    shape: str,
    ignore: Sequence[str],
    offline: bool,
    version: int | None,
) -> Report:
    """Exit 1 where a finding is an error."""
    texts = [(file, read_text(file)) for file in files]
    found = _linted(texts, options, offline=offline, version=version)
    passed = {name.strip().lower() for each in ignore for name in each.split(",")}
    _require_known(passed)
    kept = [
        each
        for each in found.findings
        if each.rule.code.lower() not in passed and each.rule.name not in passed
    ]
    errors = sum(each.severity is lint.Severity.ERROR for each in kept)
    report = Report(
        status="error" if errors else "success",
        data={"files": list(files), "findings": [each.document() for each in kept]},
        warnings=found.notes,
        reason_code="findings" if errors else None,
        exit_code=1 if errors else 0,
    )

    def human(out: Console) -> None:
        match shape:
            case "json":
                out.out(json.dumps(report.document(), ensure_ascii=False), highlight=False)
            case "sarif":
                out.out(json.dumps(lint.sarif(kept), ensure_ascii=False, indent=2), highlight=False)
            case "github":
                for each in kept:
                    out.out(lint.github(each), highlight=False)
            case _:
                _text(out, kept, len(files))

    return Report(
        status=report.status,
        data=report.data,
        warnings=report.warnings,
        reason_code=report.reason_code,
        exit_code=report.exit_code,
        human=human,
    )


def _linted(
    texts: Sequence[tuple[str, str]], options: Options, *, offline: bool, version: int | None
) -> Linted:
    settings = config.load(dict(options.flags))
    if offline or settings.trino_host.is_default:
        return lint_files(texts, settings, None, version)
    try:
        with connected(options) as (settings, session):
            edges = flow.Edges(settings=settings, session=session)
            return lint_files(texts, settings, edges, version)
    except PhloSqlError as error:
        if error.code not in _AWAY:
            raise
        alone = lint_files(texts, settings, None, version)
        note = f"the server was not asked: {error.problem}"
        return Linted(findings=alone.findings, notes=(*alone.notes, note))


def _require_known(names: set[str]) -> None:
    known = {rule.code.lower() for rule in lint.RULES} | {rule.name for rule in lint.RULES}
    if unknown := sorted(names - known):
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"there is no rule {unknown[0]!r}",
            "rules are: " + ", ".join(rule.name for rule in lint.RULES),
        )


def _text(out: Console, found: Sequence[Finding], files: int) -> None:
    out.out(
        "".join(
            f"{each.path}:{each.line}: {each.rule.code} {each.rule.name} "
            f"[{each.severity.value}] {each.problem}\n"
            for each in found
        ),
        highlight=False,
        end="",
    )
    counts = Counter(each.severity.value for each in found)
    told = ", ".join(f"{number} {name}(s)" for name, number in counts.items()) or "nothing found"
    out.print(f"{files} file(s): {told}")
