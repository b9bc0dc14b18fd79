"""Runs inside phlo's environment: what the plugin costs phlo before a command of it runs.

phlo 0.16 loads every plugin when it is imported, so ours is kept out until it is measured. Each
measurement is a fork: a module is imported once in a process.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["PLUGINS_BLACKLIST"] = '["sql"]'
import phlo.cli.main  # noqa: F401 - loaded, as phlo has it when it loads plugins
from phlo.plugins.discovery import discover_plugins

discover_plugins(plugin_type="cli_command", auto_register=True)
assert "phlo_sql" not in sys.modules


def measured() -> dict[str, object]:
    """Seconds of this process's own time, which a busy machine does not stretch."""
    before, began = set(sys.modules), time.process_time()
    from phlo_sql.phlo_plugin import PhloSqlPlugin  # noqa: PLC0415

    plugin = PhloSqlPlugin()
    plugin.initialize({})
    names = [command.name for command in plugin.get_cli_commands()]
    seconds = time.process_time() - began
    return {"names": names, "loaded": sorted(set(sys.modules) - before), "seconds": seconds}


def aside() -> dict[str, object]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            json.dump(measured(), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as text:
        told: dict[str, object] = json.load(text)
    os.waitpid(child, 0)
    return told


runs = [aside() for _ in range(7)]
json.dump({**runs[0], "seconds": min(float(str(run["seconds"])) for run in runs)}, sys.stdout)
