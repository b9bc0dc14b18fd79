"""What Trino's HTTP event listener posts, made into rows for `audit.append`.

One row for each table that a query read or wrote, one where it touched none. A query that was
refused, and most DDL, comes without inputs and outputs: their tables stand in its text alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from phlo_sql import dialect
from phlo_sql.errors import PhloSqlError
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEXT_KEPT = 100_000
"""Characters of a statement that are kept; Trino itself takes up to a million."""
_TEXT_READ = 20_000
"""Characters of a statement that is read for its tables: more takes seconds."""
_MOST = 2**63 - 1
_PLACE = re.compile(r"^line \d+:\d+: ")
_NAMED = re.compile(r"\b(?:table|view|on|into|from|schema)\s+((?:[\w$]+\.){1,2}[\w$]+)")
_KILLED = frozenset({"ADMINISTRATIVELY_KILLED", "ADMINISTRATIVELY_PREEMPTED", "USER_CANCELED"})
_FIGURES = {
    "wall_seconds": "wallTime",
    "cpu_seconds": "cpuTime",
    "queued_seconds": "queuedTime",
    "peak_memory_bytes": "peakUserMemoryBytes",
    "output_rows": "outputRows",
}


class Share(NamedTuple):
    """One table's part in a query."""

    table: str | None
    rows: int | None = None
    bytes: int | None = None
    details: tuple[tuple[str, Any], ...] = ()


def rows_of(body: object, *, full: bool) -> list[dict[str, Any]]:
    """The rows of an event; none for a split's. With `full`, statements keep their literals.

    Raises ValueError where it is no event of a query.
    """
    if not isinstance(body, dict):
        raise ValueError("is no event")  # noqa: TRY004 - of a document, not of a type
    if "stageId" in body:  # a split's
        return []
    metadata, context = _part(body, "metadata"), _part(body, "context")
    query = _text(metadata.get("queryId"))
    created = _moment(body.get("createTime"))
    if not query or created is None:
        raise ValueError("names no query or no time")
    text = str(metadata.get("preparedQuery") or metadata.get("query") or "")
    shape, values = dialect.blank(text)
    failure = _part(body, "failureInfo")
    event = _event(body, failure)
    shares = [*_outputs(body), *_inputs(body)]
    about = None
    if not shares or context.get("queryType") == "ALTER_TABLE_EXECUTE":
        about = _read(text, _text(context.get("catalog")), _text(context.get("schema")))
    shares = shares or _named(failure, about)
    common = {
        "happened_at": (_moment(body.get("endTime")) or created).isoformat(),
        "source": "trino",
        "operation": query,
        "event": event,
        "action": _action(metadata, context, about, shape),
        "user": _text(context.get("user")),
        "denied": event == "refused",
        "error": _error(failure, values, full=full),
    }
    details = _details(body, text if full else shape)
    where = (
        f"{context.get('environment', '')}/{query}/{'started' if event == 'started' else 'ended'}"
    )
    return [
        {
            **common,
            "id": _text(f"trino/{where}/{number}"),
            "table": _text(share.table),
            "rows": share.rows,
            "bytes": share.bytes,
            "details": {**details, **dict(share.details)},
        }
        for number, share in enumerate(shares)
    ]


def _event(body: Mapping[str, Any], failure: Mapping[str, Any]) -> str:
    if "endTime" not in body:
        return "started"
    name = str(_part(failure, "errorCode").get("name"))
    if name == "PERMISSION_DENIED":
        return "refused"
    if name in _KILLED:
        return "killed"
    return "failed" if failure else "finished"


@lru_cache(maxsize=2048)
def _read(text: str, catalog: str | None, schema: str | None) -> dialect.Touched | None:
    """The statement, where it is one that can be read. Reading one takes a millisecond or more."""
    if len(text) > _TEXT_READ or not text.strip():
        return None
    try:
        return dialect.touched(dialect.parse(text), catalog, schema)
    except PhloSqlError:
        return None


def _named(failure: Mapping[str, Any], about: dialect.Touched | None) -> list[Share]:
    """The tables that the text names; of a text that cannot be read, the one of the error."""
    if about is not None and about.tables:
        return [Share(str(table)) for table in about.tables]
    if about is not None and about.place:
        return [Share(about.place)]
    told = _NAMED.search(str(failure.get("failureMessage") or "")) if about is None else None
    return [Share(told[1].lower() if told else None)]


def _outputs(body: Mapping[str, Any]) -> Iterator[Share]:
    output = _part(_part(body, "ioMetadata"), "output")
    if output:
        statistics = _part(body, "statistics")
        yield Share(
            _name(output.get("catalogName"), output.get("schema"), output.get("table")),
            _whole(statistics.get("writtenRows")),
            _whole(statistics.get("writtenBytes")),
            (("access", "write"),),
        )


