"""Which Trino catalog serves a ref, and how PyIceberg opens the same catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.config.settings import Settings

MAIN = "main"
_NESSIE_PATH = "/iceberg"


def trino_catalog(settings: Settings, ref: str | None, catalog: str | None = None) -> str:
    """The Trino catalog for a ref, by phlo's rule: `main` is the catalog, `x` is `catalog_x`.

    `catalog` is the one that a table named; `[refs]` overrides the rule for the default one.
    """
    base = catalog or settings.trino_catalog.value
    ref = ref or settings.trino_default_ref.value or MAIN
    if base == settings.trino_catalog.value and ref in settings.refs:
        return settings.refs[ref]
    return base if ref == MAIN else f"{base}_{ref}"


def nessie_uri(settings: Settings) -> str | None:
    """Nessie's address without a path, where one is known."""
    if settings.nessie_uri.value:
        return _origin(settings.nessie_uri.value)
    if settings.nessie_host.value:
        return f"http://{settings.nessie_host.value}:{settings.nessie_port.value}"
    if _is_nessie(settings.iceberg_catalog_uri.value):
        return _origin(settings.iceberg_catalog_uri.value)
    return None


def catalog_properties(settings: Settings, catalog: str, ref: str | None = None) -> dict[str, str]:
    """PyIceberg's properties for a Trino catalog (the one of `main`) at a ref.

    `[catalogs.<name>]` wins, then PyIceberg's own configuration under that name, then phlo's
    variables, which describe TRINO_CATALOG. Raises PhloSqlError(MISSING_SETTING), or NO_REFS for a
    ref of a catalog that has none.
    """
    ref = ref or settings.trino_default_ref.value or MAIN
    mapped = trino_catalog(settings, ref, catalog)
    if mapped != catalog and (explicit := _configured(settings, mapped)):
        return explicit
    if found := _configured(settings, catalog):
        return _at_ref(found, catalog, ref)
    found = _from_variables(settings)
    served = _ref_of(settings, catalog) if found else None
    if served is None:
        raise PhloSqlError(
            Code.MISSING_SETTING,
            f"nothing says how PyIceberg opens catalog {catalog}",
            f"write [catalogs.{catalog}] in phlo-sql.toml, or set ICEBERG_CATALOG_URI or "
            "NESSIE_URI and TRINO_CATALOG",
        )
    return _at_ref(found, catalog, ref if served == MAIN else served)


def _ref_of(settings: Settings, catalog: str) -> str | None:
    """The ref that a Trino catalog serves, by the same rule backwards; None: another catalog."""
    base = settings.trino_catalog.value
    if catalog == base:
        return MAIN
    for ref, name in settings.refs.items():
        if name == catalog:
            return ref
    return catalog.removeprefix(f"{base}_") if catalog.startswith(f"{base}_") else None


def _configured(settings: Settings, catalog: str) -> dict[str, str] | None:
    if catalog in settings.catalogs:
        return dict(settings.catalogs[catalog])
    return _pyiceberg(catalog)


def _pyiceberg(catalog: str) -> dict[str, str] | None:
    # Slow to import, and only this needs it. A variable's `_` becomes `-` in PyIceberg's names.
    from pyiceberg.utils.config import Config  # noqa: PLC0415

    config = Config()
    found = config.get_catalog_config(catalog)
    found = found or config.get_catalog_config(catalog.replace("_", "-"))
    return {name: str(value) for name, value in found.items()} if found else None


def _from_variables(settings: Settings) -> dict[str, str]:
    uri, kind = settings.iceberg_catalog_uri.value, settings.iceberg_catalog_type.value.lower()
    if not uri and (nessie := nessie_uri(settings)) and kind in ("", "rest", "nessie"):
        uri = nessie + _NESSIE_PATH
    if not uri and kind != "glue":
        return {}
    optional = {
        "type": "rest" if kind == "nessie" else kind or _kind_of(uri),
        "uri": uri,
        "catalog-name": settings.iceberg_catalog_name.value,
        "warehouse": settings.iceberg_warehouse.value,
        "token": (settings.iceberg_token.value or settings.nessie_token.value).reveal(),
        "s3.endpoint": settings.s3_endpoint.value,
        "s3.access-key-id": settings.s3_access_key.value,
        "s3.secret-access-key": settings.s3_secret_key.value.reveal(),
        "s3.session-token": settings.s3_session_token.value.reveal(),
        "s3.region": settings.s3_region.value,
    }
    return {name: value for name, value in optional.items() if value}


def _kind_of(uri: str) -> str:
    scheme = urlsplit(uri).scheme.split("+")[0]
    kinds = {
        "http": "rest",
        "https": "rest",
        "thrift": "hive",
        "postgresql": "sql",
        "sqlite": "sql",
    }
    if scheme not in kinds:
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"iceberg_catalog_uri: {scheme or 'no scheme'} is no kind of catalog",
            "write http[s]://…, thrift://… or postgresql+psycopg://…, or set ICEBERG_CATALOG_TYPE",
        )
    return kinds[scheme]


def _at_ref(properties: Mapping[str, str], catalog: str, ref: str) -> dict[str, str]:
    """Nessie's Iceberg REST takes the ref from its path: `/iceberg/<ref>`."""
    uri = properties.get("uri", "")
    if _is_nessie(uri):
        base = uri[: uri.index(_NESSIE_PATH, len(_origin(uri))) + len(_NESSIE_PATH)]
        return {**properties, "uri": f"{base}/{quote(ref, safe='')}"}
    if ref != MAIN:
        raise PhloSqlError(
            Code.NO_REFS,
            f"catalog {catalog} has no ref {ref}: it is not a Nessie catalog",
            "leave --ref out, or map the ref to its own catalog in phlo-sql.toml: "
            "[refs] and [catalogs.<name>]",
        )
    return dict(properties)


def _is_nessie(uri: str) -> bool:
    """`…/iceberg` or `…/iceberg/<ref>`, which is where Nessie serves Iceberg REST."""
    parts = urlsplit(uri)
    segments = parts.path.strip("/").split("/")
    return parts.scheme in ("http", "https") and segments[0] == "iceberg" and len(segments) <= 2


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
