"""Text → plan: the outline with each statement as a tree. What is executed comes from here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.plan import Check, Plan, Step, Undo
from phlo_sql.runbook.outline import outline
from phlo_sql.runbook.sealing import parted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from phlo_sql.runbook.outline import Asked, OutlinedStep
    from phlo_sql.runbook.sealing import Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A plan, its text, and the digest of that text."""

    text: str
    digest: str
    plan: Plan
    approvals: tuple[Approval, ...] = ()

    @property
    def id(self) -> str:
        """A short name for the plan: the first twelve digits of its digest."""
        return self.digest[:12]

    @property
    def body(self) -> str:
        """The text without the approvals behind it."""
        return parted(self.text)[0]


def read(text: str, known: Mapping[str, dialect.Statement] | None = None) -> Runbook:
    """Read a runbook; CRLF and a byte order mark are accepted. `known`: trees of statements that
    were parsed before, by their texts.

    Raises PhloSqlError(RUNBOOK_ALTERED) where the digest does not match the body,
    PhloSqlError(RUNBOOK_INVALID) where the text is no runbook of this format, and
    PhloSqlError(UNSUPPORTED_STATEMENT) for a statement that is not of the closed set.
    """
    found = outline(text)

    @cache  # hundreds of slices ask the same before, and go back alike
    def parse(sql: str) -> dialect.Statement:
        tree = known.get(sql) if known else None
        return dialect.parse(sql) if tree is None else tree

    steps = tuple(_step(step, parse) for step in found.steps)
    return Runbook(
        text=found.text,
        digest=found.digest,
        plan=replace(found.head, steps=steps),
        approvals=found.approvals,
    )


def _step(step: OutlinedStep, parse: Callable[[str], dialect.Statement]) -> Step:
    asked = partial(_check, parse)
    return Step(
        id=step.id,
        kind=step.kind,
        statement=parse(step.sql),
        summary=step.summary,
        why=step.why,
        destructive=step.destructive,
        temporary=step.temporary,
        late=step.late,
        independent=step.independent,
        predicts=step.predicts,
        prechecks=tuple(map(asked, step.prechecks)),
        checks=tuple(map(asked, step.checks)),
        undo=Undo(
            reason=step.undo_reason,
            statement=parse(step.undo_sql) if step.undo_sql else None,
        ),
    )


def _check(parse: Callable[[str], dialect.Statement], asked: Asked) -> Check:
    return Check(name=asked.name, query=parse(asked.sql), expected=asked.expected)
