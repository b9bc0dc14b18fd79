"""Whether two trees say the same, and the digest by which that is told without both at hand.

Exact, unlike sqlglot's `==`, which folds the case of raw arguments and compares hashes. Names are
the same however they are delimited; an argument that says nothing is none.
"""

from __future__ import annotations

import hashlib

from sqlglot import exp


def same(left: exp.Expr, right: exp.Expr) -> bool:
    """Whether two trees say the same, however their names are delimited."""
    return written(left) == written(right)


def digest(tree: exp.Expr) -> bytes:
    """Equal for trees that say the same, and for no others."""
    return hashlib.sha256(written(tree).encode("utf-8", "surrogatepass")).digest()


def written(tree: exp.Expr) -> str:
    """The tree in one form. Texts stand in it as Python writes them, so that none can close a node
    or begin another."""
    parts: list[str] = []
    stack: list[object] = [tree]
    while stack:
        at = stack.pop()
        if isinstance(at, _Mark):
            parts.append(at)
        elif isinstance(at, exp.Expr):
            parts.append(f"{_name(at)}(")
            stack.append(_CLOSE)
            arguments = _arguments(at)
            for key in sorted(arguments, reverse=True):
                stack += (arguments[key], _Mark(f"{key}="))
        elif isinstance(at, list):
            parts.append("[")
            stack.append(_LAST)
            stack += reversed(at)
        else:
            parts.append(f"{_name(at)}:{at!r},")
    return "".join(parts)


class _Mark(str):
    """A piece of the form itself, no value of the tree."""

    __slots__ = ()


_CLOSE, _LAST = _Mark(")"), _Mark("]")


def _name(value: object) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _arguments(node: exp.Expr) -> dict[str, object]:
    if isinstance(node, exp.Identifier):
        return {"this": _folded(node)}
    if isinstance(node, exp.Anonymous):
        return {"this": node.name.upper(), "expressions": node.expressions}
    return {
        key: value
        for key, value in node.args.items()
        if not (value is None or value is False or value == [])
    }


def _folded(node: exp.Identifier) -> str:
    field = isinstance(node.parent, exp.ColumnDef) and isinstance(node.parent.parent, exp.DataType)
    return node.name.lower() if field and not node.quoted else node.name
