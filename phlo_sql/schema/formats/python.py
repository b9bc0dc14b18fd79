"""Typed dataclasses: they import, type-check strictly, and keep every value exact.

Iceberg's name and type stand in each field's metadata, so odd names and types without a Python
twin (`fixed[16]`, nanoseconds) are kept, and the file reads back as the same schema. It is read
with `ast`, never run.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema import spelling
from phlo_sql.schema.model import (
    Field,
    ListOf,
    MapOf,
    Primitive,
    Struct,
    TableSchema,
    by_id,
    numbered,
    walk,
    with_docs,
)

if TYPE_CHECKING:
    from phlo_sql.schema.model import Type

_PYTHON = {
    "boolean": "bool",
    "int": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "decimal": "Decimal",
    "date": "date",
    "time": "time",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "timestamp_ns": "str",
    "timestamptz_ns": "str",
    "string": "str",
    "uuid": "UUID",
    "fixed": "bytes",
    "binary": "bytes",
    "variant": "object",
    "geometry": "bytes",
    "geography": "bytes",
    "unknown": "None",
}
"""Nanoseconds are text: Python's datetime keeps microseconds only, and nothing is rounded here."""
_ICEBERG = {
    "bool": "boolean",
    "int": "long",
    "float": "double",
    "Decimal": "decimal(38, 9)",
    "date": "date",
    "time": "time",
    "datetime": "timestamp",
    "str": "string",
    "UUID": "uuid",
    "bytes": "binary",
    "object": "variant",
}
"""What a hand-written field means that names no type of its own."""
_HEAD = '''"""{title}"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

_T = TypeVar("_T")

__all__ = {exported}

'''
_TAIL = '''
def from_row(kind: type[_T], row: Any) -> _T:
    """A dataclass from a row of `trino` (a sequence, or a named row) or PyArrow (a mapping)."""
    hints = get_type_hints(kind)
    columns = fields(kind)  # type: ignore[arg-type]
    names = [str(each.metadata.get("name", each.name)) for each in columns]
    values = [row.get(name) for name in names] if isinstance(row, dict) else list(row)
    if len(values) != len(columns):
        raise ValueError(f"{{kind.__name__}} has {{len(columns)}} fields, the row {{len(values)}}")
    pairs = zip(columns, values, strict=True)
    return kind(**{{each.name: _read(hints[each.name], value) for each, value in pairs}})


def to_row(record: Any) -> dict[str, Any]:
    """A mapping of Iceberg's names to plain values, as PyArrow's `Table.from_pylist` takes it."""
    return {{
        str(each.metadata.get("name", each.name)): _write(getattr(record, each.name))
        for each in fields(record)
    }}


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    arguments = get_args(hint)
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        return _read(next(each for each in arguments if each is not type(None)), value)
    if get_origin(hint) is list:
        return [_read(arguments[0], each) for each in value]
    if get_origin(hint) is dict:
        pairs = value.items() if isinstance(value, dict) else value
        return {{_read(arguments[0], key): _read(arguments[1], each) for key, each in pairs}}
    if is_dataclass(hint) and isinstance(hint, type):
        return from_row(hint, value)
    if hint is UUID and not isinstance(value, UUID):
        return UUID(bytes=value) if isinstance(value, bytes) else UUID(value)
    if hint is str and not isinstance(value, str):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return value


def _write(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_row(value)
    if isinstance(value, list):
        return [_write(each) for each in value]
    if isinstance(value, dict):
        return {{_write(key): _write(each) for key, each in value.items()}}
    return value.bytes if isinstance(value, UUID) else value
'''


