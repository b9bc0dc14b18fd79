"""A runbook's structure, with its SQL still text: quick, also for ten thousand steps.

A reader that knows quotes and comments splits the file, so a value that looks like a marker stays
inside its literal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import parse_table
from phlo_sql.model.units import Range
from phlo_sql.plan import RUNBOOK_FORMAT, Binding, Kind, Measure, Plan, Prediction
from phlo_sql.runbook import form
from phlo_sql.runbook.form import invalid, unline
from phlo_sql.runbook.sealing import DIGEST, Approval, digest, parted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ITEM = re.compile(
    r"""\s*+(?:(?P<comment>--[^\n]*+)
    |(?P<sql>(?:[^'";/-]++|'(?:[^']++|'')*+'|"(?:[^"]++|"")*+"|--[^\n]*+|-
        |/\*(?:[^*]++|\*(?!/))*+\*/|/(?!\*))++)(?P<end>;|\Z))""",
    re.VERBOSE,
)


class Item(NamedTuple):
    """A comment line, or a statement without its semicolon; `line` counts from 1."""

    text: str
    line: int
    whole: bool = True
    """False: the file ends before the statement's semicolon."""

    @property
    def comment(self) -> bool:
        return self.text.startswith("--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A precheck or check; `sql` and `expected` as in `plan.Check`."""

    name: str
    sql: str
    line: int
    expected: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedStep:
    """A step as it stands in the file; the fields are those of `plan.Step`."""

    id: int
    kind: Kind
    sql: str
    line: int
    summary: str
    why: str
    undo_reason: str
    undo_sql: str | None
    undo_line: int
    destructive: bool
    temporary: bool = False
    late: bool = False
    independent: bool = False
    predicts: Prediction
    prechecks: tuple[Asked, ...]
    checks: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The whole file. `head` is the plan without its steps."""

    text: str
    digest: str
    head: Plan
    steps: tuple[OutlinedStep, ...]
    approvals: tuple[Approval, ...]

    @property
    def id(self) -> str:
        """A short name for the plan: the first twelve digits of its digest."""
        return self.digest[:12]


def outline(text: str, whole: Sequence[Item] | None = None) -> Outline:
    """Read the structure; CRLF and a byte order mark are accepted. `whole` are the text's items,
    where the caller has them already.

    Raises PhloSqlError(RUNBOOK_ALTERED) where the digest does not match the body, and
    PhloSqlError(RUNBOOK_INVALID) where the text is no runbook of this format.
    """
    text = normal(text)
    body, approvals = parted(text)
    found = DIGEST.findall(body)
    title = form.FORMAT.match(body.split("\n", 1)[0])
    if title is None or len(found) != 1:
        invalid("it has no runbook header" if title is None else "it is not one whole runbook")
    if int(title[1]) != RUNBOOK_FORMAT:
        invalid(f"it has format {title[1]}, this program reads format {RUNBOOK_FORMAT}")
    if digest(body) != found[0]:
        raise PhloSqlError(
            Code.RUNBOOK_ALTERED,
            "the runbook's digest does not match its text: it was edited or cut short",
            "make the plan again with the command in its header, and review that",
        )
    reader = _Reader(list(items(body)) if whole is None or approvals else whole)
    head = reader.head()
    steps = reader.steps()
    return Outline(text=text, digest=found[0], head=head, steps=steps, approvals=approvals)


def normal(text: str) -> str:
    """Without a byte order mark, and with LF alone where every line ends in CRLF."""
    text = text.removeprefix("\ufeff")
    if text.count("\r\n") == text.count("\n"):  # else a literal may hold one, and must keep it
        text = text.replace("\r\n", "\n")
    return text


def items(text: str) -> Iterator[Item]:
    """Comment lines and statements in their order, of any SQL text.

    Raises PhloSqlError(RUNBOOK_INVALID) where a quote or comment is never closed.
    """
    at, line, counted = 0, 1, 0
    end = len(text.rstrip())
    while at < end:
        for match in _ITEM.finditer(text, at):
            if match.start() != at:
                break
            group = "comment" if match.lastgroup == "comment" else "sql"
            start = match.start(group)
            line += text.count("\n", counted, start)
            counted, at = start, match.end()
            if group == "comment":
                yield Item(match[group], line)
            else:
                yield Item(match[group].strip(), line, match["end"] == ";")
            if at >= end:
                return
        rest = text[at : at + 200].lstrip()
        if not rest.startswith(";"):
            invalid("it ends in the middle of a statement")
        at = text.index(";", at) + 1  # an empty statement


class _Reader:
    """Comments and statements in their order, consumed from the front."""

    def __init__(self, found: Sequence[Item]) -> None:
        self.items = found
        if self.items and not self.items[-1].whole:
            invalid("it ends in the middle of a statement")
        self.at = 0

    def head(self) -> Plan:
        self.at = 1  # the title
        facts = self._facts()
        table, _ = parse_table(_one(facts, "table"))
        snapshot, ref = _one(facts, "snapshot"), _one(facts, "ref")
        ref_hash = _one(facts, "ref hash")
        return Plan(
            command=_one(facts, "command"),
            command_line=_one(facts, "made by"),
            table=table,
            ref=None if ref == "none" else ref,
            trino_version=_number(_one(facts, "trino")),
            state=Binding(
                metadata_location=_one(facts, "metadata"),
                snapshot_id=None if snapshot == "none" else _number(snapshot),
                ref_hash=None if ref_hash == "none" else ref_hash,
            ),
            planned_at=_moment(_one(facts, "planned")),
            planned_by=_one(facts, "by"),
            does=tuple(facts.get("does", ())),
            risk=_one(facts, "risk"),
            predicts=_prediction(_one(facts, "predicts")),
            warnings=tuple(facts.get("warning", ())),
        )

    def steps(self) -> tuple[OutlinedStep, ...]:
        found: list[OutlinedStep] = []
        told = 0
        while self.at < len(self.items):
            step, told = self._step(len(found) + 1)
            found.append(step)
        if found and told != len(found):
            invalid(f"it says that it has {told} steps, and has {len(found)}")
        return tuple(found)

    def _step(self, number: int) -> tuple[OutlinedStep, int]:
        match = form.STEP.match(self._comment("a step").text)
        if match is None or int(match[1]) != number:
            invalid(f"step {number} does not stand where it should")
        facts = self._facts()
        prechecks = self._checks("precheck")
        if self._comment("a statement").text != form.STATEMENT:
            invalid(f"step {number} has no statement")
        statement = self._sql()
        checks = self._checks("check")
        undo_line = self._peek().line
        undo = _one(self._facts(), "undo")
        lines: list[str] = []
        while self._peek().text.startswith(form.UNDO_SQL):
            lines.append(self._comment("undo").text.removeprefix(form.UNDO_SQL))
        step = OutlinedStep(
            id=number,
            kind=_kind(_one(facts, "kind")),
            sql=statement.text,
            line=statement.line,
            summary=unline(match[3]),
            why=_one(facts, "why"),
            destructive=_one(facts, "destroys") != "nothing",
            **_runs(facts),
            predicts=_prediction(_one(facts, "predicts")),
            prechecks=prechecks,
            checks=checks,
            undo_reason=undo,
            undo_sql="\n".join(lines).removesuffix(";") or None,
            undo_line=undo_line,
        )
        return step, int(match[2])

    def _peek(self) -> Item:
        return self.items[self.at] if self.at < len(self.items) else Item("", 0)

    def _comment(self, what: str) -> Item:
        item = self._peek()
        if not item.comment:
            invalid(f"{what} is missing")
        self.at += 1
        return item

    def _facts(self) -> dict[str, list[str]]:
        facts: dict[str, list[str]] = {}
        while True:
            if self._peek().text == form.RULE:
                self.at += 1
                continue
            match = form.FACT.match(self._peek().text)
            if match is None:
                return facts
            facts.setdefault(match[1], []).append(unline(match[2]))
            self.at += 1

    def _checks(self, word: str) -> tuple[Asked, ...]:
        checks: list[Asked] = []
        while (match := form.CHECK.match(self._peek().text)) and match[1] == word:
            self.at += 1
            expected = None if match[4] is None else _quoted(match[4])
            query = self._sql()
            checks.append(Asked(name=match[2], sql=query.text, line=query.line, expected=expected))
        return tuple(checks)

    def _sql(self) -> Item:
        item = self._peek()
        if not item.text or item.comment:
            invalid("a statement is missing")
        self.at += 1
        return item


def _quoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        invalid(f"{text} is not written as phlo-sql writes it")


def _one(facts: dict[str, list[str]], name: str) -> str:
    values = facts.get(name, [])
    if len(values) != 1:
        invalid(f"it has {len(values)} lines '{name}:' where one belongs")
    return values[0]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        invalid(f"{text!r} is not a number")


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        invalid(f"{text!r} is not a time as 2026-01-02T03:04:05Z")


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        invalid(f"step kind {text!r} is unknown: a newer phlo-sql made it")


def _runs(facts: dict[str, list[str]]) -> dict[str, bool]:
    if "runs" not in facts:
        return {}
    words, flags = _one(facts, "runs").split("; "), {word: name for name, word in form.RUNS.items()}
    if unknown := [word for word in words if word not in flags]:
        invalid(f"{unknown[0]!r} is no way to run a step that this program knows")
    return {flags[word]: True for word in words}


def _prediction(text: str) -> Prediction:
    values: dict[str, Measure] = {}
    for part in text.split("; ") if text != "nothing" else ():
        name, _, value = part.partition(" = ")
        low, dots, high = value.partition("..")
        values[name] = Range(_number(low), _number(high)) if dots else _number(low)
    try:
        return Prediction(**values)
    except TypeError:
        invalid(f"prediction {text!r} has names this program does not know")
