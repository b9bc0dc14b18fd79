"""Every command of ours, in the real phlo, holds to phlo's contract for people and machines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.phlo.conftest import Phlo

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("phlo")]
HERE = Path(__file__).parent
OTHER = """\
import click
from phlo.plugins.base.cli import cli_command_plugin_class

@click.group()
def schema(): ...

@schema.command()
def theirs():
    click.echo("theirs")

OTHER = cli_command_plugin_class(
    "Other", name="other", version="1", description="has `schema`", commands=[schema]
)
"""
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-9]m")
NOWHERE = {"TRINO_HOST": "127.0.0.1", "TRINO_PORT": "1", "TRINO_CATALOG": "iceberg"}


@pytest.fixture(scope="module")
def commands(phlo: Phlo, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Our leaves, as `phlo commands` tells them."""
    found = phlo.json("commands", "sql", cwd=tmp_path_factory.mktemp("phlo"), env={})
    every: list[dict[str, Any]] = found["data"]["commands"]
    return [each for each in every if each["kind"] == "command"]


def walk(phlo: Phlo, cases: list[list[str]], cwd: Path, **env: str) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(
        phlo.python(HERE / "walk.py", json.dumps(cases), cwd=cwd, env={**NOWHERE, **env})
    )
    return answers


class TestMetadata:
    def test_the_groups_stand_at_the_root_and_under_sql(
        self, phlo: Phlo, commands: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        named = {each["command"] for each in commands}
        assert {
            "phlo sql table optimize",
            "phlo sql access grant",
            "phlo sql runbook apply",
        } <= named
        at_root = [["table", "optimize"], ["access", "grant"], ["schema", "evolve"]]
        for answer in walk(phlo, [[*words, "--help"] for words in at_root], tmp_path):
            assert answer["exit_code"] == 0, answer

    def test_a_name_of_another_plugin_stays_its_own(self, phlo: Phlo, tmp_path: Path) -> None:
        about = tmp_path / "aa_other-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: aa-other\nVersion: 1\n")
        (about / "entry_points.txt").write_text("[phlo.plugins.cli]\nother = aa_other:OTHER\n")
        (tmp_path / "aa_other.py").write_text(OTHER)
        cases = [["schema", "theirs"], ["sql", "schema", "evolve", "--help"], ["table", "--help"]]
        theirs, *ours = walk(phlo, cases, tmp_path, PYTHONPATH=str(tmp_path))
        assert (theirs["exit_code"], theirs["stdout"]) == (0, "theirs\n"), theirs
        assert [each["exit_code"] for each in ours] == [0, 0]

    def test_each_command_speaks_json_and_what_changes_can_be_previewed(
        self, commands: list[dict[str, Any]]
    ) -> None:
        for each in commands:
            can, options = each["capabilities"], _options(each)
            assert can["json"], each["command"]
            if can["dry_run"]:
                assert can["confirmation_flag"], each["command"]
                assert "--non-interactive" in options, each["command"]
            assert each["description"], each["command"]
            undocumented = [
                parameter["name"]
                for parameter in each["parameters"]
                if parameter["kind"] == "option" and not parameter["help"]
            ]
            assert not undocumented, each["command"]


