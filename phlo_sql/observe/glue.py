"""The tables of a database of AWS Glue, by boto3: AWS's usual credentials, profiles and regions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.metastore import (
    Described,
    Field,
    Partition,
    Storage,
    chosen,
    unknown_database,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONNECTIONS = 8
_DENIED = ("AccessDenied", "NotAuthorized", "UnauthorizedOperation")
_CREDENTIALS = (
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "ExpiredToken",
    "InvalidSignature",
    "SignatureDoesNotMatch",
)


def read_database(
    database: str, patterns: Sequence[str] = (), *, region: str | None, endpoint: str | None
) -> tuple[Described, ...]:
    """Raises PhloSqlError: BAD_SETTING, SERVER_DOWN, NOT_AUTHENTICATED, PERMISSION_DENIED,
    UNKNOWN_SCHEMA, UNKNOWN_TABLE."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = _client(region, endpoint)
        try:
            client.get_database(Name=database)
        except client.exceptions.EntityNotFoundException:
            pages = client.get_paginator("get_databases").paginate()
            names = [each["Name"] for page in pages for each in page["DatabaseList"]]
            raise unknown_database(database, names) from None
        tables = {
            each["Name"]: each
            for page in client.get_paginator("get_tables").paginate(DatabaseName=database)
            for each in page["TableList"]
        }
        names = list(chosen(tables, patterns, database))
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            return tuple(pool.map(lambda name: _described(client, database, tables[name]), names))
    except ClientError as error:
        raise _answered(f"database {database}", error) from error
    except BotoCoreError as error:
        raise _unasked(error) from error


def _client(region: str | None, endpoint: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"max_attempts": 3}, connect_timeout=10, max_pool_connections=16)
    # Of its own: the default session keeps the credentials that it was made with.
    session = boto3.session.Session()
    return session.client("glue", region_name=region, endpoint_url=endpoint, config=config)


def _described(client: Any, database: str, table: Mapping[str, Any]) -> Described:
    storage = table.get("StorageDescriptor", {})
    keys = _fields(table.get("PartitionKeys"))
    partitions, refused = _readable(client, database, table["Name"]) if keys else ((), "")
    return Described(
        name=table["Name"],
        type=table.get("TableType", ""),
        owner=table.get("Owner"),
        parameters={**table.get("Parameters", {}), **_comment(table)},
        storage=_storage(storage),
        columns=_fields(storage.get("Columns")),
        partition_columns=keys,
        partitions=partitions,
        refused=refused,
        bucket_columns=tuple(storage.get("BucketColumns") or ()),
        buckets=max(0, storage.get("NumberOfBuckets", 0)),
        sort_columns=tuple(each["Column"] for each in storage.get("SortColumns") or ()),
    )


def _readable(client: Any, database: str, name: str) -> tuple[tuple[Partition, ...], str]:
    """Partitions, or why this user may not read them: rights are given table by table."""
    from botocore.exceptions import ClientError

    try:
        return _partitions(client, database, name), ""
    except ClientError as error:
        refused = _answered(f"{database}.{name}", error)
        if refused.code is not Code.PERMISSION_DENIED:
            raise
        return (), refused.problem


def _comment(table: Mapping[str, Any]) -> dict[str, str]:
    return {"comment": table["Description"]} if table.get("Description") else {}


def _partitions(client: Any, database: str, name: str) -> tuple[Partition, ...]:
    pages = client.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name)
    return tuple(
        Partition(
            values=tuple(each["Values"]),
            storage=_storage(each.get("StorageDescriptor", {})),
            parameters=each.get("Parameters", {}),
        )
        for page in pages
        for each in page["Partitions"]
    )


def _storage(storage: Mapping[str, Any]) -> Storage:
    return Storage(
        location=storage.get("Location", "").rstrip("/"),
        input_format=storage.get("InputFormat", ""),
        serde=storage.get("SerdeInfo", {}).get("SerializationLibrary", ""),
    )


def _fields(columns: Any) -> tuple[Field, ...]:
    return tuple(
        Field(name=each["Name"], type=each.get("Type", "string"), comment=each.get("Comment"))
        for each in columns or ()
    )


def _answered(what: str, error: Any) -> PhloSqlError:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), " ".join(str(told.get("Message", "")).split())
    if code.isdigit():  # a proxy, or a server that answers in XML: the code stands in the text
        code = next((each for each in (*_CREDENTIALS, *_DENIED) if each in message), code)
    if any(code.startswith(each) for each in _CREDENTIALS):
        return PhloSqlError(
            Code.NOT_AUTHENTICATED,
            f"AWS Glue does not accept the credentials: {code}",
            "check AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    if any(code.startswith(each) for each in _DENIED):
        return PhloSqlError(
            Code.PERMISSION_DENIED,
            f"AWS Glue does not let this user read {what}: {code}",
            "ask for glue:GetDatabase, glue:GetTables and glue:GetPartitions on it",
        )
    return PhloSqlError(
        Code.CATALOG_UNREADABLE,
        f"AWS Glue cannot tell of {what}: {code} {message[:200]}".rstrip(),
        "check --region and --endpoint",
    )


def _unasked(error: Exception) -> PhloSqlError:
    """What never reached AWS: no region, no credentials, no connection."""
    from botocore.exceptions import (
        ConnectionError as ConnectionFailed,
    )
    from botocore.exceptions import (
        HTTPClientError,
        NoCredentialsError,
        NoRegionError,
    )

    cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
    match error:
        case NoRegionError():
            code, hint = Code.MISSING_SETTING, "name it: --region eu-west-1"
        case NoCredentialsError():
            code, hint = Code.NOT_AUTHENTICATED, "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its key"
        case ConnectionFailed() | HTTPClientError():
            code, hint = Code.SERVER_DOWN, "check --region, --endpoint and the network"
        case _:
            code, hint = Code.BAD_SETTING, "check --region, --endpoint and AWS_PROFILE"
    return PhloSqlError(code, f"AWS Glue cannot be asked: {cause}", hint)
