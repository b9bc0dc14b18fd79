"""Runs inside phlo's environment: turns `audit.protect_main` on in phlo's settings store."""

from __future__ import annotations

from phlo.application.discovery import discover_capabilities
from phlo.plugins.observatory_settings import (
    ADMIN_SETTINGS_NAMESPACE,
    OPERATIONAL_SETTINGS_PREFIX,
    SettingsScope,
    get_settings_service,
)

discover_capabilities()
get_settings_service().put(
    SettingsScope.GLOBAL,
    ADMIN_SETTINGS_NAMESPACE,
    {"values": {f"{OPERATIONAL_SETTINGS_PREFIX}audit.protect_main": True}, "version": 1},
)
