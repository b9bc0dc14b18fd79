"""Runs inside phlo's environment: which modules the plugin loads before a command of it runs."""

from __future__ import annotations

import json
import sys

import phlo.cli.main  # noqa: F401 - loaded, as phlo has it when it loads plugins
from phlo.plugins.discovery import registry  # noqa: F401

before = set(sys.modules)
from phlo_sql.phlo_plugin import PhloSqlPlugin  # noqa: E402 - measured

plugin = PhloSqlPlugin()
plugin.initialize({})
names = [command.name for command in plugin.get_cli_commands()]
json.dump({"names": names, "loaded": sorted(set(sys.modules) - before)}, sys.stdout)
