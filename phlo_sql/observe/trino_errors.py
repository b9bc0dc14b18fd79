"""What went wrong with Trino, in one line of cause and one of what to do."""

from __future__ import annotations

import json
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.observe.trino_http import Address

_LINE = re.compile(r"^line \d+:\d+: ")
_STATUS = re.compile(r"^error (\d{3})(?:: (.*))?", re.DOTALL)
_LENGTH = 400
_FOREIGN = (json.JSONDecodeError, KeyError, TypeError, AttributeError)
"""What the driver stumbles over in an answer that is not Trino's."""


class _Answer(NamedTuple):
    code: Code
    hint: str


_NAMES = {
    "TABLE_NOT_FOUND": _Answer(Code.UNKNOWN_TABLE, "check the name"),
    "SCHEMA_NOT_FOUND": _Answer(Code.UNKNOWN_SCHEMA, "check the name"),
    "CATALOG_NOT_FOUND": _Answer(
        Code.UNKNOWN_CATALOG, "set TRINO_CATALOG or --catalog to a catalog of this server"
    ),
    "MISSING_CATALOG_NAME": _Answer(Code.MISSING_SETTING, "set TRINO_CATALOG or --catalog"),
    "PERMISSION_DENIED": _Answer(
        Code.PERMISSION_DENIED, "ask for the right, or connect as another user (TRINO_USER)"
    ),
    "PROCEDURE_NOT_FOUND": _Answer(
        Code.PROCEDURE_DISABLED, "this catalog or version does not have the procedure"
    ),
    "TABLE_PROCEDURE_NOT_FOUND": _Answer(
        Code.PROCEDURE_DISABLED, "this catalog or version does not have the procedure"
    ),
    "UNSUPPORTED_TABLE_TYPE": _Answer(
        Code.NOT_ICEBERG, "name an Iceberg table, or the catalog that serves this one"
    ),
    "ICEBERG_COMMIT_ERROR": _Answer(
        Code.CONFLICT, "another writer committed first; run it again when the table is quieter"
    ),
    "TRANSACTION_CONFLICT": _Answer(
        Code.CONFLICT, "another writer committed first; run it again when the table is quieter"
    ),
    "USER_CANCELED": _Answer(Code.INTERRUPTED, "run it again; nothing of this step was committed"),
    "ADMINISTRATIVELY_KILLED": _Answer(Code.QUERY_FAILED, "ask who runs the server why"),
    "ADMINISTRATIVELY_PREEMPTED": _Answer(Code.QUERY_FAILED, "run it again later"),
    "SERVER_STARTING_UP": _Answer(Code.SERVER_DOWN, "wait until the server has started"),
    "SERVER_SHUTTING_DOWN": _Answer(Code.SERVER_DOWN, "wait until the server is back"),
    "NO_NODES_AVAILABLE": _Answer(Code.SERVER_DOWN, "the server has no worker: check its nodes"),
    "EXCEEDED_TIME_LIMIT": _Answer(
        Code.QUERY_FAILED, "do it in smaller parts, or raise query_max_run_time"
    ),
    "EXCEEDED_LOCAL_MEMORY_LIMIT": _Answer(
        Code.QUERY_FAILED, "do it in smaller parts, or raise query_max_memory_per_node"
    ),
    "EXCEEDED_GLOBAL_MEMORY_LIMIT": _Answer(
        Code.QUERY_FAILED, "do it in smaller parts, or raise query_max_memory"
    ),
    "CLUSTER_OUT_OF_MEMORY": _Answer(Code.QUERY_FAILED, "do it in smaller parts"),
    "QUERY_QUEUE_FULL": _Answer(Code.QUERY_FAILED, "run it again when the queue is shorter"),
    "INVALID_SESSION_PROPERTY": _Answer(
        Code.UNSUPPORTED_VERSION, "this server has no such session property, or not that value"
    ),
    "ICEBERG_FILESYSTEM_ERROR": _Answer(
        Code.STORAGE_UNREADABLE, "check that the server reaches its object store"
    ),
    "ICEBERG_INVALID_METADATA": _Answer(
        Code.STORAGE_UNREADABLE, "a metadata file of the table is missing or broken"
    ),
}
"""What Trino's own error names mean here (io.trino.spi.StandardErrorCode, IcebergErrorCode)."""

