"""Findings as the programs of others read them: GitHub's annotations, and SARIF 2.1.0."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from phlo_sql import __version__
from phlo_sql.lint.finding import Severity
from phlo_sql.lint.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from phlo_sql.lint.finding import Finding, Rule

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(finding: Finding) -> str:
    """A workflow command: a pull request shows it beside the line."""
    command = _COMMANDS[finding.severity]
    title = f"{finding.rule.code} {finding.rule.name}"
    return (
        f"::{command} file={_property(finding.path)},line={finding.line},title={_property(title)}"
        f"::{_escaped(finding.problem)}"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Iterable[Finding]) -> dict[str, Any]:
    """One run of SARIF 2.1.0."""
    places = {rule.code: number for number, rule in enumerate(RULES)}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "phlo-sql",
                        "version": __version__,
                        "rules": [_described(rule) for rule in RULES],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    {
                        "ruleId": found.rule.code,
                        "ruleIndex": places[found.rule.code],
                        "level": _LEVELS[found.severity],
                        "message": {"text": found.problem},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": _uri(found.path)},
                                    "region": {"startLine": found.line},
                                }
                            }
                        ],
                    }
                    for found in findings
                ],
            }
        ],
    }


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _uri(path: str) -> str:
    return quote(PurePath(path).as_posix())
