"""Whatever fills a builder's slots, the statement is the same but for what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from phlo_sql import dialect
from phlo_sql.dialect.render import PhloTrino
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from tests.unit.dialect.cases import CASES, FILLED, HOSTILE, MARKS, NAMES, TEXTS, Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import TokenType

T = TableName(catalog="c", schema="s", name="t")


def _tokens(sql: str) -> list[tuple[TokenType, str]]:
    return [(token.token_type, token.text) for token in PhloTrino().tokenize(sql)]


def test_there_are_cases() -> None:
    assert len(CASES) >= 43
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("case", [case for case in CASES if case != "drop_not_null"])
class TestEveryBuilder:
    @settings(deadline=None, max_examples=60)
    @given(slots=FILLED)
    def test_only_the_slots_change(self, case: str, slots: Slots) -> None:
        expected = [(kind, slots.replace(text)) for kind, text in _tokens(_render(case, MARKS))]
        assert _tokens(_render(case, slots)) == expected
        assert _tokens(_render(case, slots, pretty=True)) == expected

    def test_each_hostile_value_everywhere(self, case: str) -> None:
        plain = _tokens(_render(case, MARKS))
        for hostile in HOSTILE:
            names = (hostile, *(f"{hostile}{number}" for number in range(1, NAMES)))
            slots = Slots(names, (hostile,) * TEXTS)
            assert _tokens(_render(case, slots)) == [(k, slots.replace(t)) for k, t in plain]

    def test_building_twice_gives_the_same(self, case: str) -> None:
        tree = CASES[case](MARKS)
        assert dialect.same(tree, CASES[case](MARKS))
        assert dialect.same(dialect.parse(dialect.render(tree)), tree)


def _render(case: str, slots: Slots, *, pretty: bool = False) -> str:
    return dialect.render(CASES[case](slots), pretty=pretty)


def _refusal(build: Callable[[Slots], dialect.Statement], slots: Slots) -> Code | None:
    try:
        build(slots)
    except PhloSqlError as error:
        return error.code
    return None


class TestDropNotNull:
    """Trino looks the column up as it is written, so a plain name stands bare."""

    @settings(deadline=None, max_examples=60)
    @given(slots=FILLED)
    def test_it_reads_back_whatever_the_name(self, slots: Slots) -> None:
        tree = CASES["drop_not_null"](slots)
        assert dialect.same(dialect.parse(dialect.render(tree)), tree)

    @pytest.mark.parametrize("name", ["id", "date", "key", "x_1"])
    def test_a_plain_name_is_bare(self, name: str) -> None:
        assert f"COLUMN {name} DROP" in dialect.render(dialect.drop_not_null(T, name))

    @pytest.mark.parametrize("name", ["select", "a b", "Id", "1a", "né", "a;b"])
    def test_any_other_is_delimited(self, name: str) -> None:
        assert f'COLUMN "{name}" DROP' in dialect.render(dialect.drop_not_null(T, name))


class TestRefusals:
    @pytest.mark.parametrize("slot", range(NAMES))
    def test_no_name_may_be_empty(self, slot: int) -> None:
        names = tuple("" if number == slot else name for number, name in enumerate(MARKS.names))
        codes = [_refusal(build, Slots(names, MARKS.texts)) for build in CASES.values()]
        assert set(codes) == {None, Code.BAD_NAME}
        assert codes.count(Code.BAD_NAME) >= 4

    @pytest.mark.parametrize("name", ["", "a b", "a-b", "1a", 'a"b', "sélect", "select", "a;b"])
    def test_procedures_and_arguments_stand_undelimited(self, name: str) -> None:
        with pytest.raises(PhloSqlError) as refusal:
            dialect.execute_procedure(T, name)
        assert refusal.value.code is Code.BAD_NAME
        with pytest.raises(PhloSqlError):
            dialect.call("c", "p", {name: 1})

    @pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
    def test_lone_surrogates_cannot_travel(self, text: str) -> None:
        with pytest.raises(PhloSqlError):
            dialect.literal(text)
        with pytest.raises(PhloSqlError):
            dialect.identifier(text)

    def test_what_has_no_literal(self) -> None:
        for value in (2**130, object(), 1j):
            with pytest.raises(PhloSqlError) as refusal:
                dialect.literal(value)  # type: ignore[arg-type]  # what types would not allow
            assert refusal.value.code is Code.BAD_NAME

    @pytest.mark.parametrize(
        "text",
        ["bigint garbage", "bigint; DROP TABLE x", "varchar(10) not null", "nosuch", "", "1"],
    )
    def test_a_type_is_read_to_its_end(self, text: str) -> None:
        with pytest.raises(PhloSqlError) as refusal:
            dialect.data_type(text)
        assert refusal.value.code is Code.INVALID_ARGUMENTS
        assert "\n" not in refusal.value.problem


class TestTexts:
    """What a DBA reads, where the exact text matters."""

    def test_optimize(self) -> None:
        tree = dialect.execute_procedure(
            T,
            "optimize",
            {"file_size_threshold": "128MB"},
            dialect.predicate("Day >= DATE '2024-01-01' and region in ('eu', 'us')"),
        )
        assert dialect.render(tree) == (
            'ALTER TABLE "c"."s"."t" EXECUTE optimize(file_size_threshold => \'128MB\')'
            " WHERE \"day\" >= DATE '2024-01-01' AND \"region\" IN ('eu', 'us')"
        )

    def test_procedure_names_are_never_delimited(self) -> None:
        sql = dialect.render(dialect.call("c", "p", {"schema_name": "x"}))
        assert sql == """CALL "c"."system"."p"(schema_name => 'x')"""

    def test_dotted_schemas_are_one_name(self) -> None:
        tree = dialect.count_rows(TableName(schema="a.b", name="t"))
        assert dialect.render(tree) == 'SELECT COUNT(*) FROM "a.b"."t"'

    def test_checksums(self) -> None:
        tree = dialect.checksums(T, ["a", "b"], partition_by=["a"], version=5)
        assert dialect.render(tree) == (
            'SELECT "a", COUNT(*), CHECKSUM(ROW("a", "b")) FROM "c"."s"."t"'
            ' FOR VERSION AS OF 5 GROUP BY "a" ORDER BY "a"'
        )

    def test_trees_are_not_shared_between_statements(self) -> None:
        where = dialect.predicate("a = 1")
        one = dialect.execute_procedure(T, "optimize", where=where)
        two = dialect.count_rows(T, where)
        assert dialect.render(one).endswith('WHERE "a" = 1')
        assert dialect.render(two).endswith('WHERE "a" = 1')
        assert where.parent is None

    def test_many_paths_are_quick_enough_to_render(self) -> None:
        paths = [f"s3://bucket/data/part-{number:05}.parquet" for number in range(2_000)]
        sql = dialect.render(
            dialect.execute_procedure(T, "optimize", where=dialect.in_paths(paths))
        )
        assert sql.count("s3://") == 2_000


def test_nothing_is_logged_while_rendering(caplog: pytest.LogCaptureFixture) -> None:
    for case in CASES:
        _render(case, MARKS)
    assert caplog.records == []
