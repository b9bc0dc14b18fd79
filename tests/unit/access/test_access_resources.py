"""Resources as people write them, and which lies within which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phlo_sql.access.decide import catalogs_of, within
from phlo_sql.access.resource import Resource, bare, literal, matches, parse_resource
from phlo_sql.config import Settings, load
from phlo_sql.errors import Code, PhloSqlError

GOOD = {
    "iceberg": Resource(catalog="iceberg"),
    "*": Resource(catalog="*"),
    "iceberg.sales": Resource(catalog="iceberg", schema="sales"),
    "Iceberg.Sales.ORDERS": Resource(catalog="iceberg", schema="sales", table="orders"),
    "iceberg.*.orders": Resource(catalog="iceberg", schema="*", table="orders"),
    "iceberg.s**.t": Resource(catalog="iceberg", schema="s*", table="t"),
    "iceberg.*.*": Resource(catalog="iceberg"),
    "iceberg.sales@dev": Resource(catalog="iceberg", schema="sales", ref="dev"),
    "iceberg@feature/a.b": Resource(catalog="iceberg", ref="feature/a.b"),
    'iceberg."my schema".t*': Resource(catalog="iceberg", schema="my schema", table="t*"),
    'iceberg.s."a.b"': Resource(catalog="iceberg", schema="s", table="a.b"),
    'iceberg.s."star*"': Resource(catalog="iceberg", schema="s", table="star\\*"),
    'iceberg.s."50%_""x"""': Resource(catalog="iceberg", schema="s", table='50%_"x"'),
    'iceberg.s."two\nlines"': Resource(catalog="iceberg", schema="s", table="two\nlines"),
    r"iceberg.s.a\b": Resource(catalog="iceberg", schema="s", table=r"a\\b"),
    "iceberg.s.50%_x": Resource(catalog="iceberg", schema="s", table="50%_x"),
}
BAD = (
    "",
    " ",
    ".",
    "a.",
    ".a",
    "a..b",
    "a.b.c.d",
    "@dev",
    "a@",
    "a.b@ ",
    "a b",
    'a."',
    'a."x"y',
    "a.b\nc",
    "a.b.t$snapshots",
    'a."".t',
    "a.b@c d",
)


@pytest.mark.parametrize("text", GOOD)
def test_reading(text: str) -> None:
    assert parse_resource(text) == GOOD[text]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_written_reads_back(text: str) -> None:
    assert parse_resource(str(GOOD[text])) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be(text: str) -> None:
    with pytest.raises(PhloSqlError) as caught:
        parse_resource(text)
    assert caught.value.code is Code.BAD_RESOURCE
    assert "\n" not in caught.value.problem


@given(st.text(min_size=1))
def test_a_literal_covers_itself_only(name: str) -> None:
    assert matches(literal(name), name)
    assert not matches(literal(name), name + "x")
    assert bare(literal(name)) == name


@given(st.text("ab*", min_size=1, max_size=5), st.text("ab*", min_size=1, max_size=5))
def test_within_is_sound(outer: str, inner: str) -> None:
    """Whatever the inner pattern covers, the outer one covers."""
    if within(outer, inner):
        for length in range(4):
            for number in range(2**length):
                name = "".join("ab"[number >> place & 1] for place in range(length))
                assert not matches(inner, name) or matches(outer, name)


def test_a_star_that_is_a_character_is_no_wildcard() -> None:
    assert not within("s\\*", "s*")
    assert within("s*", "s\\*")
    assert within("*", "s*")
    assert not within("s*", "*")


@pytest.fixture
def settings(tmp_path: object) -> Settings:
    file = tmp_path / "phlo-sql.toml"  # type: ignore[operator]  # pytest's own type
    file.write_text('[refs]\nhotfix = "urgent"\n')
    return load(environ={}, cwd=file.parent)


@pytest.mark.parametrize(
    ("text", "catalogs"),
    [
        ("iceberg.s", ("iceberg",)),
        ("iceberg.s@main", ("iceberg",)),
        ("iceberg.s@dev", ("iceberg_dev",)),
        ("iceberg.s@hotfix", ("urgent",)),
        ("other.s@hotfix", ("other_hotfix",)),
        ("iceberg.s@*", ("iceberg_*", "iceberg", "urgent")),
        ("iceberg.s@h*", ("iceberg_h*", "urgent")),
        ("*", ("*",)),
        ("*@dev", ("*_dev",)),
        ("*@main", ("*",)),
        ("*@*", ("*_*", "*", "urgent")),
        ("*@hotfix", ("*_hotfix", "urgent")),
        ("ice*@dev", ("ice*_dev",)),
    ],
)
def test_refs_are_catalogs(settings: Settings, text: str, catalogs: tuple[str, ...]) -> None:
    assert catalogs_of(parse_resource(text), settings) == catalogs
