"""Each rule: what it finds, and what looks like it and is right."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from phlo_sql import lint
from phlo_sql.cli import cli
from phlo_sql.cli.run import run
from phlo_sql.lint import Known

DOCS = Path(__file__).parents[3] / "docs"
HERE = Path(__file__).parent
UNDO = "\n-- undo: none is needed\n"
T = '"iceberg"."sales"."orders"'
AT_483 = Known(version=483, catalog="iceberg")


def found(sql: str, known: Known = AT_483) -> list[str]:
    """Names of the rules that say something, without notes."""
    scanned = lint.scan(sql, "x.sql", known)
    return [each.rule.name for each in scanned.findings if each.severity.value != "info"]


def execute(call: str) -> str:
    return f"ALTER TABLE {T} EXECUTE {call};{UNDO}"


def catalog(name: str, value: str) -> str:
    return f"CREATE CATALOG c USING postgresql WITH (\"{name}\" = '{value}');{UNDO}"


OF_100MB = execute("optimize(file_size_threshold => '100MB')")
BAD = [
    ("statement-not-understood", "FROBNICATE THE TABLE;"),
    ("statement-not-understood", "SELECT 'never closed;"),
    ("statement-not-understood", "SELECT 1; ALTER TABLE x EXECUTE"),
    ("invalid-runbook", "-- phlo-sql runbook, format 1\nSELECT 1;"),
    ("retention-below-floor", execute("expire_snapshots(retention_threshold => '6d')")),
    ("retention-below-floor", execute("remove_orphan_files(retention_threshold => '0s')")),
    ("never-converges", execute("optimize(file_size_threshold => '1GB')")),
    ("never-converges", f"SET SESSION iceberg.target_max_file_size = '64MB';\n{OF_100MB}"),
    ("never-converges",
     f"ALTER TABLE {T} SET PROPERTIES target_max_file_size = '64MB';{UNDO}{OF_100MB}"),
    ("where-not-pushed-down", execute("optimize WHERE \"region\" LIKE 'a%'")),
    ("where-not-pushed-down", execute("optimize WHERE lower(\"region\") = 'a'")),
    ("where-not-pushed-down", execute('optimize WHERE "a" = "b"')),
    ("where-not-pushed-down", execute('optimize WHERE "a" = 1 OR "b" = 2')),
    ("where-not-pushed-down", execute('optimize WHERE "day" = 1 AND "a" + 1 = 2')),
    ("drops-column", f'ALTER TABLE {T} DROP COLUMN "amount";{UNDO}'),
    ("narrows-column", f'ALTER TABLE {T} ALTER COLUMN "amount" SET DATA TYPE integer;{UNDO}'),
    ("narrows-column", f'ALTER TABLE {T} ALTER COLUMN "name" SET DATA TYPE varchar(10);{UNDO}'),
    ("unknown-procedure", execute("vacuum")),
    ("unknown-argument", execute("optimize(target => '1GB')")),
    ("unknown-argument", execute("remove_orphan_files(dry_run => true)")),
    ("unknown-argument", execute("expire_snapshots(retention_threshold => 'a week')")),
    ("reserved-name", "SELECT cube FROM \"t\";"),
    ("missing-undo", f"DELETE FROM {T};"),
    ("missing-undo", f"DELETE FROM {T};\nDELETE FROM {T};{UNDO}"),
    ("secret-in-text", "-- connect with AKIAIOSFODNN7EXAMPLE\nSELECT 1;"),
    ("secret-in-text", catalog("connection-password", "hunter2")),
    ("secret-in-text", catalog("connection-url", "jdbc:postgresql://u:hunter2@h/d")),
    ("secret-in-text", "-- -----BEGIN OPENSSH PRIVATE KEY-----\nSELECT 1;"),
    ("secret-in-text", "-- 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl'\nSELECT 1;"),
]  # fmt: skip

GOOD = [
    execute("expire_snapshots(retention_threshold => '7d', retain_last => 5)"),
    execute("optimize(file_size_threshold => '768MB')"),
    execute("optimize"),
    execute("optimize WHERE \"day\" >= DATE '2026-01-01' AND \"$path\" <> 'x'"),
    execute('optimize WHERE "a" = 1 OR "a" = 2'),
    execute("optimize WHERE CAST(\"ts\" AS date) = DATE '2026-01-01'"),
    execute("rollback_to_snapshot(snapshot_id => 12)"),
    execute("remove_orphan_files"),
    f'ALTER TABLE {T} ALTER COLUMN "n" SET DATA TYPE bigint;{UNDO}',
    f'ALTER TABLE {T} ALTER COLUMN "n" SET DATA TYPE decimal(38, 2);{UNDO}',
    catalog("connection-password", "${ENV:PG_PASSWORD}"),
    'SELECT "cube" FROM "t"',
    ";;\n-- nothing\n",
    "/* DELETE FROM t; */ SELECT 1;",
    "SELECT 'DELETE FROM t; --';",
    f"DELETE FROM {T};\nSELECT COUNT(*) FROM {T};{UNDO}",
]  # fmt: skip


@pytest.mark.parametrize(("rule", "sql"), BAD)
def test_found(rule: str, sql: str) -> None:
    assert rule in found(sql)


@pytest.mark.parametrize("sql", GOOD)
def test_nothing_to_say(sql: str) -> None:
    assert found(sql) == []


def test_every_rule_is_tested_and_explained() -> None:
    tested = {rule for rule, _ in BAD}
    elsewhere = {"orphans-with-refs", "needs-newer-trino", "unquoted-name", "server-refuses"}
    assert tested | elsewhere == {rule.name for rule in lint.RULES}
    assert len({rule.code for rule in lint.RULES}) == len(lint.RULES)
    for rule in lint.RULES:
        page = (DOCS / rule.page).read_text(encoding="utf-8")
        assert page.startswith(f"# {rule.name} ({rule.code})\n")
        assert f"**{rule.severity.value}**" in page


def test_orphans_in_a_catalog_with_refs() -> None:
    sql = execute("remove_orphan_files(retention_threshold => '7d')")
    assert found(sql) == []
    nessie = Known(version=483, catalog="x", refs=frozenset({"iceberg"}))
    assert found(sql, nessie) == ["orphans-with-refs"]


def test_what_an_older_trino_lacks() -> None:
    old = Known(version=476)
    assert found(execute("expire_snapshots(retain_last => 5)"), old) == ["unknown-argument"]
    assert found(f'ALTER TABLE {T} ADD COLUMN "c" bigint DEFAULT 0;{UNDO}', old) == [
        "needs-newer-trino"
    ]
    assert found(execute("add_files(location => 'x', format => 'ORC')"), Known(version=460)) == [
        "unknown-procedure"
    ]


def test_a_servers_own_floor_and_target() -> None:
    short = Known(version=483, expire_floor=timedelta(hours=1), target=64 * 1024**2)
    assert found(execute("expire_snapshots(retention_threshold => '2h')"), short) == []
    assert found(execute("optimize(file_size_threshold => '64MB')"), short) == ["never-converges"]


def test_everything_rewritten_on_purpose_is_a_warning() -> None:
    scanned = lint.scan(execute("optimize(file_size_threshold => '1024PB')"), "x.sql", AT_483)
    assert [each.severity.value for each in scanned.findings] == ["warning"]


def test_unquoted_names_are_a_note() -> None:
    scanned = lint.scan("SELECT a FROM sales.orders;", "x.sql", AT_483)
    assert [(each.rule.name, each.severity.value) for each in scanned.findings] == [
        ("unquoted-name", "info")
    ]


def test_lines_and_noqa() -> None:
    sql = (
        "-- a comment\n\nSELECT 1;\n"
        f"DELETE FROM {T}; -- noqa: missing-undo\n"
        f"DELETE FROM {T}; -- noqa: RB112\n"
        f"-- noqa\nDELETE FROM {T};\n"
        f"DELETE FROM {T}; -- noqa: drops-column\n"
    )
    scanned = lint.scan(sql, "x.sql", AT_483)
    assert [(each.line, each.rule.name) for each in scanned.findings] == [(8, "missing-undo")]


def test_a_secret_is_not_repeated() -> None:
    sql = "CREATE CATALOG c USING x WITH (\"s3.secret-key\" = 'hunter2hunter2');"
    for each in lint.scan(sql, "x.sql", AT_483).findings:
        assert "hunter2" not in each.problem


def test_plain_values_alone_do_not_hide_a_difference() -> None:
    sql = (
        execute("optimize(file_size_threshold => '100MB') WHERE \"d\" = 'WHERE'")
        + execute("optimize(file_size_threshold => '100GB') WHERE \"d\" = 'it''s'")
        + execute("optimize(file_size_threshold => '100MB') WHERE \"d's\" LIKE '\"x'")
    )
    assert found(sql) == ["never-converges", "where-not-pushed-down"]


def lint_file(
    sql: str, folder: Path, capsys: pytest.CaptureFixture[str], *argv: str
) -> tuple[int, str]:
    path = folder / "some file.sql"
    path.write_text(sql)
    capsys.readouterr()
    code = run(cli, ["runbook", "lint", "--offline", str(path), *argv])
    return code, capsys.readouterr().out


WRONG = execute("expire_snapshots(retention_threshold => '1d')")


def test_sarif_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads((HERE / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    for sql in (WRONG, "SELECT 1;", "\n".join(sql for _, sql in BAD if "never" not in sql)):
        _, out = lint_file(sql, tmp_path, capsys, "--format", "sarif")
        document = json.loads(out)
        jsonschema.validate(document, schema)
    assert len(document["runs"][0]["results"]) > 20
    uri = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert uri["artifactLocation"]["uri"].endswith("some%20file.sql")


def test_github_annotations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = lint_file(WRONG, tmp_path, capsys, "--format", "github")
    assert code == 1
    assert out.startswith("::error file=")
    assert ",line=1,title=RB101 retention-below-floor::expire_snapshots keeps 1d" in out


def test_json_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = lint_file(WRONG, tmp_path, capsys, "--format", "json")
    _, same = lint_file(WRONG, tmp_path, capsys, "--json")
    assert json.loads(out) == json.loads(same)
    assert (code, json.loads(out)["data"]["findings"][0]["code"]) == (1, "RB101")


def test_ignored_by_code_or_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint_file(WRONG, tmp_path, capsys, "--ignore", "RB101")[0] == 0
    assert lint_file(WRONG, tmp_path, capsys, "--ignore", "retention-below-floor")[0] == 0
    assert lint_file(WRONG, tmp_path, capsys, "--ignore", "no-such-rule")[0] == 2


def test_golden_runbooks_are_clean() -> None:
    """What phlo-sql writes passes its own rules, but for what it says as a warning itself."""
    root = Path(__file__).parents[3] / "sql" / "runbooks"
    paths = sorted(root.rglob("*.sql"))
    assert len(paths) > 10
    for path in paths:
        scanned = lint.scan(path.read_text(encoding="utf-8"), str(path), Known())
        errors = [each for each in scanned.findings if each.severity is lint.Severity.ERROR]
        if path.stem == "short-retention":  # asked for by --allow-short-retention, and worth a word
            errors = [each for each in errors if each.rule.name != "retention-below-floor"]
        assert not errors, errors
