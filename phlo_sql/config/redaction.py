"""Text without secrets: of given settings, or of what the environment alone could leak."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from phlo_sql.config.secret import password_of, redact_values
from phlo_sql.config.settings import DEFINITIONS, user_of

if TYPE_CHECKING:
    from phlo_sql.config.settings import Settings


def redact(text: str, settings: Settings) -> str:
    """`text` without any secret of these settings."""
    return redact_values(text, settings.secrets(), users=(user_of(settings) or "",))


def redact_environment(text: str) -> str:
    """The same where settings were never read: what the environment alone could leak."""
    variables = [name for definition in DEFINITIONS if definition.secret for name in definition.env]
    uris = [value for value in os.environ.values() if "://" in value]
    secrets = [os.environ.get(name, "") for name in variables]
    return redact_values(text, [*secrets, *map(password_of, uris)])
