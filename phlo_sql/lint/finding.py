"""What a rule is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Severity(Enum):
    """An error makes `runbook lint` exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`code` and `name` are stable, and either is taken by --ignore and by `-- noqa: …`."""

    code: str
    name: str
    severity: Severity
    summary: str

    @property
    def page(self) -> str:
        """Where the rule is explained, from the root of the documentation."""
        return f"reference/lint/{self.name}.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`line` counts from 1."""

    rule: Rule
    path: str
    line: int
    problem: str
    severity: Severity

    def document(self) -> dict[str, Any]:
        return {
            "code": self.rule.code,
            "rule": self.rule.name,
            "severity": self.severity.value,
            "path": self.path,
            "line": self.line,
            "problem": self.problem,
            "page": self.rule.page,
        }
