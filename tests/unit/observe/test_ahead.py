"""What reading a table needs is imported beside a question to a server, and not after an error."""

from __future__ import annotations

import subprocess
import sys

from phlo_sql.observe import ahead

_PROGRAM = """
import sys, threading
from phlo_sql.observe import ahead
assert not set(ahead.MODULES) & set(sys.modules)
try:
    with ahead.importing():
        if "fails" in sys.argv:
            raise SystemExit(7)
finally:
    assert threading.active_count() == 1
print(*sorted(set(ahead.MODULES) & set(sys.modules)))
"""


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words], capture_output=True, text=True, check=False
    )


def test_all_is_there_at_the_end() -> None:
    assert _run().stdout.split() == sorted(ahead.MODULES)


def test_an_error_passes_and_leaves_no_thread() -> None:
    ran = _run("fails")
    assert (ran.returncode, ran.stderr) == (7, "")
