"""Where settings come from: flags, the environment, phlo-sql.toml, phlo's own .phlo files."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FILE_NAME = "phlo-sql.toml"
SECTION = "phlo-sql"
SECTIONS = frozenset({"access", "audit"})
"""`[audit] on_failure` is the setting `audit_on_failure`."""
PHLO_FILES = ("secrets/.env", "overrides/.env", ".env.local", ".env")
"""Under `.phlo/`, the strongest first (phlo `config/layout.py`)."""
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)\Z")
_EXPANSION = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_ESCAPES = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """What a phlo-sql.toml says."""

    path: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    catalogs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)


def find_file(named: str | None, cwd: Path) -> Path | None:
    """The file that was named, or the nearest phlo-sql.toml from `cwd` upwards."""
    if named:
        path = cwd / Path(named).expanduser()
        if not path.is_file():
            raise PhloSqlError(
                Code.BAD_SETTING, f"there is no settings file {named}", "name a file that exists"
            )
        return path
    candidates = (folder / FILE_NAME for folder in (cwd, *cwd.parents))
    return next((path for path in candidates if path.is_file()), None)


def read_file(path: Path, known: Collection[str]) -> FileSettings:
    """Read a phlo-sql.toml. Raises PhloSqlError(BAD_SETTING) for what it does not know."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(path, f"cannot be read: {error}", "correct the file") from error
    section = content.pop(SECTION, {})
    if not isinstance(section, dict):
        raise _bad(path, f"{SECTION} is not a section", f"write [{SECTION}] above the settings")
    content |= section
    catalogs = _tables(path, "catalogs", content.pop("catalogs", {}))
    refs = {ref: str(name) for ref, name in _table(path, "refs", content.pop("refs", {})).items()}
    for key in SECTIONS & content.keys():
        under = _table(path, key, content.pop(key))
        content |= {f"{key}_{name}": value for name, value in under.items()}
    values = {}
    for key, value in content.items():
        name = key.lower().replace("-", "_")
        if name not in known:
            near = difflib.get_close_matches(name, [*known, "catalogs", "refs"], n=1)
            hint = f"did you mean {near[0]}?" if near else "see the settings reference"
            raise _bad(path, f"unknown setting {key!r}", hint)
        values[name] = _as_text(path, key, value)
    return FileSettings(path=path, values=values, catalogs=catalogs, refs=refs)


def _table(path: Path, key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(path, f"{key} is not a section", f"write [{key}]")
    return value


def _tables(path: Path, key: str, value: Any) -> Mapping[str, Mapping[str, str]]:
    return {
        name: {
            prop: _as_text(path, f"{key}.{name}.{prop}", text)
            for prop, text in _flat(_table(path, f"{key}.{name}", table)).items()
        }
        for name, table in _table(path, key, value).items()
    }


def _flat(table: Mapping[str, Any], prefix: str = "") -> Mapping[str, Any]:
    """`s3.endpoint = …` without quotes is a nested table in TOML; the property is dotted."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _as_text(path: Path, key: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list():
            return ",".join(_as_text(path, key, part) for part in value)
        case dict():
            return ",".join(f'"{n}={_as_text(path, key, v)}"' for n, v in _flat(value).items())
        case _:
            raise _bad(path, f"{key} is a {type(value).__name__}", "write it as text")


def _bad(path: Path, problem: str, hint: str) -> PhloSqlError:
    return PhloSqlError(Code.BAD_SETTING, f"{path.name}: {' '.join(problem.split())}", hint)


def phlo_layers(
    project: Path, environ: Mapping[str, str]
) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """phlo's files in this project, the strongest first, each with its name as a source."""
    found = []
    for name in PHLO_FILES:
        path = project / ".phlo" / name
        try:
            content = path.read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise PhloSqlError(
                Code.BAD_SETTING, f".phlo/{name} cannot be read: {error}", "correct the file"
            ) from error
        found.append((f".phlo/{name}", read_dotenv(content, environ)))
    return tuple(found)


def read_dotenv(content: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """`NAME=value` lines as phlo reads them: names in any case, quotes, comments, `${NAME}`."""
    values: dict[str, str] = {}
    for line in content.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        known = {**values, **environ}
        values[match[1].upper()] = _EXPANSION.sub(
            lambda m, known=known: known.get(m[1], m[2] or ""),  # type: ignore[misc]  # bound here
            _unquoted(match[2].rstrip()),
        )
    return values


def _unquoted(value: str) -> str:
    for quote in ("'", '"'):
        end = _closing(value, quote)
        if end is not None:
            inside = value[1:end]
            return inside if quote == "'" else re.sub(r"\\.", _escape, inside)
    return re.split(r"\s+#", f" {value}", maxsplit=1)[0].strip()


def _closing(value: str, quote: str) -> int | None:
    if not value.startswith(quote):
        return None
    match = re.match(rf"{quote}(?:[^{quote}\\]|\\.)*({quote})", value)
    return match.start(1) if match else None


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], match[0])


def expand_address(layer: Mapping[str, str], source: str) -> Mapping[str, str]:
    """A layer with a whole address (`https://trino:8443`) taken apart.

    An address that names its scheme names its port too: mixing it with the port of another layer
    would reach another server.
    """
    address = layer.get("server") or layer.get("trino_host", "")
    if "server" not in layer and "://" not in address:
        return layer
    parts = {name: value for name, value in layer.items() if name != "server"}
    url = urlsplit(address if "://" in address else f"//{address}")
    problem = _problem_of(url.scheme, url.hostname, url.password)
    try:
        port = url.port
    except ValueError:
        problem, port = "has a port that is no number", None
    if problem:
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"the server's address from {source} {problem}",
            "write http[s]://host:port; a password goes into TRINO_PASSWORD",
        )
    parts["trino_host"] = url.hostname or ""
    if url.scheme:
        parts["trino_http_scheme"] = url.scheme.lower()
        parts["trino_port"] = str(port or (443 if url.scheme.lower() == "https" else 8080))
    elif port:
        parts["trino_port"] = str(port)
    if url.username:
        parts["trino_user"] = url.username
    return parts


def _problem_of(scheme: str, host: str | None, password: str | None) -> str | None:
    if password is not None:
        return "holds a password"
    if scheme and scheme.lower() not in ("http", "https"):
        return f"has the scheme {scheme}"
    return None if host else "names no host"
