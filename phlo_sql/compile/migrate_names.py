"""What one migration makes on the server and in storage, all named after its run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.dialect.copying import created_catalog
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from phlo_sql.plan import Plan

PREFIX = "phlo_sql_"
SCHEMA = "w"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """`target` is the table's final name, `location` where its own files go, `folder` where the
    scratch catalogs keep their metastore. Both folders are the migration's own, and empty before.
    """

    run: str
    target: TableName
    location: str
    folder: str
    storage: Mapping[str, str]

    @property
    def hive(self) -> str:
        return f"{PREFIX}{self.run}_hive"

    @property
    def iceberg(self) -> str:
        return f"{PREFIX}{self.run}_iceberg"

    @property
    def files(self) -> TableName:
        """The source's files as a Hive table."""
        return TableName(catalog=self.hive, schema=SCHEMA, name="files")

    def files_in(self, form: str) -> TableName:
        """Partitions that have another format than the table."""
        return TableName(catalog=self.hive, schema=SCHEMA, name=f"files_{form}")

    @property
    def folders(self) -> TableName:
        """The source's partitions as a Hive table with one data column: `add_files_from_table`
        refuses a table that has any timestamp(3), tinyint or char (483), needed or not."""
        return TableName(catalog=self.hive, schema=SCHEMA, name="folders")

    @property
    def table(self) -> TableName:
        """The target before it is registered."""
        return TableName(catalog=self.iceberg, schema=SCHEMA, name="target")

    @property
    def before(self) -> TableName:
        """What a table that is detached is called until nothing needs it any more."""
        return replace(self.target, name=f"{self.target.name}_before_{self.run}")

    def reached(self, location: str) -> str:
        """A location as Trino's file systems spell it: local files are below `local.location`."""
        path = location.removeprefix("file:")
        if location.startswith("file:") or "://" not in location:
            path = "/" + path.lstrip("/")
            root = self.storage.get("local.location", "/").rstrip("/")
            return f"local:///{path.removeprefix(root).lstrip('/')}"
        return location


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the plan is made with, beside the source."""

    command: str
    table: TableName
    command_line: str
    trino_version: int
    now: datetime
    planned_by: str


def staging_of(plan: Plan, target: TableName) -> Staging:
    """What a migration's plan stages, read from its statements; `target` as Trino names it."""
    location = folder = token = ""
    storage: Mapping[str, str] = {}
    for step in plan.steps:
        if (made := created_catalog(step.statement)) is not None:
            token = made[0].removeprefix(PREFIX).partition("_")[0]
            storage = made[1]
            folder = storage["hive.metastore.catalog.dir"]
        about = dialect.describe(step.statement)
        if about.procedure == "register_table":
            location = about.arguments.get("table_location") or ""
    return Staging(run=token, target=target, location=location, folder=folder, storage=storage)
