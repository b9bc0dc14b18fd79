"""The command line. Thin: a command is a signature and one call; heavy modules load when used."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from phlo_sql.cli.root import cli

if TYPE_CHECKING:
    from collections.abc import Sequence


_ALLOCATIONS = 100_000
"""Python looks for garbage each 700 objects, which costs imports a fifth of their time."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run phlo-sql and exit with the design's exit code."""
    gc.set_threshold(_ALLOCATIONS)
    from phlo_sql.cli.run import run

    code = run(cli, sys.argv[1:] if argv is None else list(argv))
    gc.freeze()  # an ending process need not look through all that it imported: 0.2 s
    sys.exit(code)


__all__ = ["cli", "main"]
