"""Random schemas for property tests: every type, odd names, nesting five deep."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from phlo_sql.model.names import TableName
from phlo_sql.schema.model import (
    Field,
    ListOf,
    MapOf,
    PartitionTerm,
    Primitive,
    SortTerm,
    Struct,
    TableSchema,
    Type,
    by_id,
    numbered,
)

T = TableName(catalog="iceberg", schema="s", name="t")
ODD = (
    "select", "a b", "9x", "naïve", "class", "date", "none", "a.b", 'we"ird', "x:y", "__init__",
    "self", "_", "str", "list", "new\nline", "it's", "tab\t", "日本", "model_fields", "copy",
    "decimal", "field", "t", "null", "type", "name", "-", "\\", "{x}", "%s", "key", "value",
)  # fmt: skip
PLAIN = (
    "boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz",
    "timestamp_ns", "timestamptz_ns", "string", "uuid", "binary", "variant",
)  # fmt: skip
names = st.one_of(
    st.sampled_from(ODD),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Lu", "Lt"]),
        min_size=1,
        max_size=8,
    ).filter(lambda name: name.strip() == name and name.lower() == name),
)
decimals = st.integers(1, 38).flatmap(
    lambda precision: st.integers(0, precision).map(
        lambda scale: Primitive("decimal", (precision, scale))
    )
)
makeable = st.one_of(st.sampled_from([Primitive(name) for name in PLAIN]), decimals)
"""What Trino makes."""
_GEO = (("geography", "OGC:CRS84"), ("geometry", "OGC:CRS84"), ("geometry", "srid:1"))
anything = st.one_of(
    makeable,
    st.integers(1, 64).map(lambda length: Primitive("fixed", (length,))),
    st.sampled_from([Primitive(name, (crs,)) for name, crs in _GEO]),
)
docs = st.one_of(st.none(), st.sampled_from(["it's", 'a "b"', "x|y", "zwei\nZeilen", "\\"]))


def fields(
    leaves: st.SearchStrategy[Primitive], *, inner_required: bool, inner_docs: bool, top: bool
) -> st.SearchStrategy[tuple[Field, ...]]:
    def field(kinds: st.SearchStrategy[Type]) -> st.SearchStrategy[Field]:
        return st.builds(
            Field,
            name=names,
            type=kinds,
            required=st.booleans() if top or inner_required else st.just(False),
            doc=docs if top or inner_docs else st.none(),
        )

    def nested(kinds: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
        required = st.booleans() if inner_required else st.just(False)
        inner = st.builds(
            Field,
            name=names,
            type=kinds,
            required=required,
            doc=docs if inner_docs else st.none(),
        )
        structs = st.lists(inner, min_size=1, max_size=3, unique_by=lambda f: f.name.lower()).map(
            lambda found: Struct(tuple(found))
        )
        lists = st.builds(
            ListOf, st.builds(Field, name=st.just("element"), type=kinds, required=required)
        )
        keys = st.sampled_from([Primitive("string"), Primitive("long"), Primitive("date")])
        maps = st.builds(
            MapOf,
            st.builds(Field, name=st.just("key"), type=keys, required=st.just(True)),
            st.builds(Field, name=st.just("value"), type=kinds, required=required),
        )
        return st.one_of(structs, lists, maps)

    kinds: st.SearchStrategy[Type] = st.recursive(leaves, nested, max_leaves=5)
    return st.lists(
        field(kinds), min_size=1, max_size=6, unique_by=lambda each: each.name.lower()
    ).map(lambda found: numbered(tuple(found)))


def _table(found: tuple[Field, ...]) -> TableSchema:
    return TableSchema(
        fields=found,
        name=T,
        uuid="u",
        format_version=3,
        last_id=max(by_id(found)),
        properties={"format": "PARQUET"},
    )


schemas = fields(anything, inner_required=True, inner_docs=True, top=True).map(_table)
trino_schemas = fields(makeable, inner_required=False, inner_docs=False, top=True).map(_table)


def partitioned(schema: TableSchema) -> TableSchema:
    """The same table, partitioned and sorted by its first plain column."""
    column = next((each for each in schema.fields if each.type == Primitive("long")), None)
    if column is None:
        return schema
    return replace(
        schema,
        comment="a 'table'",
        partitioning=(PartitionTerm(source=column.id, transform="bucket[8]"),),
        sort=(SortTerm(source=column.id, descending=True, nulls_first=False),),
    )
