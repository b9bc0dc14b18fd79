"""Secrets in a file's text, by pattern; what is found is never repeated.

Patterns and no scanner of source code: Trino's statements have few places for a secret (catalog and
session properties, addresses), and a runbook of ten thousand steps is to be linted in two seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATTERNS = (
    ("AKIA", "an AWS access key", re.compile(r"AKIA[0-9A-Z]{16}\b")),
    ("ASIA", "an AWS access key", re.compile(r"ASIA[0-9A-Z]{16}\b")),
    ("PRIVATE KEY", "a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")),
    (
        "eyJ",
        "a JSON web token",
        re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
    ),
    *(
        (f"gh{kind}_", "a GitHub token", re.compile(rf"gh{kind}_[A-Za-z0-9]{{36,}}\b"))
        for kind in "pousr"
    ),
    ("://", "a password in an address", re.compile(r"://[^\s/:@'\"]+:[^\s/@'\"]{3,}@")),
)
"""Each begins with its mark, or near it: a file without the mark is not searched."""
_NAMED = re.compile(
    r"""(?P<name>[\w.-]*(?:password|passwd|secret|token|credential|access-key|account-key|api-key)[\w.-]*)
    "?\s*(?:=>?|:)\s*'(?P<value>(?:[^'\n]|'')+)'""",
    re.IGNORECASE | re.VERBOSE,
)
_HARMLESS = re.compile(r"\$\{ENV:[^}]+\}|\*+|x+|<[^>]*>|changeme|true|false|\d{1,3}", re.IGNORECASE)
_WORDS = ("passw", "secret", "token", "credential", "access-key", "account-key", "api-key")
_PATH = re.compile(r"(?:/[\w.-]+){2,}")


def secrets(text: str) -> Iterator[tuple[int, str]]:
    """Offset and kind of each secret; the secret itself is never repeated."""
    found: dict[int, str] = {}
    for mark, kind, pattern in _PATTERNS:
        if mark in text:
            for match in pattern.finditer(text):
                if "${ENV:" not in match[0]:
                    found.setdefault(match.start(), kind)
    folded = text.lower()
    if any(word in folded for word in _WORDS):
        for match in _NAMED.finditer(text):
            if not _HARMLESS.fullmatch(match["value"]) and not _is_path(match["value"]):
                found.setdefault(match.start(), f"the value of {match['name']}")
    yield from sorted(found.items())


def _is_path(value: str) -> bool:
    """A file that holds a secret is none."""
    return _PATH.fullmatch(value) is not None
