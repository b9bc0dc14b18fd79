"""Table names as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName, parse_table

PART = st.text(min_size=1, max_size=15).map(str.lower).filter(lambda part: part == part.lower())


@pytest.mark.parametrize(
    ("text", "name", "ref"),
    [
        ("s.t", TableName(schema="s", name="t"), None),
        ("c.s.t", TableName(catalog="c", schema="s", name="t"), None),
        ("S.Orders@dev", TableName(schema="s", name="orders"), "dev"),
        ("s.t@feature/x", TableName(schema="s", name="t"), "feature/x"),
        ('c."a.b".t', TableName(catalog="c", schema="a.b", name="t"), None),
        ('s."t@x"@dev', TableName(schema="s", name="t@x"), "dev"),
        ('s."say ""hi"""', TableName(schema="s", name='say "hi"'), None),
        ("s.my-table", TableName(schema="s", name="my-table"), None),
    ],
)
def test_reads(text: str, name: TableName, ref: str | None) -> None:
    assert parse_table(text) == (name, ref)


@given(PART, PART, PART)
def test_every_name_reads_back(catalog: str, schema: str, name: str) -> None:
    table = TableName(catalog=catalog, schema=schema, name=name)
    assert parse_table(str(table)) == (table, None)


@pytest.mark.parametrize(
    "text", ["", "t", "a.b.c.d", "a..b", "a.b.", '"a', "a b.c", 's.""', "s.t@"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(PhloSqlError) as refused:
        parse_table(text)
    assert refused.value.code is Code.BAD_NAME


def test_a_dotted_schema_is_a_nested_namespace() -> None:
    assert TableName(schema="a.b", name="t").identifier == ("a", "b", "t")
