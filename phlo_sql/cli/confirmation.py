"""The yes that a change needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.cli.options import Options

RUN_OR_LOOK = "add --yes to run it, --dry-run to look, or --out FILE to save it for review"


def confirmed(
    question: str,
    options: Options,
    *,
    needing: str,
    hint: str = RUN_OR_LOOK,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Ask before a change, unless `--yes` answered already.

    Raises PhloSqlError(CONFIRMATION_REQUIRED), with `needing` as who wants the yes, where nobody
    can be asked, and PhloSqlError(CONFIRMATION_DECLINED) for any answer but yes.
    """
    if options.yes:
        return
    if options.as_json or options.non_interactive or not sys.stdin.isatty():
        raise PhloSqlError(
            Code.CONFIRMATION_REQUIRED,
            f"{needing} needs a yes, and there is nobody to ask",
            hint,
            data=dict(data or {}),
        )
    if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise PhloSqlError(
            Code.CONFIRMATION_DECLINED, "nothing was changed", "run it again when it suits"
        )
