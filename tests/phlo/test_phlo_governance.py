"""phlo's own rules hold over our commands: regulated mode, and its audit trail."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from tests.docs.conftest import policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from phlo_sql.stack.clients import Clients
    from tests.phlo.conftest import Phlo

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("phlo")]
__all__ = ["policies"]

ROLES = """\
version: 1
roles:
  maintainer: {inherits: []}
subjects:
  users:
    alice: [maintainer]
"""
POLICIES = """\
version: 1
policies:
  - policy_id: maintainers-write
    effect: allow
    principal: {roles: [maintainer]}
    action: dataset.write
    resource: {type: dataset, id_pattern: "iceberg.*"}
  - policy_id: maintainers-grant
    effect: allow
    principal: {roles: [maintainer]}
    action: admin.manage
    resource: {type: admin, id_pattern: "*"}
"""


@pytest.fixture
def small_files(stack: Clients, make_schema: Callable[..., str]) -> str:
    """`schema.table` with three files of one row."""
    name = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {name} (a bigint)")
    for value in range(3):
        stack.rows(f"INSERT INTO {name} VALUES {value}")
    return name


@pytest.fixture
def project(tmp_path: Path, stack: Clients) -> Path:
    """A phlo project whose settings point at the stack, by phlo's own layers."""
    (tmp_path / ".phlo").mkdir()
    settings = "".join(f"{name}={value}\n" for name, value in stack.env.items())
    (tmp_path / ".phlo" / ".env.local").write_text(settings)
    return tmp_path


@pytest.fixture
def regulated(project: Path) -> Path:
    folder = project / ".phlo" / "authorization"
    folder.mkdir()
    (folder / "roles.yaml").write_text(ROLES)
    (folder / "policies.yaml").write_text(POLICIES)
    return project


def as_user(name: str) -> Mapping[str, str]:
    return {"PHLO_REGULATED": "1", "PHLO_AUTH_SUBJECT": name, "PHLO_AUTH_TYPE": "user"}


def records(project: Path) -> list[dict[str, Any]]:
    path = project / ".phlo" / "audit" / "operations.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def canonical(project: Path) -> list[dict[str, Any]]:
    """What phlo's audit emitter wrote: its sink is the log, from level INFO on."""
    lines = [line for log in (project / ".phlo" / "logs").glob("*.log") for line in log.open()]
    return [json.loads(line) for line in lines if '"canonical_audit_event"' in line]


def files(stack: Clients, table: str) -> int:
    schema, name = table.rsplit(".", 1)
    return int(stack.rows(f'SELECT count(*) FROM {schema}."{name}$files"')[0][0])


def test_a_project_s_settings_reach_the_command_and_phlo_audit_shows_the_operation(
    phlo: Phlo, project: Path, stack: Clients, small_files: str
) -> None:
    dry = phlo.json("table", "optimize", small_files, "--dry-run", cwd=project, env={})
    assert dry["status"] == "planned"
    assert dry["data"]["plan"]["predicts"]["rewritten_data_files"] == 3
    asked = phlo.json("table", "optimize", small_files, "--non-interactive", cwd=project, env={})
    assert (asked["exit_code"], asked["reason_code"]) == (3, "confirmation_required")
    assert not records(project)
    done = phlo.json("table", "optimize", small_files, "--yes", cwd=project, env={})
    assert done["status"] == "success", done
    assert files(stack, small_files) == 1
    told = phlo.json("audit", "tail", cwd=project, env={})
    assert small_files in json.dumps(told["data"])
    kept = records(project)[-1]
    assert kept["operation"] == "table optimize"
    assert kept["status"] == "success"
    assert kept["operation_id"] == done["data"]["operation"]


