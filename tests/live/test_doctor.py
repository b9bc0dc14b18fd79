"""The doctor at a set-up that works, and at ones that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phlo_sql.config import Secret, Setting, Settings
from phlo_sql.doctor import Finding, diagnose

pytestmark = pytest.mark.live


def by_name(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in diagnose(settings)}


class TestDoctor:
    @pytest.mark.parametrize("which", ["stack_settings", "stack_476_settings"])
    def test_a_set_up_that_works(self, request: pytest.FixtureRequest, which: str) -> None:
        settings: Settings = request.getfixturevalue(which)
        found = by_name(settings)
        assert not [finding for finding in found.values() if finding.status == "fail"]
        assert found["version"].detail.endswith("tested")
        assert found["retention floors"].detail == "expire 7d, orphans 7d"
        assert found["trino_host"].detail == f"{settings.trino_host.value} (environment)"
        assert found["pyiceberg"].status == "ok"
        assert found["sqlglot"].status == "ok"
        assert "procedures" in found

    def test_no_secret_is_shown(self, stack_settings: Settings) -> None:
        told = replace(stack_settings, nessie_token=Setting(Secret("hunter2"), "flag"))
        shown = str(diagnose(told))
        assert told.secrets()
        assert not [secret for secret in told.secrets() if secret in shown]
        assert by_name(told)["nessie_token"].detail == "*** (flag)"

    def test_a_server_that_is_not_there(self, stack_settings: Settings) -> None:
        found = by_name(replace(stack_settings, trino_port=Setting(1, "flag")))
        assert found["server"].status == "fail"
        assert found["server"].hint
        assert "catalog" not in found

    def test_no_server_is_named(self, stack_settings: Settings) -> None:
        found = by_name(replace(stack_settings, trino_host=Setting("", "default")))
        assert found["server"].status == "fail"
        assert "TRINO_HOST" in found["server"].hint

    def test_a_catalog_that_does_not_exist(self, stack_settings: Settings) -> None:
        found = by_name(replace(stack_settings, trino_catalog=Setting("icebergs", "flag")))
        assert found["catalog"].status == "fail"
        assert found["catalog"].hint == "did you mean iceberg?"

    def test_a_catalog_that_is_not_iceberg(self, stack_settings: Settings) -> None:
        found = by_name(replace(stack_settings, trino_catalog=Setting("tpch", "flag")))
        assert found["catalog"].status == "fail"
        assert found["catalog"].detail == "tpch is a tpch catalog"

    def test_pyiceberg_at_another_catalog(self, stack_settings: Settings) -> None:
        elsewhere = {"iceberg": {"type": "sql", "uri": "sqlite:////nowhere/catalog.db"}}
        found = by_name(replace(stack_settings, catalogs=elsewhere))
        assert found["pyiceberg"].status == "fail"
        assert found["version"].status == "ok"
