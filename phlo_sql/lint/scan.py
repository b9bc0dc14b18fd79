"""One file through all rules. Statements that differ in plain values alone are judged once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from phlo_sql import dialect
from phlo_sql import runbook as runbooks
from phlo_sql.errors import PhloSqlError
from phlo_sql.lint import rules
from phlo_sql.lint.finding import Finding
from phlo_sql.lint.secrets import secrets
from phlo_sql.lint.statements import Hit, Known, Sizes, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.dialect import Described
    from phlo_sql.lint.finding import Rule, Severity
    from phlo_sql.runbook import Item, Outline

_TOKEN = re.compile(
    r"""(?P<name>"(?:[^"]++|"")*+")|(?P<value>'(?:[^']++|'')*+'|(?<![\w$.])\d++(?:\.\d++)?+(?![\w.]))
    |(?P<where>\bWHERE\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_HEAD = re.compile(r"\s*(\w+)")
_ALL_VALUES = {"SELECT", "INSERT", "DELETE", "UPDATE", "MERGE", "WITH"}
_NOQA = re.compile(r"--\s*noqa(?::\s*(?P<names>[\w, -]+))?\s*$", re.IGNORECASE)
_UNDO = re.compile(r"--\s*(?:undo|rollback|revert)\b", re.IGNORECASE)
_RUNBOOK = "-- phlo-sql runbook, format"


class Placed(NamedTuple):
    """A statement and where it begins; `sql` is None where it can't be read."""

    sql: str
    line: int
    found: Described | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    findings: tuple[Finding, ...]
    statements: tuple[Placed, ...]


def scan(text: str, path: str, known: Known) -> Scanned:
    """Lint one file: phlo-sql's own, or any SQL of the same kind."""
    text = runbooks.normal(text)
    scanner = _Scanner(text, path, known)
    scanner.run()
    found = sorted(scanner.findings, key=lambda each: (each.line, each.rule.code))
    kept = tuple(each for each in found if not scanner.silenced(each))
    return Scanned(findings=kept, statements=tuple(scanner.statements))


class _Scanner:
    def __init__(self, text: str, path: str, known: Known) -> None:
        self.text = text
        self.path = path
        self.known = known
        self.findings: list[Finding] = []
        self.statements: list[Placed] = []
        self.judged: dict[str, tuple[Described | None, tuple[Hit, ...]]] = {}
        self.lines = text.split("\n") if "noqa" in text.lower() else []

    def run(self) -> None:
        self._secrets()
        found = self._items()
        book = self._outline(found)
        if book is not None:
            self.known = replace(
                self.known,
                version=book.head.trino_version or self.known.version,
                refs=self.known.refs | _refs(book),
            )
        sizes = Sizes(known=self.known)
        owed: Placed | None = None
        for item in found:
            if item.comment:
                if _UNDO.match(item.text):
                    owed = None
                continue
            placed = self._statement(item.text, item.line)
            if placed.found is None:
                continue
            self._report(item.line, sizes.see(placed.found))
            if placed.found.changes:
                self._owes(owed)
                owed = placed
        self._owes(owed)

    def _items(self) -> list[Item]:
        """Up to where a quote or comment is never closed."""
        found: list[Item] = []
        try:
            found.extend(runbooks.items(self.text))
        except PhloSqlError:
            line = self.text.count("\n") + 1
            problem = "a quote or comment is never closed: what follows cannot be told apart"
            self._report(line, [Hit(rules.NOT_UNDERSTOOD, problem)])
        return found

    def silenced(self, finding: Finding) -> bool:
        """Whether the finding's line, or the one above it, says `-- noqa`."""
        for number in (finding.line - 1, finding.line - 2):
            if 0 <= number < len(self.lines):
                match = _NOQA.search(self.lines[number])
                if match and _names(match["names"], finding.rule):
                    return True
        return False

    def _owes(self, placed: Placed | None) -> None:
        if placed is not None:
            problem = "say how to go back in a comment, -- undo: …, or why nothing does"
            self._report(placed.line, [Hit(rules.MISSING_UNDO, problem)])

    def _outline(self, found: list[Item]) -> Outline | None:
        if not self.text.startswith(_RUNBOOK):
            return None
        try:
            return runbooks.outline(self.text, found)
        except PhloSqlError as error:
            self._report(1, [Hit(rules.INVALID, error.problem)])
            return None

    def _statement(self, sql: str, line: int) -> Placed:
        verdict = self.judged.get(sql)
        if verdict is None:
            shape = shape_of(sql)
            verdict = self.judged.get(shape) or self._judge(sql)
            self.judged[shape] = self.judged[sql] = verdict
        found, hits = verdict
        self._report(line, hits)
        placed = Placed(sql, line, found)
        self.statements.append(placed)
        return placed

    def _judge(self, sql: str) -> tuple[Described | None, tuple[Hit, ...]]:
        try:
            tree = dialect.parse(sql)
        except PhloSqlError as error:
            return None, (Hit(rules.NOT_UNDERSTOOD, error.problem),)
        found = dialect.describe(tree)
        return found, tuple(judge(tree, found, self.known))

    def _secrets(self) -> None:
        at = line = 0
        for offset, kind in secrets(self.text):
            line += self.text.count("\n", at, offset)
            at = offset
            self._report(
                line + 1, [Hit(rules.SECRET, f"{kind} stands here: write it as ${{ENV:NAME}}")]
            )

    def _report(self, line: int, hits: Iterator[Hit] | tuple[Hit, ...] | list[Hit]) -> None:
        for hit in hits:
            self.findings.append(finding(hit.rule, self.path, line, hit.problem, hit.severity))


def finding(
    rule: Rule, path: str, line: int, problem: str, severity: Severity | None = None
) -> Finding:
    return Finding(
        rule=rule, path=path, line=line, problem=problem, severity=severity or rule.severity
    )


def shape_of(sql: str) -> str:
    """The statement with its plain values left out, where no rule looks at them."""
    match = _HEAD.match(sql)
    head = match[1].upper() if match else ""
    if head not in _ALL_VALUES and head != "ALTER":
        return sql
    masking = head in _ALL_VALUES

    def mask(token: re.Match[str]) -> str:
        nonlocal masking
        if token.lastgroup == "where":
            masking = True
        elif token.lastgroup == "value" and masking:
            return "''" if token[0].startswith("'") else "0"
        return token[0]

    return _TOKEN.sub(mask, sql)


def _names(names: str | None, rule: Rule) -> bool:
    """`-- noqa` alone means every rule."""
    if names is None:
        return True
    listed = {name.strip().lower() for name in names.replace(",", " ").split()}
    return rule.code.lower() in listed or rule.name in listed


def _refs(book: Outline) -> frozenset[str]:
    """A runbook that names a ref is of a catalog that has them."""
    head = book.head
    if head.ref is None and head.state.ref_hash is None:
        return frozenset()
    found = {head.table.catalog or ""}
    for step in book.steps:
        try:
            target = dialect.target_of(dialect.parse(step.sql))
        except PhloSqlError:
            continue
        if target is not None and target.catalog:
            found.add(target.catalog)
            break
    return frozenset(found)
