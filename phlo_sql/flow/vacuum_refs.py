"""A table of a Nessie catalog: its metadata on every ref, as one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote, urlsplit

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa
    from pyiceberg.table import Table

    from phlo_sql.compile.vacuum_scratch import Scratch
    from phlo_sql.compile.vacuum_union import Union, Version
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.history import History
    from phlo_sql.model.intents import Vacuum
    from phlo_sql.model.names import TableName
    from phlo_sql.observe.neighbours import Listed
    from phlo_sql.observe.nessie_contents import Content

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AllRefs:
    """`others`: the other tables of any ref. They are of the same reading as this table's own refs:
    a ref that comes between two readings would show the table as a neighbour of itself."""

    live: pa.Table
    scratch: Scratch
    warnings: tuple[str, ...]
    others: tuple[Listed, ...]


def read(
    intent: Vacuum,
    table: Table,
    history: History,
    properties: Mapping[str, str],
    listing: pa.Table,
    edges: Edges,
    now: datetime,
) -> AllRefs:
    """What is alive on any ref now, or was inside the retention.

    Raises PhloSqlError(UNSAFE_DELETION) where refs can't be held in one metadata file, or no
    scratch catalog is set up for it.
    """

    from phlo_sql.compile.vacuum_union import union_of
    from phlo_sql.observe import nessie_contents
    from phlo_sql.observe.neighbours import listed_of

    edges.note("reading the table on every ref")
    contents = nessie_contents.tables(properties)
    key, ref = ".".join(intent.table.identifier), _ref_of(properties)
    mine = next((each for each in contents if (each.ref, each.name.lower()) == (ref, key)), None)
    if mine is None:
        raise PhloSqlError(
            Code.STALE_PLAN,
            f"{intent.table} went from ref {ref} while it was read",
            "run the command again",
        )
    heads = [each for each in contents if each.id == mine.id]
    versions, warnings = _versions(table, properties, heads, history, now - intent.older_than)
    base = next(each for each in versions if each.location == mine.metadata_location)
    union = union_of(base, [each for each in versions if each is not base])
    live = _reached(union, table, history.table)
    scratch = _scratch(history, union, listing, live, heads, edges)
    others = tuple(listed_of(each) for each in contents if each.id != mine.id)
    return AllRefs(live=live, scratch=scratch, warnings=warnings, others=others)


def _reached(union: Union, table: Table, name: TableName) -> pa.Table:
    from phlo_sql.compile.reachable import everything
    from phlo_sql.observe.history import history_of
    from phlo_sql.observe.partly import parse_partly

    metadata = parse_partly(json.loads(union.text))[0]
    whole = history_of(metadata, union.target, table.io, name, None)
    return everything(replace(whole, metadata_files=whole.metadata_files[1:]))


def names_of(union: Union, table: Table, name: TableName) -> pa.Table | None:
    """All files that a saved plan's union names; None where one to be read is gone."""
    try:
        return _reached(union, table, name)
    except PhloSqlError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def _ref_of(properties: Mapping[str, str]) -> str:
    """The ref that a Nessie catalog's address names: `/iceberg/<ref>`, or `main`."""
    path = urlsplit(properties["uri"]).path.partition("/iceberg")[2].strip("/")
    return unquote(path) or "main"


def _versions(
    table: Table,
    properties: Mapping[str, str],
    heads: Sequence[Content],
    history: History,
    cutoff: datetime,
) -> tuple[list[Version], tuple[str, ...]]:
    """Metadata of every ref, and of each that was a ref's state after `cutoff`."""
    from phlo_sql.observe import nessie_contents

    found: dict[str, Version] = {}
    for head in heads:
        if head.metadata_location not in found:
            document = _document(table, head.metadata_location, head.ref)
            if document is None:
                raise PhloSqlError(
                    Code.STORAGE_UNREADABLE,
                    f"the metadata of ref {head.ref} is not there: {head.metadata_location}",
                    "a ref that can't be read may use any file: repair it, or drop it there first",
                )
            found[head.metadata_location] = document
    missing, there = 0, set[str]()
    for ref, every in nessie_contents.histories(properties).items():
        puts = [each for each in every if each.id == heads[0].id]
        for number, put in enumerate(puts):
            # the state at the cutoff is the last one that was put before it
            if put.at < cutoff and (number == 0 or puts[number - 1].at < cutoff):
                break
            if put.metadata_location in found:
                continue
            document = _document(table, put.metadata_location, ref)
            if document is None or _gone(table, document, there):
                missing += 1
            else:
                found[put.metadata_location] = document
    _refuse_moved(history, list(found.values()))
    warnings = (
        (f"{missing} earlier states inside the retention are gone already: nothing holds them",)
        if missing
        else ()
    )
    return list(found.values()), warnings