class TestEveryCommand:
    def test_help_shows_an_example(
        self, phlo: Phlo, commands: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        cases = [[*each["command"].split()[1:], "--help"] for each in commands]
        for answer in walk(phlo, cases, tmp_path):
            assert answer["exit_code"] == 0, answer
            assert "xample" in answer["stdout"], answer["args"]
            words = " ".join(answer["args"][1:-1])
            assert f"phlo sql {words}" in answer["stdout"], answer["args"]
            assert f"phlo-sql {words}" not in answer["stdout"], answer["args"]

    def test_bad_usage_is_one_document_with_exit_code_2(
        self, phlo: Phlo, commands: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        cases = [[*each["command"].split()[1:], "--no-such-flag", "--json"] for each in commands]
        for answer in walk(phlo, cases, tmp_path):
            assert answer["exit_code"] == 2, answer
            document = json.loads(answer["stdout"])
            assert document["reason_code"] == "invalid_arguments", answer
            assert document["exit_code"] == 2
            assert document["errors"]

    def test_a_server_that_is_down_is_an_error_and_no_traceback(
        self, phlo: Phlo, tmp_path: Path
    ) -> None:
        for words in (["table", "optimize", "s.t", "--dry-run"], ["sql", "doctor"]):
            said, document = walk(phlo, [words, [*words, "--json"]], tmp_path)
            assert said["exit_code"] == 1, said
            assert "Traceback" not in said["stderr"]
            told = json.loads(document["stdout"])
            assert told["exit_code"] == document["exit_code"] == 1
            assert told["status"] == "error"

    def test_a_bad_value_is_refused_with_our_code(self, phlo: Phlo, tmp_path: Path) -> None:
        words = ["table", "optimize", "s.t", "--target-file-size", "12 parsecs"]
        said, document = walk(phlo, [words, [*words, "--json"]], tmp_path)
        assert said["exit_code"] == document["exit_code"] == 2
        assert "12 parsecs" in said["stderr"]
        assert json.loads(document["stdout"])["exit_code"] == 2


class TestRootOptions:
    def test_json_before_the_command_and_no_color(self, phlo: Phlo, tmp_path: Path) -> None:
        words = ["--json", "--no-color", "table", "optimize", "s.t", "--dry-run"]
        said = phlo.run(*words, cwd=tmp_path, env=NOWHERE)
        assert json.loads(said.stdout)["reason_code"]
        assert "\x1b[" not in said.stdout + said.stderr

    def test_colour_only_on_a_terminal_that_wants_it(self, phlo: Phlo, tmp_path: Path) -> None:
        words = ("table", "optimize", "s.t", "--dry-run")
        plain = phlo.on_a_terminal(*words, cwd=tmp_path, env={**NOWHERE, "NO_COLOR": "1"})
        asked = phlo.on_a_terminal("--no-color", *words, cwd=tmp_path, env=NOWHERE)
        coloured = phlo.on_a_terminal(*words, cwd=tmp_path, env=NOWHERE)
        assert [bool(COLOUR.search(each)) for each in (plain, asked, coloured)] == [
            False,
            False,
            True,
        ]
        assert "error[" in plain

    def test_quiet(self, phlo: Phlo, tmp_path: Path) -> None:
        said = phlo.run(
            "--quiet", "table", "optimize", "s.t", "--dry-run", cwd=tmp_path, env=NOWHERE
        )
        assert "reading" not in said.stderr
        assert said.stderr.startswith("error[")


class TestMigrate:
    def test_phlo_s_own_group_has_ours_too_where_phlo_lets_a_plugin_extend_it(
        self, phlo: Phlo, tmp_path: Path
    ) -> None:
        help_of = [["migrate", "convert"], ["migrate", "status"], ["sql", "migrate", "convert"]]
        cases = [[*words, "--help"] for words in help_of]
        ours, theirs, always = walk(phlo, cases, tmp_path)
        assert ours["exit_code"] == (0 if phlo.generation == "0.16" else 2)
        assert theirs["exit_code"] == always["exit_code"] == 0
        assert "phlo sql migrate status" not in theirs["stdout"]  # phlo's own is never replaced


class TestAtStart:
    def test_it_costs_phlo_less_than_30_ms_and_loads_nothing_heavy(
        self, phlo: Phlo, tmp_path: Path
    ) -> None:
        told = json.loads(phlo.python(HERE / "loaded.py", cwd=tmp_path, env={}))
        assert {"table", "access", "sql"} <= set(told["names"])
        ours = {name for name in told["loaded"] if name.startswith("phlo_sql")}
        allowed = {
            "phlo_sql",
            "phlo_sql.phlo_plugin",
            "phlo_sql.plugin",
            "phlo_sql.plugin.tree",
            "phlo_sql.errors",
            "phlo_sql.cli",
            "phlo_sql.cli.root",
        }
        assert ours <= allowed
        heavy = {"pyarrow", "pyiceberg", "trino", "sqlglot", "psycopg", "rich.console"}
        assert not heavy & set(told["loaded"])
        assert told["seconds"] < 0.030

    def test_a_plugin_of_ours_that_breaks_leaves_phlo_working(
        self, phlo: Phlo, tmp_path: Path
    ) -> None:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "sitecustomize.py").write_text(
            "import sys\nsys.modules['phlo_sql.plugin.tree'] = None\n"
        )
        env = {"PYTHONPATH": str(tmp_path / "broken")}
        assert phlo.run("plugin", "list", cwd=tmp_path, env=env).returncode == 0
        assert phlo.run("table", "--help", cwd=tmp_path, env=env).returncode == 2


def _options(command: dict[str, Any]) -> set[str]:
    return {option for each in command["parameters"] for option in each["options"]}
