"""The prediction table of vacuum: every live case, the files that were listed against those that
then went."""

from __future__ import annotations

import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from benchmarks.telling import doing
from phlo_sql.model.units import human_size
from phlo_sql.stack.clients import Clients

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.servers import Lent
    from tests.live.vacuuming import Vacuumed


def measure(stack: Lent, out: Console, most: int | None) -> list[tuple[str, Vacuumed]]:
    from tests.live.vacuum_cases import CASES

    found = []
    with closing(Clients(env=dict(stack.env))) as clients, doing(out, "vacuuming") as say:
        chosen = [each for each in CASES if each.since <= clients.version][:most]
        for number, case in enumerate(chosen):
            say(case.name)
            schema = f"{case.catalog}.v{uuid.uuid4().hex[:12]}"
            clients.rows(f"CREATE SCHEMA {schema}")
            folder = Path(stack.folder, f"vacuum-{number}")
            folder.mkdir()
            try:
                found.append((case.name, case.run(clients, schema, folder)))
            finally:
                clients.rows(f"DROP SCHEMA {schema} CASCADE")
    return found


def show(out: Console, version: int, found: list[tuple[str, Vacuumed]]) -> None:
    title = f"vacuum on Trino {version}: files that were listed, files that went"
    table = Table(title=title, title_justify="left")
    table.add_column("case")
    for name in ("listed", "bytes", "went", "bytes", "right"):
        table.add_column(name, justify="right")
    for name, each in found:
        table.add_row(
            name,
            f"{len(each.listed):,}",
            human_size(sum(each.listed.values())),
            f"{len(each.gone):,}",
            human_size(sum(each.gone.values())),
            Text("yes", "green") if each.exact else Text("no", "red"),
        )
    out.print(table)
    files = sum(len(each.listed) for _, each in found)
    hits = sum(len(each.listed.items() & each.gone.items()) for _, each in found)
    out.print(
        f"{sum(each.exact for _, each in found)} of {len(found)} cases exact; "
        f"{hits / max(files, 1):.0%} of {files:,} files, with their sizes"
    )