_MESSAGES = (
    (
        re.compile(
            r"^Failed to add files: "
        ),  # also where a file, and no other writer, is the cause
        _Answer(
            Code.QUERY_FAILED,
            "where one of the files is the cause, go back and copy them with --mode copy",
        ),
    ),
    (
        re.compile(r"Unexpected FilterNode found in plan|not able to handle provided WHERE"),
        _Answer(
            Code.WHERE_NOT_ENFORCEABLE,
            "use whole partitions in --where: Trino takes a predicate on partition columns only",
        ),
    ),
    (
        re.compile(r"not supported for (materialized )?views|is a (materialized )?view\b", re.I),
        _Answer(Code.NOT_ICEBERG, "name a table"),
    ),
    (
        re.compile(r"Not an Iceberg table|not an iceberg table|Cannot query (Hive|Delta)", re.I),
        _Answer(Code.NOT_ICEBERG, "name an Iceberg table, or the catalog that serves this one"),
    ),
    (
        re.compile(
            r"procedure .*(not registered|not found|is disabled)|does not support .* proc", re.I
        ),
        _Answer(
            Code.PROCEDURE_DISABLED,
            "switch the procedure on in the catalog's properties, or use a catalog that has it",
        ),
    ),
    (
        re.compile(r"CATALOG is not supported by the static catalog store", re.I),
        _Answer(
            Code.PROCEDURE_DISABLED,
            "set the catalog up beforehand, or run the server with catalog.management=dynamic",
        ),
    ),
    (
        re.compile(r"Retention specified .* is shorter than the minimum retention"),
        _Answer(
            Code.BELOW_FLOOR,
            "raise --older-than, or lower the catalog's minimum retention on the server",
        ),
    ),
    (
        re.compile(r"GC is disabled"),
        _Answer(
            Code.PROCEDURE_DISABLED,
            "the table has gc.enabled=false: its files may belong to other refs",
        ),
    ),
    (
        re.compile(r"CommitFailedException|Failed to commit.*concurrent|Cannot commit", re.I),
        _Answer(
            Code.CONFLICT, "another writer committed first; run it again when the table is quieter"
        ),
    ),
)
"""Where Trino gives one name to many things, its text tells which."""

_TYPES = {
    "INSUFFICIENT_RESOURCES": "do it in smaller parts, or give the server more memory",
    "EXTERNAL": "check what the server itself connects to: its catalog and its object store",
    "INTERNAL_ERROR": "look for the query id in the server's log",
}


def query_error(error: Any, clean: Callable[[str], str]) -> PhloSqlError:
    """A TrinoQueryError as one of ours, with the query id and Trino's own name for it."""
    name, kind = error.error_name or "", error.error_type or ""
    message = one_line(_LINE.sub("", error.message or name), clean)
    found = next((answer for pattern, answer in _MESSAGES if pattern.search(message)), None)
    found = found or _NAMES.get(name)
    if found is None:
        hint = _TYPES.get(kind, "correct what the server names")
        found = _Answer(Code.QUERY_FAILED, hint)
    data = {"query_id": error.query_id, "trino_error": name, "trino_error_type": kind}
    return PhloSqlError(found.code, message, found.hint, data=data)


def connection_error(
    error: BaseException, at: Address, clean: Callable[[str], str]
) -> PhloSqlError:
    """Anything else that the driver or its HTTP library raises."""
    return (
        _http_status(error, at, clean)
        or _refused_login(error, at, clean)
        or _tls(error, at, clean)
        or _network(error, at, clean)
    )


def is_connection_error(error: BaseException) -> bool:
    """Whether an error is the connection's, or else a fault in our own code."""
    from requests import RequestException
    from trino.exceptions import Error, HttpError

    known = (Error, HttpError, RequestException, OSError, *_FOREIGN)
    return isinstance(error, known)


def while_running(error: PhloSqlError, query_id: str | None) -> PhloSqlError:
    """The same, where the server had taken the statement: nobody knows how it ended."""
    if query_id is None:
        return error
    return PhloSqlError(
        Code.SERVER_DOWN,
        f"lost query {query_id} while it ran: {error.problem}",
        "its outcome is unknown: look for it on the server and at the table before another run",
        data={**error.data, "query_id": query_id},
    )


def _http_status(
    error: BaseException, at: Address, clean: Callable[[str], str]
) -> PhloSqlError | None:
    match = next((found for each in _chain(error) if (found := _STATUS.match(str(each)))), None)
    if match is None:
        return None
    status, said = int(match[1]), one_line(_bytes_text(match[2] or ""), clean)
    said = f": {said}" if said and not said.startswith(("<", "&lt;")) else ""
    if status in (401, 403):
        return PhloSqlError(
            Code.NOT_AUTHENTICATED,
            f"Trino at {at} refuses the login ({status}{said})",
            "check TRINO_USER and TRINO_PASSWORD, TRINO_JWT or the client certificate",
        )
    if status >= 500:
        return PhloSqlError(
            Code.SERVER_DOWN,
            f"{at} is up, but answers {status}{said}",
            "wait until the server has started, or look into its log",
        )
    return _not_trino(at, f"it answers {status}{said}")


