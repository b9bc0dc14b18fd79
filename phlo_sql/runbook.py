"""Plan ⇄ runbook: a `.sql` file that Trino's own CLI runs as it is, and that reads back equal.

Facts stand in comments, `-- name: value`; queries and statements stand as SQL. A reader that knows
quotes and comments splits the file, so a value that looks like a marker stays inside its literal.
Same plan, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import parse_table
from phlo_sql.model.units import Range
from phlo_sql.plan import (
    RUNBOOK_FORMAT,
    Binding,
    Check,
    Kind,
    Measure,
    Plan,
    Prediction,
    Step,
    Undo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_TITLE = f"phlo-sql runbook, format {RUNBOOK_FORMAT}"
_RULE = "-- " + "-" * 76
_DIGEST = re.compile(r"^-- digest:    sha256:([0-9a-f]{64})$", re.MULTILINE)
_FORMAT = re.compile(r"-- phlo-sql runbook, format (\d+)\Z")
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)|(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<end>;)|(?P<text>[^'";-]+|.)""",
    re.DOTALL,
)
_FACT = re.compile(
    r"-- (command|made by|table|ref|planned|by|trino|metadata|snapshot|ref hash|does|risk|predicts"
    r"|warning|digest|why|kind|runs|destroys|undo):\s+(.*)\Z"
)
_STEP = re.compile(r"-- == Step (\d+) of (\d+): (.*) ==\Z")
_CHECK = re.compile(
    r"-- (precheck|check) ([\w-]+): (note the answer|expect the same answer|expect (\".*\"))\Z"
)
_NOTE, _SAME = "note the answer", "expect the same answer"
_UNDO_SQL = "--     "
_RUNS = {
    "temporary": "put back if a later step fails",
    "late": "planned by the server when it is its turn",
    "independent": "on its own",
}
"""What a step's flags mean to who reads the file."""
_WIDE = 110
"""Characters from which a statement is laid out over several lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A plan, its text, and the digest of that text."""

    text: str
    digest: str
    plan: Plan

    @property
    def id(self) -> str:
        """A short name for the plan: the first twelve digits of its digest."""
        return self.digest[:12]


def write(plan: Plan) -> Runbook:
    """The plan as a runbook. Its text reads back to an equal plan, which is checked."""
    body = "\n".join([*_header(plan), *(line for step in plan.steps for line in _step(plan, step))])
    text = _seal(body + "\n")
    back = read(text)
    if back.plan != plan:
        raise AssertionError(f"the runbook does not read back equal:\n{text}")
    return back


def read(text: str) -> Runbook:
    """Read a runbook; CRLF and a byte order mark are accepted.

    Raises PhloSqlError(RUNBOOK_ALTERED) where the digest does not match the body, and
    PhloSqlError(RUNBOOK_INVALID) where the text is no runbook of this format.
    """
    text = text.removeprefix("\ufeff")
    if text.count("\r\n") == text.count("\n"):  # else a literal may hold one, and must keep it
        text = text.replace("\r\n", "\n")
    found = _DIGEST.findall(text)
    title = _FORMAT.match(text.split("\n", 1)[0])
    if title is None or len(found) != 1:
        _invalid("it has no runbook header" if title is None else "it is not one whole runbook")
    if int(title[1]) != RUNBOOK_FORMAT:
        _invalid(f"it has format {title[1]}, this program reads format {RUNBOOK_FORMAT}")
    if digest(text) != found[0]:
        raise PhloSqlError(
            Code.RUNBOOK_ALTERED,
            "the runbook's digest does not match its text: it was edited after it was written",
            "make the plan again with the command in its header, and review that",
        )
    return Runbook(text=text, digest=found[0], plan=_Reader(text).plan())


def digest(text: str) -> str:
    """SHA-256 (hex) of a runbook's text with the digest itself left out."""
    return hashlib.sha256(_DIGEST.sub("-- digest:", text).encode()).hexdigest()


