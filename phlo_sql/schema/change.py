"""What the flags of `schema evolve` ask for, as the schema that they lead to.

Every flag speaks of the table as it stands before the command, so their order says nothing.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema.defaults import read_default
from phlo_sql.schema.model import (
    Field,
    Path,
    Struct,
    TableSchema,
    Type,
    aligned,
    by_id,
    children,
    find,
    with_children,
)
from phlo_sql.schema.spelling import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The flags. Paths are those before the command; `places` are of added columns."""

    adds: tuple[tuple[Path, Type], ...] = ()
    drops: tuple[Path, ...] = ()
    renames: tuple[tuple[Path, str], ...] = ()
    types: tuple[tuple[Path, Type], ...] = ()
    optional: tuple[Path, ...] = ()
    comments: tuple[tuple[Path, str], ...] = ()
    defaults: tuple[tuple[Path, str], ...] = ()
    table_comment: str | None = None
    first: tuple[Path, ...] = ()
    after: tuple[tuple[Path, Path], ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__ if name != "table_comment") or (
            self.table_comment is not None
        )


def desired(schema: TableSchema, wanted: Wanted) -> TableSchema:
    """The schema after the flags. Raises PhloSqlError for what can't be meant."""
    _refuse_twice(wanted)
    fields = _rebuilt(schema.fields, _edits(schema, wanted))
    fields = _added(schema, fields, wanted)
    if not fields:
        raise PhloSqlError(
            Code.IMPOSSIBLE_CHANGE,
            "a table needs at least one column, and this drops the last",
            "add another column in the same command, or drop the table",
        )
    _refuse_namesakes(fields, ())
    comment = schema.comment if wanted.table_comment is None else wanted.table_comment or None
    last = max([schema.last_id, *by_id(fields)])
    kept = by_id(fields)
    return replace(
        schema,
        fields=fields,
        comment=comment,
        last_id=last,
        sort=tuple(term for term in schema.sort if term.source in kept),
    )


def _refuse_twice(wanted: Wanted) -> None:
    asked = {
        "--drop-column": list(wanted.drops),
        "--rename": [path for path, _ in wanted.renames],
        "--alter-type": [path for path, _ in wanted.types],
        "--add-column": [path for path, _ in wanted.adds],
        "--comment": [path for path, _ in wanted.comments],
        "--default": [path for path, _ in wanted.defaults],
        "--first/--after": [*wanted.first, *(path for path, _ in wanted.after)],
    }
    for flag, places in asked.items():
        twice = [path for path, times in Counter(map(_folded, places)).items() if times > 1]
        if twice:
            raise _wrong(f"{flag} names {written(twice[0])} twice", "name it once")
    gone, _added = set(map(_folded, wanted.drops)), {_folded(path) for path, _ in wanted.adds}
    for flag in ("--rename", "--alter-type", "--comment", "--default"):
        for path in asked[flag]:
            # A column of the same name may be added in the place of the one that is dropped.
            replaced = flag in ("--comment", "--default") and path in map(
                _folded, asked["--add-column"]
            )
            if _folded(path) in gone and not replaced:
                raise _wrong(
                    f"{written(path)} is dropped and named by {flag} too", "leave one of them out"
                )


@dataclass(slots=True)
class _Edit:
    """What happens to one field that is there."""

    drop: bool = False
    name: str | None = None
    type: Type | None = None
    optional: bool = False
    comment: str | None = None
    default: str | None = None


def _edits(schema: TableSchema, wanted: Wanted) -> dict[int, _Edit]:
    edits: dict[int, _Edit] = {}
    added = {_folded(path) for path, _ in wanted.adds}

    def of(path: Path) -> _Edit:
        return edits.setdefault(known(schema.fields, path).id, _Edit())

    for path in wanted.drops:
        of(path).drop = True
    for path, name in wanted.renames:
        of(path).name = name.lower()  # Trino folds the new name, inside a column too
    for path, kind in wanted.types:
        of(path).type = kind
    for path in wanted.optional:
        of(path).optional = True
    for path, text in wanted.comments:
        if _folded(path) not in added:
            of(path).comment = text
    for path, text in wanted.defaults:
        if _folded(path) not in added:
            of(path).default = text
    return edits


def _rebuilt(fields: tuple[Field, ...], edits: Mapping[int, _Edit]) -> tuple[Field, ...]:
    return tuple(
        _edited(each, edits.get(each.id), edits)
        for each in fields
        if not ((edit := edits.get(each.id)) and edit.drop)
    )


