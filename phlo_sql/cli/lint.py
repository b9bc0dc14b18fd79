"""What `runbook lint` does: read the files, lint, and print in the format that is asked for."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import config, lint
from phlo_sql.cli.output import Report
from phlo_sql.cli.saved import read_text
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.lint import Finding, Known

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

    return replace(report, human=human)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linted:
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def _linted(
    texts: Sequence[tuple[str, str]], options: Options, *, offline: bool, version: int | None
) -> _Linted:
    settings = config.load(dict(options.flags))
    known = lint.Known(
        version=version, refs=_with_refs(settings), catalog=str(settings.trino_catalog.value)
    )
    if offline or settings.trino_host.is_default:
        return _alone(texts, known)
    try:
        return _asked(texts, known, options)
    except PhloSqlError as error:
        if error.code not in _AWAY:
            raise
        note = f"the server was not asked: {error.problem}"
        return replace(_alone(texts, known), notes=(note,))


def _alone(texts: Sequence[tuple[str, str]], known: Known) -> _Linted:
    found = (lint.scan(text, path, known).findings for path, text in texts)
    return _Linted(findings=tuple(each for findings in found for each in findings))


def _asked(texts: Sequence[tuple[str, str]], known: Known, options: Options) -> _Linted:
    """With what the server says of itself, and of each statement that it can plan."""
    from phlo_sql.cli.connection import connected
    from phlo_sql.flow import Edges, linting

    findings: list[Finding] = []
    notes: list[str] = []
    with connected(options) as (settings, session):
        edges = Edges(settings=settings, session=session)
        here = linting.served(known, edges)
        here = replace(here, version=known.version or here.version)
        for path, text in texts:
            scanned = lint.scan(text, path, here)
            findings += scanned.findings
            findings += linting.planned(path, scanned.statements, edges, notes)
    return _Linted(findings=tuple(findings), notes=tuple(notes))


def _with_refs(settings: Settings) -> frozenset[str]:
    """The catalogs that settings describe as Nessie's: they have refs, whoever asks."""
    from phlo_sql.observe.nessie import api_of

    catalogs = {str(settings.trino_catalog.value), *settings.catalogs}
    found = set(settings.refs.values())
    for catalog in catalogs:
        try:
            properties = config.catalog_properties(settings, catalog, None)
        except PhloSqlError:
            continue
        if api_of(properties) is not None:
            found.add(catalog)
    return frozenset(found)


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
