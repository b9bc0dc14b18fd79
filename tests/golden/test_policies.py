"""Golden policies: one file of them as the runbook that grants them, OPA's data, the rules file.

`pytest tests/golden --update` writes them anew; the difference is then reviewed in git.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phlo_sql import runbook
from phlo_sql.access import bundle, rules_file
from phlo_sql.access.changes import APPLY, Asked, compile_changes, difference, resources_of
from phlo_sql.access.decide import rules_of
from phlo_sql.access.document import read_document, write_document
from phlo_sql.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "access"
POLICIES = read_document((HERE / "policies.yaml").read_text("utf-8"), "policies.yaml")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = Settings()


def _runbook() -> str:
    current = (*POLICIES[:1], *read_document("grants: [{user: old, role: read, resource: a}]", "f"))
    asked = Asked(
        command=APPLY,
        command_line="phlo-sql access apply policies.yaml --prune",
        user="ann@example.org",
        now=NOW,
        digest="0123abcd",
    )
    plan = compile_changes(difference(current, POLICIES), asked, SETTINGS)
    return runbook.write(plan).text


def _data() -> str:
    found = bundle.data_of(rules_of(POLICIES, SETTINGS))
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _rules() -> str:
    made = rules_file.build(POLICIES, SETTINGS, NOW)
    return made.text + "".join(f"// {line}\n" for line in made.warnings)


MADE: dict[str, Callable[[], str]] = {
    "apply.sql": _runbook,
    "data.json": _data,
    "rules.txt": _rules,
    "export.yaml": lambda: write_document(POLICIES),
}


@pytest.mark.parametrize("name", MADE)
def test_policies_are_as_they_were(name: str, request: pytest.FixtureRequest) -> None:
    path, text = HERE / name, MADE[name]()
    if request.config.getoption("--update"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text


def test_the_runbook_grants_what_it_says() -> None:
    resources = resources_of(runbook.read(_runbook()), SETTINGS)
    assert [str(each) for each in resources] == [
        *(str(grant.resource) for grant in POLICIES[1:]),
        "a",
    ]
