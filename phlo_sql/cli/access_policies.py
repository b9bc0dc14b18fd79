"""What the commands of `access` that change or show policies do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql import config, postgres
from phlo_sql.access import store
from phlo_sql.cli.output import Report

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.options import Options


def initialise(admin: str | None, database_role: str | None, options: Options) -> Report:
    """Migrations, the first admin, and the privileges of the role that runs phlo-sql."""
    settings = config.load(dict(options.flags))
    try:
        made = store.initialise(settings, admin=admin, database_role=database_role)
    finally:
        postgres.close()

    def human(out: Console) -> None:
        for each in made.migrations:
            out.print(f"applied {each}")
        if made.admin:
            out.print(f"{made.admin} is admin of everything")
        if not made.changed:
            out.print("nothing to do: the schemas are up to date")

    return Report(
        status="success" if made.changed else "noop",
        data={"migrations": list(made.migrations), "admin": made.admin},
        warnings=made.warnings,
        human=human,
    )
