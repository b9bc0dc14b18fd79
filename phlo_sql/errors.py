"""The one error family: a stable code, one line of cause, one line of what to do, an exit code.

Anything else that escapes is a bug. Every code stands in `Code`; docs and tests are made from it.
"""

from __future__ import annotations

import errno
import os
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FAILED, USAGE, REFUSED, UNVERIFIED = 1, 2, 3, 4


class _Entry(NamedTuple):
    id: str
    reason: str
    exit_code: int
    meaning: str


class Code(Enum):
    """Every way this program can say no: PS0 usage, PS1 observing, PS2 planning, PS3 running,
    PS4 verifying, PS5 access."""

    INVALID_ARGUMENTS = _Entry("PS001", "invalid_arguments", USAGE, "the command line is wrong")
    BAD_SIZE = _Entry("PS002", "bad_size", USAGE, "a size is not a number with a unit")
    BAD_DURATION = _Entry("PS003", "bad_duration", USAGE, "a duration is not a number with a unit")
    BAD_NAME = _Entry("PS004", "bad_name", USAGE, "a table name cannot be read")
    BAD_SETTING = _Entry("PS005", "bad_setting", USAGE, "a setting has a value it cannot have")
    BAD_PREDICATE = _Entry("PS006", "bad_predicate", USAGE, "a --where predicate cannot be read")
    MISSING_SETTING = _Entry(
        "PS007", "missing_setting", USAGE, "a setting that is needed is absent"
    )
    BAD_RESOURCE = _Entry("PS008", "bad_resource", USAGE, "a policy's resource cannot be read")
    BAD_POLICY = _Entry("PS009", "bad_policy", USAGE, "a policy, or a file of them, cannot be read")
    BAD_TYPE = _Entry("PS030", "bad_type", USAGE, "a column's type cannot be read")
    BAD_SCHEMA = _Entry("PS031", "bad_schema", USAGE, "a schema file cannot be read")
    INCOMPATIBLE_SQLGLOT = _Entry(
        "PS090", "incompatible_sqlglot", FAILED, "sqlglot is compiled and cannot be extended"
    )
    MACHINE_INCOMPLETE = _Entry(
        "PS091", "machine_incomplete", FAILED, "a program the local stack needs is missing"
    )
    STACK_FAILED = _Entry("PS092", "stack_failed", FAILED, "a local server did not start")

    NOT_WRITABLE = _Entry(
        "PS093", "not_writable", FAILED, "a file of this machine can't be written"
    )

    UNKNOWN_TABLE = _Entry("PS101", "unknown_table", FAILED, "the table does not exist")
    UNKNOWN_SCHEMA = _Entry("PS102", "unknown_schema", FAILED, "the schema does not exist")
    UNKNOWN_CATALOG = _Entry("PS103", "unknown_catalog", FAILED, "the catalog does not exist")
    UNKNOWN_REF = _Entry("PS104", "unknown_ref", FAILED, "the branch or tag does not exist")
    NO_REFS = _Entry("PS105", "no_refs", REFUSED, "the catalog has no branches or tags")
    NOT_ICEBERG = _Entry("PS106", "not_iceberg", REFUSED, "a view, or a table that is not Iceberg")
    SERVER_DOWN = _Entry("PS107", "server_down", FAILED, "a server does not answer")
    NOT_AUTHENTICATED = _Entry(
        "PS108", "not_authenticated", FAILED, "the server does not accept the credentials"
    )
    PERMISSION_DENIED = _Entry(
        "PS109", "permission_denied", REFUSED, "the server does not let this user do it"
    )
    CATALOG_UNREADABLE = _Entry(
        "PS110", "catalog_unreadable", FAILED, "PyIceberg cannot open the catalog or table"
    )
    STORAGE_UNREADABLE = _Entry(
        "PS111", "storage_unreadable", FAILED, "a metadata file cannot be read"
    )
    METADATA_MISMATCH = _Entry(
        "PS112", "metadata_mismatch", REFUSED, "Trino and PyIceberg see different tables"
    )
    UNSUPPORTED_TYPE = _Entry(
        "PS113", "unsupported_type", REFUSED, "PyIceberg cannot load a column's type"
    )

    UNKNOWN_COLUMN = _Entry("PS120", "unknown_column", FAILED, "the column does not exist")
    UNKNOWN_SNAPSHOT = _Entry("PS121", "unknown_snapshot", FAILED, "no such snapshot is kept")

    BAD_SOURCE = _Entry("PS130", "bad_source", FAILED, "files that cannot become one table")

    UNSUPPORTED_VERSION = _Entry(
        "PS201", "unsupported_version", REFUSED, "this Trino version cannot do it"
    )
    PROCEDURE_DISABLED = _Entry(
        "PS202", "procedure_disabled", REFUSED, "the catalog has the procedure switched off"
    )
    WHERE_NOT_ENFORCEABLE = _Entry(
        "PS203", "where_not_enforceable", REFUSED, "Trino cannot push the predicate down"
    )
    UNPROVABLE = _Entry("PS204", "unprovable", REFUSED, "the outcome cannot be predicted safely")
    UNSUPPORTED_STATEMENT = _Entry(
        "PS205", "unsupported_statement", REFUSED, "a statement is not in the closed set"
    )
    BELOW_FLOOR = _Entry(
        "PS209", "below_floor", REFUSED, "a retention is below the server's minimum"
    )

    GC_DISABLED = _Entry(
        "PS220", "gc_disabled", REFUSED, "the catalog or another ref owns the files of the table"
    )
    UNSAFE_DELETION = _Entry(
        "PS221", "unsafe_deletion", REFUSED, "a deletion that cannot be proven safe"
    )
    BREAKING_CHANGE = _Entry(
        "PS230", "breaking_change", REFUSED, "a change of schema breaks who reads or writes"
    )
    IMPOSSIBLE_CHANGE = _Entry(
        "PS231", "impossible_change", REFUSED, "a change of schema that cannot be made"
    )

    TARGET_EXISTS = _Entry("PS240", "target_exists", REFUSED, "a table has the name already")
    NOT_MIGRATABLE = _Entry(
        "PS241", "not_migratable", REFUSED, "a source that cannot be brought over as asked"
    )

    CONFIRMATION_REQUIRED = _Entry(
        "PS301", "confirmation_required", REFUSED, "a yes is needed and nobody can be asked"
    )
    CONFIRMATION_DECLINED = _Entry(
        "PS302", "confirmation_declined", FAILED, "the question was answered with no"
    )
    STALE_PLAN = _Entry("PS303", "stale_plan", REFUSED, "the table moved since the plan was made")
    RUNBOOK_INVALID = _Entry("PS304", "runbook_invalid", REFUSED, "a runbook cannot be read")
    RUNBOOK_ALTERED = _Entry(
        "PS305", "runbook_altered", REFUSED, "a runbook's digest does not match its body"
    )
    QUERY_FAILED = _Entry("PS306", "query_failed", FAILED, "the server reported an error")
    CONFLICT = _Entry("PS307", "commit_conflict", FAILED, "a concurrent commit won, also on retry")
    INTERRUPTED = _Entry("PS308", "cancelled", FAILED, "stopped by the user")
    CONTENT_DIFFERS = _Entry(
        "PS330", "content_differs", FAILED, "source and target do not hold the same"
    )
    APPROVAL_REQUIRED = _Entry(
        "PS320", "approval_required", REFUSED, "the settings ask for a runbook that is approved"
    )
    SIGNING_FAILED = _Entry("PS321", "signing_failed", FAILED, "a signature could not be made")
    WRONG_TARGET = _Entry(
        "PS322", "wrong_target", REFUSED, "a runbook was made for another table, ref or server"
    )
    NOTHING_RECORDED = _Entry(
        "PS323", "nothing_recorded", REFUSED, "the journal has no run of this runbook"
    )
    NOT_VERIFIED = _Entry(
        "PS401", "not_verified", UNVERIFIED, "it ran, but its outcome is not what was predicted"
    )

    ACCESS_DENIED = _Entry("PS501", "access_denied", REFUSED, "no policy grants this to this user")
    NOT_GRANTED = _Entry("PS502", "not_granted", FAILED, "what is to be revoked was never granted")
    LAST_ADMIN = _Entry("PS503", "last_admin", REFUSED, "the last admin cannot be removed")
    NO_POLICIES = _Entry("PS504", "no_policies", FAILED, "`access init` has not run here")
    NEWER_SCHEMA = _Entry(
        "PS505", "newer_schema", REFUSED, "a newer phlo-sql set up the database's schemas"
    )
    NOT_PUBLISHED = _Entry(
        "PS506", "not_published", FAILED, "the policies could not be handed to the server"
    )
    AUDIT_BROKEN = _Entry("PS507", "audit_broken", FAILED, "the audit trail was changed by hand")
    INTERNAL = _Entry("PS900", "internal_error", FAILED, "a bug in phlo-sql")

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def reason(self) -> str:
        return self.value.reason

    @property
    def exit_code(self) -> int:
        return self.value.exit_code


class PhloSqlError(Exception):
    """A cause in one line, and what to do in one line. Printed in one place: `cli.output`."""

    def __init__(
        self,
        code: Code,
        problem: str,
        hint: str,
        *,
        data: Mapping[str, Any] | None = None,
        next_steps: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """`data` joins the JSON document; `next_steps` are (command, when) pairs."""
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.hint = hint
        self.data = dict(data or {})
        self.next_steps = next_steps

    def __str__(self) -> str:
        return f"{self.code.id}: {self.problem}"


MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}
)
"""What a full or locked machine answers, at any moment and to anybody."""


def not_writable(error: OSError, path: str | None = None) -> PhloSqlError:
    """A file that the machine refuses, by its own words and name."""
    name = path or error.filename
    why = os.strerror(error.errno).lower() if error.errno else str(error)
    return PhloSqlError(
        Code.NOT_WRITABLE,
        f"{name or 'a file'} can't be written or opened: {why}",
        "make room or permit it, and run the same command again",
    )
