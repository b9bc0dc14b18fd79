"""A runbook as one self-contained HTML page for a reviewer: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.sql import SqlLexer

from phlo_sql.cli.draw import amount
from phlo_sql.model.units import Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from phlo_sql.approval import Verified
    from phlo_sql.plan import Measure, Prediction
    from phlo_sql.runbook import Asked, Outline, OutlinedStep

_HIGHLIGHTED = 300
"""Steps whose statements are coloured: a lexer needs about a millisecond for each."""
_PAIRS = (
    ("data files", "rewritten_data_files", "added_data_files"),
    ("bytes", "rewritten_bytes", "added_bytes"),
)
"""What goes and what comes in its place, in the names of a prediction."""
STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--bad:#b3261e;--good:#1b6e3c}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:0 0 .4rem}
table{border-collapse:collapse}
td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}
th{font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
section{border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;margin:1rem 0}
section.destroys{border-color:var(--bad)}
pre{background:var(--soft);border-radius:6px;padding:.6rem .8rem;
overflow-x:auto;white-space:pre-wrap}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}.why{opacity:.75}
code{overflow-wrap:anywhere}details>summary{cursor:pointer}
svg text{fill:currentColor;font-size:12px}
"""


POLICY = (
    """<meta http-equiv="Content-Security-Policy" """
    """content="default-src 'none'; style-src 'unsafe-inline'">"""
)


def page(book: Outline, approvals: Sequence[Verified]) -> str:
    """The whole page. Everything that comes from the file is escaped."""
    plan = book.head
    title = f"{plan.command} on {plan.table}" + (f" @ {plan.ref}" if plan.ref else "")
    colours = HtmlFormatter(style="default").get_style_defs("pre")
    return "".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            POLICY,
            f"<title>{escape(title)}</title><style>{STYLE}",
            f"@media (prefers-color-scheme: light){{{colours}}}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            *_head(book, approvals),
            *_charts(plan.predicts),
            *(part for step in book.steps for part in _step(step, len(book.steps))),
            "</body></html>\n",
        )
    )


def _head(book: Outline, approvals: Sequence[Verified]) -> Iterator[str]:
    plan = book.head
    rows = [
        *(("does", escape(line)) for line in plan.does),
        ("risk", escape(plan.risk)),
        *(("warning", f'<span class="bad">{escape(line)}</span>') for line in plan.warnings),
        ("destroys", _destroys(book.steps)),
        ("made by", f"<code>{escape(plan.command_line)}</code>"),
        ("planned", escape(f"{plan.planned_at:%Y-%m-%d %H:%M:%SZ} by {plan.planned_by}")),
        ("Trino", str(plan.trino_version)),
        ("metadata", f"<code>{escape(plan.state.metadata_location)}</code>"),
        ("snapshot", str(plan.state.snapshot_id or "none")),
        ("digest", f"<code>sha256:{book.digest}</code>"),
        *(("approved", _approved(each)) for each in approvals),
    ]
    if not approvals:
        rows.append(("approved", "by nobody yet"))
    yield _table(rows)


def _destroys(steps: Sequence[OutlinedStep]) -> str:
    found = [str(step.id) for step in steps if step.destructive]
    if not found:
        return '<span class="good">nothing</span>'
    return f'<span class="bad">data, in step {", ".join(found)}</span>'


def _approved(each: Verified) -> str:
    if each.names:
        return f'<span class="good">by {escape(each.by)}</span> <code>{escape(each.key)}</code>'
    return f'<span class="bad">not by {escape(each.claimed)}: {escape(each.why)}</span>'


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<table>{lines}</table>"


def _charts(predicts: Prediction) -> Iterator[str]:
    figures = dict(predicts.items())
    if not figures:
        return
    yield '<section id="predictions"><h2>Predictions</h2>'
    for label, before, after in _PAIRS:
        if before in figures and after in figures:
            yield _bars(label, (before, figures[before]), (after, figures[after]))
    rows = "".join(
        f'<tr><th>{escape(name.replace("_", " "))}</th><td class="n">'
        f"{escape(amount(name, value))}</td></tr>"
        for name, value in figures.items()
    )
    yield f"<table>{rows}</table></section>"


def _bars(label: str, before: tuple[str, Measure], after: tuple[str, Measure]) -> str:
    """Two bars; the uncertain part of a range is paler."""
    top = max(_bounds(before[1])[1], _bounds(after[1])[1], 1)
    parts = []
    for row, ((name, value), colour) in enumerate(((before, "#c77d0a"), (after, "#2a7f62"))):
        low, high = _bounds(value)
        y = 20 + row * 24
        told = escape(f"{name.split('_', 1)[0]}: {amount(name, value)}")
        parts.append(
            f'<rect x="0" y="{y}" height="18" width="{_wide(high, top)}" fill="{colour}"'
            f' opacity=".45"/><rect x="0" y="{y}" height="18" width="{_wide(low, top)}"'
            f' fill="{colour}"/><text x="{_wide(high, top) + 8}" y="{y + 13}">{told}</text>'
        )
    return (
        f'<svg role="img" width="100%" viewBox="0 0 640 76"><title>{escape(label)}</title>'
        f'<text x="0" y="12">{escape(label)}</text>{"".join(parts)}</svg>'
    )


def _bounds(value: Measure) -> tuple[int, int]:
    return (value.low, value.high) if isinstance(value, Range) else (value, value)


def _wide(value: int, top: int) -> int:
    return max(1, round(400 * value / top)) if value else 0


def _step(step: OutlinedStep, steps: int) -> Iterator[str]:
    kind = ' class="destroys"' if step.destructive else ""
    yield f'<section{kind} id="step-{step.id}"><h2>Step {step.id} of {steps}: '
    yield escape(step.summary)
    yield ' <span class="bad">destroys data</span></h2>' if step.destructive else "</h2>"
    yield f'<div class="why">{escape(step.why)}</div>{_sql(step, step.sql)}'
    figures = "; ".join(
        f"{name.replace('_', ' ')}: {amount(name, value)}" for name, value in step.predicts.items()
    )
    if figures:
        yield f"<div>{escape(figures)}</div>"
    yield f"<div><b>Undo</b>: {escape(step.undo_reason)}</div>"
    if step.undo_sql:
        yield _sql(step, step.undo_sql)
    yield from _checks(step)
    yield "</section>"


def _checks(step: OutlinedStep) -> Iterator[str]:
    asked = [*(("before", each) for each in step.prechecks), *(("after", e) for e in step.checks)]
    if asked:
        yield f"<details><summary>{len(asked)} check(s)</summary>"
        for when, each in asked:
            yield f"<div>{when}, {escape(each.name)}: {escape(_expected(when, each))}</div>"
            yield _sql(step, each.sql)
        yield "</details>"


def _expected(when: str, each: Asked) -> str:
    if each.expected is not None:
        return f"expect {each.expected}"
    return "note the answer" if when == "before" else "expect the same answer"


def _sql(step: OutlinedStep, sql: str) -> str:
    if step.id > _HIGHLIGHTED:
        return f"<pre>{escape(sql)};</pre>"
    coloured: str = highlight(f"{sql};", SqlLexer(), HtmlFormatter(nowrap=True))
    return f"<pre>{coloured.rstrip()}</pre>"
