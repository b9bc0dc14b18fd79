"""Plan → text. Same plan, same bytes; nothing here is random or of this machine."""

from __future__ import annotations

import json
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.runbook import form
from phlo_sql.runbook.form import line
from phlo_sql.runbook.sealing import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.plan import Check, Plan, Prediction, Step

    _Sql = Callable[[dialect.Statement], str]

_WIDE = 110
"""Characters from which a statement is laid out over several lines."""


def text_of(plan: Plan) -> tuple[str, dict[str, dialect.Statement]]:
    """The runbook's text, sealed with its digest; and by its own text each tree that stands in it,
    which the printer has seen to read back."""
    trees: dict[str, dialect.Statement] = {}
    sql, flat = (_once(partial(_sql, plan, wide), trees) for wide in (_WIDE, None))
    steps = (line for step in plan.steps for line in _step(plan, step, sql, flat))
    body = "\n".join([*_header(plan), *steps])
    return sealed(body + "\n"), trees


def _fact(name: str, value: str) -> str:
    return f"-- {name + ':':<10} {line(value)}"


def _measures(prediction: Prediction) -> str:
    return "; ".join(f"{name} = {value}" for name, value in prediction.items()) or "nothing"


def _header(plan: Plan) -> Iterator[str]:
    yield f"-- {form.TITLE}"
    yield form.RULE
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
    for does in plan.does:
        yield _fact("does", does)
    yield _fact("risk", plan.risk)
    yield _fact("predicts", _measures(plan.predicts))
    for warning in plan.warnings:
        yield _fact("warning", warning)
    yield _fact("digest", f"sha256:{'0' * 64}")
    yield form.RULE


def _once(write: _Sql, trees: dict[str, dialect.Statement]) -> _Sql:
    """Each tree is written once: hundreds of slices go back alike, and ask the same before and
    after."""
    known: dict[int, str] = {}

    def text(tree: dialect.Statement) -> str:
        if id(tree) not in known:  # the plan keeps every tree, so none takes another's place
            known[id(tree)] = found = write(tree)
            trees[found.removesuffix(";")] = tree
        return known[id(tree)]

    return text


def _step(plan: Plan, step: Step, sql: _Sql, flat: _Sql) -> Iterator[str]:
    yield ""
    yield f"-- == Step {step.id} of {len(plan.steps)}: {line(step.summary)} =="
    yield _fact("why", step.why)
    yield _fact("kind", step.kind.value)
    runs = [word for name, word in form.RUNS.items() if getattr(step, name)]
    if runs:
        yield _fact("runs", "; ".join(runs))
    yield _fact("destroys", "data" if step.destructive else "nothing")
    yield _fact("predicts", _measures(step.predicts))
    for check in step.prechecks:
        yield from _check("precheck", check, sql)
    yield form.STATEMENT
    yield sql(step.statement)
    for check in step.checks:
        yield from _check("check", check, sql)
    yield _fact("undo", step.undo.reason)
    if step.undo.statement is not None:
        yield from (form.UNDO_SQL + each for each in flat(step.undo.statement).split("\n"))


def _check(word: str, check: Check, sql: _Sql) -> Iterator[str]:
    if check.expected is None:
        expected = form.NOTE if word == "precheck" else form.SAME
    else:
        expected = f"expect {json.dumps(check.expected, ensure_ascii=False)}"
    yield f"-- {word} {check.name}: {expected}"
    yield sql(check.query)


def _sql(plan: Plan, wide: int | None, tree: dialect.Statement) -> str:
    return f"{dialect.render(tree, version=plan.trino_version, wide=wide)};"
