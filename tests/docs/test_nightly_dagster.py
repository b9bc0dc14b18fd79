"""The job that the nightly guide shows for Dagster, run by Dagster on a real table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import environments
from tests.docs import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("shown")]
LOCK = Path(__file__).parent / "dagster.lock"
PROGRAM = """\
import json
import maintenance
result = maintenance.maintenance.execute_in_process(raise_on_error=False)
events = [event.event_type_value for event in result.all_node_events]
print(json.dumps([result.success, events]))
"""


@pytest.fixture(scope="module")
def dagster() -> Path:
    return environments.made("dagster", "1", LOCK, sys.executable)


def test_its_job_runs_and_tries_again_only_what_may_succeed(
    dagster: Path, stack: Clients, orders: Callable[[str, int], None], tmp_path: Path
) -> None:
    orders("iceberg", 12)
    job = shown.files(shown.ROOT / "docs" / "guides" / "nightly.md")["maintenance.py"]
    (tmp_path / "maintenance.py").write_text(job)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**stack.subprocess_env, "PATH": programs, "XDG_STATE_HOME": str(tmp_path)}

    def run(**more: str) -> tuple[bool, list[str]]:
        ran = subprocess.run(
            [str(dagster / "bin" / "python"), "-c", PROGRAM],
            cwd=tmp_path,
            env={**env, "DAGSTER_DISABLE_TELEMETRY": "true", **more},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        success, events = json.loads(ran.stdout.splitlines()[-1])
        return success, events

    success, events = run()
    assert success
    assert events.count("STEP_SUCCESS") == 2
    assert stack.rows('SELECT count(*) FROM iceberg.sales."orders$files"') == [(1,)]
    stack.rows("INSERT INTO iceberg.sales.orders SELECT * FROM tpch.tiny.orders LIMIT 1")
    success, events = run(PHLO_SQL_REQUIRE_APPROVAL="true")
    assert not success
    assert events == ["STEP_START", "STEP_FAILURE"]  # not tried again, and no vacuum after it
