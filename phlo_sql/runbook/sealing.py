"""The digest of a runbook, and the approvals that stand behind its body.

The digest covers all text before the first approval, so a signature can be added to a file without
changing what was signed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from phlo_sql.runbook.form import line, unline

DIGEST = re.compile(r"^-- digest:    sha256:([0-9a-f]{64})$", re.MULTILINE)
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_APPROVAL = re.compile(
    rf"\n-- == Approved by (?P<by>[^\n]*) ==\n(?P<signature>-- {_BEGIN}\n(?:-- [A-Za-z0-9+/=]+\n)+"
    rf"-- {_END}\n)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A signature over a digest. `by` is who the file says made it; only `phlo_sql.approval` can
    tell whether that is so."""

    by: str
    signature: str
    """In OpenSSH's armour."""


def sealed(text: str) -> str:
    """The body with its digest in its place."""
    blank = f"-- digest:    sha256:{'0' * 64}"
    return text.replace(blank, f"-- digest:    sha256:{digest(text)}", 1)


def digest(text: str) -> str:
    """SHA-256 (hex) of a runbook's body with the digest itself left out."""
    body, _ = parted(text)
    return hashlib.sha256(DIGEST.sub("-- digest:", body).encode()).hexdigest()


def parted(text: str) -> tuple[str, tuple[Approval, ...]]:
    """Body and approvals. An approval counts only at the end of the file, after whole others."""
    approvals: list[Approval] = []
    end = len(text)
    while True:
        start = text.rfind("\n-- == Approved by ", 0, end)
        found = _APPROVAL.fullmatch(text, start, end) if start >= 0 else None
        if found is None:
            return text[:end], tuple(reversed(approvals))
        signature = found["signature"].replace("\n-- ", "\n").removeprefix("-- ")
        approvals.append(Approval(by=unline(found["by"]), signature=signature))
        end = start


def approved(text: str, approval: Approval) -> str:
    """The file with one approval more."""
    armour = "".join(f"-- {each}\n" for each in approval.signature.strip().splitlines())
    return f"{text}\n-- == Approved by {line(approval.by)} ==\n{armour}"
