"""Values that must never be shown, and their removal from any text."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
_IN_URI = re.compile(r"(?<=://)([^\s:/@'\"]*):([^\s/@'\"]+)(?=@)")
_IN_QUERY = re.compile(r"([?&;][^=&;\s]*(?:password|secret|token)[^=&;\s]*=)([^&;\s'\"]+)", re.I)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_SHORT = 6
"""Below this length a secret is taken out only as a whole word, or it would eat ordinary text:
phlo's default password is `phlo`."""


class Secret:
    """A text that prints as `***`; `reveal` is for the driver that needs it, and nothing else."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __str__(self) -> str:
        return MASK if self._text else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never written out")


def mask_uris(text: str) -> str:
    """Take passwords out of `scheme://user:password@host`, and tokens out of authorisations."""
    text = _IN_QUERY.sub(rf"\1{MASK}", _IN_URI.sub(rf"\1:{MASK}", text))
    return _BEARER.sub(rf"\1 {MASK}", text)


def password_of(uri: str) -> str:
    """The password that a URI carries, or an empty string."""
    match = _IN_URI.search(uri) or _IN_QUERY.search(uri)
    return match[2] if match else ""


def redact_values(text: str, secrets: Iterable[str], users: Iterable[str] = ()) -> str:
    """`text` without any of the secrets, in every spelling that a driver may put them into."""
    users = tuple(users)
    forms = {form for secret in secrets if secret for form in _spellings(secret, users)}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) < _SHORT:
            text = re.sub(rf"(?<![\w./-]){re.escape(form)}(?![\w/-])", MASK, text)
        else:
            text = text.replace(form, MASK)
    return mask_uris(text)


def _spellings(secret: str, users: tuple[str, ...]) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield secret.replace("'", "''")
    for user in users:
        yield base64.b64encode(f"{user}:{secret}".encode()).decode()
