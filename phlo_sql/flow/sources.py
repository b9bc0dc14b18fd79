"""The tables of a metastore as intents: what its reader found, and their names in Iceberg."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.edges import file_properties, physical
from phlo_sql.flow.not_null import borne_out
from phlo_sql.model.migration import (
    FromGlue,
    FromHive,
    FromTable,
    HiveTable,
    SourceKind,
    Statistics,
)
from phlo_sql.model.names import TableName, parse_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import SourceColumn, SourceTable
    from phlo_sql.observe.metastore import Described


def require_migratable(table: FromTable) -> None:
    """Raises PhloSqlError(NOT_MIGRATABLE) for what is left alone."""
    if table.source.kind.left_alone:
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"{table.table.name} is left alone: {table.source.why_left_alone}",
            "leave it out with --table, or bring it over by a query of your own",
        )


def look(intent: FromHive | FromGlue, edges: Edges) -> tuple[FromTable, ...]:
    """Every table that is asked for, the largest first; those to be left alone are among them.

    Raises PhloSqlError where the metastore, the database or the storage can't be read.
    """
    from phlo_sql.observe.source_tables import read_sources, require_sources

    edges.note(f"reading database {intent.database}")
    tables = _described(intent)
    require_sources(tables, intent.database)
    usual = SourceKind.HIVE if isinstance(intent, FromHive) else SourceKind.GLUE
    edges.note(f"listing the files of {len(tables):,} tables")
    properties = file_properties(target_of(intent, tables[0].name), intent.ref, edges)
    found = read_sources(tables, usual, properties)
    each = [
        _of_table(intent, table.name, source) for table, source in zip(tables, found, strict=True)
    ]
    return tuple(sorted(each, key=lambda one: (-one.source.bytes, one.table.name)))


def completed(intent: FromTable, edges: Edges) -> SourceTable:
    """The source of one table that a plan is made for, with what its reader did not ask for."""
    source = intent.source
    if intent.hive is None or source.kind.left_alone:
        return source
    from phlo_sql.observe import hive  # by thrift, which comes with phlo-sql[hive] alone

    details = hive.read_details(intent.hive, [each.name for each in source.columns])
    claimed = details.constraints.not_null

    def declared(column: SourceColumn) -> SourceColumn:
        return replace(column, not_null=column.name.lower() in claimed)

    told = source.statistics
    if details.statistics:
        told = Statistics(rows=told.rows if told else None, columns=details.statistics)
    found = replace(
        source,
        columns=tuple(declared(each) for each in source.columns),
        partition_columns=tuple(declared(each) for each in source.partition_columns),
        constraints=details.constraints.others,
        statistics=told,
    )
    return borne_out(replace(intent, source=found), edges)


def present(tables: Sequence[FromTable], edges: Edges) -> frozenset[str]:
    """Names that the target schema has already, by one query."""
    from phlo_sql import dialect

    target = physical(tables[0].table, tables[0].ref, edges)
    listing = dialect.table(
        TableName(catalog=target.catalog, schema="information_schema", name="tables")
    )
    named = dialect.compare("table_schema", "=", target.schema)
    query = dialect.select(["table_name"], listing, where=named)
    return frozenset(str(row[0]) for row in edges.session.query(query))


def target_of(intent: FromHive | FromGlue, name: str) -> TableName:
    """`sales` or `nessie.sales`, with the table's own name."""
    schema, _ = parse_table(f"{intent.target}.t")
    return replace(schema, name=name.lower())


def _described(intent: FromHive | FromGlue) -> tuple[Described, ...]:
    if isinstance(intent, FromHive):
        from phlo_sql.observe import hive

        return hive.read_database(intent.uri, intent.database, intent.tables)
    from phlo_sql.observe import glue

    return glue.read_database(
        intent.database, intent.tables, region=intent.region, endpoint=intent.endpoint
    )


def _of_table(intent: FromHive | FromGlue, name: str, source: SourceTable) -> FromTable:
    return FromTable(
        source=source,
        table=target_of(intent, name),
        ref=intent.ref,
        mode=intent.mode,
        verify=intent.verify,
        partition_by=intent.partition_by,
        if_exists=intent.if_exists,
        command_line=_command_line(intent, name),
        shown=TableName(
            catalog=intent.source_catalog, schema=intent.database.lower(), name=name.lower()
        ),
        hive=HiveTable(uri=intent.uri, database=intent.database, name=name)
        if isinstance(intent, FromHive)
        else None,
    )


def _command_line(intent: FromHive | FromGlue, name: str) -> str:
    """The command that makes this table's plan anew."""
    if isinstance(intent, FromHive):
        words = ["phlo-sql", "migrate", "from-hive", "--uri", intent.uri]
    else:
        words = ["phlo-sql", "migrate", "from-glue"]
        words += ["--region", intent.region] if intent.region else []
        words += ["--endpoint", intent.endpoint] if intent.endpoint else []
    words += ["--database", intent.database, "--target", intent.target, "--table", name]
    words += ["--mode", intent.mode] if intent.mode != "auto" else []
    words += ["--verify", intent.verify] if intent.verify else []
    words += ["--ref", intent.ref] if intent.ref else []
    usual = "hive" if isinstance(intent, FromHive) else "glue"
    words += ["--source-catalog", intent.source_catalog] if intent.source_catalog != usual else []
    for each in intent.partition_by or ():
        words += ["--partition-by", each]
    return shlex.join(words)