def test_regulated_mode_lets_a_maintainer_do_it(
    phlo: Phlo, regulated: Path, stack: Clients, small_files: str
) -> None:
    words = ("table", "optimize", small_files, "--yes")
    done = phlo.json(*words, cwd=regulated, env={**as_user("alice"), "PHLO_LOG_LEVEL": "INFO"})
    assert done["status"] == "success", done
    assert files(stack, small_files) == 1
    assert records(regulated)[-1]["actor"] == "alice"
    event = next(each for each in canonical(regulated) if each["event_type"] == "mutation")
    assert (event["surface"], event["actor_subject"]) == ("phlo-sql", "alice")
    assert (event["resource_type"], event["resource_id"]) == (
        "dataset",
        done["data"]["plan"]["table"],
    )
    assert (event["action"], event["outcome"]) == ("dataset.write", "success")
    assert event["target_state_after"]["operation_id"] == done["data"]["operation"]


def test_regulated_mode_denies_who_has_no_policy_and_nothing_runs(
    phlo: Phlo, regulated: Path, stack: Clients, small_files: str
) -> None:
    words = ("table", "optimize", small_files, "--yes")
    denied = phlo.json(*words, cwd=regulated, env=as_user("bob"))
    assert denied["exit_code"] == 3
    assert denied["status"] == "refused"
    assert denied["reason_code"] == "access_denied"
    assert small_files in denied["errors"][0]
    assert files(stack, small_files) == 3
    dry = phlo.json(*words[:-1], "--dry-run", cwd=regulated, env=as_user("bob"))
    assert dry["status"] == "planned"


def test_regulated_mode_without_policies_denies(
    phlo: Phlo, project: Path, stack: Clients, small_files: str
) -> None:
    words = ("table", "optimize", small_files, "--yes")
    denied = phlo.json(*words, cwd=project, env=as_user("alice"))
    assert denied["exit_code"] == 3, denied
    assert denied["reason_code"] == "access_denied"
    assert files(stack, small_files) == 3


def test_regulated_mode_rules_over_grants_too(
    phlo: Phlo, regulated: Path, policies: Mapping[str, str]
) -> None:
    grant = ("access", "grant", "--user", "bob", "--role", "read", "iceberg.sales")
    alice, bob = ({**as_user(name), **policies} for name in ("alice", "bob"))
    for words in (("access", "init", "--admin", "phlo"), grant):
        denied = phlo.json(*words, cwd=regulated, env=bob)
        assert (denied["exit_code"], denied["reason_code"]) == (3, "access_denied"), denied
        done = phlo.json(*words, cwd=regulated, env=alice)
        assert done["status"] == "success", done
    kept = [(each["operation"], each["resource_id"]) for each in records(regulated)]
    assert kept == [
        ("access init", policies["PHLO_SQL_ACCESS_SCHEMA"]),
        ("access grant", "iceberg.sales"),
    ]


@pytest.fixture
def settings_store(stack: Clients) -> Iterator[Mapping[str, str]]:
    """A database of phlo's own: its settings rule over every project that shares it."""
    name = f"phlo_settings_{uuid.uuid4().hex[:12]}"
    with stack.postgres() as server:
        server.autocommit = True
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {"POSTGRES_DB": name}
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_protected_main_is_not_written_to(
    phlo: Phlo,
    project: Path,
    stack: Clients,
    small_files: str,
    settings_store: Mapping[str, str],
) -> None:
    words = ("table", "optimize", small_files, "--yes")
    if phlo.generation == "0.16":  # knows no such setting, and must not stumble over that
        assert phlo.json(*words, cwd=project, env=settings_store)["status"] == "success"
        return
    env = {**stack.env, **settings_store}
    phlo.python(Path(__file__).parent / "protect.py", cwd=project, env=env)
    denied = phlo.json(*words, cwd=project, env=settings_store)
    assert denied["exit_code"] == 3, denied
    assert "protect_main" in denied["errors"][0]
    assert files(stack, small_files) == 3
    down = phlo.json(*words, cwd=project, env={**settings_store, "POSTGRES_PORT": "1"})
    assert down["exit_code"] in {1, 3}, down  # PostgreSQL also holds the policies of our own
    assert files(stack, small_files) == 3
