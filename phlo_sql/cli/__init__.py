"""The command line. Thin: a command is a signature and one call; heavy modules load when used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from phlo_sql.cli.root import cli

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run phlo-sql and exit with the design's exit code."""
    from phlo_sql.cli.run import run

    sys.exit(run(cli, sys.argv[1:] if argv is None else list(argv)))


__all__ = ["cli", "main"]
