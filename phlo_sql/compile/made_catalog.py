"""A plan inside a catalog that is made for it: the steps before and after that show the ref."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.dialect import copying
from phlo_sql.plan import Check, Kind, Plan, Step, Undo

if TYPE_CHECKING:
    from phlo_sql.dialect import Statement


def within(plan: Plan, catalog: str, create: Statement | None) -> Plan:
    """The plan with a step that makes the catalog and one that drops it.

    `create` None: a run that was killed left the catalog, so it is only dropped at the end. The
    server can plan nothing in a catalog that is not there yet: procedures are late.
    """
    if not plan.steps:
        return plan
    ref = plan.ref or "main"
    first, last = _made(catalog, ref, create), _dropped(catalog)
    inner = [replace(step, late=step.kind is Kind.PROCEDURE) for step in plan.steps]
    steps = [*(() if first is None else (first,)), *inner, last]
    told = (
        f"Makes catalog {catalog}, which shows {ref}, and drops it again."
        if create is not None
        else f"Drops catalog {catalog}, which a run that was killed has left."
    )
    return replace(
        plan,
        does=(*plan.does, told),
        steps=tuple(replace(step, id=number) for number, step in enumerate(steps, 1)),
    )


def uses_own_catalog(plan: Plan) -> bool:
    """Whether the plan makes or drops the catalog that its table is seen in."""
    return any(step.kind is Kind.CATALOG for step in plan.steps)


def makes(name: str, create: Statement, summary: str, why: str, undo: Undo) -> Step:
    """A catalog for one run: the server is asked afterwards whether it has it."""
    return Step(
        id=1,
        kind=Kind.CATALOG,
        statement=create,
        summary=summary,
        why=why,
        undo=undo,
        checks=(_is_there(name, 1),),
    )


def drops(name: str, why: str, undo: Undo, *, checked: bool = False) -> Step:
    """The end of such a catalog."""
    return Step(
        id=1,
        kind=Kind.CATALOG,
        statement=dialect.drop_catalog(name),
        summary=f"drop catalog {name}",
        why=why,
        undo=undo,
        checks=(_is_there(name, 0),) if checked else (),
    )


def _is_there(name: str, expected: int) -> Check:
    return Check(name="catalog", query=copying.count_catalogs(name), expected=str(expected))


def _made(catalog: str, ref: str, create: Statement | None) -> Step | None:
    if create is None:
        return None
    step = makes(
        catalog,
        create,
        f"make catalog {catalog}, which shows {ref}",
        "no catalog of this server shows the ref; the server resolves ${ENV:…} by itself",
        Undo(
            reason="the catalog is dropped; it holds no data",
            statement=dialect.drop_catalog(catalog),
        ),
    )
    return replace(step, temporary=True, checks=())


def _dropped(catalog: str) -> Step:
    return drops(
        catalog,
        "it was for this run only; the tables stay where they are",
        Undo(reason="none needed: the server had no such catalog before"),
    )
