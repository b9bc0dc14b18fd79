"""The type that a column of a Hive table gets in Iceberg, by the type's name in the metastore."""

from __future__ import annotations

import re

from phlo_sql.compile.migrate_types import Mapped

_SAME = {
    "boolean": "boolean",
    "int": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double",
    "string": "varchar",
    "binary": "varbinary",
    "date": "date",
}
_NARROW = ("tinyint", "smallint")
_UNITS = (
    "the unit of timestamps stands in each file only, and files in milliseconds or nanoseconds "
    "would lose rows silently"
)
_DECIMAL = re.compile(r"decimal(?:\((\d+)(?:,(\d+))?\))?")
_TEXT = re.compile(r"(var)?char\((\d+)\)")


def mapped_hive(kind: str, form: str | None) -> Mapped:
    """`form` is the format of the table's files; `target` is empty where there is no such type."""
    found, rest = _Reader(kind.strip().lower(), form).one()
    if rest:
        return Mapped(meaning=f"its type {kind!r} cannot be read")
    return found


class _Reader:
    """Hive's spelling, from left to right: `map<string,struct<a:int,b:array<date>>>`."""

    def __init__(self, text: str, form: str | None) -> None:
        self.text = text.replace(" ", "") if not text.startswith("timestamp with") else text
        self.form = form

    def one(self) -> tuple[Mapped, str]:
        for word, many in (("array", 1), ("map", 2)):
            if self.text.startswith(f"{word}<"):
                self.text = self.text[len(word) + 1 :]
                inner = [self._part() for _ in range(many)]
                return _around(inner, word + "(" + ", ".join(["{}"] * many) + ")"), self.text
        if self.text.startswith("struct<"):
            self.text = self.text[7:]
            return self._struct(), self.text
        name = re.match(r"[a-z_ ]+(?:\([\d,]+\))?", self.text)
        if name is None:
            return Mapped(meaning=f"its type {self.text!r} cannot be read"), ""
        self.text = self.text[name.end() :]
        return _simple(name[0], self.form), self.text

    def _part(self) -> Mapped:
        found, _ = self.one()
        if not self.text.startswith((",", ">")):
            return Mapped(meaning="its type cannot be read")
        self.text = self.text[1:]
        return found

    def _struct(self) -> Mapped:
        names, inner = [], []
        while True:
            name, separator, self.text = self.text.partition(":")
            found, _ = self.one()
            if not separator or not self.text.startswith((",", ">")):
                return Mapped(meaning="its type cannot be read")
            names.append('"' + name.replace('"', '""').replace("{", "{{").replace("}", "}}") + '"')
            inner.append(found)
            ended, self.text = self.text.startswith(">"), self.text[1:]
            if ended:
                return _around(inner, "row(" + ", ".join(f"{each} {{}}" for each in names) + ")")


def _simple(name: str, form: str | None) -> Mapped:
    if name in _SAME:
        return Mapped(target=_SAME[name], read=_SAME[name])
    if name in _NARROW:
        meaning = f"{name} becomes integer: Iceberg has no narrower one"
        return Mapped(target="integer", read=name, meaning=meaning)
    if text := _TEXT.fullmatch(name):
        what = "longer texts fit in" if text[1] else "no spaces are filled in any more"
        # Read without a length: what the files hold is compared, not what Hive makes of it.
        return Mapped(target="varchar", read="varchar", meaning=f"{name} becomes varchar: {what}")
    if number := _DECIMAL.fullmatch(name):
        found = f"decimal({number[1] or 10},{number[2] or 0})"
        return Mapped(target=found, read=found)
    if name == "timestamp":
        doubt = None if form == "orc" else _UNITS
        return Mapped(
            target="timestamp(6)",
            read="timestamp(6)",
            meaning="below a microsecond it is rounded",
            doubt=doubt,
        )
    return Mapped(meaning=f"Iceberg has no type for {name}")


def _around(inner: list[Mapped], form: str) -> Mapped:
    if missing := [each for each in inner if not each.target]:
        return missing[0]
    return Mapped(
        target=form.format(*(each.target for each in inner)),
        read=form.format(*(each.read for each in inner)),
        meaning="; ".join(dict.fromkeys(each.meaning for each in inner if each.meaning)),
        doubt=next((each.doubt for each in inner if each.doubt), None),
    )
