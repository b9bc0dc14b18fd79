"""Who may do what: policies in PostgreSQL, decisions, and what Trino is given to enforce them."""

from __future__ import annotations
