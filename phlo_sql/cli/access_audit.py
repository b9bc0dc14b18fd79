"""`access audit-log`: the audit trail asked, followed, verified and cut at its old end."""

from __future__ import annotations

import csv
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql import config
from phlo_sql.access import trail
from phlo_sql.audit import store
from phlo_sql.cli import host
from phlo_sql.cli.confirmation import confirmed
from phlo_sql.cli.connection import journal_path
from phlo_sql.cli.output import Report, console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from rich.console import Console

    from phlo_sql.audit.store import Filter
    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings

_PAUSE_SECONDS = 1.0


def show(wanted: Filter, *, as_csv: bool, follow: bool, options: Options) -> Report | int:
    """The events, oldest first; with `follow` also those to come, until Ctrl-C."""
    settings = _settings(options)
    if follow:
        return _follow(settings, wanted, as_csv=as_csv, options=options)
    if as_csv:
        _write_csv(store.search(settings, wanted), header=True)
        return 0
    found = [_document(event) for event in store.search(settings, wanted)]

    def human(out: Console) -> None:
        _draw(out, found)
        if wanted.limit and len(found) == wanted.limit:
            out.print(f"the newest {wanted.limit}; --limit 0 shows all")

    return Report(status="success", data={"events": found}, human=human)


def verify(options: Options) -> Report:
    """Raises PhloSqlError(AUDIT_BROKEN) where a row was altered or inserted, or is missing."""
    settings = _settings(options)
    found = store.verify(settings)
    if found.findings:
        raise store.broken(found)
    text = f"{found.rows:,} rows, {found.first:,} to {found.last:,}: the chain holds"
    return Report(
        status="success",
        data={"rows": found.rows, "first": found.first, "last": found.last, "findings": []},
        human=lambda out: out.print(text),
    )


def prune(older_than: timedelta, options: Options) -> Report:
    """Take away what is older, once that is confirmed; the chain is verified first."""
    settings = _settings(options)
    before = datetime.now(UTC) - older_than
    confirmed(
        f"Take away what was recorded before {before:%Y-%m-%d %H:%M} UTC?",
        options,
        needing=f"taking away the audit trail from before {before:%Y-%m-%d %H:%M} UTC",
        hint="add --yes; save it first with `phlo-sql access audit-log --csv --limit 0`",
    )
    deed = host.Deed(
        command="access audit-log --prune",
        resource=str(settings.audit_schema.value),
        destructive=True,
    )
    with host.doing(deed) as outcome:
        gone = store.prune(settings, before)
        outcome["status"] = "success" if gone else "noop"
    text = f"{gone:,} rows from before {before:%Y-%m-%d %H:%M} UTC are gone; an anchor is left"
    return Report(
        status="success" if gone else "noop",
        data={"pruned": gone, "older_than": before.isoformat()},
        reason_code=None if gone else "no_changes",
        human=lambda out: out.print(text if gone else "there is nothing that old"),
    )


def _settings(options: Options) -> Settings:
    """Settings, once what this machine still holds for the trail is handed over."""
    settings = config.load(dict(options.flags))
    store.require(settings)
    trail.deliver(settings, journal_path())
    return settings


def _follow(settings: Settings, wanted: Filter, *, as_csv: bool, options: Options) -> int:
    header = as_csv
    try:
        while True:
            found = list(store.search(settings, wanted))
            if as_csv:
                _write_csv(iter(found), header=header)
                header = False
            for event in () if as_csv else map(_document, found):
                if options.as_json:
                    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
                else:
                    console().print(_line(event), soft_wrap=True, markup=False, highlight=False)
            sys.stdout.flush()
            newest = max((event["sequence"] for event in found), default=wanted.after)
            wanted = replace(wanted, after=newest, limit=0)
            time.sleep(_PAUSE_SECONDS)
    except KeyboardInterrupt:
        return 0


def _write_csv(events: Iterator[dict[str, Any]], *, header: bool) -> None:
    out = csv.DictWriter(sys.stdout, store.COLUMNS, lineterminator="\n")
    if header:
        out.writeheader()
    for event in events:
        document = _document(event)
        details = json.dumps(document["details"], ensure_ascii=False)
        out.writerow({**document, "details": details})


def _document(event: dict[str, Any]) -> dict[str, Any]:
    moments = ("happened_at", "recorded_at")
    return {**event, **{name: event[name].astimezone(UTC).isoformat() for name in moments}}


def _line(event: dict[str, Any]) -> str:
    words = (
        event["happened_at"][:19].replace("T", " "),
        event["user_name"] or "-",
        event["action"] or "-",
        event["table_name"] or "-",
        event["event"],
        event["error"] or "",
    )
    return "  ".join(" ".join(str(word).split()) for word in words if word)


def _draw(out: Console, events: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not events:
        out.print("no events")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("time (UTC)", "user", "action", "table", "event", "error"):
        table.add_column(name, overflow="fold")
    for event in events:
        cells = (
            event["happened_at"][:19].replace("T", " "),
            event["user_name"] or "",
            event["action"] or "",
            (event["table_name"] or "") + (f"@{event['ref']}" if event["ref"] else ""),
            event["event"],
            event["error"] or "",
        )
        style = "red" if event["denied"] or event["error"] else ""
        table.add_row(*(Text(str(cell), style=style) for cell in cells))
    out.print(table)
