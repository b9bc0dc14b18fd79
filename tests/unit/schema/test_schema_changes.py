"""Flags to a schema, a schema to steps: what is refused, what is ordered, how long it takes."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from phlo_sql import dialect
from phlo_sql.compile.evolve import Reader, Surroundings, compile_evolve
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.runbook import write
from phlo_sql.schema.change import Wanted, desired
from phlo_sql.schema.difference import Effect, differences, line_up
from phlo_sql.schema.model import Field, Primitive, TableSchema, numbered
from phlo_sql.schema.spelling import parse_path, parse_type, trino, written
from tests.golden.tables import server
from tests.unit.schema.schemas import T

INT = Primitive("int")


def table(*names: str) -> TableSchema:
    fields = numbered(tuple(Field(name=name, type=INT) for name in names))
    return TableSchema(fields=fields, name=T, uuid="u", last_id=len(fields))


def around(version: int = 483, readers: tuple[Reader, ...] = ()) -> Surroundings:
    return Surroundings(server=server(version), digest="d", readers=readers)


def statements(current: TableSchema, wanted: Wanted) -> list[str]:
    made = compile_evolve(
        current,
        desired(current, wanted),
        around(),
        datetime(2026, 1, 1, tzinfo=UTC),
        "",
        allow_breaking=True,
    )
    prefix = dialect.render(dialect.drop_column(T, "x")).split(" DROP")[0]
    return [dialect.render(step.statement).removeprefix(prefix).strip() for step in made.plan.steps]


class TestOrder:
    def test_a_drop_frees_a_name_before_a_rename_takes_it(self) -> None:
        found = statements(table("a", "b", "c"), Wanted(renames=((("a",), "b"),), drops=(("b",),)))
        assert found == ['DROP COLUMN "b"', 'RENAME COLUMN "a" TO "b"']

    def test_a_chain_of_renames_begins_at_its_end(self) -> None:
        found = statements(table("a", "b"), Wanted(renames=((("a",), "b"), (("b",), "c"))))
        assert found == ['RENAME COLUMN "b" TO "c"', 'RENAME COLUMN "a" TO "b"']

    def test_the_name_on_the_way_is_free(self) -> None:
        swap = Wanted(renames=((("a",), "b"), (("b",), "a")))
        found = statements(table("a", "b", "a_before_rename"), swap)
        assert found[0] == 'RENAME COLUMN "a" TO "a_before_rename_2"'
        assert len(found) == 3

    def test_added_columns_stand_where_they_are_put_whatever_the_order_of_flags(self) -> None:
        adds = ((("y",), INT), (("x",), INT), (("z",), INT))
        wanted = Wanted(adds=adds, after=((("y",), ("x",)), (("x",), ("a",))), first=(("z",),))
        assert statements(table("a", "b"), wanted) == [
            'ADD COLUMN "z" INTEGER FIRST',
            'ADD COLUMN "x" INTEGER AFTER "a"',
            'ADD COLUMN "y" INTEGER AFTER "x"',
        ]


class TestRefusals:
    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            (Wanted(drops=(("a",), ("b",))), Code.IMPOSSIBLE_CHANGE),
            (Wanted(drops=(("z",),)), Code.UNKNOWN_COLUMN),
            (Wanted(adds=((("A",), INT),)), Code.INVALID_ARGUMENTS),
            (Wanted(renames=((("a",), "b"),)), Code.INVALID_ARGUMENTS),
            (Wanted(renames=((("a",), "x"), (("a",), "y"))), Code.INVALID_ARGUMENTS),
            (Wanted(drops=(("a",),), renames=((("a",), "x"),)), Code.INVALID_ARGUMENTS),
            (Wanted(adds=((("a", "x"), INT),)), Code.INVALID_ARGUMENTS),
            (Wanted(defaults=((("a",), "x"),)), Code.INVALID_ARGUMENTS),
            (Wanted(first=(("a",),)), Code.INVALID_ARGUMENTS),
            (
                Wanted(
                    adds=((("x",), INT), (("y",), INT)),
                    after=((("x",), ("y",)), (("y",), ("x",))),
                ),
                Code.INVALID_ARGUMENTS,
            ),
        ],
    )
    def test_one_clear_error(self, wanted: Wanted, code: Code) -> None:
        with pytest.raises(PhloSqlError) as refused:
            desired(table("a", "b"), wanted)
        assert refused.value.code is code
        assert "\n" not in refused.value.problem

    @pytest.mark.parametrize(
        "text",
        ["", "bigit", "decimal(39,1)", "decimal(5,6)", "list<", "map<int>", "row()", "int int",
         "row(a int, A int)", "fixed", "timestamp(6) with", "array(int", "int\0", "<" * 300,
         "list<" * 300 + "int" + ">" * 300],
    )  # fmt: skip
    def test_a_type_that_is_none(self, text: str) -> None:
        with pytest.raises(PhloSqlError) as refused:
            parse_type(text)
        assert refused.value.code is Code.BAD_TYPE

    def test_a_view_of_every_column_breaks_by_an_added_one(self) -> None:
        current = table("a")
        reading = dialect.reading("SELECT * FROM s.t", T)
        assert reading is not None
        seen = around(readers=(Reader(name="s.v", kind="view", reading=reading),))
        wanted = desired(current, Wanted(adds=((("n",), INT),)))
        with pytest.raises(PhloSqlError) as refused:
            compile_evolve(current, wanted, seen, datetime.now(UTC), "", allow_breaking=False)
        assert refused.value.code is Code.BREAKING_CHANGE
        assert "s.v" in refused.value.problem


class TestWhomItBreaks:
    """As the server has it: tests/live/test_schema_evolve.py sends the inserts."""

    @pytest.mark.parametrize(
        ("change", "effect"),
        [
            (Wanted(adds=((("n",), INT),)), Effect.COMPATIBLE),
            (Wanted(adds=((("s", "z"), INT),)), Effect.WRITERS),
            (Wanted(adds=((("m", "value", "j"), INT),)), Effect.WRITERS),
            (Wanted(defaults=((("d",), "NULL"),)), Effect.WRITERS),
            (Wanted(defaults=((("d",), "8"),)), Effect.COMPATIBLE),
            (Wanted(types=((("d",), Primitive("long")),)), Effect.COMPATIBLE),
            (Wanted(drops=(("d",),)), Effect.READERS),
            (Wanted(renames=((("d",), "e"),)), Effect.READERS),
            (Wanted(types=((("s",), parse_type("struct<y: int, x: int>")),)), Effect.WRITERS),
        ],
    )
    def test_each_change_has_its_class(self, change: Wanted, effect: Effect) -> None:
        default = Field(name="d", type=INT, write_default=7, initial_default=7)
        fields = numbered((*NESTED, default))
        current = TableSchema(fields=fields, name=T, uuid="u", last_id=20, format_version=3)
        [found] = differences(current, desired(current, change))
        assert found.effect is effect

    def test_writers_are_told_beside_a_view_that_reads_it(self) -> None:
        current = TableSchema(fields=numbered(NESTED), name=T, uuid="u", last_id=20)
        reading = dialect.reading("SELECT s FROM s.t", T)
        assert reading is not None
        seen = around(readers=(Reader(name="s.v", kind="view", reading=reading),))
        wanted = desired(current, Wanted(adds=((("s", "z"), INT),)))
        with pytest.raises(PhloSqlError) as refused:
            compile_evolve(current, wanted, seen, datetime.now(UTC), "", allow_breaking=False)
        assert "breaking for readers, view s.v reads it" in refused.value.problem
        assert "an INSERT writes the whole value" in refused.value.problem


NESTED = (
    Field(name="m", type=parse_type("map<struct<u: int>, struct<k: int, i: int>>")),
    Field(name="l", type=parse_type("list<int>")),
    Field(name="s", type=parse_type("struct<x: int, y: int>")),
)


class TestWholeTypes:
    """What only the type of the whole column reaches, which a server before 480 can't set."""

    @pytest.mark.parametrize(
        ("change", "version", "refused"),
        [
            (Wanted(adds=((("m", "value", "j"), INT),)), 483, ""),
            (Wanted(adds=((("m", "value", "j"), INT),)), 476, "m.value.j: added"),
            (Wanted(drops=(("m", "value", "k"),)), 476, "m.value.k"),
            (Wanted(types=((("l", "element"), Primitive("long")),)), 483, ""),
            (Wanted(types=((("l", "element"), Primitive("long")),)), 476, "l.element"),
            (Wanted(types=((("m", "value", "k"), Primitive("long")),)), 476, ""),
            (Wanted(adds=((("s", "z"), INT),)), 476, ""),
            (Wanted(types=((("m", "key", "u"), Primitive("long")),)), 483, "keys of a map"),
        ],
    )
    def test_refused_where_the_server_can_not(
        self, change: Wanted, version: int, refused: str
    ) -> None:
        fields = numbered((*NESTED, Field(name="z", type=INT)))
        current = TableSchema(fields=fields, name=T, uuid="u", last_id=20)

        def made() -> int:
            wanted, now = desired(current, change), datetime(2026, 1, 1, tzinfo=UTC)
            plan = compile_evolve(current, wanted, around(version), now, "", allow_breaking=True)
            return len(plan.plan.steps)

        if not refused:
            assert made() == 1
            return
        with pytest.raises(PhloSqlError) as found:
            made()
        assert found.value.code is Code.IMPOSSIBLE_CHANGE
        assert refused in found.value.problem


