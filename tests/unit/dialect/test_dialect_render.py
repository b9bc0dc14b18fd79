"""What `render` and `parse` let through, and how they refuse."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlglot
from sqlglot import exp

from phlo_sql.dialect import guard, parse, parse_script, render, same, sql_of
from phlo_sql.errors import Code, PhloSqlError
from tests.unit.dialect.cases import CASES, MARKS


def _query(**changes: object) -> exp.Expr:
    query = exp.select("a").from_("t")
    for key, value in changes.items():
        query.set(key, value)
    return query


MALFORMED = {
    "command": exp.Command(this="DROP", expression="TABLE t"),
    "command inside": _query(where=exp.Where(this=exp.Command(this="x"))),
    "not a statement": exp.column("a"),
    "raw variable": _query(where=exp.Where(this=exp.var("1=1; DROP TABLE t"))),
    "raw function": _query(where=exp.Where(this=exp.Anonymous(this="f(); DROP TABLE t --"))),
    "raw number": _query(where=exp.Where(this=exp.Literal.number("1; DROP TABLE t"))),
    "unicode digits": _query(where=exp.Where(this=exp.Literal.number("٣"))),
    "empty name": _query(from_=exp.From(this=exp.Table(this=exp.to_identifier("", quoted=True)))),
    "own type": exp.select(exp.cast("a", exp.DataType(this=exp.DType.USERDEFINED, kind="x y"))),
    "kind of alter": exp.Alter(
        this=exp.to_table("t"), kind="TABLE t; DROP TABLE", actions=[exp.AlterRename(this="u")]
    ),
    "kind of version": exp.select("a").from_(
        exp.Table(
            this=exp.to_identifier("t"),
            version=exp.Version(this="VERSION; DROP", kind="AS OF", expression=exp.convert(1)),
        )
    ),
    "mode of transaction": exp.Transaction(modes=["READ ONLY; DROP TABLE t"]),
    "unknown argument": exp.Insert(
        this=exp.Table(this=exp.to_identifier("t"), branch=exp.to_identifier("b")),
        expression=exp.select("1"),
    ),
    "kind of set": exp.Set(
        expressions=[
            exp.SetItem(this=exp.EQ(this=exp.column("a"), expression=exp.true()), kind="X")
        ]
    ),
}


class TestRefusals:
    @pytest.mark.parametrize("name", MALFORMED)
    def test_a_malformed_tree_is_never_written(self, name: str) -> None:
        with pytest.raises(PhloSqlError) as refusal:
            render(MALFORMED[name])
        assert refusal.value.code is Code.UNSUPPORTED_STATEMENT
        assert "\n" not in refusal.value.problem

    @pytest.mark.parametrize(
        "text", ["", ";", "-- x", "SELECT 1; SELECT 2", "foo", "VACUUM t", "SELECT 1 FROM", "'"]
    )
    def test_parse_wants_exactly_one_known_statement(self, text: str) -> None:
        with pytest.raises(PhloSqlError) as refusal:
            parse(text)
        assert refusal.value.code is Code.UNSUPPORTED_STATEMENT
        assert "\n" not in refusal.value.problem
        assert refusal.value.hint

    def test_a_script_may_be_empty(self) -> None:
        assert parse_script("") == ()
        assert parse_script(" ; -- nothing\n ; /* ; */ ;") == ()

    def test_a_fragment_is_read_back_too(self) -> None:
        with pytest.raises(PhloSqlError):
            sql_of(exp.var("1; DROP TABLE t"))

    def test_branches_are_never_dropped_silently(self) -> None:
        # Stock sqlglot reads this as a DELETE on main.
        assert (
            "@" not in sqlglot.transpile('DELETE FROM "t" @ "b" WHERE "x" = 1', "trino", "trino")[0]
        )
        assert '@ "b"' in render(parse('DELETE FROM "t" @ "b" WHERE "x" = 1'))


class TestReadBack:
    def test_a_text_that_read_back_before_proves_no_other_tree(self) -> None:
        faithful = parse("SELECT a - b - c FROM t")
        inner = exp.Sub(this=exp.column("b"), expression=exp.column("c"))
        forged = _query(expressions=[exp.Sub(this=exp.column("a"), expression=inner)])
        assert forged.sql("trino", identify=True) == render(faithful)
        with pytest.raises(PhloSqlError, match="does not read back"):
            render(forged)


class TestSame:
    def test_is_exact_where_sqlglot_folds(self) -> None:
        one = exp.Comment(this=exp.to_table("t"), kind="TABLE", expression=exp.Literal.string("x"))
        two = one.copy()
        assert same(one, two)
        two.set("kind", "table")
        assert one == two
        assert not same(one, two)

    def test_sees_every_change_of_a_value(self) -> None:
        trees = [build(MARKS) for build in CASES.values()]
        for number, tree in enumerate(trees):
            assert [other for other, found in enumerate(trees) if same(tree, found)] == [number]


class TestCompiledSqlglot:
    """`sqlglotc` cannot be extended: tried by hand on 30.30.0, and acted out here."""

    def test_is_refused_in_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Compiled:
            def __init__(self, **_: object) -> None:
                if type(self) is not Compiled:
                    raise TypeError("interpreted classes cannot inherit from compiled")

        monkeypatch.setattr(exp, "Expression", Compiled)
        with pytest.raises(PhloSqlError) as refusal:
            guard.require_pure_sqlglot()
        assert refusal.value.code is Code.INCOMPATIBLE_SQLGLOT
        assert "interpreted classes cannot inherit" in refusal.value.problem
        assert "sqlglotc" in refusal.value.hint

    def test_this_one_is_pure(self) -> None:
        guard.require_pure_sqlglot()


def test_the_room_imports_nothing_heavy_but_sqlglot() -> None:
    code = (
        "import sys, phlo_sql.dialect;"
        "heavy = {'pyarrow', 'pyiceberg', 'trino', 'rich', 'click', 'psycopg', 'datafusion'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
