"""Changes of policies as a plan, and PostgreSQL as the session that runs its runbook."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.access import store
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.observe.trino import Outcome
from phlo_sql.plan import UNMOVED, Binding, Check, Kind, Plan, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from phlo_sql.access.grants import Grant
    from phlo_sql.access.resource import Resource
    from phlo_sql.config import Settings
    from phlo_sql.observe.trino import Progress
    from phlo_sql.runbook import Runbook

    _Maker = Callable[[int, tuple[Check, ...]], Step]

GRANT, REVOKE, APPLY = "access grant", "access revoke", "access apply"
COMMANDS = frozenset({GRANT, REVOKE, APPLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What separates the policies from what is wanted. `changed` are (as it is, as it is to be)."""

    missing: tuple[Grant, ...] = ()
    surplus: tuple[Grant, ...] = ()
    changed: tuple[tuple[Grant, Grant], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.changed)

    def document(self) -> dict[str, Any]:
        return {
            "missing": [grant.document() for grant in self.missing],
            "surplus": [grant.document() for grant in self.surplus],
            "changed": [
                {"from": old.document(), "to": new.document()} for old, new in self.changed
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who changes policies, by which command, and when."""

    command: str
    command_line: str
    user: str
    now: datetime
    digest: str
    """Of all grants as they were read."""


def difference(current: Iterable[Grant], wanted: Iterable[Grant]) -> Changes:
    """Grants are the same by principal, role and resource; end and reason may differ."""
    there, asked = {grant.key: grant for grant in current}, {grant.key: grant for grant in wanted}
    return Changes(
        missing=tuple(grant for key, grant in asked.items() if key not in there),
        surplus=tuple(grant for key, grant in there.items() if key not in asked),
        changed=tuple(
            (there[key], grant)
            for key, grant in asked.items()
            if key in there and (grant.until, grant.reason) != (there[key].until, there[key].reason)
        ),
    )


def compile_changes(changes: Changes, asked: Asked, settings: Settings) -> Plan:
    """Grants first: what is taken away never leaves a gap that the same plan closes later."""
    makers = [
        *(_grant(grant, None, asked, settings) for grant in changes.missing),
        *(_grant(new, old, asked, settings) for old, new in changes.changed),
        *(_revoke(grant, asked, settings) for grant in changes.surplus),
    ]
    unmoved = Check(name=UNMOVED, query=store.digest_query(settings), expected=asked.digest)
    guarded = asked.command == APPLY  # a single grant stands on nothing that others change
    steps = tuple(
        make(number, (unmoved,) if guarded and number == 1 else ())
        for number, make in enumerate(makers, start=1)
    )
    taken = len(changes.surplus)
    return Plan(
        command=asked.command,
        command_line=asked.command_line,
        table=TableName(schema=settings.access_schema.value, name="grants"),
        ref=None,
        trino_version=0,
        state=Binding(metadata_location=asked.digest, snapshot_id=None),
        planned_at=asked.now.replace(microsecond=0),
        planned_by=asked.user,
        does=tuple(step.summary for step in steps),
        risk=f"takes {taken} grant(s) away" if taken else "takes nothing away",
        steps=steps,
    )


def compile_undo(book: Runbook, done: Sequence[int], asked: Asked) -> Plan:
    """The steps of a policy runbook that ran, taken back in reverse order."""
    ran = [step for step in reversed(book.plan.steps) if step.id in done]
    steps = tuple(
        Step(
            id=number,
            kind=Kind.CALL,
            statement=step.undo.statement,
            summary=f"take back: {step.summary}",
            why=step.undo.reason,
            undo=Undo(reason=f"does it again: {step.summary}", statement=step.statement),
        )
        for number, step in enumerate(ran, start=1)
        if step.undo.statement is not None
    )
    return replace(
        book.plan,
        command=asked.command,
        command_line=asked.command_line,
        state=Binding(metadata_location=asked.digest, snapshot_id=None),
        planned_at=asked.now.replace(microsecond=0),
        planned_by=asked.user,
        does=tuple(step.summary for step in steps),
        risk="grants and revokes as they were before",
        steps=steps,
    )


def _grant(grant: Grant, old: Grant | None, asked: Asked, settings: Settings) -> _Maker:
    def make(number: int, prechecks: tuple[Check, ...]) -> Step:
        undo = (
            Undo(
                reason="takes it away again", statement=store.revoking(grant, asked.user, settings)
            )
            if old is None
            else Undo(
                reason="puts end and reason back",
                statement=store.granting(old, asked.user, settings),
            )
        )
        return Step(
            id=number,
            kind=Kind.CALL,
            statement=store.granting(grant, asked.user, settings),
            summary=f"grant {_line(grant)}" if old is None else f"change {_line(old, grant)}",
            why=grant.reason or "asked for",
            undo=undo,
            prechecks=prechecks,
        )

    return make


def _revoke(grant: Grant, asked: Asked, settings: Settings) -> _Maker:
    def make(number: int, prechecks: tuple[Check, ...]) -> Step:
        return Step(
            id=number,
            kind=Kind.CALL,
            statement=store.revoking(grant, asked.user, settings),
            summary=f"revoke {grant.role} on {grant.resource} from {grant.principal}",
            why="asked for" if asked.command == REVOKE else "it is not in the file",
            undo=Undo(
                reason="grants it again", statement=store.granting(grant, asked.user, settings)
            ),
            prechecks=prechecks,
        )

    return make


def _line(grant: Grant, to: Grant | None = None) -> str:
    shown = to or grant
    ends = f" until {shown.until.isoformat(timespec='seconds')}" if shown.until else ""
    if to is None:
        return f"{grant}{ends}"
    return f"{grant}: {ends.strip() or 'without end'}, reason {to.reason or 'none'!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySession:
    """PostgreSQL in the place of Trino, for the executor: a policy's runbook is SQL of both."""

    settings: Settings

    def query(self, tree: dialect.Statement) -> Sequence[Sequence[Any]]:
        return store.run(tree, self.settings)

    def run(
        self,
        tree: dialect.Statement,
        on_progress: Callable[[Progress], None] | None = None,  # noqa: ARG002 - none to tell
    ) -> Outcome:
        rows = store.run(tree, self.settings)
        return Outcome(query_id="", columns=(), rows=tuple(rows), metrics={}, stats={})


def resources_of(book: Runbook, settings: Settings) -> tuple[Resource, ...]:
    """What the runbook grants or revokes on. PostgreSQL would run any statement of both dialects,
    so one that does anything else is refused: PhloSqlError(RUNBOOK_INVALID)."""
    query = store.digest_query(settings)
    found = []
    for step in book.plan.steps:
        grant = store.read_change(step.statement, settings)
        undone = step.undo.statement is None or store.read_change(step.undo.statement, settings)
        asks = (*step.prechecks, *step.checks)
        if not grant or not undone or any(not dialect.same(each.query, query) for each in asks):
            raise PhloSqlError(
                Code.RUNBOOK_INVALID,
                f"step {step.id} is neither a grant nor a revoke in schema "
                f"{settings.access_schema.value}",
                "make the runbook again with the command in its header",
            )
        found.append(grant)
    return tuple(found)