class TestSpelling:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("BIGINT", "bigint"), ("long", "bigint"), ("string", "varchar"),
            ("varchar(10)", "varchar"),
            ("timestamp(3) with time zone", "timestamp(6) with time zone"),
            ("timestamp(9)", "timestamp(9)"), ("decimal(10, 2)", "decimal(10,2)"),
            ("list<struct<1: A: optional int>>", 'array(row("a" integer))'),
            ('row("A b" double precision, c real)', 'row("A b" double, "c" real)'),
            ("map<string, list<date>>", "map(varchar, array(date))"),
        ],
    )  # fmt: skip
    def test_either_spelling_is_read(self, text: str, shown: str) -> None:
        assert trino(parse_type(text)) == shown

    @pytest.mark.parametrize("path", [("a",), ("a.b", "c"), ('we"ird', "x:y"), ("a b", "é")])
    def test_a_path_reads_back(self, path: tuple[str, ...]) -> None:
        assert parse_path(written(path)) == path


class TestLineage:
    def test_refs_that_number_on_their_own_are_told_apart(self) -> None:
        base = table("a")
        versions = {0: base.fields}

        def on(name: str) -> TableSchema:
            fields = (*base.fields, Field(name=name, type=INT, id=2))
            return TableSchema(
                fields=fields, name=T, uuid="u", last_id=2, versions={**versions, 1: fields}
            )

        left, right = on("x"), on("y")
        found = differences(left, line_up(left, right))
        assert [each.what.value for each in found] == ["dropped", "added"]
        assert found[0].effect is Effect.READERS

    def test_a_rename_is_a_rename(self) -> None:
        base = table("a")
        left = TableSchema(fields=base.fields, uuid="u", last_id=1, versions={0: base.fields})
        renamed = (Field(name="b", type=INT, id=1),)
        right = TableSchema(
            fields=renamed, uuid="u", last_id=1, versions={0: base.fields, 1: renamed}
        )
        [found] = differences(left, line_up(left, right))
        assert (found.what.value, found.new) == ("renamed", "b")


def test_five_thousand_columns_are_planned_within_three_seconds() -> None:
    current = table(*(f"c{number}" for number in range(5000)))
    wanted = Wanted(
        adds=((("n",), INT),),
        drops=(("c7",),),
        renames=((("c0",), "c1"), (("c1",), "c0")),
        types=((("c9",), Primitive("long")),),
    )
    started = time.process_time()
    made = compile_evolve(
        current,
        desired(current, wanted),
        around(),
        datetime.now(UTC),
        "",
        allow_breaking=True,
    )
    assert len(write(made.plan).plan.steps) == 6
    assert time.process_time() - started < 3
