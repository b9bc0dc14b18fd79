"""Statements as people write them: known ones are fixed points, the others are refused."""

from __future__ import annotations

import logging

import pytest

from phlo_sql.dialect import parse, parse_script, render, same
from phlo_sql.errors import Code, PhloSqlError
from tests.unit.dialect.corpus import CORPUS, KNOWN, Sample


def test_the_corpus_is_all_there() -> None:
    assert len(CORPUS) >= 170
    assert len(KNOWN) >= 160
    assert len({sample.name for sample in CORPUS}) == len(CORPUS)
    assert sum(1 for sample in KNOWN if 476 not in sample.versions) >= 20


@pytest.mark.parametrize("sample", KNOWN, ids=lambda sample: sample.name)
class TestKnown:
    def test_is_a_fixed_point(self, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
        tree = parse(sample.sql)
        text = render(tree)
        assert same(parse(text), tree)
        assert render(parse(text)) == text
        assert not [record for record in caplog.records if record.levelno >= logging.INFO]

    def test_reads_back_when_indented(self, sample: Sample) -> None:
        text = render(parse(sample.sql), pretty=True)
        assert render(parse(text)) == render(parse(sample.sql))

    def test_rendering_leaves_the_tree_alone(self, sample: Sample) -> None:
        tree = parse(sample.sql)
        before = tree.copy()
        render(tree)
        assert repr(tree) == repr(before)

    def test_is_refused_for_a_version_that_lacks_it(self, sample: Sample) -> None:
        tree = parse(sample.sql)
        assert render(tree, version=484) == render(tree)
        if 476 in sample.versions:
            assert render(tree, version=476) == render(tree)
            return
        with pytest.raises(PhloSqlError) as refusal:
            render(tree, version=476)
        assert refusal.value.code is Code.UNSUPPORTED_VERSION
        assert "Trino 476" in refusal.value.problem
        assert "upgrade" in refusal.value.hint


@pytest.mark.parametrize(
    "sample", [sample for sample in CORPUS if not sample.known], ids=lambda sample: sample.name
)
def test_unknown_is_refused_in_one_line(sample: Sample) -> None:
    with pytest.raises(PhloSqlError) as refusal:
        parse(sample.sql)
    assert refusal.value.code is Code.UNSUPPORTED_STATEMENT
    assert "\n" not in refusal.value.problem
    assert "\x1b" not in refusal.value.problem


def test_a_script_of_them_all_is_read_in_order() -> None:
    script = ";\n-- a comment; with a semicolon\n".join(sample.sql for sample in KNOWN)
    trees = parse_script(f"/* head */\n{script};\n-- tail\n")
    assert [render(tree) for tree in trees] == [render(parse(sample.sql)) for sample in KNOWN]
