"""Every type of Iceberg on real servers: added, altered, exported, compared, or clearly refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.optimizing import document, phlo_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
MADE = {
    "boolean": "boolean",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double",
    "decimal(1,0)": "decimal(1,0)",
    "decimal(38,38)": "decimal(38,38)",
    "date": "date",
    "time": "time(6)",
    "timestamp": "timestamp(6)",
    "timestamptz": "timestamp(6) with time zone",
    "string": "varchar",
    "uuid": "uuid",
    "binary": "varbinary",
    "list<uuid>": "array(uuid)",
    "map<int, timestamptz>": "map(integer, timestamp(6) with time zone)",
    "row(a integer, b array(row(c map(varchar, row(d array(decimal(38,0)))))))": (
        'row("a" integer, "b" array(row("c" map(varchar, row("d" array(decimal(38,0)))))))'
    ),
}
"""Iceberg's (once Trino's) spelling → what Trino shows, on any version and format."""
FORMAT_3 = {
    "timestamp_ns": "timestamp(9)",
    "timestamptz_ns": "timestamp(9) with time zone",
    "timestamp(9)": "timestamp(9)",
    "variant": "variant",
}
NEVER = {
    "unknown": "real type",
    "fixed[16]": "varbinary",
    "geometry(EPSG:3857)": "OGC:CRS84",
}
"""What no Trino makes, and the word of the refusal that tells what to do instead."""
WIDENED = {"int": "long", "float": "double", "decimal(9,2)": "decimal(38,2)"}
NARROWED = {
    "long": "int",
    "double": "float",
    "string": "int",
    "decimal(9,2)": "decimal(9,3)",
    "date": "timestamp",
    "timestamp": "timestamptz",
    "uuid": "string",
}
LITERALS = {
    "boolean": "true",
    "long": "BIGINT '9223372036854775807'",
    "decimal(38,38)": "DECIMAL '0.12345678901234567890123456789012345678'",
    "time": "TIME '23:59:59.999999'",
    "timestamptz": "TIMESTAMP '9999-12-31 23:59:59.999999 UTC'",
    "uuid": "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'",
    "binary": "X'00ff'",
}


def plain(kind: str) -> str:
    return kind.replace('"', "").replace(" ", "")


def types_of(stack: Clients, table: str) -> dict[str, str]:
    return {str(row[0]): plain(str(row[1])) for row in stack.rows(f"SHOW COLUMNS FROM {table}")}


class TestEveryType:
    def test_added_filled_exported_and_compared(
        self, each_stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        schema = make_schema(each_stack)
        table, twin = f"{schema}.every", f"{schema}.twin"
        third = each_stack.version >= 480
        each_stack.rows(
            f"CREATE TABLE {table} (id integer) WITH (format_version = {3 if third else 2})"
        )
        kinds = dict(MADE)
        if third:
            kinds |= FORMAT_3
        words = [f"--add-column=c{place}:{kind}" for place, kind in enumerate(kinds)]
        done = document(each_stack, "schema", "evolve", table, *words, "--yes")
        assert done["status"] == "success", done
        found = types_of(each_stack, table)
        for place, (kind, shown) in enumerate(kinds.items()):
            assert found[f"c{place}"] == plain(shown), kind

        places = {kind: f"c{place}" for place, kind in enumerate(kinds)}
        names, values = [places[kind] for kind in LITERALS], list(LITERALS.values())
        each_stack.rows(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})")
        where = " AND ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
        assert each_stack.rows(f"SELECT count(*) FROM {table} WHERE {where}") == [(1,)]

        text = phlo_sql(each_stack, "schema", "export", table, "--format", "sql").stdout
        each_stack.rows(text.replace('"every"', '"twin"').strip().removesuffix(";"))
        compared = document(each_stack, "schema", "diff", table, twin, "--exit-code")
        assert compared["data"]["differences"] == []
        for form, suffix in (("python", "py"), ("json-schema", "json"), ("avro", "avsc")):
            file = tmp_path / f"every.{suffix}"
            file.write_text(
                phlo_sql(each_stack, "schema", "export", table, "--format", form).stdout
            )
            compared = document(each_stack, "schema", "diff", table, str(file))
            assert compared["data"]["differences"] == [], form
        for form in ("markdown", "arrow", "pydantic", "mermaid"):
            ran = phlo_sql(each_stack, "schema", "export", table, "--format", form)
            assert ran.returncode == 0, (form, ran.stderr)

    def test_wider_is_done_and_anything_else_refused(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = f"{make_schema(each_stack)}.t"
        wide = {f"w{place}": pair for place, pair in enumerate(WIDENED.items())}
        narrow = {f"n{place}": pair for place, pair in enumerate(NARROWED.items())}
        each_stack.rows(f"CREATE TABLE {table} (id integer)")
        words = [f"--add-column={name}:{old}" for name, (old, _) in (wide | narrow).items()]
        assert document(each_stack, "schema", "evolve", table, *words, "--yes")["exit_code"] == 0
        words = [f"--alter-type={name}:{new}" for name, (_, new) in wide.items()]
        done = document(each_stack, "schema", "evolve", table, *words, "--yes")
        assert done["status"] == "success", done
        found = types_of(each_stack, table)
        assert [found[name] for name in wide] == ["bigint", "double", "decimal(38,2)"]
        for name, (_, new) in narrow.items():
            words = [f"--alter-type={name}:{new}"]
            refused = document(each_stack, "schema", "evolve", table, *words, "--yes")
            assert refused["status"] == "refused", (name, new)
            assert name in refused["data"]["error"]["problem"]
            assert refused["data"]["error"]["hint"]
        assert types_of(each_stack, table) == found

    def test_what_trino_can_not_make_is_refused_with_what_to_do(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = f"{make_schema(each_stack)}.t"
        third = each_stack.version >= 480
        each_stack.rows(
            f"CREATE TABLE {table} (id integer) WITH (format_version = {3 if third else 2})"
        )
        kinds = NEVER if third else {**NEVER, **dict.fromkeys(FORMAT_3, "480")}
        before = types_of(each_stack, table)
        for kind, word in kinds.items():
            words = ("evolve", table, f"--add-column=c:{kind}", "--yes")
            refused = document(each_stack, "schema", *words)
            assert refused["status"] == "refused", kind
            told = refused["data"]["error"]
            assert word in told["problem"] + told["hint"] or kind == "variant", (kind, told)
        assert types_of(each_stack, table) == before

    def test_geometry_is_made_or_the_missing_plugin_named(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = f"{make_schema(stack)}.t"
        stack.rows(f"CREATE TABLE {table} (id integer) WITH (format_version = 3)")
        for place, kind in enumerate(("geometry", "geography")):
            words = ("evolve", table, f"--add-column=g{place}:{kind}", "--yes")
            done = document(stack, "schema", *words)
            if done["status"] == "success":
                assert types_of(stack, table)[f"g{place}"].lower().endswith(kind)
            else:
                assert done["status"] == "refused", done
                assert "plugin" in done["data"]["error"]["problem"]