def _seal(text: str) -> str:
    blank = f"-- digest:    sha256:{'0' * 64}"
    return text.replace(blank, f"-- digest:    sha256:{digest(text)}", 1)


# ------------------------------------------------------------------ writing
def _line(text: str) -> str:
    """Text on one line: control characters as JSON escapes them, so that it can't end a comment."""
    return (
        json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("\u2028", "\\u2028")
    )


def _fact(name: str, value: str) -> str:
    return f"-- {name + ':':<10} {_line(value)}"


def _measures(prediction: Prediction) -> str:
    return "; ".join(f"{name} = {value}" for name, value in prediction.items()) or "nothing"


def _header(plan: Plan) -> Iterator[str]:
    yield f"-- {_TITLE}"
    yield _RULE
    yield _fact("command", plan.command)
    yield _fact("made by", plan.command_line)
    yield _fact("table", str(plan.table))
    yield _fact("ref", plan.ref or "none")
    yield _fact("planned", plan.planned_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    yield _fact("by", plan.planned_by)
    yield _fact("trino", str(plan.trino_version))
    yield _fact("metadata", plan.state.metadata_location)
    yield _fact("snapshot", str(plan.state.snapshot_id or "none"))
    yield _fact("ref hash", plan.state.ref_hash or "none")
    for line in plan.does:
        yield _fact("does", line)
    yield _fact("risk", plan.risk)
    yield _fact("predicts", _measures(plan.predicts))
    for warning in plan.warnings:
        yield _fact("warning", warning)
    yield _fact("digest", f"sha256:{'0' * 64}")
    yield _RULE


def _step(plan: Plan, step: Step) -> Iterator[str]:
    yield ""
    yield f"-- == Step {step.id} of {len(plan.steps)}: {_line(step.summary)} =="
    yield _fact("why", step.why)
    yield _fact("kind", step.kind.value)
    runs = [word for name, word in _RUNS.items() if getattr(step, name)]
    if runs:
        yield _fact("runs", "; ".join(runs))
    yield _fact("destroys", "data" if step.destructive else "nothing")
    yield _fact("predicts", _measures(step.predicts))
    for check in step.prechecks:
        yield from _check(plan, "precheck", check)
    yield "-- statement"
    yield _sql(plan, step.statement)
    for check in step.checks:
        yield from _check(plan, "check", check)
    yield _fact("undo", step.undo.reason)
    if step.undo.statement is not None:
        undo = dialect.render(step.undo.statement, version=plan.trino_version)
        yield from (_UNDO_SQL + line for line in f"{undo};".split("\n"))


def _check(plan: Plan, word: str, check: Check) -> Iterator[str]:
    if check.expected is None:
        expected = _NOTE if word == "precheck" else _SAME
    else:
        expected = f"expect {json.dumps(check.expected, ensure_ascii=False)}"
    yield f"-- {word} {check.name}: {expected}"
    yield _sql(plan, check.query)


def _sql(plan: Plan, tree: dialect.Statement) -> str:
    sql = dialect.render(tree, version=plan.trino_version)
    if len(sql) > _WIDE:
        sql = dialect.render(tree, version=plan.trino_version, pretty=True)
    return f"{sql};"


# ------------------------------------------------------------------ reading
class _Reader:
    """Comments and statements in their order, consumed from the front."""

    def __init__(self, text: str) -> None:
        self.items = list(_split(text))
        self.at = 0

    def plan(self) -> Plan:
        self.at = 1  # the title
        facts = self._facts()
        table, _ = parse_table(_one(facts, "table"))
        snapshot, ref = _one(facts, "snapshot"), _one(facts, "ref")
        ref_hash = _one(facts, "ref hash")
        steps: list[Step] = []
        while self.at < len(self.items):
            steps.append(self._step(len(steps) + 1))
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
            planned_at=datetime.strptime(_one(facts, "planned"), "%Y-%m-%dT%H:%M:%SZ").replace(
                tzinfo=UTC
            ),
            planned_by=_one(facts, "by"),
            does=tuple(facts.get("does", ())),
            risk=_one(facts, "risk"),
            predicts=_prediction(_one(facts, "predicts")),
            steps=tuple(steps),
            warnings=tuple(facts.get("warning", ())),
        )

    def _step(self, number: int) -> Step:
        match = _STEP.match(self._comment("a step"))
        if match is None or int(match[1]) != number:
            _invalid(f"step {number} does not stand where it should")
        facts = self._facts()
        prechecks = self._checks("precheck")
        if self._comment("a statement") != "-- statement":
            _invalid(f"step {number} has no statement")
        statement = self._sql()
        checks = self._checks("check")
        undo = _one(self._facts(), "undo")
        lines: list[str] = []
        while self._peek().startswith(_UNDO_SQL):
            lines.append(self._comment("undo").removeprefix(_UNDO_SQL))
        sql = "\n".join(lines).removesuffix(";")
        return Step(
            id=number,
            kind=_kind(_one(facts, "kind")),
            statement=statement,
            summary=_unline(match[3]),
            why=_one(facts, "why"),
            destructive=_one(facts, "destroys") != "nothing",
            **_runs(facts),
            predicts=_prediction(_one(facts, "predicts")),
            prechecks=prechecks,
            checks=checks,
            undo=Undo(reason=undo, statement=dialect.parse(sql) if sql else None),
        )

    def _peek(self) -> str:
        return self.items[self.at] if self.at < len(self.items) else ""

    def _comment(self, what: str) -> str:
        item = self._peek()
        if not item.startswith("--"):
            _invalid(f"{what} is missing")
        self.at += 1
        return item

    def _facts(self) -> dict[str, list[str]]:
        facts: dict[str, list[str]] = {}
        while True:
            if self._peek() == _RULE:
                self.at += 1
                continue
            match = _FACT.match(self._peek())
            if match is None:
                return facts
            facts.setdefault(match[1], []).append(_unline(match[2]))
            self.at += 1

    def _checks(self, word: str) -> tuple[Check, ...]:
        checks: list[Check] = []
        while (match := _CHECK.match(self._peek())) and match[1] == word:
            self.at += 1
            expected = None if match[4] is None else json.loads(match[4])
            checks.append(Check(name=match[2], query=self._sql(), expected=expected))
        return tuple(checks)

    def _sql(self) -> dialect.Statement:
        item = self._peek()
        if not item or item.startswith("--"):
            _invalid("a statement is missing")
        self.at += 1
        return dialect.parse(item)


