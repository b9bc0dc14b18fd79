"""What becomes of an event that Trino posts; the bodies were recorded from Trino 476."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phlo_sql.audit.trino_events import rows_of

BODIES = Path(__file__).parent / "bodies"


def body(name: str, **changes: Any) -> dict[str, Any]:
    """A recorded body; `metadata__query="…"` changes a part of it."""
    found: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text())
    for path, value in changes.items():
        *above, last = path.split("__")
        place = found
        for each in above:
            place = place.setdefault(each, {})
        place[last] = value
    return found


def denied(sql: str, **changes: Any) -> list[dict[str, Any]]:
    return rows_of(body("failed", metadata__query=sql, **changes), full=False)


def test_a_finished_query_has_a_row_for_each_table_with_rows_and_bytes() -> None:
    written, read = rows_of(body("optimize"), full=False)
    assert (written["table"], written["details"]["access"]) == ("ice.s.orders", "write")
    assert (written["rows"], written["bytes"]) == (2, 30)
    assert (read["rows"], read["bytes"], read["details"]["access"]) == (4, 998, "read")
    assert read["details"]["snapshot_id"] == 2761567504670476480
    assert {row["action"] for row in (written, read)} == {"optimize"}
    assert {row["event"] for row in (written, read)} == {"finished"}
    assert written["id"] != read["id"]
    assert written["operation"] == read["operation"] == "20261123_192754_00024_ermus"
    assert written["happened_at"] == "2026-11-23T19:27:55.779000+00:00"
    [insert] = rows_of(body("insert"), full=False)
    assert (insert["action"], insert["rows"]) == ("insert", 2)


def test_the_same_body_twice_has_the_same_ids_and_another_query_has_others() -> None:
    first, again = (rows_of(body("optimize"), full=False) for _ in range(2))
    assert [row["id"] for row in first] == [row["id"] for row in again]
    other = rows_of(body("optimize", metadata__queryId="q2"), full=False)
    assert not {row["id"] for row in first} & {row["id"] for row in other}
    elsewhere = rows_of(body("optimize", context__environment="other"), full=False)
    assert not {row["id"] for row in first} & {row["id"] for row in elsewhere}


def test_what_was_refused_has_its_table_from_the_text() -> None:
    [row] = rows_of(body("failed"), full=False)
    assert (row["event"], row["denied"], row["user"]) == ("refused", True, "reader")
    assert (row["table"], row["action"]) == ("ice.s.orders", "remove_orphan_files")
    assert row["error"].startswith("PERMISSION_DENIED: Access Denied: Cannot execute table proc")


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM a.b.c JOIN d.e.f ON true", ["a.b.c", "d.e.f"]),
        ("WITH x AS (SELECT 1 AS one FROM a.b.c) SELECT * FROM x", ["a.b.c"]),
        ('DELETE FROM "A"."b c"."o\'x""y"', ['a."b c"."o\'x""y"']),
        ("INSERT INTO t SELECT * FROM u.v", ["cc.ss.t", "cc.u.v"]),
        ('SELECT * FROM a.b."c$snapshots"', ["a.b.c"]),
        ("DROP TABLE IF EXISTS a.b.c", ["a.b.c"]),
        ("CALL a.system.unregister_table('s', 't')", ["a.s.t"]),
        ("CALL a.system.register_table(schema_name => 's', table_name => 't')", ["a.s.t"]),
        ("SHOW TABLES FROM a.b", ["a.b"]),
        ("DROP SCHEMA a.b", ["a.b"]),
        ("COMMENT ON COLUMN a.b.c.d IS 'x'", ["a.b.c"]),
        ("DROP CATALOG a", ["a"]),
        ("SELECT 1", [None]),
        ("SELECT FROM WHERE", [None]),
        ("", [None]),
    ],
)
def test_tables_of_a_text(sql: str, tables: list[str | None]) -> None:
    changes = {"context__catalog": "cc", "context__schema": "ss", "failureInfo__failureMessage": ""}
    assert [row["table"] for row in denied(sql, **changes)] == tables


def test_a_text_that_cannot_be_read_has_the_table_of_the_error() -> None:
    message = "Access Denied: Cannot select from columns [a, b] in table or view ice.s.orders"
    rows = denied(
        "SELECT a FROM ice.s.orders MATCH_RECOGNIZE (((", failureInfo__failureMessage=message
    )
    assert [row["table"] for row in rows] == ["ice.s.orders"]


def test_no_literal_of_a_query_is_kept_unless_it_is_to_be() -> None:
    sql = "SELECT * FROM a.b.c WHERE card = '4929-1234' AND pin = 8841 -- his mother's maiden name"
    failure = {
        "errorCode": {"name": "INVALID_CAST_ARGUMENT"},
        "failureMessage": "line 1:8: Cannot cast 4929-1234 to date; 8841",
    }
    changed = body("failed", metadata__query=sql, failureInfo=failure)
    [row] = rows_of(changed, full=False)
    kept = json.dumps(row)
    assert "4929" not in kept
    assert "8841" not in kept
    assert "maiden" not in kept
    assert row["details"]["sql"] == "SELECT * FROM a.b.c WHERE card = ? AND pin = ?"
    assert row["error"] == "INVALID_CAST_ARGUMENT: line 1:8: Cannot cast ? to date; ?"
    assert (row["event"], row["denied"]) == ("failed", False)
    [row] = rows_of(changed, full=True)
    assert row["details"]["sql"] == sql
    assert "4929-1234" in row["error"]


def test_a_prepared_statement_is_what_was_prepared() -> None:
    sql = "SELECT * FROM a.b.c WHERE x = ?"
    changed = body(
        "failed", metadata__query="EXECUTE p USING 'secret'", metadata__preparedQuery=sql
    )
    [row] = rows_of(changed, full=False)
    assert (row["table"], row["details"]["sql"]) == ("a.b.c", sql)


def test_killed_started_and_split() -> None:
    killed = body("failed", failureInfo__errorCode={"name": "ADMINISTRATIVELY_KILLED"})
    assert rows_of(killed, full=False)[0]["event"] == "killed"
    started = body("select")
    del started["endTime"], started["ioMetadata"], started["statistics"]
    [row] = rows_of(started, full=False)
    assert (row["event"], row["table"]) == ("started", "ice.s.orders")
    assert row["id"] not in {each["id"] for each in rows_of(body("select"), full=False)}
    assert rows_of({"queryId": "q", "stageId": "q.0", "createTime": "…"}, full=False) == []


def test_a_view_stands_beside_its_tables() -> None:
    seen = body("select")
    view = {"catalog": "ice", "schema": "s", "table": "v", "directlyReferenced": True}
    seen["metadata"]["tables"] = [view, *seen["metadata"]["tables"]]
    assert [row["table"] for row in rows_of(seen, full=False)] == ["ice.s.orders", "ice.s.v"]


def test_a_table_that_is_read_twice_is_one_row() -> None:
    twice = body("select")
    [one] = twice["ioMetadata"]["inputs"]
    twice["ioMetadata"]["inputs"] = [one, copy.deepcopy(one)]
    [row] = rows_of(twice, full=False)
    assert (row["rows"], row["bytes"]) == (4, 676)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        "text",
        {"metadata": 7, "createTime": "2026-11-23T19:27:26.193Z"},
        {"metadata": {"queryId": "q"}, "createTime": "yesterday"},
        {"metadata": {"queryId": "q"}, "createTime": "2026-11-23T19:27:26"},
    ],
)
def test_what_is_no_event(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"is no event|names no query"):
        rows_of(wrong, full=False)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: object, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list) else inner
    return [above, *(each for key, below in inner for each in places(below, (*above, key)))]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_anywhere_in_a_body_it_is_rows_or_no_event(data: st.DataObject) -> None:
    found = body(data.draw(st.sampled_from(["failed", "insert", "optimize", "select"])))
    path = data.draw(st.sampled_from([place for place in places(found) if place]))
    inside: Any = found
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = data.draw(ANY)
    try:
        rows = rows_of(found, full=data.draw(st.booleans()))
    except ValueError:
        return
    assert rows or "stageId" in found
    assert [orjson.loads(orjson.dumps(row)) for row in rows]


def test_odd_values_leave_a_row_that_postgresql_can_hold() -> None:
    odd = body(
        "select", context__user="half \ud83d a character\0", statistics__wallTime=float("nan")
    )
    odd["ioMetadata"]["inputs"][0] |= {"physicalInputRows": 1e300, "physicalInputBytes": "many"}
    odd["ioMetadata"]["inputs"][0]["columns"] = [{"name": "\udfff"}, "plain", None]
    [row] = rows_of(odd, full=False)
    json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    assert (row["rows"], row["bytes"]) == (2**63 - 1, 0)


def test_a_very_long_text_is_not_read_for_its_tables_but_kept_in_part() -> None:
    [row] = denied(f"SELECT {'1, ' * 400_000} 1 FROM a.b.c")
    assert row["table"] == "ice.s.orders"  # of the error
    assert len(row["details"]["sql"]) == 100_000
