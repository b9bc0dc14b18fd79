"""What a machine refuses to write is told by name, and never hides what went wrong before."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from phlo_sql.audit.journal import Journal
from phlo_sql.cli.run import unexpected
from phlo_sql.errors import Code, PhloSqlError

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a disk that is always full")
def test_a_full_disk_is_named() -> None:
    journal = Journal(path=FULL, operation="20260101T000000-0123456789ab")
    with pytest.raises(PhloSqlError) as caught:
        journal.write("started")
    assert caught.value.code is Code.NOT_WRITABLE
    assert caught.value.problem == "/dev/full can't be written or opened: no space left on device"
    journal.last("failed")


def test_what_the_machine_refuses_is_no_bug() -> None:
    refused = unexpected(OSError(errno.EACCES, "Permission denied", "/etc/shadow"))
    assert (refused.code, "/etc/shadow" in refused.problem) == (Code.NOT_WRITABLE, True)
    assert unexpected(OSError(errno.EBADF, "Bad file descriptor")).code is Code.INTERNAL
