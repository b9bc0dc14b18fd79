"""A metastore's table held against files of it: what it says of types and names need not be so.

Two footers of a table are read, so what they show is a reason to copy; what they don't show is
found when both sides are compared.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql.compile.migrate_types import mapped
from phlo_sql.model.migration import SourceKind
from phlo_sql.observe.data_footers import CodecError, footer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyiceberg.io import FileIO

    from phlo_sql.model.migration import SourceTable

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_UNNAMED = re.compile(r"_col\d+")
"""Columns of ORC files that Hive wrote before 2.0."""
_WIDER = {("integer", "bigint"), ("real", "double")}
"""Promotions that Iceberg's readers do (spec, "Schema evolution")."""


def looked_into(source: SourceTable, io: FileIO) -> SourceTable:
    """The source, with the doubts that its first and its last file raise; left alone where Trino
    can't decompress one. A file that can't be read here raises none."""
    if source.why_left_alone or source.refused or source.format is None:
        return source
    for path in _sampled(source):
        try:
            with io.new_input(path).open() as stream:
                schema, _, _ = footer_of(stream, source.format)
        except CodecError as error:
            return replace(source, kind=SourceKind.OTHER, why_left_alone=f"{path}: {error}")
        except Exception:  # noqa: BLE001, S112 - each format and store has its own; Trino will tell
            continue
        source = held_against(source, schema, path)
        if source.why_left_alone:
            break
    return source


def _sampled(source: SourceTable) -> Iterator[str]:
    own = [each for each in source.partitions if each.format == source.format and each.files]
    if own:
        paths = (own[0].files[0].path, own[-1].files[-1].path)
        yield from dict.fromkeys(paths)


def held_against(source: SourceTable, schema: pa.Schema, path: str) -> SourceTable:
    """The source with doubts about columns that `path` has otherwise than the metastore says; left
    alone where it has no names for them."""
    if source.format == "orc" and any(_UNNAMED.fullmatch(each.name) for each in schema):
        why = f"{path} names its columns {', '.join(schema.names[:3])}: only their order tells them"
        return replace(source, kind=SourceKind.OTHER, why_left_alone=why)
    fields = {each.name.lower(): each for each in schema}
    columns = list(source.columns)
    for place, column in enumerate(columns):
        field = fields.get(column.name.lower())
        if column.doubt or field is None or _reads(mapped(field.type).target, column.target_type):
            continue
        columns[place] = replace(column, doubt=f"it is {field.type} in {path}")
    if source.format == "orc" and columns and not columns[0].doubt:
        known = {each.name.lower() for each in (*columns, *source.partition_columns)}
        strange = next((each.name for each in schema if each.name.lower() not in known), None)
        if strange is not None:  # Trino: "ORC column … doesn't have an associated Iceberg ID"
            doubt = f"{path} has a column {strange}, which the table has not"
            columns[0] = replace(columns[0], doubt=doubt)
    return replace(source, columns=tuple(columns))


def _reads(stored: str, wanted: str) -> bool:
    """Whether a reader of Iceberg that wants one type reads a file that has the other."""
    if stored == wanted or (stored, wanted) in _WIDER:
        return True
    one, other = _DECIMAL.fullmatch(stored), _DECIMAL.fullmatch(wanted)
    return bool(one and other and one[2] == other[2] and int(one[1]) <= int(other[1]))
