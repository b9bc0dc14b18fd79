"""A plan written and read back is the same plan, whatever its names and texts hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phlo_sql import dialect, runbook
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.model.units import Range
from phlo_sql.plan import Binding, Check, Kind, Plan, Prediction, Step, Undo

ORDERS = TableName(catalog="iceberg", schema="sales", name="orders")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.strip)
NAME = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12
).filter(lambda text: text == text.lower() and text.strip() == text)


def plan_for(table: TableName = ORDERS, text: str = "why", steps: int = 1) -> Plan:
    rows = dialect.count_rows(table)
    made = tuple(
        Step(
            id=number,
            kind=Kind.PROCEDURE,
            statement=dialect.execute_procedure(
                table, "optimize", {"file_size_threshold": text or "1MB"}
            ),
            summary=text,
            why=text,
            predicts=Prediction(rewritten_bytes=3, added_data_files=Range(1, 2)),
            prechecks=(Check(name="unmoved", query=rows, expected=text),),
            checks=(Check(name="rows", query=rows),),
            undo=Undo(reason=text, statement=dialect.rollback_to_snapshot(table, 12)),
        )
        for number in range(1, steps + 1)
    )
    return Plan(
        command="table optimize",
        command_line=f"phlo-sql table optimize {text}".strip(),
        table=table,
        ref=None,
        trino_version=483,
        state=Binding(metadata_location=text or "m", snapshot_id=7),
        planned_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        planned_by=text,
        does=(text, "two"),
        risk="low",
        steps=made,
        warnings=(text,),
    )


@given(schema=NAME, name=NAME, text=TEXT)
def test_any_names_and_texts_read_back_equal(schema: str, name: str, text: str) -> None:
    plan = plan_for(TableName(catalog="iceberg", schema=schema, name=name), text)
    assert runbook.write(plan).plan == plan


def test_markers_inside_literals_stay_inside() -> None:
    plan = plan_for(text="it's\n-- statement\n;-- == Step 2 of 2: x ==\r\n")
    assert runbook.write(plan).plan == plan


def test_same_plan_same_bytes() -> None:
    assert runbook.write(plan_for()).text == runbook.write(plan_for()).text


def test_crlf_and_byte_order_mark_are_accepted() -> None:
    text = runbook.write(plan_for()).text
    assert runbook.read("\ufeff" + text.replace("\n", "\r\n")).plan == plan_for()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("why'", "why2'"),
        ("-- risk:      low", "-- risk:      none"),
        ("-- == Step 1 of 2", "-- == Step 2 of 2"),
        (";\n-- check", "\n-- check"),
    ],
)
def test_an_edited_file_is_refused(old: str, new: str) -> None:
    text = runbook.write(plan_for(steps=2)).text
    assert old in text
    with pytest.raises(PhloSqlError) as refused:
        runbook.read(text.replace(old, new, 1))
    assert refused.value.code is Code.RUNBOOK_ALTERED


@pytest.mark.parametrize(
    "text", ["", "select 1;", "\x00\x01\xff", "-- phlo-sql runbook, format 1\n"]
)
def test_what_is_no_runbook_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(PhloSqlError) as refused:
        runbook.read(text)
    assert refused.value.code is Code.RUNBOOK_INVALID
    assert "\n" not in refused.value.problem


def test_a_truncated_file_is_refused() -> None:
    text = runbook.write(plan_for(steps=2)).text
    for end in range(100, len(text) - 1, 97):
        with pytest.raises(PhloSqlError):
            runbook.read(text[:end])


def test_two_files_joined_are_refused() -> None:
    text = runbook.write(plan_for()).text
    with pytest.raises(PhloSqlError, match="one whole runbook"):
        runbook.read(text + text)


def test_a_newer_format_is_refused() -> None:
    text = runbook.write(plan_for()).text.replace("format 1", "format 2", 1)
    with pytest.raises(PhloSqlError, match="format 2"):
        runbook.read(text)


def test_the_digest_covers_every_line() -> None:
    text = runbook.write(replace(plan_for(), warnings=())).text
    digests = {
        runbook.digest(text.replace(line, line + "x", 1)) for line in text.splitlines() if line
    }
    assert runbook.digest(text) not in digests
