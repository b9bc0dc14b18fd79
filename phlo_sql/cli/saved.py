"""What `runbook show` and `approve` do with a file: no server is asked, nothing heavy is loaded."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql import approval, config
from phlo_sql import runbook as runbooks
from phlo_sql.cli import draw_saved
from phlo_sql.cli.output import Report
from phlo_sql.cli.plan_document import outline_document
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.runbook import Outline, Runbook


def read_text(file: str) -> str:
    """A runbook's file. Raises PhloSqlError(RUNBOOK_INVALID) for what is no text."""
    try:
        return Path(file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())
        raise PhloSqlError(
            Code.RUNBOOK_INVALID, f"{file} cannot be read as text: {why}", "name a .sql runbook"
        ) from error


def show(file: str, html: str | None, options: Options) -> Report:
    """The plan that a file holds."""
    found = runbooks.outline(read_text(file))
    signed = _verified(found, options)
    data: dict[str, Any] = {
        "plan": outline_document(found),
        "approvals": [each.document() for each in signed],
    }
    if html:
        from phlo_sql.cli.runbook_page import page

        Path(html).write_text(page(found, signed), encoding="utf-8", newline="\n")
        data["html"] = html
    return Report(
        status="planned" if found.steps else "noop",
        data=data,
        warnings=found.head.warnings,
        human=lambda out: draw_saved.outline(out, found, signed, html),
    )


def approve(file: str, key: str, options: Options) -> Report:
    """Add a signature over the digest to the file."""
    book = runbooks.read(read_text(file))
    settings = config.load(dict(options.flags))
    signature = approval.sign(book.digest, Path(key).expanduser(), ask=not options.as_json)
    signers = approval.allowed_signers(settings)
    warnings: tuple[str, ...] = ()
    made = runbooks.Approval(by=_comment(key), signature=signature)
    if signers is None:
        warnings = ("no allowed_signers file is set here: nothing tells yet whose key this is",)
    else:
        checked = approval.check(made, book.digest, signers)
        if not checked.names:
            raise PhloSqlError(
                Code.SIGNING_FAILED,
                f"{key} may not approve: {checked.why}",
                f"add its public half to {signers}, or sign with a key that stands there",
            )
        made = runbooks.Approval(by=checked.by, signature=signature)
        _refuse_author(book, checked, settings)
    if any(each == made for each in book.approvals):
        return Report(
            status="noop",
            data={"approvals": [each.document() for each in approval.verified(book, settings)]},
            reason_code="no_changes",
            human=lambda out: out.print(f"nothing to do: {made.by} has approved it", markup=False),
        )
    _replace(file, runbooks.approved(book.text, made))
    signed = _verified(runbooks.outline(read_text(file)), options)

    def human(out: Console) -> None:
        out.print(f"approved by {made.by}: {file}", soft_wrap=True)

    return Report(
        status="success",
        data={
            "runbook": file,
            "digest": book.digest,
            "approvals": [each.document() for each in signed],
        },
        warnings=warnings,
        next_steps=((f"phlo-sql runbook apply {shlex.quote(file)}", "to run it"),),
        human=human,
    )


def _refuse_author(book: Runbook, checked: approval.Verified, settings: Settings) -> None:
    if settings.four_eyes.value and approval.own(checked.names, book.plan.planned_by):
        raise PhloSqlError(
            Code.APPROVAL_REQUIRED,
            f"{checked.by} may be {book.plan.planned_by}, who made this plan, and four_eyes is set",
            "have somebody else approve it",
        )


def _comment(key: str) -> str:
    """The comment of a key's public half: who it is said to be of."""
    path = Path(key).expanduser()
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        words = public.read_text(encoding="utf-8").split(maxsplit=2)
    except (OSError, UnicodeDecodeError):
        return "unknown"
    return " ".join(words[2].split()) if len(words) > 2 else "unknown"


def _replace(file: str, text: str) -> None:
    """Whole or not at all: a runbook that is half written is none."""
    path = Path(file)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8", newline="\n")
    written.chmod(path.stat().st_mode)
    written.replace(path)


def _verified(book: Outline, options: Options) -> tuple[approval.Verified, ...]:
    if not book.approvals:
        return ()
    return approval.verified(book, config.load(dict(options.flags)))
