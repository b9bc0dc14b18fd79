"""Pydantic models: validated rows, odd names as aliases, decimals bounded as the table has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.schema.formats.python import RowWriter, attribute, free
from phlo_sql.schema.model import Primitive, walk

if TYPE_CHECKING:
    from phlo_sql.schema.model import Field, TableSchema

_HEAD = """{title!r}

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

"""
_BOUNDS = {"int": 2**31, "long": 2**63}
_RESERVED = frozenset({"copy", "dict", "json", "schema", "validate", "construct", "register"})


class _Writer(RowWriter):
    def record(self, wanted: str, fields: tuple[Field, ...], doc: str | None) -> str:
        name = self.named(wanted)
        used: set[str] = set()
        lines = [self._line(each, name, used) for each in fields]
        config = "    model_config = ConfigDict(populate_by_name=True, extra='forbid')"
        body = "\n".join([f"    {(doc or wanted)!r}", "", config, "", *lines])
        self.classes.append(f"class {name}(BaseModel):\n{body}\n")
        return name

    def _line(self, each: Field, owner: str, used: set[str]) -> str:
        name = attribute(each.name).lstrip("_") or "field"
        name = f"x_{name}" if not name.isidentifier() or name.startswith("model_") else name
        name = free(f"{name}_" if name in _RESERVED or hasattr(object, name) else name, used)
        used.add(name)
        kind = self.kind(each.type, f"{owner}_{each.name}", nullable=not each.required)
        arguments = [] if each.required else ["default=None"]
        if name != each.name:
            arguments.append(f"alias={each.name!r}")
        if each.doc:
            arguments.append(f"description={each.doc!r}")
        tail = f" = Field({', '.join(arguments)})" if arguments else ""
        return f"    {name}: {kind}{tail}"

    def plain(self, kind: Primitive) -> str:
        match kind:
            case Primitive("decimal", (precision, scale)):
                bounds = f"Field(max_digits={precision}, decimal_places={scale})"
                return f"Annotated[Decimal, {bounds}]"
            case Primitive("fixed", (length,)):
                return f"Annotated[bytes, Field(min_length={length}, max_length={length})]"
            case Primitive("int" | "long" as name):
                limit = _BOUNDS[name]
                return f"Annotated[int, Field(ge={-limit}, le={limit - 1})]"
            case Primitive("variant"):
                return "Any"
            case _:
                return super().plain(kind)


def write(schema: TableSchema) -> str:
    writer = _Writer()
    writer.names |= {attribute(each.name) for _, each in walk(schema.fields)}
    writer.names |= {"BaseModel", "ConfigDict", "Field", "Annotated"}
    writer.record(schema.name.name if schema.name else "record", schema.fields, schema.comment)
    title = f"Rows of {schema.name}." if schema.name else "Rows."
    return _HEAD.format(title=title) + "\n\n".join(["", *writer.classes])[1:]
