"""Reads types and column paths as people write them, in Trino's or Iceberg's spelling."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NoReturn

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema.model import Field, ListOf, MapOf, Path, Primitive, Struct

if TYPE_CHECKING:
    from phlo_sql.schema.model import Type

_TOKEN = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^\W\d]\w*|\d+)|([^\s\w]))')
_NAMES = {
    "boolean": "boolean",
    "bool": "boolean",
    "tinyint": "int",
    "smallint": "int",
    "int": "int",
    "integer": "int",
    "long": "long",
    "bigint": "long",
    "float": "float",
    "real": "float",
    "double": "double",
    "date": "date",
    "string": "string",
    "varchar": "string",
    "char": "string",
    "uuid": "uuid",
    "binary": "binary",
    "varbinary": "binary",
    "variant": "variant",
    "timestamptz": "timestamptz",
    "timestamp_ns": "timestamp_ns",
    "timestamptz_ns": "timestamptz_ns",
    "unknown": "unknown",
    "sphericalgeography": "geography",
    "geography": "geography",
}
_SPECIAL = (
    "decimal",
    "fixed",
    "time",
    "timestamp",
    "geometry",
    "list",
    "array",
    "map",
    "struct",
    "row",
)
CRS = "OGC:CRS84"
"""The coordinates that Iceberg takes where a geometry names none."""
DEPTH = 64
"""Types nested deeper are refused: no engine reads them."""
NANOSECONDS = 6
"""A precision above this needs Iceberg's nanosecond types."""


def parse_type(text: str) -> Type:
    """Read a type to its last character. Raises PhloSqlError(BAD_TYPE), near names told."""
    reader = _Reader(text)
    found = reader.type()
    reader.end()
    return found


def parse_path(text: str) -> Path:
    """`address.city`, `"a.b"."c"`: names separated by dots, quoted where one holds a dot, a colon
    or a quote. Raises PhloSqlError(INVALID_ARGUMENTS)."""
    path, rest = split_path(text)
    if rest:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"column {text!r} cannot be read at {rest!r}",
            'put a name with a dot, a colon or a quote in double quotes: "a.b"',
        )
    return path


_PART = re.compile(r'"((?:[^"]|"")+)"|([^.:"\x00-\x1f]+)')