def _edited(each: Field, edit: _Edit | None, edits: Mapping[int, _Edit]) -> Field:
    inside = children(each.type)
    if any(edits.get(inner.id, _Edit()).drop for inner in inside) and not isinstance(
        each.type, Struct
    ):
        raise PhloSqlError(
            Code.IMPOSSIBLE_CHANGE,
            f"{each.name} always holds something: what is in it can't be dropped",
            "drop the whole column",
        )
    kind = with_children(each.type, _rebuilt(inside, edits)) if inside else each.type
    if isinstance(kind, Struct) and not kind.fields:
        raise PhloSqlError(
            Code.IMPOSSIBLE_CHANGE,
            f"{each.name} needs at least one field, and this drops the last",
            "drop the whole field",
        )
    if edit is None:
        return replace(each, type=kind)
    return replace(
        each,
        name=edit.name or each.name,
        type=_like(kind, edit.type) if edit.type is not None else kind,
        required=each.required and not edit.optional,
        doc=each.doc if edit.comment is None else edit.comment or None,
        write_default=each.write_default
        if edit.default is None
        else read_default(edit.default, edit.type or kind, each.name),
    )


def _like(old: Type, new: Type) -> Type:
    """A new type, its fields under the ids of namesakes in the old one, 0 where they are new."""
    if type(old) is not type(new):
        return new
    twins = {each.name.lower(): each for each in children(old)}
    found = []
    for each in children(new):
        twin = twins.get(each.name.lower())
        found.append(
            replace(
                each,
                id=twin.id,
                type=_like(twin.type, each.type),
                required=twin.required,
                doc=twin.doc,
            )
            if twin
            else each
        )
    return with_children(new, tuple(found))


def _added(schema: TableSchema, fields: tuple[Field, ...], wanted: Wanted) -> tuple[Field, ...]:
    comments = {_folded(path): text for path, text in wanted.comments}
    defaults = {_folded(path): text for path, text in wanted.defaults}
    ids = count(max([schema.last_id, *by_id(schema.fields)], default=0) + 1)
    after = {_folded(path): place for path, place in wanted.after}
    first = set(map(_folded, wanted.first))
    for path in [*first, *after]:
        if path not in {_folded(added) for added, _ in wanted.adds}:
            raise _wrong(
                f"{written(path)} is not added by this command, so it can't be placed",
                "Trino places new columns only; name one of --add-column",
            )
    for path, kind in _in_order(wanted.adds, after):
        key = _folded(path)
        default = read_default(defaults[key], kind, path[-1]) if key in defaults else None
        new = Field(
            name=path[-1].lower() if len(path) == 1 else path[-1],
            id=next(ids),
            type=kind,
            doc=comments.get(key) or None,
            initial_default=default,
            write_default=default,
        )
        if len(path) == 1:
            fields = _placed(fields, new, first=key in first, after=after.get(key), wanted=wanted)
            continue
        if key in first or key in after:
            raise _wrong(f"{written(path)} is inside a column: it can't be placed", "leave it out")
        fields = _within(schema, fields, path, new)
    return _fresh(fields, ids)


def _in_order(
    adds: tuple[tuple[Path, Type], ...], after: Mapping[Path, Path]
) -> list[tuple[Path, Type]]:
    """A column that is placed after another new one, or lies inside it, comes after it."""
    waiting, found = list(adds), []
    names = {_folded(path) for path, _ in adds}
    done: set[Path] = set()

    def ready(path: Path) -> bool:
        needs = {_folded(after[path])} if path in after else set()
        needs |= {path[:depth] for depth in range(1, len(path))}
        return not (needs & names) - done - {path}

    while waiting:
        now = [each for each in waiting if ready(_folded(each[0]))]
        if not now:
            raise _wrong("--after goes round in a circle", "place one of the columns elsewhere")
        found += now
        done |= {_folded(path) for path, _ in now}
        waiting = [each for each in waiting if each not in now]
    return found


def _placed(
    fields: tuple[Field, ...], new: Field, *, first: bool, after: Path | None, wanted: Wanted
) -> tuple[Field, ...]:
    if first and after:
        raise _wrong(f"{new.name} is placed by --first and by --after", "leave one of them out")
    if first:
        return (new, *fields)
    if after is None:
        return (*fields, new)
    renamed = {_folded(path): name.lower() for path, name in wanted.renames}
    name = renamed.get(_folded(after), after[-1].lower())
    names = [each.name.lower() for each in fields]
    if name not in names:
        raise _unknown((name,), names)
    at = names.index(name) + 1
    return (*fields[:at], new, *fields[at:])


