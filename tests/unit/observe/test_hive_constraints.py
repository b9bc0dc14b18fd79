"""Constraints of a metastore's table: what stands together, and servers that know no such call."""

from __future__ import annotations

from typing import Any

import pytest
from hive_metastore.ttypes import (
    AllTableConstraintsResponse,
    NotNullConstraintsResponse,
    SQLAllTableConstraints,
    SQLDefaultConstraint,
    SQLForeignKey,
    SQLNotNullConstraint,
    SQLPrimaryKey,
    SQLUniqueConstraint,
)
from thrift.Thrift import TApplicationException

from phlo_sql.observe.hive_client import MetastoreClient
from phlo_sql.observe.hive_constraints import read_constraints
from phlo_sql.observe.metastore import Constraints

UNKNOWN = TApplicationException(TApplicationException.UNKNOWN_METHOD, "Invalid method name")
NOT_NULL = [SQLNotNullConstraint(column_name="Id"), SQLNotNullConstraint(column_name="k")]


class Answers(MetastoreClient):
    """A metastore's answers, in the order of the calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def get_all_table_constraints(self, _request: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    get_not_null_constraints = get_all_table_constraints


def test_keys_of_several_columns_stand_in_their_order() -> None:
    found = SQLAllTableConstraints(
        primaryKeys=[
            SQLPrimaryKey(column_name="b", key_seq=2, pk_name="p"),
            SQLPrimaryKey(column_name="a", key_seq=1, pk_name="p"),
        ],
        uniqueConstraints=[
            SQLUniqueConstraint(column_name="a", key_seq=1, uk_name="u"),
            SQLUniqueConstraint(column_name="b", key_seq=1, uk_name="v"),
        ],
        foreignKeys=[
            SQLForeignKey(
                fkcolumn_name="c",
                pkcolumn_name="id",
                pktable_db="d",
                pktable_name="o",
                key_seq=1,
                fk_name="f",
            )
        ],
        defaultConstraints=[SQLDefaultConstraint(column_name="c", default_value="'x'")],
        notNullConstraints=NOT_NULL,
    )
    answer = AllTableConstraintsResponse(allTableConstraints=found)
    assert read_constraints(Answers(answer), "d", "t") == Constraints(
        not_null=frozenset({"id", "k"}),
        others=(
            "PRIMARY KEY (a, b)",
            "UNIQUE (a)",
            "UNIQUE (b)",
            "FOREIGN KEY (c) REFERENCES d.o (id)",
            "c DEFAULT 'x'",
        ),
    )


def test_an_older_metastore_is_asked_of_not_null_alone() -> None:
    answers = Answers(UNKNOWN, NotNullConstraintsResponse(notNullConstraints=NOT_NULL))
    assert read_constraints(answers, "d", "t").not_null == {"id", "k"}
    assert read_constraints(Answers(UNKNOWN, UNKNOWN), "d", "t") == Constraints()


def test_other_failures_are_no_absence() -> None:
    broken = TApplicationException(TApplicationException.INTERNAL_ERROR, "broken")
    with pytest.raises(TApplicationException, match="broken"):
        read_constraints(Answers(broken), "d", "t")
