"""The same servers as the live tests use."""

from __future__ import annotations

from tests.live.conftest import stack

__all__ = ["stack"]