def split_path(text: str) -> tuple[Path, str]:
    """A path at the beginning of a text, and what follows it."""
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            raise PhloSqlError(
                Code.INVALID_ARGUMENTS,
                f"{text!r} has no column name where one belongs",
                'write a column as name or outer.inner; quote odd names: "a.b"',
            )
        parts.append(match[1].replace('""', '"') if match[1] is not None else match[2].strip())
        at = match.end()
        if at >= len(text) or text[at] != ".":
            if not all(parts):
                raise PhloSqlError(
                    Code.INVALID_ARGUMENTS, f"{text!r} has an empty name", "name the column"
                )
            return tuple(parts), text[at:]
        at += 1


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                self._fail("it cannot be read")
            quoted, word, sign = match.groups()
            if quoted is not None:
                self.tokens.append(("name", quoted.replace('""', '"')))
            else:
                self.tokens.append(("word", word) if word is not None else ("sign", sign))
            at = match.end()
        self.at = 0
        self.depth = 0

    def type(self) -> Type:
        self.depth += 1
        if self.depth > DEPTH:
            self._fail(f"it is nested over {DEPTH} deep")
        word = self._word("a type").lower()
        found = self._container(word) if word in _CONTAINERS else self._primitive(word)
        self.depth -= 1
        return found

    def end(self) -> None:
        if self.at < len(self.tokens):
            self._fail(f"{self.tokens[self.at][1]!r} is left over")

    def _container(self, word: str) -> Type:
        close = ">" if self._take("<") else self._open(word)
        if word in ("struct", "row"):
            fields = [self._field()]
            while self._take(","):
                fields.append(self._field())
            self._expect(close)
            self._distinct(fields)
            return Struct(tuple(fields))
        first = self._held("key" if word == "map" else "element")
        if word != "map":
            self._expect(close)
            return ListOf(first)
        self._expect(",")
        second = self._held("value")
        self._expect(close)
        return MapOf(Field(name="key", type=first.type, required=True), second)

    def _open(self, word: str) -> str:
        if not self._take("("):
            self._fail(f"{word} needs what it holds: {_CONTAINERS[word]}")
        return ")"

    def _held(self, name: str) -> Field:
        return Field(name=name, required=self._nullability(), type=self.type())

    def _nullability(self) -> bool:
        if self._peek() in (("word", "required"), ("word", "optional")):
            self.at += 1
            return self.tokens[self.at - 1][1] == "required"
        return False

    def _field(self) -> Field:
        if self._peek()[0] == "word" and self._peek()[1].isdecimal():  # PyIceberg's `1: a: …`
            self.at += 1
            self._expect(":")
        kind, text = self._peek()
        if kind not in ("name", "word"):
            self._fail(f"a field's name is missing before {text!r}" if text else "it ends early")
        self.at += 1
        self._take(":")
        required = self._nullability()
        return Field(
            name=text if kind == "name" else text.lower(), required=required, type=self.type()
        )

    def _distinct(self, fields: list[Field]) -> None:
        seen: set[str] = set()
        for each in fields:
            if each.name.lower() in seen:
                self._fail(f"field {each.name!r} stands in it twice")
            seen.add(each.name.lower())

    def _primitive(self, word: str) -> Primitive:
        match word:
            case "decimal":
                return self._decimal()
            case "fixed":
                [length] = self._numbers(1) or self._fail("fixed needs its length: fixed[16]")
                return Primitive("fixed", (length,))
            case "time" | "timestamp":
                return self._moment(word)
            case "double":
                self._take_word("precision")
                return Primitive("double")
            case "varchar" | "char":
                self._numbers(1)
                return Primitive("string")
            case "geometry" | "geography":
                return self._geo(word)
        if word not in _NAMES:
            self._unknown(word)
        return Primitive(_NAMES[word])

    def _decimal(self) -> Primitive:
        numbers = self._numbers(2) or [38, 0]
        precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
        if not 1 <= precision <= 38 or scale > precision:
            self._fail(f"decimal({precision},{scale}) is not within decimal(1,0) to decimal(38,38)")
        return Primitive("decimal", (precision, scale))

    def _moment(self, word: str) -> Primitive:
        [precision] = self._numbers(1) or [6]
        zone = False
        if self._take_word("with"):
            zone = True
        elif not self._take_word("without"):
            return _moment(word, precision, zone=False)
        for each in ("time", "zone"):
            if not self._take_word(each):
                self._fail("it breaks off in 'with time zone'")
        if word == "time" and zone:
            self._fail("Iceberg has no time with time zone; use time(6) or timestamp(6)")
        return _moment(word, precision, zone=zone)

    def _geo(self, word: str) -> Primitive:
        if not self._take("("):
            return Primitive(word, (CRS,))
        start = self.at
        while self.at < len(self.tokens) and self._peek()[1] != ")":
            self.at += 1
        text = "".join(token for _, token in self.tokens[start : self.at]).strip("'")
        self._expect(")")
        return Primitive(word, (text,))

    def _numbers(self, most: int) -> list[int]:
        close = "]" if self._take("[") else ")" if self._take("(") else ""
        if not close:
            return []
        found = [self._number()]
        while len(found) < most and self._take(","):
            found.append(self._number())
        self._expect(close)
        return found

    def _number(self) -> int:
        kind, text = self._peek()
        if kind != "word" or not text.isdecimal() or len(text) > 9:
            self._fail(f"a number is missing at {text!r}" if text else "it ends early")
        self.at += 1
        return int(text)

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _word(self, what: str) -> str:
        kind, text = self._peek()
        if kind != "word":
            self._fail(f"{what} is missing" + (f" at {text!r}" if text else ""))
        self.at += 1
        return text

    def _take(self, sign: str) -> bool:
        if self._peek() == ("sign", sign):
            self.at += 1
            return True
        return False

    def _take_word(self, word: str) -> bool:
        kind, text = self._peek()
        if kind == "word" and text.lower() == word:
            self.at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            found = self._peek()[1]
            self._fail(f"{sign!r} is missing" + (f" before {found!r}" if found else " at its end"))

    def _unknown(self, word: str) -> NoReturn:
        near = difflib.get_close_matches(word, [*_NAMES, *_SPECIAL], n=3, cutoff=0.6)
        raise PhloSqlError(
            Code.BAD_TYPE,
            f"cannot read the type {self.text!r}: there is no type {word}",
            f"did you mean {' or '.join(near)}?" if near else _HINT,
            data={"near": near},
        )

    def _fail(self, why: str) -> NoReturn:
        raise PhloSqlError(Code.BAD_TYPE, f"cannot read the type {self.text!r}: {why}", _HINT)


_CONTAINERS = {
    "list": "list<string>",
    "array": "array(varchar)",
    "map": "map(varchar, bigint)",
    "struct": "struct<a: int>",
    "row": "row(a integer)",
}
_HINT = (
    "write a Trino or Iceberg type: bigint, varchar, decimal(10,2), timestamp(6) with time zone, "
    "array(varchar), row(city varchar), struct<city: string>"
)


def _moment(word: str, precision: int, *, zone: bool) -> Primitive:
    if word == "time":
        return Primitive("time")
    nanos = "_ns" if precision > NANOSECONDS else ""
    return Primitive(f"timestamp{'tz' if zone else ''}{nanos}")