@dataclass(slots=True)
class RowWriter:
    classes: list[str] = field(default_factory=list)
    names: set[str] = field(
        default_factory=lambda: {
            *("date", "datetime", "time", "Decimal", "UUID", "Any", "Union", "TypeVar", "_T"),
            *("dataclass", "field", "fields", "is_dataclass", "get_args", "get_origin"),
            *("get_type_hints", "from_row", "to_row", "_read", "_write"),
            *dir(builtins),
        }
    )

    def named(self, wanted: str) -> str:
        """A class name that is free, and from now on taken."""
        name = free(_class_name(wanted), self.names)
        self.names.add(name)
        return name

    def plain(self, kind: Primitive) -> str:
        """The annotation of a type without fields."""
        return _PYTHON.get(kind.name, "object")

    def record(self, wanted: str, fields: tuple[Field, ...], doc: str | None) -> str:
        name = self.named(wanted)
        used: set[str] = set()
        lines = [self._field(each, name, used) for each in fields]
        body = "\n".join([f"    {_literal(doc or wanted)}", "", *lines])
        self.classes.append(f"@dataclass(frozen=True, kw_only=True)\nclass {name}:\n{body}\n")
        return name

    def _field(self, each: Field, owner: str, used: set[str]) -> str:
        name = free(attribute(each.name), used)
        used.add(name)
        kind = self.kind(each.type, f"{owner}_{each.name}", nullable=not each.required)
        metadata: dict[str, Any] = {}
        if name != each.name:
            metadata["name"] = each.name
        metadata["type"] = spelling.iceberg(each.type)
        if each.doc:
            metadata["doc"] = each.doc
        if each.write_default is not None:
            metadata["default"] = each.write_default
        default = "" if each.required else "default=None, "
        return f"    {name}: {kind} = field({default}metadata={metadata!r})"

    def kind(self, kind: Type, owner: str, *, nullable: bool) -> str:
        match kind:
            case Primitive():
                found = self.plain(kind)
            case Struct(fields):
                found = self.record(owner, fields, None)
            case ListOf(element):
                inner = self.kind(element.type, owner, nullable=not element.required)
                found = f"list[{inner}]"
            case MapOf(key, value):
                left = self.kind(key.type, f"{owner}_key", nullable=False)
                right = self.kind(value.type, f"{owner}_value", nullable=not value.required)
                found = f"dict[{left}, {right}]"
        return f"{found} | None" if nullable and found != "None" else found


def write(schema: TableSchema) -> str:
    """A module with one frozen dataclass for the table and one for each struct in it."""
    writer = RowWriter()
    # An attribute of a class hides what its annotations name.
    writer.names |= {attribute(each.name) for _, each in walk(schema.fields)}
    table = schema.name.name if schema.name else "record"
    name = writer.record(table, schema.fields, schema.comment)
    title = f"Rows of {schema.name}." if schema.name else "Rows."
    head = _HEAD.format(
        title=title.replace("\\", "\\\\").replace('"', '\\"'),
        exported=repr(sorted([name, "from_row", "to_row"])),
    )
    return head + "\n\n".join(["", *writer.classes])[1:] + "\n" + _TAIL.format()


def _literal(text: str) -> str:
    return repr(text)


def attribute(name: str) -> str:
    """A name that Python takes: `a b` → `a_b`, `9x` → `_9x`, `class` → `class_`."""
    plain = _word(name)
    if not plain.isidentifier():
        plain = f"_{plain}"
    if plain.startswith("__"):
        plain = f"x{plain}"
    taken = keyword.iskeyword(plain) or plain in ("field", "None", *_SHADOWED)
    return f"{plain}_" if taken else plain


_SHADOWED = frozenset({*_PYTHON.values(), "list", "dict", "dataclass", "fields"})
"""Names that the annotations of the same class use."""


def _word(text: str) -> str:
    """Only what a name may hold, in the form that Python compares names in."""
    return "".join(each if f"a{each}".isidentifier() else "_" for each in _normal(text))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _class_name(text: str) -> str:
    words = [word for word in _word(text).split("_") if word]
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    name = _normal(joined) or "Record"  # a cedilla of its own makes one letter with what precedes
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"Row{name}"


def free(name: str, used: set[str]) -> str:
    found, number = name, 2
    while found in used:
        found, number = f"{name}_{number}", number + 1
    return found


