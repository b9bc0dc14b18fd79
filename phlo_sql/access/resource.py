"""What a grant is about: `catalog[.schema[.table]][@ref]`, with `*` for any run of characters.

Parts fold to lower case, as Trino's Iceberg connector folds them; a ref does not. A part in double
quotes is taken literally, its stars too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from phlo_sql.errors import Code, PhloSqlError

ALL = "*"
_PART = re.compile(r'"((?:[^"]|"")+)"|([^\s."@\x00-\x1f\x7f]+)')
_PLAIN = re.compile(r"[\w*-]+\Z")
_TOKEN = re.compile(r"\\(.)|(\*)|([^\\*]+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Resource:
    """Four patterns, as the database keeps them: `*` any run of characters, `\\*` a star.

    `ref` is empty for the catalog as it is named. A schema of `*` is the whole catalog, a table of
    `*` the whole schema.
    """

    catalog: str
    schema: str = ALL
    table: str = ALL
    ref: str = ""

    def __str__(self) -> str:
        parts = [self.catalog]
        if (self.schema, self.table) != (ALL, ALL):
            parts.append(self.schema)
        if self.table != ALL:
            parts.append(self.table)
        ref = f"@{_written(self.ref)}" if self.ref else ""
        return ".".join(map(_written, parts)) + ref

    @property
    def level(self) -> int:
        """How narrow it is: 1 a catalog, 2 a schema, 3 a table."""
        return 3 if self.table != ALL else 2 if self.schema != ALL else 1

    @property
    def exact(self) -> bool:
        """Whether it names one thing; `iceberg.sales` does, `iceberg.s*` does not."""
        parts = (self.catalog, self.schema, self.table, self.ref)
        return all("*" not in _STARRED.sub("", part) or part == ALL for part in parts)


_STARRED = re.compile(r"\\.", re.DOTALL)


def parse_resource(text: str) -> Resource:
    """Raises PhloSqlError(BAD_RESOURCE)."""
    parts, position, ref = [], 0, ""
    while True:
        match = _PART.match(text, position)
        if match is None:
            raise _bad(text, f"cannot be read at {text[position:] or 'its end'!r}")
        parts.append(_pattern(match, fold=True))
        position = match.end()
        if position == len(text):
            break
        if text[position] == "@":
            ref = _ref(text, position + 1)
            break
        if text[position] != ".":
            raise _bad(text, f"cannot be read at {text[position:]!r}")
        position += 1
    if len(parts) > 3:
        raise _bad(text, f"has {len(parts)} parts")
    if "$" in parts[-1] and len(parts) == 3:
        raise _bad(text, "names a metadata table, which follows its table's grants")
    return Resource(**dict(zip(("catalog", "schema", "table"), parts, strict=False)), ref=ref)


def literal(text: str) -> str:
    """The pattern that matches this name only."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def bare(pattern: str, *, star: str = "*") -> str:
    """The characters of a pattern without escapes, with `star` for each wildcard."""
    return "".join(
        (star if wild else escaped or plain) for escaped, wild, plain in _TOKEN.findall(pattern)
    )


@lru_cache(maxsize=65536)
def expression(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for a whole name."""
    return re.compile(
        "".join(
            re.escape(escaped or plain) if not star else ".*"
            for escaped, star, plain in _TOKEN.findall(pattern)
        ),
        re.DOTALL,
    )


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern covers a name."""
    return pattern == ALL or expression(pattern).fullmatch(name) is not None


def _pattern(match: re.Match[str], *, fold: bool) -> str:
    quoted, plain = match.groups()
    if quoted is not None:
        found = literal(quoted.replace('""', '"'))
    else:
        found = re.sub(r"\*+", "*", plain.replace("\\", "\\\\"))
    return found.lower() if fold else found


def _ref(text: str, position: int) -> str:
    """A branch's name may hold dots and slashes, which parts may not."""
    rest = text[position:]
    if match := re.fullmatch(r'"((?:[^"]|"")+)"|([^\s"@\x00-\x1f\x7f]+)', rest):
        return _pattern(match, fold=False)
    raise _bad(text, "names no ref that can be read after its @")


def _written(pattern: str) -> str:
    """A pattern as `parse_resource` reads it back."""
    if _PLAIN.match(pattern):
        return pattern
    if any(wild for _, wild, _ in _TOKEN.findall(pattern)):
        return bare(pattern)  # a wildcard cannot stand in quotes
    return '"' + bare(pattern).replace('"', '""') + '"'


def _bad(text: str, why: str) -> PhloSqlError:
    shown = repr(text)
    return PhloSqlError(
        Code.BAD_RESOURCE,
        f"resource {shown} {why}",
        "write catalog, catalog.schema or catalog.schema.table, with * inside a part and @ref at "
        'the end; odd names in double quotes: iceberg."my schema".t*@dev',
    )
