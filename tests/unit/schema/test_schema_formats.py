"""Each format that is read back reads back as the schema that it was made of."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema.difference import differences, line_up
from phlo_sql.schema.formats import arrow, avro, json_schema, markdown, mermaid, python, sql
from phlo_sql.schema.formats import pydantic as pydantic_format
from phlo_sql.schema.model import Field, TableSchema, numbered
from phlo_sql.schema.spelling import iceberg, parse_type
from phlo_sql.schema.terms import read_partition
from tests.unit.schema.schemas import ODD, T, partitioned, schemas, trino_schemas

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

TYPES = (
    "boolean", "int", "long", "float", "double", "decimal(38, 38)", "decimal(9, 2)", "date",
    "time", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns", "string", "uuid",
    "fixed[16]", "binary", "list<string>", "map<string, long>", "map<date, struct<a: uuid>>",
    "struct<a: struct<b: list<struct<c: struct<d: map<string, int>>>>>>", "variant",
)  # fmt: skip


def of(*kinds: str, names: tuple[str, ...] = ()) -> TableSchema:
    found = numbered(
        tuple(
            Field(name=names[at] if names else f"c{at}", type=parse_type(kind))
            for at, kind in enumerate(kinds)
        )
    )
    return TableSchema(fields=found, name=T, last_id=99, format_version=3)


def left_over(schema: TableSchema, back: TableSchema) -> list[str]:
    return [each.line for each in differences(schema, line_up(schema, back))]


class TestRoundTrips:
    @pytest.mark.parametrize("module", [python, json_schema, avro], ids=lambda m: m.__name__)
    @settings(deadline=None, max_examples=40)
    @given(schema=schemas)
    def test_reads_back_without_a_difference(self, module: Any, schema: TableSchema) -> None:
        assert left_over(schema, module.read(module.write(schema))) == []

    @pytest.mark.parametrize("mark", ["\u00b8", "\u0327", "\u00a8", "\u0301"])
    def test_a_mark_that_joins_the_letter_before_it_makes_no_class_twice(self, mark: str) -> None:
        schema = of("boolean", "struct<_: struct<a: boolean>>", names=("a", mark))
        assert left_over(schema, python.read(python.write(schema))) == []

    @settings(deadline=None, max_examples=40)
    @given(schema=trino_schemas.map(partitioned))
    def test_sql_reads_back_without_a_difference(self, schema: TableSchema) -> None:
        written = sql.write(schema)
        back = sql.read(written)
        lower = replace(
            schema, fields=tuple(replace(f, name=f.name.lower()) for f in schema.fields)
        )
        assert left_over(lower, back) == []
        assert sql.write(replace(back, name=T)) == written

    @settings(deadline=None, max_examples=40)
    @given(schema=schemas)
    def test_a_type_reads_back_from_its_text(self, schema: TableSchema) -> None:
        for each in schema.fields:
            text = iceberg(each.type)  # which tells neither ids nor comments
            assert iceberg(parse_type(text)) == text


def module_of(text: str, folder: Path, name: str) -> ModuleType:
    file = folder / f"{name}.py"
    file.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


ROW = {
    "c0": True, "c1": 1, "c2": 2**62, "c3": 1.5, "c4": 2.5,
    "c5": Decimal("0." + "1" * 38), "c6": Decimal("-1234567.89"), "c7": date(2026, 1, 31),
    "c8": time(1, 2, 3, 456789), "c9": datetime(2026, 1, 31, 1, 2, 3, 456789),  # noqa: DTZ001
    "c10": datetime(2026, 1, 31, 1, 2, 3, 456789, UTC), "c11": None, "c12": None, "c13": "it's",
    "c14": UUID(int=7).bytes, "c15": bytes(16), "c16": b"\0", "c17": ["a", None],
    "c18": {"k": 2**40}, "c19": {date(2026, 1, 1): {"a": UUID(int=8).bytes}},
    "c20": {"a": {"b": [{"c": {"d": {"x": 1}}}]}}, "c21": None,
}  # fmt: skip


class TestPython:
    def test_rows_of_pyarrow_go_there_and_back(self, tmp_path: Path) -> None:
        schema = of(*TYPES)
        found = module_of(python.write(schema), tmp_path, "rows_of_arrow")
        columns = arrow.made(schema)
        rows = [
            {**ROW, "c18": list(ROW["c18"].items()), "c19": list(ROW["c19"].items()),  # type: ignore[attr-defined]
             "c20": {"a": {"b": [{"c": {"d": [("x", 1)]}}]}}}
        ]  # fmt: skip
        table = pa.Table.from_pylist(rows, schema=columns)
        [row] = table.to_pylist()
        record = found.from_row(found.T, row)
        assert record.c5 == ROW["c5"]
        assert record.c14 == UUID(int=7)
        assert record.c20.a.b[0].c.d == {"x": 1}
        again = pa.Table.from_pylist([found.to_row(record)], schema=columns)
        assert again.to_pylist() == table.to_pylist()

    def test_rows_of_trino_are_read_by_place(self, tmp_path: Path) -> None:
        schema = of("long", "uuid", "struct<a: int, b: list<decimal(3,1)>>")
        found = module_of(python.write(schema), tmp_path, "rows_of_trino")
        record = found.from_row(found.T, [1, UUID(int=3), (4, [Decimal("1.5")])])
        assert (record.c0, record.c1, record.c2.a) == (1, UUID(int=3), 4)
        assert record.c2.b == [Decimal("1.5")]
        with pytest.raises(ValueError, match="3 fields"):
            found.from_row(found.T, [1])

    def test_odd_names_import_and_type_check_strictly(self, tmp_path: Path) -> None:
        schema = of(*(['struct<date: date, "a b": list<int>, t: string>'] * len(ODD)), names=ODD)
        files = {"typed_rows": python.write(schema), "typed_models": pydantic_format.write(schema)}
        for name, text in files.items():
            module_of(text, tmp_path, name)
        module = sys.modules["typed_rows"]
        row = {name: {"date": date(2026, 1, 1), "a b": [1], "t": "x"} for name in ODD}
        assert module.to_row(module.from_row(module.T, row)) == row
        ran = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--config-file=", *files_of(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert ran.returncode == 0, ran.stdout

    def test_hand_written_classes_are_read(self) -> None:
        back = python.read(
            "from dataclasses import dataclass\n@dataclass\nclass Address:\n    city: str\n"
            "@dataclass\nclass Person:\n    id: int\n    home: Address | None\n"
            "    tags: 'list[str]'\n    notes: Optional[dict[str, float]]\n"
        )
        assert [iceberg(each.type) for each in back.fields] == [
            "long", "struct<city: required string>", "list<required string>",
            "map<string, required double>",
        ]  # fmt: skip
        assert [each.required for each in back.fields] == [True, False, True, False]

    @pytest.mark.parametrize(
        "text",
        ["class", "x = 1", "@dataclass\nclass A:\n    a: set[int]", "@dataclass\nclass A: ..."],
    )
    def test_what_is_no_schema_is_refused(self, text: str) -> None:
        with pytest.raises(PhloSqlError) as refused:
            python.read(text)
        assert refused.value.code is Code.BAD_SCHEMA


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.py"))


class TestOthers:
    @settings(deadline=None, max_examples=25)
    @given(schema=schemas)
    def test_each_can_be_written(self, schema: TableSchema) -> None:
        namespace: dict[str, Any] = {}
        exec(compile(arrow.write(schema), "arrow", "exec"), namespace)  # noqa: S102 - our own text
        assert namespace["SCHEMA"].equals(arrow.made(schema))
        compile(pydantic_format.write(schema), "pydantic", "exec")
        assert mermaid.write(schema).startswith("erDiagram\n")
        page = markdown.write(schema)
        assert all(line.count("|") > 1 for line in page.splitlines() if line.startswith("| "))

    def test_json_schema_of_others_is_read(self) -> None:
        back = json_schema.read(
            json.dumps(
                {
                    "type": "object",
                    "properties": {
                        "id": {"type": "integer"},
                        "when": {"type": "string", "format": "date-time"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                        "more": {"type": "object", "additionalProperties": {"type": "number"}},
                    },
                    "required": ["id"],
                }
            )
        )
        assert [iceberg(each.type) for each in back.fields] == [
            "long", "timestamptz", "list<required string>", "map<string, required double>",
        ]  # fmt: skip

    @pytest.mark.parametrize("module", [json_schema, avro], ids=lambda m: m.__name__)
    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"type": "record"}', '{"properties": {"a": 1}}']
    )
    def test_what_is_no_schema_is_refused(self, module: Any, text: str) -> None:
        with pytest.raises(PhloSqlError) as refused:
            module.read(text)
        assert refused.value.code is Code.BAD_SCHEMA


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("region", ("region", "identity")),
        ("Day(Ts)", ("ts", "day")),
        ('bucket("a ""b"", (c", 16)', ('a "b", (c', "bucket[16]")),
        ("truncate( name , 4 )", ("name", "truncate[4]")),
        ("void(x)", ("x", "void")),
        ("year", ("year", "identity")),
        ("bucket(", None),
        ("bucket(id)", None),
        ("bucket(id, 0)", None),
        ("day(ts", None),
        ("day(ts, 4)", None),
        ("ts)", None),
        ("a, b", None),
        ("", None),
    ],
)
def test_a_partition_as_trino_spells_it(text: str, read: tuple[str, str] | None) -> None:
    assert read_partition(text) == read
