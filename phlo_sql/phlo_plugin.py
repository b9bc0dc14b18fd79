"""phlo's entry point (`phlo.plugins.cli`): `phlo table`, `phlo access`, `phlo sql …`.

Imported by phlo at each start, so it imports what phlo has loaded already, and nothing of ours
until a command runs. Whatever goes wrong here must leave phlo working: phlo 0.16 ends every command
with the exception that a plugin's `get_cli_commands` raises.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from phlo.plugins.base import CliCommandPlugin, PluginMetadata

from phlo_sql import __version__

if TYPE_CHECKING:
    import click

NAME = "sql"
_SUMMARY = "Table maintenance, schemas, access and migration, as SQL to review."
_AT_ROOT = ("table", "access", "schema")
"""Groups that also stand at phlo's root, where no other plugin has one of the name."""
_MIGRATIONS = ("from-hive", "from-glue", "convert")
_log = logging.getLogger(__name__)


class PhloSqlPlugin(CliCommandPlugin):
    """phlo-sql in phlo."""

    @property
    def metadata(self) -> PluginMetadata:
        return PluginMetadata(
            name=NAME,
            version=__version__,
            description="Table maintenance, schema evolution, access and migration through Trino",
            author="phlo-sql contributors",
            license="Apache-2.0",
            tags=["trino", "iceberg", "maintenance", "schema", "access", "migration"],
        )

    def get_cli_commands(self) -> list[click.Command]:
        """Our groups. Never raises: what can't be had is left out, and logged."""
        try:
            return self._commands()
        except Exception:  # noqa: BLE001 - phlo goes on without us
            _log.warning("phlo_sql_plugin_unavailable", exc_info=True)
            return []

    def _commands(self) -> list[click.Command]:
        from phlo_sql.cli.root import GROUPS
        from phlo_sql.plugin.tree import SqlGroup

        taken = _taken()
        commands: list[click.Command] = [
            SqlGroup(name, GROUPS[name][1], _group(name))
            for name in _AT_ROOT
            if name in GROUPS and name not in taken
        ]
        commands.append(SqlGroup(NAME, _SUMMARY, _root))
        if "migrate" in GROUPS:
            _extend_migrate(_group("migrate"))
        return commands


def _group(name: str) -> Any:
    def load() -> click.Group:
        from phlo_sql.cli.root import GROUPS

        _govern()
        module = importlib.import_module(GROUPS[name][0])
        return getattr(module, name)

    return load


def _root() -> click.Group:
    from phlo_sql.cli.root import cli

    _govern()
    return cli


def _govern() -> None:
    from phlo_sql.cli import host
    from phlo_sql.plugin.governance import PhloHost

    host.install(PhloHost())


def _taken() -> set[str]:
    """Root commands of other plugins. phlo gives a name to whom it meets first, and that must not
    be us: `schema` belongs to phlo-pandera where that is installed."""
    from phlo.plugins.discovery.registry import get_global_registry

    names: set[str] = set()
    registry = get_global_registry()
    for other in registry.list("cli_command"):
        plugin = registry.get("cli_command", other)
        if other == NAME or plugin is None:
            continue
        try:
            names |= {str(command.name) for command in plugin.get_cli_commands()}
        except Exception:  # noqa: BLE001 - another plugin's fault is not ours to report
            _log.debug("other_plugin_unreadable", extra={"plugin": other})
    return names


def _extend_migrate(load: Any) -> None:
    """Put our sources under `phlo migrate`, where phlo has that group loaded when plugins load.

    From 0.18 on it resolves `migrate` by itself and never asks a plugin for it: then
    `phlo sql migrate` is the place. A command of phlo's own is never replaced.
    """
    from phlo.cli.main import cli

    group = cli.commands.get("migrate")
    if group is None:
        return
    from phlo_sql.plugin.tree import extend

    extend(group, load, _MIGRATIONS)
