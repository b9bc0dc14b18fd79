"""What is told of many tables at once: sums over all threads, a rate, and what is left of time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from phlo_sql import dialect
from phlo_sql.cli.progress_tables import Amount, Together, describe
from phlo_sql.plan import Kind, Step, Undo

TOTAL = Amount(tables=4, partitions=40, bytes=40 * 1024**2)


def step(number: int) -> Step:
    return Step(
        id=number,
        kind=Kind.WRITE,
        statement=dialect.drop_catalog("x"),
        summary="",
        why="",
        undo=Undo(reason=""),
    )


def test_rate_and_remaining_time_follow_the_bytes() -> None:
    done = Amount(tables=1, partitions=10, bytes=10 * 1024**2)
    assert describe(done, TOTAL, 10.0) == (
        "tables 1 of 4 · partitions 10 of 40 · 10.0 MB of 40.0 MB · 1.0 MB/s · about 30 s left"
    )
    assert "left" not in describe(TOTAL, TOTAL, 10.0)
    assert "left" not in describe(Amount(), TOTAL, 10.0)


def test_steps_of_all_tables_add_up_and_an_ended_table_counts_whole() -> None:
    names = [f"t{number}" for number in range(8)]
    whole = Amount(tables=1, partitions=50, bytes=5_000)
    shown: list[tuple[Amount, str]] = []
    board = Together(
        dict.fromkeys(names, whole), lambda done, _seconds, line: shown.append((done, line))
    )

    def run(name: str) -> None:
        watch = board.watch(name, {n: Amount(partitions=1, bytes=100) for n in range(1, 41)})
        for number in range(1, 44):  # the last three move nothing
            watch.step_finished(step(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, names))
    assert shown[-1] == (Amount(partitions=320, bytes=32_000), "")
    for name in names:
        board.ended(name, "done")
    assert shown[-1] == (Amount(tables=8, partitions=400, bytes=40_000), "t7: done")
