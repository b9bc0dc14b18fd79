"""All rules. Each has a page of its own under docs/reference/lint; a test holds that."""

from __future__ import annotations

from phlo_sql.lint.finding import Rule, Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def _rule(code: str, name: str, severity: Severity, summary: str) -> Rule:
    return Rule(code=code, name=name, severity=severity, summary=summary)


NOT_UNDERSTOOD = _rule(
    "RB001", "statement-not-understood", ERROR, "the statement is none that phlo-sql can read"
)
INVALID = _rule("RB002", "invalid-runbook", ERROR, "the file claims to be a runbook and is none")
BELOW_FLOOR = _rule(
    "RB101", "retention-below-floor", ERROR, "it deletes what is younger than the server's floor"
)
ORPHANS = _rule(
    "RB102", "orphans-with-refs", ERROR, "orphan removal in a catalog whose other refs need files"
)
NEVER_CONVERGES = _rule(
    "RB103", "never-converges", ERROR, "files that it writes are small enough to be rewritten again"
)
NOT_PUSHED = _rule(
    "RB104", "where-not-pushed-down", ERROR, "a WHERE that Trino cannot answer from metadata"
)
DROPS_COLUMN = _rule("RB105", "drops-column", WARNING, "a column and its values go out of sight")
NARROWS_COLUMN = _rule(
    "RB106", "narrows-column", ERROR, "a type that no Iceberg column may be changed to"
)
UNKNOWN_PROCEDURE = _rule(
    "RB107", "unknown-procedure", ERROR, "this Trino version has no such procedure"
)
UNKNOWN_ARGUMENT = _rule(
    "RB108", "unknown-argument", ERROR, "this Trino version's procedure has no such argument"
)
NEWER_TRINO = _rule("RB109", "needs-newer-trino", ERROR, "grammar that this Trino version lacks")
RESERVED_NAME = _rule("RB110", "reserved-name", ERROR, "a reserved word stands as a name")
UNQUOTED_NAME = _rule("RB111", "unquoted-name", INFO, "a name stands without double quotes")
MISSING_UNDO = _rule(
    "RB112", "missing-undo", WARNING, "a change without a word on how to take it back"
)
SECRET = _rule("RB113", "secret-in-text", ERROR, "a password, key or token stands in the file")
REFUSED = _rule("RB114", "server-refuses", ERROR, "the server does not plan the statement")

RULES: tuple[Rule, ...] = (
    NOT_UNDERSTOOD,
    INVALID,
    BELOW_FLOOR,
    ORPHANS,
    NEVER_CONVERGES,
    NOT_PUSHED,
    DROPS_COLUMN,
    NARROWS_COLUMN,
    UNKNOWN_PROCEDURE,
    UNKNOWN_ARGUMENT,
    NEWER_TRINO,
    RESERVED_NAME,
    UNQUOTED_NAME,
    MISSING_UNDO,
    SECRET,
    REFUSED,
)
