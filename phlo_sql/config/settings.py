# ruff: noqa: RUF009 - `setting` makes a dataclass field; ruff knows `field` only by name
"""Every setting, declared once, and how one is found: the first layer that names it wins."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.config import layers
from phlo_sql.config.secret import Secret, password_of
from phlo_sql.config.table import (
    Definition,
    Setting,
    duration,
    on_failure,
    pairs,
    port,
    query_text,
    read_value,
    roles,
    scheme,
    secret,
    setting,
    switch,
    text,
    verification,
    words,
)
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECRET_PROPERTY = ("password", "secret", "token", "credential", "account-key", "sas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this run was told, each value with its source. Made by `load`, once, in `cli`."""

    trino_host: Setting[str] = setting(
        text, "TRINO_HOST", default="", help="Trino's coordinator: a name, or http[s]://name:port"
    )
    trino_port: Setting[int | None] = setting(
        port, "TRINO_PORT", help="its port; 8080, or 443 with https, where none is named"
    )
    trino_http_scheme: Setting[str | None] = setting(
        scheme, "TRINO_HTTP_SCHEME", help="http or https; https where the port is 443, else http"
    )
    trino_user: Setting[str] = setting(
        text,
        "TRINO_USER",
        default="",
        help="the user; your login name, or with a token or certificate who that says",
    )
    trino_password: Setting[Secret] = setting(
        secret, "TRINO_PASSWORD", default=Secret(), help="the user's password, over https"
    )
    trino_jwt: Setting[Secret] = setting(
        secret, "TRINO_JWT", default=Secret(), help="a JSON web token instead of a password"
    )
    trino_oauth2: Setting[bool] = setting(
        switch, "TRINO_OAUTH2", default=False, help="log in through the browser: true or false"
    )
    trino_client_cert: Setting[str] = setting(
        text, "TRINO_CLIENT_CERT", default="", help="PEM file of a client certificate"
    )
    trino_client_key: Setting[str] = setting(
        text, "TRINO_CLIENT_KEY", default="", help="PEM file of that certificate's key"
    )
    trino_verify: Setting[bool | str] = setting(
        verification,
        "TRINO_VERIFY",
        default=True,
        help="check the server's certificate: true, false, or a file of authorities",
    )
    trino_allow_insecure_auth: Setting[bool] = setting(
        switch,
        "TRINO_ALLOW_INSECURE_AUTH",
        default=False,
        help="send credentials over http to another machine: true or false",
    )
    trino_catalog: Setting[str] = setting(
        text, "TRINO_CATALOG", default="iceberg", help="catalog of tables named without one"
    )
    scratch_catalog: Setting[str] = setting(
        text,
        "PHLO_SQL_SCRATCH_CATALOG",
        default="",
        help="a JDBC catalog of Trino on the same storage, where a vacuum of a Nessie table shows "
        "the server all refs at once",
    )
    migrate_storage: Setting[Mapping[str, str]] = setting(
        pairs,
        "PHLO_SQL_MIGRATE_STORAGE",
        default={},
        help="file systems of a migration's scratch catalogs, as Trino spells them; secrets as "
        "${ENV:NAME}, which the server resolves: fs.s3.enabled=true,s3.region=eu-west-1",
    )
    migrate_scratch: Setting[str] = setting(
        text,
        "PHLO_SQL_MIGRATE_SCRATCH",
        default="",
        help="a folder that a migration's scratch catalogs may write to: s3://bucket/scratch",
    )
    trino_default_ref: Setting[str] = setting(
        text, "TRINO_DEFAULT_REF", default="main", help="the Nessie ref where none is named"
    )
    trino_roles: Setting[Mapping[str, str]] = setting(
        roles,
        "TRINO_ROLES",
        "TRINO_ROLE",
        default={},
        help="a system role, or catalog=role,catalog=role",
    )
    trino_session_properties: Setting[Mapping[str, str]] = setting(
        pairs,
        "TRINO_SESSION_PROPERTIES",
        default={},
        help="session properties: name=value,catalog.name=value",
    )
    trino_source: Setting[str] = setting(
        text, "TRINO_SOURCE", default="phlo-sql", help="the source shown in the server's query list"
    )
    trino_client_tags: Setting[tuple[str, ...]] = setting(
        words, "TRINO_CLIENT_TAGS", default=(), help="tags for resource groups: a,b"
    )
    trino_request_timeout: Setting[timedelta] = setting(
        duration,
        "TRINO_REQUEST_TIMEOUT",
        default=timedelta(seconds=30),
        help="how long one answer of the server may take (not one query): 30s",
    )
    trino_timezone: Setting[str] = setting(
        text, "TRINO_TIMEZONE", default="UTC", help="time zone of the session"
    )
    iceberg_catalog_uri: Setting[str] = setting(
        text,
        "PHLO_ICEBERG_CATALOG_URI",
        "ICEBERG_CATALOG_URI",
        default="",
        help="the Iceberg catalog for PyIceberg: http://…, postgresql+psycopg://…, thrift://…",
    )
    iceberg_catalog_type: Setting[str] = setting(
        text,
        "PHLO_ICEBERG_CATALOG_TYPE",
        "ICEBERG_CATALOG_TYPE",
        default="",
        help="rest, sql, hive or glue, where the address does not tell",
    )
    iceberg_catalog_name: Setting[str] = setting(
        text,
        "ICEBERG_CATALOG_NAME",
        default="",
        help="name of a JDBC catalog's rows, where it is not the Trino catalog's",
    )
    iceberg_warehouse: Setting[str] = setting(
        text,
        "PHLO_ICEBERG_WAREHOUSE_PATH",
        "ICEBERG_WAREHOUSE_PATH",
        default="",
        help="the catalog's warehouse",
    )
    iceberg_token: Setting[Secret] = setting(
        secret, "ICEBERG_CATALOG_TOKEN", default=Secret(), help="bearer token for a REST catalog"
    )
    s3_endpoint: Setting[str] = setting(
        text,
        "PHLO_ICEBERG_S3_ENDPOINT",
        "ICEBERG_S3_ENDPOINT",
        "S3_ENDPOINT",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        default="",
        help="the object store, where it is not AWS",
    )
    s3_access_key: Setting[str] = setting(
        text,
        "PHLO_ICEBERG_S3_ACCESS_KEY",
        "ICEBERG_S3_ACCESS_KEY",
        "S3_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        default="",
        help="access key of the object store",
    )
    s3_secret_key: Setting[Secret] = setting(
        secret,
        "PHLO_ICEBERG_S3_SECRET_KEY",
        "ICEBERG_S3_SECRET_KEY",
        "S3_SECRET_KEY",
        "AWS_SECRET_ACCESS_KEY",
        default=Secret(),
        help="secret key of the object store",
    )
    s3_session_token: Setting[Secret] = setting(
        secret, "AWS_SESSION_TOKEN", default=Secret(), help="session token of the object store"
    )
    s3_region: Setting[str] = setting(
        text,
        "PHLO_ICEBERG_S3_REGION",
        "ICEBERG_S3_REGION",
        "S3_REGION",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        default="",
        help="region of the object store",
    )
    nessie_uri: Setting[str] = setting(
        text, "NESSIE_URI", default="", help="Nessie, as http[s]://host:port"
    )
    nessie_host: Setting[str] = setting(
        text, "NESSIE_HOST", default="", help="Nessie's host, where no NESSIE_URI is named"
    )
    nessie_port: Setting[int] = setting(
        port, "NESSIE_PORT", default=19120, help="Nessie's port, beside NESSIE_HOST"
    )
    nessie_token: Setting[Secret] = setting(
        secret, "NESSIE_TOKEN", default=Secret(), help="bearer token for Nessie"
    )
    postgres_host: Setting[str] = setting(
        text, "POSTGRES_HOST", default="", help="PostgreSQL that keeps the policies"
    )
    postgres_port: Setting[int] = setting(port, "POSTGRES_PORT", default=5432, help="its port")
    postgres_user: Setting[str] = setting(text, "POSTGRES_USER", default="phlo", help="its user")
    postgres_password: Setting[Secret] = setting(
        secret, "POSTGRES_PASSWORD", default=Secret(), help="that user's password"
    )
    postgres_db: Setting[str] = setting(
        text, "POSTGRES_DB", default="phlo", help="the database in it"
    )
    access_schema: Setting[str] = setting(
        text, "PHLO_SQL_ACCESS_SCHEMA", default="access", help="its schema for the policies"
    )
    audit_schema: Setting[str] = setting(
        text, "PHLO_SQL_AUDIT_SCHEMA", default="audit", help="its schema for the audit trail"
    )
    audit_on_failure: Setting[str] = setting(
        on_failure,
        "PHLO_SQL_AUDIT_ON_FAILURE",
        default="refuse",
        help="while PostgreSQL is away: refuse, or spool (go by the policies last read, for a day)",
    )
    audit_query_text: Setting[str] = setting(
        query_text,
        "PHLO_SQL_AUDIT_QUERY_TEXT",
        default="shape",
        help="statements in the audit trail: shape (? for every value) or full",
    )
    collect_token: Setting[Secret] = setting(
        secret, "PHLO_SQL_COLLECT_TOKEN", default=Secret(), help="token that Trino's events carry"
    )
    access_opa_bundle: Setting[str] = setting(
        text,
        "PHLO_SQL_ACCESS_OPA_BUNDLE",
        default="",
        help="where OPA polls its bundle: a file, s3://bucket/key or http[s]://…",
    )
    access_rules_file: Setting[str] = setting(
        text, "PHLO_SQL_ACCESS_RULES_FILE", default="", help="Trino's rules.json to keep written"
    )
    require_approval: Setting[bool] = setting(
        switch,
        "PHLO_SQL_REQUIRE_APPROVAL",
        default=False,
        help="run only runbooks that an allowed signer approved: true or false",
    )
    four_eyes: Setting[bool] = setting(
        switch,
        "PHLO_SQL_FOUR_EYES",
        default=False,
        help="require an approval by somebody who neither made it nor runs it: true or false",
    )
    allowed_signers: Setting[str] = setting(
        text,
        "PHLO_SQL_ALLOWED_SIGNERS",
        default="",
        help="file of SSH keys whose signatures count, as ssh-keygen reads it",
    )
    config: Setting[str] = setting(
        text, "PHLO_SQL_CONFIG", default="", help="the settings file, instead of ./phlo-sql.toml"
    )
    file: Path | None = None
    """The phlo-sql.toml that was read."""
    catalogs: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """`[catalogs.<name>]`: PyIceberg's properties for a Trino catalog."""
    refs: Mapping[str, str] = field(default_factory=dict)
    """`[refs]`: the Trino catalog of a ref."""

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown."""
        found = [
            setting.value.reveal() if isinstance(setting.value, Secret) else password_of(text)
            for definition in DEFINITIONS
            for setting in (self[definition.name],)
            for text in (str(setting.value),)
        ]
        for properties in self.catalogs.values():
            found += [secret_of(name, value) for name, value in properties.items()]
        return tuple(text for text in found if text)

    def __getitem__(self, name: str) -> Setting[Any]:
        found: Setting[Any] = getattr(self, name)
        return found


def secret_of(name: str, value: str) -> str:
    """What of a catalog property must not be shown: all of it, a password within it, or nothing."""
    secret_name = any(word in name.lower() for word in _SECRET_PROPERTY)
    return value if secret_name else password_of(value)


def _definitions() -> Iterable[Definition]:
    for found in fields(Settings):
        if "env" in found.metadata:
            read = found.metadata["read"]
            yield Definition(
                name=found.name,
                env=found.metadata["env"],
                kind=read.__name__,
                default=found.metadata["default"],
                help=found.metadata["help"],
                read=read,
            )


DEFINITIONS: tuple[Definition, ...] = tuple(_definitions())
"""The table of settings, in the order of the reference page."""

ADDRESS = "server"
"""Not a setting of its own: scheme, host and port in one, as a flag or in the file."""


def load(
    flags: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Read every layer once. `flags` go by the names of the table, and `server`.

    Raises PhloSqlError(BAD_SETTING) for a value that cannot be, or a file that cannot be read.
    """
    flags = dict(flags or {})
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    names = {definition.name for definition in DEFINITIONS}
    if unknown := set(flags) - names - {ADDRESS}:
        raise PhloSqlError(
            Code.BAD_SETTING, f"unknown setting {min(unknown)!r}", "see the settings reference"
        )
    named = flags.get("config", environ.get("PHLO_SQL_CONFIG", ""))
    path = layers.find_file(named, cwd)
    from_file = (
        layers.read_file(path, names - {"config"} | {ADDRESS}) if path else layers.FileSettings()
    )
    project = cwd / environ.get("PHLO_PROJECT_PATH", "")
    stack = [
        ("flag", flags),
        ("environment", _by_name(environ)),
        (path.name if path else layers.FILE_NAME, dict(from_file.values)),
        *((source, _by_name(values)) for source, values in layers.phlo_layers(project, environ)),
    ]
    resolved = [(source, layers.expand_address(layer, source)) for source, layer in stack]
    values = {definition.name: _resolve(definition, resolved) for definition in DEFINITIONS}
    return Settings(file=path, catalogs=from_file.catalogs, refs=from_file.refs, **values)


def _by_name(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables under the names of the table; of several that are set, the first listed wins."""
    found = {}
    for definition in DEFINITIONS:
        variable = next((name for name in definition.env if name in environ), None)
        if variable is not None:
            found[definition.name] = environ[variable]
    return found


def _resolve(
    definition: Definition, stack: Iterable[tuple[str, Mapping[str, str]]]
) -> Setting[Any]:
    for source, layer in stack:
        if definition.name in layer:
            return read_value(definition, layer[definition.name], source)
    return Setting(definition.default)


def user_of(settings: Settings) -> str | None:
    """The user to name to Trino: None where a token or certificate says who it is."""
    if settings.trino_user.value:
        return settings.trino_user.value
    if settings.trino_jwt.value or settings.trino_oauth2.value or settings.trino_client_cert.value:
        return None
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
