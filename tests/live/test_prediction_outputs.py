"""Several files out of many: their number and bytes lie within what was told, whatever the data
compress to, and no estimate is ever taken for a proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live.optimizing import document, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
WIDE = ", ".join(f"(l.orderkey * {n}) % {n + n**3} AS c{n}" for n in range(3, 23))
KINDS = {
    "keys and prices": "SELECT l.*, {part} AS part FROM tpch.tiny.lineitem l WHERE {sixth}",
    "names in every file": (
        "SELECT l.orderkey + {part} AS k, l.extendedprice, s.name, s.address, s.phone "
        "FROM tpch.tiny.lineitem l JOIN tpch.tiny.supplier s ON s.suppkey = l.suppkey "
        "WHERE {sixth}"
    ),
    "many columns": f"SELECT {WIDE}, {{part}} AS part FROM tpch.tiny.lineitem l WHERE {{sixth}}",
}
PARTS = 21


@pytest.mark.parametrize("kind", KINDS)
def test_several_files_come_out(
    each_stack: Clients, make_schema: Callable[..., str], kind: str
) -> None:
    table = f"{make_schema(each_stack)}.t"
    for part in range(PARTS):
        rows = KINDS[kind].format(part=part, sixth=f"l.orderkey / 10001 = {part % 6}")
        made = "CREATE TABLE {} AS {}" if part == 0 else "INSERT INTO {} {}"
        each_stack.rows(made.format(table, rows))
    words = ("table", "optimize", table, "--target-file-size", "4MB", "--yes")
    found = document(each_stack, *words)
    assert found["status"] == "success", shown(found)
    predicts, result = found["data"]["plan"]["predicts"], found["data"]["result"]
    for name in ("added_data_files", "added_bytes"):
        low, high = _ends(predicts[name])
        assert low <= result[name] <= high, (name, predicts, result)
    assert document(each_stack, *words)["status"] == "noop"


def _ends(measure: Any) -> tuple[int, int]:
    if isinstance(measure, int):
        return measure, measure
    return measure["low"], measure["high"]
