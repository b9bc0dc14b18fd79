"""The report of one migration, to hand to an auditor: what was done, the proofs, the timings."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phlo_sql.cli.output import Report

ENDINGS = (".json", ".html")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;"
    "padding:.3rem .6rem;text-align:left;vertical-align:top}code{overflow-wrap:anywhere}"
)


def require_ending(file: str) -> None:
    """Raises PhloSqlError(INVALID_ARGUMENTS) before anything runs."""
    if not file.endswith(ENDINGS):
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS, f"--report {file} ends in none of {', '.join(ENDINGS)}",
            "name a file that ends in .json or .html",
        )  # fmt: skip


def save(report: Report, file: str) -> None:
    """Write what a run told, by the file's ending."""
    document = {
        "status": report.status,
        "warnings": list(report.warnings),
        "errors": list(report.errors),
        **report.data,
    }
    if file.endswith(".json"):
        text = json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"
    else:
        text = page(document)
    Path(file).write_text(text, encoding="utf-8", newline="\n")


def page(document: Mapping[str, Any]) -> str:
    """One page that opens without network."""
    plan = document["plan"]
    ran = {each["id"]: each for each in document.get("steps", ())}
    steps = [
        (
            str(each["id"]),
            each["summary"],
            str(ran.get(each["id"], {}).get("seconds", "not run")),
            str(ran.get(each["id"], {}).get("query_id", "")),
            each["sql"],
        )
        for each in plan["steps"]
    ]
    checks = [
        (str(each["name"]), str(each["expected"]), str(each["actual"]), _agrees(each["ok"]))
        for each in document.get("checks", ())
    ]
    facts = [
        ("operation", str(document.get("operation", ""))),
        ("table", plan["table"] + (f"@{plan['ref']}" if plan["ref"] else "")),
        ("status", str(document["status"])),
        ("Trino", str(plan["trino_version"])),
        *(("does", each) for each in plan["does"]),
        *((name, str(value)) for name, value in (document.get("result") or {}).items()),
        *(("warning", each) for each in document["warnings"]),
        *(("error", each) for each in document["errors"]),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(plan["table"])}'
        f"</title><style>{_STYLE}</style><h1>Migration of {escape(plan['table'])}</h1>"
        + _table(("", ""), facts)
        + "<h2>Steps</h2>"
        + _table(("step", "what", "seconds", "query", "statement"), steps)
        + "<h2>Checks</h2>"
        + _table(("check", "expected", "found", ""), checks)
        + "</html>\n"
    )


def _agrees(ok: object) -> str:
    return "agrees" if ok else "DIFFERS"


def _table(names: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td><code>{escape(cell)}</code></td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
