"""Rules over runbooks, and over hand-written SQL of the same kind.

`scan` takes one file through the rules of `statements`, `formats` prints findings for the programs
of others, `rules` lists all. Nothing here asks a server: `flow.linting` adds what one says.
"""

from __future__ import annotations

from phlo_sql.lint.finding import Finding, Rule, Severity
from phlo_sql.lint.formats import github, sarif
from phlo_sql.lint.rules import REFUSED, RULES
from phlo_sql.lint.scan import Placed, Scanned, finding, scan
from phlo_sql.lint.statements import Known

__all__ = [
    "REFUSED",
    "RULES",
    "Finding",
    "Known",
    "Placed",
    "Rule",
    "Scanned",
    "Severity",
    "finding",
    "github",
    "sarif",
    "scan",
]
