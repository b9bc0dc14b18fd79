"""Trino's own parsers of both ends of the range, started once per session and ended with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.oracle.trino_parser import TrinoParser, find_java, find_maven, jars

if TYPE_CHECKING:
    from collections.abc import Iterator


def _absent(what: str) -> NoReturn:
    if os.environ.get("PHLO_SQL_REQUIRE_STACK") == "1":
        pytest.fail(f"Trino's own parser needs {what}", pytrace=False)
    pytest.skip(f"Trino's own parser needs {what}")


@pytest.fixture(scope="session")
def parsers() -> Iterator[dict[int, TrinoParser]]:
    """By version: 476 is the oldest that is supported, 484 the newest that is known."""
    java = find_java() or _absent("a JDK of 25 or newer")
    maven = find_maven() or _absent("Maven")
    running: dict[int, TrinoParser] = {}
    try:
        for version, classpath in jars(maven).items():
            running[version] = TrinoParser(java, version, classpath)
        yield running
    finally:
        for parser in running.values():
            parser.close()


@pytest.fixture(scope="session")
def oldest(parsers: dict[int, TrinoParser]) -> TrinoParser:
    return parsers[476]


@pytest.fixture(scope="session")
def newest(parsers: dict[int, TrinoParser]) -> TrinoParser:
    return parsers[484]
