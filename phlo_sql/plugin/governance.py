"""phlo's own rules over our commands: regulated mode, the protection of main, its audit trail."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.cli.host import Deed

_RESOURCES = {"access": "admin", "schema": "catalog", "migrate": "catalog"}
_ACTIONS = {"admin": "admin.manage", "catalog": "catalog.manage", "dataset": "dataset.write"}
"""Pairs that phlo's compilers know (phlo `capabilities` models, 0.16 to 0.18)."""
_OUTCOMES = {"success": "success", "noop": "success", "partial": "partial"}
"""Ours as phlo's emitter spells them; all else failed."""
_PURPOSE = "phlo-sql"


class PhloHost:
    """What `phlo_sql.cli.host` asks before a change and tells after it."""

    def authorize(self, deed: Deed) -> None:
        """Raises PhloSqlError(ACCESS_DENIED) as phlo's policies and `protect_main` say."""
        _refuse_protected_main(deed)
        _enforce(deed)
        _require_trail(deed)

    def record(self, deed: Deed, outcome: Mapping[str, Any]) -> None:
        """To `.phlo/audit/operations.jsonl`, which `phlo audit` reads, and phlo's audit emitter."""
        principal = _principal()
        line = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "operation": deed.command,
            "surface": _PURPOSE,
            "resource_type": _resource_type(deed),
            "resource_id": deed.resource,
            "ref": deed.ref,
            "destructive": deed.destructive,
            "actor": principal.subject,
            "actor_type": principal.principal_type,
            **outcome,
        }
        _append(line)
        _emit(deed, outcome, principal)


def _resource_type(deed: Deed) -> str:
    return _RESOURCES.get(deed.command.split(" ", 1)[0], "dataset")


def _enforce(deed: Deed) -> None:
    """phlo's surface adapter decides, with the table as the resource; open outside regulated mode.

    A policy that can't be read denies: phlo itself raises RuntimeError there.
    """
    import click
    from phlo.cli.authorization import cli_surface_adapter_class
    from phlo.cli.authorization_wrappers import enforce_surface_mutation_authorization
    from phlo.security.mode import is_regulated

    resource = _resource_type(deed)
    adapter = cli_surface_adapter_class(
        "PhloSqlSurfaceAdapter",
        surface_name=_PURPOSE,
        mutation_commands=frozenset({deed.command}),
        command_resource_map={deed.command: resource},
        command_action_map={deed.command: _ACTIONS[resource]},
    )
    try:
        is_regulated()  # what phlo's wrapper takes for "no" where the mode can't be told
        enforce_surface_mutation_authorization(deed.command, adapter.get_instance, deed.resource)
    except click.ClickException as error:
        raise _denied(deed, " ".join(error.format_message().split())) from error
    except Exception as error:
        raise _denied(deed, f"phlo's policies cannot be read: {error}") from error


def _refuse_protected_main(deed: Deed) -> None:
    """`audit.protect_main` (phlo 0.18): nothing writes to main but a signed merge.

    Without a settings store (phlo-postgres) nobody can have set it; a store that is there and can't
    be read denies, as in phlo's own writes.
    """
    if deed.ref not in {None, "main"} or _resource_type(deed) == "admin":
        return
    try:
        from phlo.application.discovery import discover_capabilities
        from phlo.capabilities.resolver import resolve_capability
        from phlo.plugins.observatory_settings import get_operational_settings
    except ImportError:
        return  # phlo 0.16 has no such setting
    try:
        discover_capabilities()
        if resolve_capability("settings_store") is None:
            return
        protected = get_operational_settings().protect_main
    except Exception as error:
        raise _denied(deed, f"phlo's settings cannot be read: {error}") from error
    if protected:
        raise PhloSqlError(
            Code.ACCESS_DENIED,
            f"{deed.command} on {deed.resource}: phlo protects main (audit.protect_main)",
            "run it with --ref on a branch, and bring that over with a signed merge",
        )


def _denied(deed: Deed, why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.ACCESS_DENIED,
        f"{deed.command} on {deed.resource}: {why}",
        "ask for a policy in .phlo/authorization/, and see `phlo authz validate`",
    )


def _principal() -> Any:
    from phlo.cli.authorization import CliPrincipalResolver

    return CliPrincipalResolver().resolve()


def _require_trail(deed: Deed) -> None:
    """What can't be recorded is not begun."""
    try:
        os.close(_trail())
    except OSError as error:
        raise _denied(deed, f"phlo's audit trail cannot be written: {error}") from error


def _trail() -> int:
    """Where `phlo audit` looks: under the directory that phlo runs in. Opened to append."""
    path = Path(".phlo") / "audit" / "operations.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _append(line: Mapping[str, Any]) -> None:
    handle = _trail()
    try:
        os.write(handle, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _emit(deed: Deed, outcome: Mapping[str, Any], principal: Any) -> None:
    from phlo.audit.events import create_default_emitter

    create_default_emitter(_PURPOSE).emit_mutation(
        actor_subject=principal.subject,
        actor_type=principal.principal_type,
        actor_roles=tuple(principal.groups),
        authentication_source=str(principal.attributes.get("authentication_source", "")),
        action=_ACTIONS[_resource_type(deed)],
        resource_type=_resource_type(deed),
        resource_id=deed.resource,
        target_state_after=dict(outcome),
        change_reason=deed.command,
        outcome=_OUTCOMES.get(str(outcome.get("status")), "failure"),
    )
