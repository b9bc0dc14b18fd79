"""How a setting is declared and read: its names, its type, its default, its help.

`settings.Settings` declares each once; the reference page and `doctor` are made from that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from phlo_sql.config.secret import Secret
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

T = TypeVar("T")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value and the layer that named it."""

    value: T
    source: str = DEFAULT

    @property
    def is_default(self) -> bool:
        return self.source == DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One line of the table. `env` lists the variables that set it; the first named one wins."""

    name: str
    env: tuple[str, ...]
    kind: str
    default: Any
    help: str
    read: Callable[[str], Any]

    @property
    def secret(self) -> bool:
        return self.kind == "secret"


def setting(
    read: Callable[[str], Any],
    *env: str,
    default: Any = None,
    help: str,  # noqa: A002
) -> Any:
    """Declare a setting as a field of `Settings`."""
    about = {"env": env, "read": read, "default": default, "help": help}
    return field(default=Setting(default), metadata=about)


def text(raw: str) -> str:
    return raw.strip()


def secret(raw: str) -> Secret:
    """As it was written: a blank may be part of a password."""
    return Secret(raw)


def port(raw: str) -> int:
    if not raw.strip().isdigit() or not 0 < int(raw) < 65536:
        raise ValueError("is not a port from 1 to 65535")
    return int(raw)


def switch(raw: str) -> bool:
    word = raw.strip().lower()
    if word in ("true", "1", "yes", "on"):
        return True
    if word in ("false", "0", "no", "off"):
        return False
    raise ValueError("is neither true nor false")


def verification(raw: str) -> bool | str:
    """`true`, `false`, or the path of a file of certificate authorities."""
    try:
        return switch(raw)
    except ValueError:
        return raw.strip()


def scheme(raw: str) -> str:
    word = raw.strip().lower()
    if word not in ("http", "https"):
        raise ValueError("is neither http nor https")
    return word


def on_failure(raw: str) -> str:
    word = raw.strip().lower()
    if word not in ("refuse", "spool"):
        raise ValueError("is neither refuse nor spool")
    return word


def query_text(raw: str) -> str:
    word = raw.strip().lower()
    if word not in ("shape", "full"):
        raise ValueError("is neither shape nor full")
    return word


def duration(raw: str) -> timedelta:
    """`30s`, `2m`; a bare number counts seconds."""
    bare = raw.strip()
    try:
        read = parse_duration(f"{bare}s" if bare.replace(".", "", 1).isdigit() else bare)
    except PhloSqlError as error:
        raise ValueError("is not a duration such as 30s") from error
    if not read:
        raise ValueError("is no time at all")
    return read


def words(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def pairs(raw: str) -> Mapping[str, str]:
    """`name=value,name=value`; a value that holds a comma is put in double quotes."""
    found = {}
    for part in _split(raw):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"has {part.strip()!r} where name=value is expected")
        found[name.strip()] = value.strip()
    return found


def roles(raw: str) -> Mapping[str, str]:
    """`admin` (a system role) or `catalog=role,catalog=role`."""
    if raw.strip() and "=" not in raw:
        return {"system": raw.strip()}
    return pairs(raw)


def _split(raw: str) -> list[str]:
    parts, quoted = [""], False
    for character in raw:
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def read_value(definition: Definition, raw: str, source: str) -> Setting[Any]:
    """Read one value; an empty one means none for what is not text, and hides lower layers."""
    if raw == "" and definition.kind not in ("text", "secret"):
        return Setting(definition.default, source)
    try:
        return Setting(definition.read(raw), source)
    except ValueError as error:
        shown = "its value" if definition.secret else repr(raw)
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"{definition.name} from {source}: {shown} {error}",
            f"{definition.name}: {definition.help}",
        ) from error
