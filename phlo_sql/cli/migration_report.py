"""The report of migrations, to hand to an auditor: what was done, the proofs, the timings."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def save(report: Report, file: str, parts: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write what a run told, by the file's ending; `parts` are the reports of single tables."""
    document = {
        "status": report.status,
        "warnings": list(report.warnings),
        "errors": list(report.errors),
        **report.data,
        **({"tables": list(parts)} if parts else {}),
    }
    if file.endswith(".json"):
        text = json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"
    else:
        text = page(document)
    Path(file).write_text(text, encoding="utf-8", newline="\n")


def page(document: Mapping[str, Any]) -> str:
    """One page that opens without network: of one table, or of many with a section for each."""
    if "plan" in document:
        title, body = f"Migration of {document['plan']['table']}", _section(document)
    else:
        title = f"Migration of {len(document['migrations']):,} tables"
        body = _overview(document) + "".join(
            f"<h1>{escape(each['plan']['table'])}</h1>{_section(each)}"
            for each in document.get("tables", ())
            if "plan" in each
        )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>\n"
    )


def _overview(document: Mapping[str, Any]) -> str:
    rows = [
        (
            each["table"],
            each["state"],
            each["mode"] or "",
            f"{each['files']:,}",
            f"{each['bytes']:,}",
            str((each["result"] or {}).get("rows", "")),
            each["operation"] or "",
            each["error"] or each["reason"] or "",
        )
        for each in document["migrations"]
    ]
    heads = ("table", "state", "mode", "files", "bytes", "rows", "operation", "why")
    facts = [("status", str(document["status"])), *(("error", e) for e in document["errors"])]
    return _table(("", ""), facts) + _table(heads, rows)


def _section(document: Mapping[str, Any]) -> str:
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
    told = document.get("result") or {}
    facts = [
        ("operation", str(document.get("operation", ""))),
        ("table", plan["table"] + (f"@{plan['ref']}" if plan["ref"] else "")),
        *((("status", str(document["status"])),) if "status" in document else ()),
        ("Trino", str(plan["trino_version"])),
        *(("does", each) for each in plan["does"]),
        *((name, str(value)) for name, value in told.items()),
        *(("warning", each) for each in document.get("warnings", ())),
        *(("error", each) for each in document.get("errors", ())),
    ]
    return (
        _table(("", ""), facts)
        + "<h2>Steps</h2>"
        + _table(("step", "what", "seconds", "query", "statement"), steps)
        + "<h2>Checks</h2>"
        + _table(("check", "expected", "found", ""), checks)
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