def _split(text: str) -> Iterator[str]:
    """Comment lines, and statements without their semicolon, in order."""
    statement = ""
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "comment" and not statement.strip():
            yield token[0]
            statement = ""
        elif token.lastgroup == "end":
            yield statement.strip()
            statement = ""
        else:
            statement += token[0]
    if statement.strip():
        _invalid("it ends in the middle of a statement")


def _unline(text: str) -> str:
    try:
        return str(json.loads('"' + text.replace('"', '\\"') + '"'))
    except ValueError:
        _invalid(f"{text!r} is not written as phlo-sql writes it")


def _one(facts: dict[str, list[str]], name: str) -> str:
    values = facts.get(name, [])
    if len(values) != 1:
        _invalid(f"it has {len(values)} lines '{name}:' where one belongs")
    return values[0]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        _invalid(f"{text!r} is not a number")


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        _invalid(f"step kind {text!r} is unknown: a newer phlo-sql made it")


def _runs(facts: dict[str, list[str]]) -> dict[str, bool]:
    if "runs" not in facts:
        return {}
    words, flags = _one(facts, "runs").split("; "), {word: name for name, word in _RUNS.items()}
    if unknown := [word for word in words if word not in flags]:
        _invalid(f"{unknown[0]!r} is no way to run a step that this program knows")
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
        _invalid(f"prediction {text!r} has names this program does not know")


def _invalid(why: str) -> NoReturn:
    raise PhloSqlError(
        Code.RUNBOOK_INVALID,
        f"the file cannot be read as a runbook: {why}",
        "make it again with the command in its header, or with `--out FILE`",
    )