# ------------------------------------------------------------------ reading
def read(text: str) -> TableSchema:
    """The schema of the last dataclass that no other one holds; the module is not run.

    Raises PhloSqlError(BAD_SCHEMA).
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise _bad(f"it is no Python: {str(error).splitlines()[0]}") from error
    classes = {
        node.name: node
        for node in module.body
        if isinstance(node, ast.ClassDef)
        and any("dataclass" in ast.dump(d) for d in node.decorator_list)
    }
    held = {
        name.id
        for node in classes.values()
        for line in node.body
        if isinstance(line, ast.AnnAssign)
        for name in ast.walk(line.annotation)
        if isinstance(name, ast.Name)
    }
    outer = [name for name in classes if name not in held]
    if not outer:
        raise _bad("it has no dataclass that stands for a row")
    fields = numbered(_fields(classes[outer[-1]], classes, ()))
    return TableSchema(
        fields=fields,
        last_id=max(by_id(fields), default=0),
        says=frozenset({"docs", "defaults"}),
    )


def _fields(
    node: ast.ClassDef, classes: dict[str, ast.ClassDef], around: tuple[str, ...]
) -> tuple[Field, ...]:
    if node.name in around:
        raise _bad(f"class {node.name} holds itself")
    found = [
        _field(line, line.target.id, classes, (*around, node.name))
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]
    if not found:
        raise _bad(f"class {node.name} has no fields")
    return tuple(found)


def _field(
    line: ast.AnnAssign, name: str, classes: dict[str, ast.ClassDef], around: tuple[str, ...]
) -> Field:
    metadata = _metadata(line.value)
    kind, nullable = _annotation(line.annotation, classes, around)
    if "type" in metadata:
        told = spelling.parse_type(str(metadata["type"]))
        kind = with_docs(told, kind)
    default = metadata.get("default")
    return Field(
        name=str(metadata.get("name", name)),
        type=kind,
        required=not nullable,
        doc=metadata.get("doc"),
        initial_default=default,
        write_default=default,
    )


def _metadata(value: ast.expr | None) -> dict[str, Any]:
    if not isinstance(value, ast.Call):
        return {}
    for each in value.keywords:
        if each.arg == "metadata":
            try:
                return dict(ast.literal_eval(each.value))
            except (ValueError, TypeError) as error:
                raise _bad("a field's metadata is no plain dictionary") from error
    return {}


def _annotation(
    node: ast.expr, classes: dict[str, ast.ClassDef], around: tuple[str, ...]
) -> tuple[Type, bool]:
    """The type of an annotation, and whether it may be None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _annotation(ast.parse(node.value, mode="eval").body, classes, around)
    if isinstance(node, ast.Constant) and node.value is None:
        return Primitive("unknown"), True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [each for each in (node.left, node.right) if not _is_none(each)]
        if len(sides) == 1:
            return _annotation(sides[0], classes, around)[0], True
        raise _bad(f"{ast.unparse(node)} is more than one type")
    if isinstance(node, ast.Subscript):
        return _generic(node, classes, around)
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in classes:
            return Struct(_fields(classes[name], classes, around)), False
        if name in _ICEBERG:
            return spelling.parse_type(_ICEBERG[name]), False
    raise _bad(f"{ast.unparse(node)} is no type that a column can have")


def _generic(
    node: ast.Subscript, classes: dict[str, ast.ClassDef], around: tuple[str, ...]
) -> tuple[Type, bool]:
    outer = ast.unparse(node.value).rsplit(".", 1)[-1].lower()
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    found = [_annotation(each, classes, around) for each in inner]
    if outer == "optional" and len(found) == 1:
        return found[0][0], True
    if outer == "list" and len(found) == 1:
        kind, nullable = found[0]
        return ListOf(Field(name="element", type=kind, required=not nullable)), False
    if outer == "dict" and len(found) == 2:
        (key, _), (value, nullable) = found
        return (
            MapOf(
                Field(name="key", type=key, required=True),
                Field(name="value", type=value, required=not nullable),
            ),
            False,
        )
    raise _bad(f"{ast.unparse(node)} is no type that a column can have")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _bad(why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.BAD_SCHEMA,
        f"the file is not read as a schema: {why}",
        "write dataclasses, as `schema export --format python` does",
    )