def _refused_login(
    error: BaseException, at: Address, clean: Callable[[str], str]
) -> PhloSqlError | None:
    from trino.exceptions import TrinoAuthError

    found = next((each for each in _chain(error) if isinstance(each, TrinoAuthError)), None)
    if found is None:
        return None
    return PhloSqlError(
        Code.NOT_AUTHENTICATED,
        f"logging in to Trino at {at} failed: {one_line(str(found), clean)}",
        "check how the server authenticates, and TRINO_OAUTH2, TRINO_JWT or TRINO_PASSWORD",
    )


def _tls(error: BaseException, at: Address, clean: Callable[[str], str]) -> PhloSqlError | None:
    found = next((each for each in _chain(error) if isinstance(each, ssl.SSLError)), None)
    if found is None:
        return None
    if isinstance(found, ssl.SSLCertVerificationError):
        return PhloSqlError(
            Code.SERVER_DOWN,
            f"the certificate of {at} is not trusted: {one_line(found.verify_message, clean)}",
            "set TRINO_VERIFY to a PEM file of the authority that signed it",
        )
    reason = (found.reason or str(found)).replace("_", " ").lower()
    if "wrong version number" in reason or "record layer" in reason:
        return PhloSqlError(
            Code.SERVER_DOWN,
            f"{at} does not speak TLS",
            "set TRINO_HTTP_SCHEME=http, or TRINO_PORT to the port that serves https",
        )
    return PhloSqlError(
        Code.SERVER_DOWN,
        f"no TLS connection to {at}: {one_line(reason, clean)}",
        "check TRINO_HTTP_SCHEME, TRINO_PORT and the client certificate",
    )


def _network(error: BaseException, at: Address, clean: Callable[[str], str]) -> PhloSqlError:
    kinds = [type(each).__name__ for each in _chain(error)]
    texts = " ".join(str(each) for each in _chain(error))
    if any(isinstance(each, socket.gaierror) for each in _chain(error)) or (
        "NameResolutionError" in kinds
    ):
        return _down(at, f"there is no host named {at.host}", "check TRINO_HOST")
    if "Connection refused" in texts:
        return _down(at, f"nothing answers at {at}", "check TRINO_HOST and TRINO_PORT")
    if any("Timeout" in kind for kind in kinds) or "timed out" in texts:
        return _down(
            at, f"{at} did not answer in time", "check the network, or raise TRINO_REQUEST_TIMEOUT"
        )
    if any(isinstance(each, _FOREIGN) for each in _chain(error)):
        return _not_trino(at, "its answer is not Trino's")
    if "BadStatusLine" in kinds or "RemoteDisconnected" in kinds or "Connection aborted" in texts:
        return _not_trino(at, "it breaks the connection off")
    return _down(at, f"talking to {at} failed: {one_line(str(error), clean)}", "check the network")


def _down(at: Address, problem: str, hint: str) -> PhloSqlError:
    return PhloSqlError(Code.SERVER_DOWN, problem, hint, data={"server": str(at)})


def _not_trino(at: Address, why: str) -> PhloSqlError:
    other = "http" if at.scheme == "https" else "https"
    return _down(
        at,
        f"what answers at {at} does not speak Trino over {at.scheme}: {why}",
        f"check TRINO_PORT, and whether TRINO_HTTP_SCHEME should be {other}",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all it came from: requests and urllib3 hide the cause in three places."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        reason = getattr(found, "reason", None)
        waiting += [found.__cause__, found.__context__, reason, *found.args]


def _bytes_text(text: str) -> str:
    """The driver puts the body's `repr` into its message."""
    match = re.fullmatch(r"b(['\"])(.*)\1", text, re.DOTALL)
    return match[2].replace("\\n", " ").replace("\\'", "'") if match else text


def one_line(text: str, clean: Callable[[str], str]) -> str:
    """No line breaks, no stack trace, no secret, and not longer than a person reads."""
    first = re.split(r"\n\s+at |\tat ", text, maxsplit=1)[0]
    line = " ".join(clean(first).split())
    return line if len(line) <= _LENGTH else line[: _LENGTH - 1].rstrip() + "…"