def _document(table: Table, location: str, ref: str) -> Version | None:
    from phlo_sql.compile.vacuum_union import Version
    from phlo_sql.observe.neighbours import metadata_document

    document = metadata_document(table.io, location, f"ref {ref}")
    return None if document is None else Version(ref=ref, location=location, document=document)


def _gone(table: Table, version: Version, there: set[str]) -> bool:
    """Whether a run that was stopped half-way took what this state is read by. `there` grows by
    what was found: a hundred states share nearly all of their manifests."""
    from phlo_sql.observe.manifests import read_manifest_list

    lists = {str(each["manifest-list"]) for each in version.document.get("snapshots") or ()}
    if _any_absent(table, lists, there):
        return True
    manifests = {each.path for path in lists for each in read_manifest_list(table.io, path)}
    return _any_absent(table, manifests, there)


def _any_absent(table: Table, paths: set[str], there: set[str]) -> bool:
    from phlo_sql.observe.listing import absent

    unseen = paths - there
    gone = set(absent(table.io, sorted(unseen)))
    there |= unseen - gone
    return bool(gone)


def _refuse_moved(history: History, versions: Sequence[Version]) -> None:
    from phlo_sql.compile.orphans import folder, refuse_unsafe

    for each in versions:
        if folder(str(each.document["location"])) != folder(history.location):
            refuse_unsafe(
                f"on ref {each.ref} the table lies elsewhere: {each.document['location']}",
                "one run can look at one location only: drop one of the two, or copy the table",
            )


def _scratch(
    history: History,
    union: Union,
    listing: pa.Table,
    live: pa.Table,
    heads: Sequence[Content],
    edges: Edges,
) -> Scratch:
    """The scratch catalog of the settings. Raises PhloSqlError(UNSAFE_DELETION) without one,
    naming the refs and files that Trino's procedure would take."""
    from phlo_sql.compile.vacuum_scratch import Scratch
    from phlo_sql.compile.vacuum_union import scratch_table
    from phlo_sql.observe.server import MISSING, connector_of, kind_of

    catalog = edges.settings.scratch_catalog.value
    if not catalog:
        _refuse_without(history, live, heads)
    if connector_of(edges.session, catalog) != "iceberg":
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"scratch_catalog: {catalog} is not an Iceberg catalog",
            "name a JDBC catalog of Trino that reads the same storage",
        )
    table = scratch_table(catalog, history.uuid)
    return Scratch(
        table=table,
        location=history.location.rstrip("/"),
        union=union,
        left=kind_of(edges.session, table) != MISSING,
        left_schema=_has_schema(edges, table),
        left_files=tuple(
            path
            for path in listing["path"].to_pylist()
            if path.rsplit("/", 1)[-1].startswith(union.prefix)
        ),
    )


def _has_schema(edges: Edges, table: TableName) -> bool:
    from phlo_sql import dialect
    from phlo_sql.model.names import TableName

    source = TableName(catalog=table.catalog, schema="information_schema", name="schemata")
    where = dialect.compare("schema_name", "=", table.schema)
    return bool(
        edges.session.query(dialect.select(["schema_name"], dialect.table(source), where=where))
    )


def _refuse_without(history: History, live: pa.Table, heads: Sequence[Content]) -> NoReturn:
    from phlo_sql.compile.reachable import everything, minus

    stake = minus(live, everything(history)["path"])["path"].to_pylist()
    others = sorted({each.ref for each in heads if each.ref != (history.ref or "main")})
    named = ", ".join(stake[:_NAMED]) + (" …" if len(stake) > _NAMED else "")
    raise PhloSqlError(
        Code.UNSAFE_DELETION,
        f"{history.table} is in a catalog of refs, and Trino's procedure knows one of them: "
        f"{len(stake):,} files of {', '.join(others) or 'its own history'} are at stake"
        + (f": {named}" if named else ""),
        "name a scratch catalog, in which the union of all refs can be registered for the run: "
        "PHLO_SQL_SCRATCH_CATALOG, or scratch_catalog in phlo-sql.toml (a JDBC catalog of Trino "
        "on the same storage)",
        data={"refs": others, "live_paths": stake[:1000]},
    )
