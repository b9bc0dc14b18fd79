"""Trino and we read the same in the statements of the corpus, and in predicates and types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phlo_sql import dialect
from phlo_sql.dialect.reserved import RESERVED
from phlo_sql.errors import PhloSqlError
from phlo_sql.model.names import TableName
from tests.unit.dialect.corpus import CORPUS, KNOWN, Sample
from tests.unit.dialect.predicates import READ, REFUSED, TYPES

if TYPE_CHECKING:
    from tests.oracle.trino_parser import TrinoParser


def _folded(tree: Any) -> Any:
    """A tree without what Trino folds itself: whether and in which case a name is written."""
    if isinstance(tree, dict):
        if tree.get("node") == "Identifier":
            return ("name", tree["value"].lower())
        if tree.get("node") == "GenericLiteral":
            return ("literal", str(tree["type"]).lower(), tree["value"])
        return {key: _folded(value) for key, value in tree.items()}
    return [_folded(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("sample", CORPUS, ids=lambda sample: sample.name)
def test_who_accepts_it_is_what_the_corpus_says(
    sample: Sample, parsers: dict[int, TrinoParser]
) -> None:
    accepting = {version for version, parser in parsers.items() if parser.accepts(sample.sql)}
    assert accepting == sample.versions


@pytest.mark.parametrize("sample", KNOWN, ids=lambda sample: sample.name)
def test_rendering_keeps_what_trino_reads(sample: Sample, newest: TrinoParser) -> None:
    tree = dialect.parse(sample.sql)
    for pretty in (False, True):
        written = newest.statement(dialect.render(tree, pretty=pretty))
        assert _folded(written) == _folded(newest.statement(sample.sql))


@pytest.mark.parametrize("version", [476, 484])
def test_a_version_refuses_exactly_what_render_refuses(
    version: int, parsers: dict[int, TrinoParser]
) -> None:
    refused = 0
    for sample in KNOWN:
        tree = dialect.parse(sample.sql)
        try:
            dialect.render(tree, version=version)
            ours = True
        except PhloSqlError:
            ours = False
            refused += 1
        assert ours == parsers[version].accepts(dialect.render(tree)), sample.name
    assert (refused >= 20) == (version == 476)


@pytest.mark.parametrize("text", READ)
def test_a_predicate_means_what_the_user_wrote(text: str, newest: TrinoParser) -> None:
    written = dialect.sql_of(dialect.predicate(text))
    assert _meaning(_folded(newest.expression(written))) == _meaning(
        _folded(newest.expression(text))
    )


def _meaning(tree: Any) -> Any:
    """The tree where a few things that have two spellings have one."""
    if isinstance(tree, list):
        return [_meaning(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    found = {key: _meaning(value) for key, value in tree.items()}
    match found:
        case {"node": "FunctionCall", "name": [("name", "now")]}:
            return {"node": "CurrentTimestamp", "precision": None}
        case {
            "node": "FunctionCall",
            "name": [("name", "date_trunc")],
            "arguments": [{"value": {"node": "StringLiteral", "value": str(unit)} as text}, _],
        }:
            text["value"] = unit.lower()
        case {"node": "ArithmeticUnaryExpression", "sign": "PLUS"}:
            return found["value"]
        case {"node": "DecimalLiteral", "value": str(digits)}:
            found["value"] = digits.lstrip("0")
        case {
            "node": "NotExpression",
            "value": {"node": "Predicated", "predicate": {"negated": False} as predicate} as inner,
        }:
            return {**inner, "predicate": {**predicate, "negated": True}}
    return found


_TOKENS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_$][A-Za-z0-9_$]*|[0-9][0-9.]*|<>|!=|<=|>=|\s+|."""
)
_POOL = sorted(
    {token for text in (*READ, *REFUSED) for token in _TOKENS.findall(text) if token.strip()}
    | {"||", "::", "->", "<=>", "[1]", "AT TIME ZONE", "DISTINCT", "ANY", "extract(", "IF(", "zone"}
)


@st.composite
def _mangled(draw: st.DrawFn) -> str:
    """A predicate with a few of its tokens lost, doubled or exchanged for any other."""
    tokens = _TOKENS.findall(draw(st.sampled_from(READ)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(tokens)))
        new = draw(st.lists(st.sampled_from(_POOL).map(" {} ".format), max_size=2))
        tokens[place : place + draw(st.integers(0, 1))] = new
    return "".join(tokens)


@settings(
    deadline=None,
    max_examples=1_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=_mangled())
def test_a_mangled_predicate_is_refused_or_keeps_its_meaning(
    text: str, newest: TrinoParser
) -> None:
    try:
        ours = dialect.sql_of(dialect.predicate(text))
        theirs = newest.expression(text)
    except (PhloSqlError, ValueError):
        return
    assert _meaning(_folded(newest.expression(ours))) == _meaning(_folded(theirs))


@pytest.mark.parametrize("text", TYPES)
def test_a_type_is_the_one_the_user_wrote(text: str, newest: TrinoParser) -> None:
    column = TableName(schema="s", name="t")
    altered = newest.statement(dialect.render(dialect.alter_column_type(column, "c", text)))
    assert _unaliased(_folded(altered["type"])) == _unaliased(_folded(newest.type(text)))


def _unaliased(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _unaliased(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_unaliased(item) for item in tree]
    return ("name", "integer") if tree == ("name", "int") else tree


def test_reserved_words_are_those_of_trino(parsers: dict[int, TrinoParser]) -> None:
    assert parsers[484].reserved() | parsers[476].reserved() == RESERVED
    assert len(RESERVED) >= 80


def test_there_are_enough_of_them() -> None:
    assert len(READ) >= 60
    assert len(TYPES) >= 30
