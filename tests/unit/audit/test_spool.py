"""The spool on disk: what was acknowledged is there after any end, and is read once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from phlo_sql.audit.spool import Spool
from phlo_sql.errors import PhloSqlError

if TYPE_CHECKING:
    from pathlib import Path


def lines(*words: str) -> list[bytes]:
    return [f"{word}\n".encode() for word in words]


def taken(spool: Spool, most: int = 100) -> list[str]:
    found, place = spool.read(most)
    spool.deliver(place)
    return [line.decode().strip() for line in found]


def test_in_order_once_and_on_after_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(lines("a", "b", "c"))
    assert taken(spool, 2) == ["a", "b"]
    spool.append(lines("d"))
    spool.close()
    again = Spool(tmp_path)
    assert again.pending() == len(b"c\nd\n")
    again.append(lines("e"))
    assert taken(again) == ["c", "d", "e"]
    assert taken(again) == []
    assert again.pending() == 0
    again.close()


def test_what_is_not_delivered_is_read_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(lines("a"))
    assert spool.read(10)[0] == spool.read(10)[0] == lines("a")
    spool.close()


def test_files_are_cut_and_removed_once_they_were_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=4)
    for word in ("aa", "bb", "cc", "dd"):
        spool.append(lines(word))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert taken(spool, 3) == ["aa", "bb", "cc"]
    assert taken(spool) == ["dd"]
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    spool.close()


def test_a_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(lines("a"))
    spool.close()
    [file] = tmp_path.glob("*.jsonl")
    with file.open("ab") as handle:
        handle.write(b"half of a li")
    again = Spool(tmp_path)
    again.append(lines("b"))
    assert taken(again) == ["a", "b"]
    assert taken(again) == []
    again.close()


@pytest.mark.parametrize("text", ["", "7", "x y", "1 2 3"])
def test_a_mark_that_cannot_be_read_means_from_the_start(tmp_path: Path, text: str) -> None:
    spool = Spool(tmp_path)
    spool.append(lines("a"))
    assert taken(spool) == ["a"]
    spool.close()
    (tmp_path / "delivered").write_text(text)
    again = Spool(tmp_path)
    assert taken(again) == ["a"]
    again.close()


def test_one_process_has_it(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    with pytest.raises(PhloSqlError, match="another collector"):
        Spool(tmp_path)
    first.close()
    Spool(tmp_path).close()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PhloSqlError, match="cannot be written"):
        Spool(tmp_path / "file" / "spool")


FULL = """
import resource, sys
from pathlib import Path
from phlo_sql.audit.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.append([b"a" * 99 + b"\\n"])
resource.setrlimit(resource.RLIMIT_FSIZE, (250, 250))
try:
    spool.append([b"b" * 99 + b"\\n"] * 3)
except OSError as error:
    print(type(error).__name__)
spool.append([b"c" * 99 + b"\\n"])
print([line[:1].decode() for line in spool.read(9)[0]])
"""


def test_a_full_disk_keeps_none_of_what_it_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.splitlines() == ["OSError", "['a', 'c']"]
