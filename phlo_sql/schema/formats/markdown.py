"""A data dictionary: what a person needs to know of a table before using it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql.model.units import human_size
from phlo_sql.schema import spelling
from phlo_sql.schema.difference import differences, partition_texts, sort_texts
from phlo_sql.schema.formats import mermaid
from phlo_sql.schema.model import TableSchema, paths, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from phlo_sql.schema.metadata import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of an index."""

    title: str
    file: str
    columns: int
    comment: str | None
    facts: Facts


def write(schema: TableSchema, facts: Facts | None = None) -> str:
    """The page of one table."""
    parts = [f"# {_text(str(schema.name or 'table'))}"]
    if schema.comment:
        parts.append(_text(schema.comment))
    parts.append(_table(("", ""), _summary(schema, facts)))
    parts += ["## Columns", _table(_COLUMNS, _columns(schema))]
    if any(len(path) > 1 for path, _ in walk(schema.fields)):
        parts += ["## Diagram", f"```mermaid\n{mermaid.write(schema)}```"]
    if schema.properties:
        rows = [(_code(name), _code(value)) for name, value in schema.properties.items()]
        parts += ["## Properties", _table(("property", "value"), rows)]
    history = list(_history(schema))
    if history:
        parts += ["## Evolution", _table(("schema", "changes"), history)]
    return "\n\n".join(parts) + "\n"


_COLUMNS = ("column", "type", "NULL", "key", "default", "comment")


def _summary(schema: TableSchema, facts: Facts | None) -> list[tuple[str, str]]:
    places = paths(schema)
    keys = [spelling.written(places[each]) for each in sorted(schema.identifier) if each in places]
    rows = [
        ("format", f"Iceberg {schema.format_version}, {schema.properties.get('format', '')}"),
        ("partitioned by", ", ".join(map(_code, partition_texts(schema))) or "nothing"),
        ("sorted by", ", ".join(map(_code, sort_texts(schema))) or "nothing"),
    ]
    if schema.ref:
        rows.insert(0, ("ref", _code(schema.ref)))
    if keys:
        rows.append(("identified by", ", ".join(map(_code, keys))))
    if facts is not None and facts.rows is not None:
        rows.append(("rows", f"{facts.rows:,}"))
    if facts is not None and facts.files is not None:
        size = human_size(facts.bytes) if facts.bytes is not None else "unknown size"
        rows.append(("data files", f"{facts.files:,}, {size}"))
    if facts is not None and facts.updated:
        rows.append(("last written", facts.updated))
    if schema.location:
        rows.append(("location", _code(schema.location)))
    return rows


def _columns(schema: TableSchema) -> Iterable[tuple[str, ...]]:
    partitions = {term.source: term.transform for term in schema.partitioning}
    sorts = {term.source for term in schema.sort}
    for path, each in walk(schema.fields):
        indent = "&nbsp;&nbsp;" * (len(path) - 1)
        keys = []
        if each.id in schema.identifier:
            keys.append("identifier")
        if each.id in partitions:
            keys.append(f"partition ({partitions[each.id]})")
        if each.id in sorts:
            keys.append("sort")
        yield (
            indent + _code(each.name),
            _code(spelling.trino(each.type)),
            "no" if each.required else "yes",
            ", ".join(keys),
            _code(str(each.write_default)) if each.write_default is not None else "",
            _text(each.doc or ""),
        )


def _history(schema: TableSchema) -> Iterable[tuple[str, str]]:
    """Each version of the schema against the one before; newest first."""
    numbers = sorted(schema.versions)
    found = []
    for before, after in itertools.pairwise(numbers):
        pair = (
            TableSchema(fields=schema.versions[each], says=frozenset({"docs"}))
            for each in (before, after)
        )
        lines = [_text(each.line) for each in differences(*pair)]
        found.append((str(after), "<br>".join(lines) or "nothing that is seen"))
    return reversed(found)


def index(entries: Sequence[Entry]) -> str:
    """The page that leads to the others."""
    rows = [
        (
            f"[{_text(each.title)}]({each.file})",
            str(each.columns),
            f"{each.facts.rows:,}" if each.facts.rows is not None else "",
            human_size(each.facts.bytes) if each.facts.bytes is not None else "",
            _text(each.comment or ""),
        )
        for each in entries
    ]
    return f"# Tables\n\n{_table(('table', 'columns', 'rows', 'size', 'comment'), rows)}\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _text(text: str) -> str:
    """Text in a cell: on one line, nothing in it is markup."""
    plain = " ".join(text.split())
    for sign in "\\`*_[]<>|#":
        plain = plain.replace(sign, f"\\{sign}" if sign not in "<>" else f"&{'lg'[sign == '>']}t;")
    return plain


def _code(text: str) -> str:
    plain = " ".join(text.split()).replace("|", "\\|")
    if not plain:
        return ""
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"
