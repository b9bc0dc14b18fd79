"""What one start has fetched, the next has: it needs no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.slow]

ALONE = """
import fcntl, json, socket, struct, sys
from pathlib import Path

if sys.argv[2] == "alone":
    # Of a network namespace of its own, the loopback is all there is; it begins switched off.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))  # SIOCSIFFLAGS, IFF_UP
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=3).close()
        raise SystemExit("there is a network")
    except OSError:
        pass

from phlo_sql import stack
from phlo_sql.stack.clients import Clients

request = stack.StackRequest(
    name="offline", services=frozenset({"nessie"}), directory=Path(sys.argv[1])
)
try:
    clients = Clients(env=stack.up(request).env)
    for catalog in ("iceberg", "nessie"):
        clients.rows(f"CREATE SCHEMA {catalog}.alone")
        clients.rows(f"CREATE TABLE {catalog}.alone.t AS SELECT * FROM tpch.tiny.nation")
    count = "SELECT count(*) FROM {}.alone.t"
    counts = [clients.rows(count.format(each))[0][0] for each in ("iceberg", "nessie")]
finally:
    stack.down(request, purge=True)
print(json.dumps(counts))
"""


def test_a_second_start_needs_no_network(stack: Clients, tmp_path: Path) -> None:
    """`stack` has fetched whatever this machine did not have. Where no namespace may be made, what
    fetches is told to fetch nothing."""
    assert stack.rows("SELECT 1") == [(1,)]
    alone = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    way = ["unshare", "--net"] if alone.returncode == 0 else []
    ran = subprocess.run(
        [*way, sys.executable, "-c", ALONE, str(tmp_path / "offline"), "alone" if way else "told"],
        env=os.environ | {"MAVEN_ARGS": "--offline", "GOPROXY": "off"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == [25, 25]
