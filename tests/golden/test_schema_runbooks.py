"""Golden runbooks of `schema evolve`: what the command emits, per Trino version, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from phlo_sql import runbook
from phlo_sql.compile.evolve import Lost, Surroundings, compile_evolve
from phlo_sql.model.names import TableName
from phlo_sql.schema.change import Wanted, desired
from phlo_sql.schema.model import Field, PartitionTerm, SortTerm, TableSchema, numbered
from phlo_sql.schema.spelling import parse_type
from tests.golden.tables import server

ROOT = Path(__file__).parents[2] / "sql" / "runbooks" / "schema-evolve"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LONG = parse_type("long")
CASES: dict[str, Wanted] = {
    "add-columns": Wanted(
        adds=((("note",), parse_type("string")), (("address", "zip"), parse_type("string"))),
        after=((("note",), ("id",)),),
        comments=((("note",), "it's free text"),),
    ),
    "swap-names": Wanted(renames=((("a",), "b"), (("b",), "a"))),
    "drop": Wanted(drops=(("a",), ("address", "city"))),
    "widen-and-more": Wanted(
        types=((("id",), LONG), (("attrs", "value", "k"), LONG)), optional=(("id",),)
    ),
    "hostile-name": Wanted(renames=((('we"ird; --',), "a.b"),)),
}


def table() -> TableSchema:
    kinds = {
        "id": "int",
        "a": "long",
        "b": "string",
        "address": "struct<city: string, street: string>",
        "attrs": "map<string, struct<k: int>>",
        'we"ird; --': "date",
        "day": "date",
    }
    fields = numbered(
        tuple(
            Field(name=name, type=parse_type(kind), required=name == "id")
            for name, kind in kinds.items()
        )
    )
    return TableSchema(
        fields=fields,
        name=TableName(catalog="iceberg", schema="sales", name="orders"),
        uuid="6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d",
        last_id=20,
        partitioning=(PartitionTerm(source=7, transform="day"),),
        sort=(SortTerm(source=2),),
        metadata_location="s3://lake/sales/orders/metadata/00007-2b1c.metadata.json",
        snapshot_id=8954597067493422955,
    )


def emitted(name: str, version: int) -> str:
    current = table()
    around = Surroundings(
        server=server(version),
        digest="7 | 9E3779B97F4A7C15",
        lost=((2, Lost(files=3, bytes=1200, partitions=("2026-01-01",))),),
    )
    compiled = compile_evolve(
        current,
        desired(current, CASES[name]),
        around,
        NOW,
        "phlo-sql schema evolve sales.orders",
        allow_breaking=True,
    )
    return runbook.write(compiled.plan).text


@pytest.mark.parametrize("version", [476, 483])
@pytest.mark.parametrize("name", CASES)
def test_runbook_is_as_it_was(name: str, version: int, request: pytest.FixtureRequest) -> None:
    path = ROOT / str(version) / f"{name}.sql"
    text = emitted(name, version)
    if request.config.getoption("--update"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text


def test_no_golden_file_is_left_over() -> None:
    known = {f"{version}/{name}.sql" for name in CASES for version in (476, 483)}
    assert {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.sql")} == known
