"""OPA's bundle: the policy of `opa/policy.rego`, and the grants as its data.

Same grants, same bytes. No program is needed to make it; where `opa` is at hand, `check` has it
format, check and test what is published.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.access.decide import rules_of
from phlo_sql.access.resource import ALL, bare, expression, literal
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phlo_sql.access.decide import Rule
    from phlo_sql.access.grants import Grant
    from phlo_sql.config import Settings

POLICY, TESTS = "policy.rego", "policy_test.rego"
ROOTS = ("trino", "phlo_sql/access")
"""What of OPA's document the bundle owns; anything else may live beside it."""
Entry = list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle's files, and the digest of the grants that it was made from."""

    revision: str
    files: Mapping[str, bytes]

    def archive(self) -> bytes:
        """The `.tar.gz` that OPA loads."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in sorted(self.files.items()):
                entry = tarfile.TarInfo(f"/{name}")
                entry.size = len(content)
                entry.mode = 0o644
                tar.addfile(entry, io.BytesIO(content))
        return gzip.compress(packed.getvalue(), compresslevel=6, mtime=0)


def build(grants: Iterable[Grant], revision: str, settings: Settings) -> Bundle:
    """The bundle of all grants, also those that end: OPA looks at the clock itself."""
    data = {"phlo_sql": {"access": data_of(rules_of(grants, settings))}}
    manifest = {"revision": revision, "roots": list(ROOTS), "rego_version": 1}
    return Bundle(
        revision=revision,
        files={
            ".manifest": _json(manifest),
            "data.json": _json(data),
            POLICY: policy_text(POLICY).encode(),
        },
    )


def data_of(rules: Iterable[Rule]) -> dict[str, Any]:
    """One document a principal. What names one thing is found by its name, the rest is tried."""
    found: dict[str, dict[str, Any]] = {}
    for rule in rules:
        name = str(rule.grant.principal)  # "user ann", "group analysts": as the policy writes them
        document = found.setdefault(
            name, {"entries": [], "catalogs": {}, "schemas": {}, "exact": {}, "patterns": {}}
        )
        _add(document, rule)
    return {"principals": found}


def _add(document: dict[str, Any], rule: Rule) -> None:
    until = rule.grant.until
    entry = [int(rule.grant.role), int(until.timestamp()) if until else 0]
    catalog, schema, table = map(_name, (rule.catalog, rule.schema, rule.table))
    _once(document["entries"], entry)
    if catalog is not None:
        _once(document["catalogs"].setdefault(catalog, []), entry)
        if schema is not None:
            schemas = document["schemas"].setdefault(catalog, {})
            _once(schemas.setdefault(schema, []), entry)
            if table is not None:
                tables = document["exact"].setdefault(catalog, {}).setdefault(schema, {})
                _once(tables.setdefault(table, []), entry)
                return
    places = document["patterns"].setdefault(catalog or ALL, {})
    places.setdefault(schema or ALL, []).append(
        {
            "entry": entry,
            "catalog": _pattern(rule.catalog),
            "schema": _pattern(rule.schema),
            "table": _pattern(rule.table),
        }
    )


def _once(entries: list[Entry], entry: Entry) -> None:
    if entry not in entries:
        entries.append(entry)


def _name(pattern: str) -> str | None:
    """The one name that a pattern covers, or `*` for all; None where it covers some."""
    if pattern == ALL:
        return ALL
    name = bare(pattern)
    return name if "*" not in name and literal(name) == pattern else None


def _pattern(pattern: str) -> Any:
    """As the policy tries it: by beginning and end where one star stands in the middle."""
    if (name := _name(pattern)) is not None:
        return name
    parts = re.split(r"(?<!\\)\*", pattern)
    if len(parts) == 2 and "\\" not in pattern:
        return {"prefix": parts[0], "suffix": parts[1], "length": len(pattern) - 1}
    return {"expression": f"^(?s:{expression(pattern).pattern})$"}


def policy_text(name: str) -> str:
    """A file of the policy, as it is installed."""
    return (resources.files("phlo_sql.access") / "opa" / name).read_text(encoding="utf-8")


def check(bundle: Bundle, opa: str) -> None:
    """Have OPA itself look: its formatting, `check --strict`, our tests, and the whole bundle.

    Raises PhloSqlError(NOT_PUBLISHED) with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="phlo-sql-opa-") as name:
        folder = Path(name)
        rego = [folder / "rego" / each for each in (POLICY, TESTS)]
        rego[0].parent.mkdir()
        for path in rego:
            path.write_text(policy_text(path.name), encoding="utf-8")
        archive = folder / "bundle.tar.gz"
        archive.write_bytes(bundle.archive())
        for words in (
            ["fmt", "--fail", "--list", *rego],
            ["check", "--strict", *rego],
            ["test", *rego],
            ["check", "--bundle", archive],
        ):
            _opa(opa, [str(word) for word in words])


def program() -> str | None:
    """The `opa` of this machine's PATH."""
    return shutil.which("opa")


def _opa(opa: str, words: list[str]) -> None:
    done = subprocess.run([opa, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join((done.stderr + done.stdout).split())[:300]
        raise PhloSqlError(
            Code.NOT_PUBLISHED,
            f"opa {words[0]} found a fault in the bundle: {said}",
            "nothing was published; this is a fault of phlo-sql or of an opa before 1.0",
        )


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