def _within(
    schema: TableSchema, fields: tuple[Field, ...], path: Path, new: Field
) -> tuple[Field, ...]:
    parent = find(schema.fields, path[:-1])
    if parent is None:  # perhaps added by this command
        parent = known(fields, path[:-1])
    if not isinstance(parent.type, Struct):
        raise _wrong(
            f"{written(path[:-1])} holds no fields: nothing can be added to it",
            "name a struct; the struct inside a list is c.element, inside a map c.value",
        )

    def into(level: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(
            replace(each, type=Struct((*children(each.type), new)))
            if each.id == parent.id
            else replace(each, type=with_children(each.type, into(children(each.type))))
            if children(each.type)
            else each
            for each in level
        )

    return into(fields)


def _fresh(fields: tuple[Field, ...], ids: count[int]) -> tuple[Field, ...]:
    """Ids for what new types hold; fields with one keep it."""
    found = []
    for each in fields:
        inside = children(each.type)
        own = replace(each, id=each.id or next(ids))
        found.append(
            replace(own, type=with_children(each.type, _fresh(inside, ids))) if inside else own
        )
    return tuple(found)


def known(fields: tuple[Field, ...], path: Path) -> Field:
    """The field at a path. Raises PhloSqlError(UNKNOWN_COLUMN) with near names."""
    found = find(fields, path)
    if found is not None:
        return found
    level: Sequence[Field] = fields
    if len(path) > 1:
        level = children(known(fields, path[:-1]).type)
    dotted = find(fields, (".".join(path),))
    hint = f'that column\'s name has a dot: write it "{dotted.name}"' if dotted else ""
    raise _unknown(path, [each.name for each in level], hint)


def _unknown(path: Path, names: Sequence[str], hint: str = "") -> PhloSqlError:
    near = difflib.get_close_matches(path[-1].lower(), names, n=3, cutoff=0.5)
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    says = f"did you mean {' or '.join(near)}?" if near else f"there are: {shown or 'none'}"
    return PhloSqlError(
        Code.UNKNOWN_COLUMN,
        f"column {written(path)} does not exist",
        hint or says,
        data={"near": near},
    )


def _refuse_namesakes(fields: tuple[Field, ...], prefix: Path) -> None:
    seen: set[str] = set()
    for each in fields:
        if each.name.lower() in seen:
            raise PhloSqlError(
                Code.INVALID_ARGUMENTS,
                f"column {written((*prefix, each.name))} would be there twice",
                "choose another name, or drop or rename the one that is there too",
            )
        seen.add(each.name.lower())
        _refuse_namesakes(children(each.type), (*prefix, each.name))


def from_file(schema: TableSchema, file: TableSchema, wanted: Wanted) -> TableSchema:
    """What a file wants of a table: its columns by name, what it does not speak of as it is.

    `--rename` beside it tells which column a new name stands for.
    """
    renamed = desired(schema, Wanted(renames=wanted.renames)) if wanted.renames else schema
    lined = aligned(file, renamed)
    spoken = lined.says
    kept = by_id(schema.fields)

    def docs(level: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(
            replace(
                each,
                doc=each.doc if "docs" in spoken or each.id not in kept else kept[each.id].doc,
                write_default=each.write_default
                if "defaults" in spoken or each.id not in kept
                else kept[each.id].write_default,
                type=with_children(each.type, docs(children(each.type))),
            )
            for each in level
        )

    return replace(
        schema,
        fields=docs(lined.fields),
        last_id=max([schema.last_id, *by_id(lined.fields)]),
        comment=lined.comment if "comment" in spoken else schema.comment,
        partitioning=lined.partitioning if "partitioning" in spoken else schema.partitioning,
        sort=lined.sort if "sort" in spoken else schema.sort,
        properties=_merged(schema, lined) if "properties" in spoken else schema.properties,
        format_version=lined.format_version if "properties" in spoken else schema.format_version,
    )


def _merged(schema: TableSchema, file: TableSchema) -> Mapping[str, str]:
    return {**schema.properties, **file.properties}


def _folded(path: Path) -> Path:
    return tuple(part.lower() for part in path)


def _wrong(problem: str, hint: str) -> PhloSqlError:
    return PhloSqlError(Code.INVALID_ARGUMENTS, problem, hint)