def _inputs(body: Mapping[str, Any]) -> Iterator[Share]:
    """A table that is read twice in a query is one; a view stands beside the tables below it."""
    inputs = _parts(_part(body, "ioMetadata"), "inputs")
    views = _parts(_part(body, "metadata"), "tables")
    rows: Counter[str | None] = Counter()
    read: Counter[str | None] = Counter()
    columns: dict[str | None, dict[str, None]] = {}
    snapshots: dict[str | None, Any] = {}
    for each in inputs:
        name = _name(each.get("catalogName"), each.get("schema"), each.get("table"))
        rows[name] += _whole(each.get("physicalInputRows")) or 0
        read[name] += _whole(each.get("physicalInputBytes")) or 0
        used = each.get("columns")
        found = (str(_column(column)) for column in (used if isinstance(used, list) else ()))
        columns.setdefault(name, {}).update(dict.fromkeys(found))
        info = each.get("connectorInfo")
        snapshot = info.get("snapshotId") if isinstance(info, dict) else None
        if isinstance(snapshot, int):
            snapshots[name] = snapshot
    for name, named in columns.items():
        more = (("snapshot_id", snapshots[name]),) if name in snapshots else ()
        yield Share(
            name,
            min(rows[name], _MOST),
            min(read[name], _MOST),
            (("access", "read"), ("columns", [_text(column) for column in named]), *more),
        )
    for each in views:
        name = _name(each.get("catalog"), each.get("schema"), each.get("table"))
        if each.get("directlyReferenced") and name not in columns:
            yield Share(name, details=(("access", "read"),))


def _column(column: object) -> object:
    return column.get("name") if isinstance(column, dict) else column


def _name(catalog: object, schema: object, table: object) -> str | None:
    if not schema or not table:
        return None
    name = str(table).lower()
    return str(
        TableName(
            catalog=str(catalog).lower() if catalog else None,
            schema=str(schema).lower(),
            name=name[: name.index("$", 1)] if "$" in name[1:] else name,
        )
    )


def _action(
    metadata: Mapping[str, Any],
    context: Mapping[str, Any],
    about: dialect.Touched | None,
    shape: str,
) -> str | None:
    """A procedure's name; else what Trino calls the statement; else its first word."""
    if about is not None and about.procedure:
        return _text(about.procedure)
    first = shape.split(maxsplit=1)[0].lower() if shape else ""
    kind = str(metadata.get("updateType") or context.get("queryType") or first).lower()
    vague = kind in ("data_definition", "describe", "alter_table_execute")
    return _text((first if vague else kind.replace("_", " ")) or None)


def _error(failure: Mapping[str, Any], values: tuple[str, ...], *, full: bool) -> str | None:
    """The server's words. Those of a refusal name objects and no values."""
    if not failure:
        return None
    code = str(_part(failure, "errorCode").get("name") or "FAILED")
    message = " ".join(str(failure.get("failureMessage") or "").split())
    if not full and code != "PERMISSION_DENIED":
        place = _PLACE.match(message)
        start = place.end() if place else 0
        message = message[:start] + dialect.without(message[start:], values)
    return _text(f"{code}: {message}"[:4000])


def _details(body: Mapping[str, Any], statement: str) -> dict[str, Any]:
    context, metadata = _part(body, "context"), _part(body, "metadata")
    statistics = _part(body, "statistics")
    found: dict[str, Any] = {
        "sql": _text(statement[:_TEXT_KEPT]),
        "query_type": context.get("queryType"),
        "state": metadata.get("queryState"),
        "principal": context.get("principal"),
        "original_user": context.get("originalUser"),
        "groups": context.get("groups"),
        "client": context.get("remoteClientAddress"),
        "client_source": context.get("source"),
        "client_tags": context.get("clientTags"),
        "catalog": context.get("catalog"),
        "schema": context.get("schema"),
        "trino": context.get("serverVersion"),
        "environment": context.get("environment"),
        "created_at": body.get("createTime"),
        **{name: _figure(statistics.get(theirs)) for name, theirs in _FIGURES.items()},
    }
    return {name: _clean(value) for name, value in found.items() if value not in (None, [], "")}


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def _parts(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = body.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _moment(value: object) -> datetime | None:
    """Trino writes ISO text, or seconds since 1970 where Jackson was told otherwise."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else None
    except ValueError:
        pass
    return None


def _whole(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return max(0, min(int(value), _MOST))
    return None


def _figure(value: object) -> int | float | None:
    ok = isinstance(value, int | float) and math.isfinite(value)
    return value if ok else None  # type: ignore[return-value]  # told apart in the line before


def _text(value: object) -> str | None:
    """As PostgreSQL takes it: JSON may hold half a character, UTF-8 may not."""
    if value is None:
        return None
    return str(value).encode("utf-8", "replace").decode()


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_text(each) for each in value]
    return value if isinstance(value, int | float | bool) else _text(value)
