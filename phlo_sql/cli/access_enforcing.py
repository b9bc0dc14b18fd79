"""What `access publish` and `access verify` do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import config
from phlo_sql.access import bundle as bundles
from phlo_sql.access import publish as publishing
from phlo_sql.access import store
from phlo_sql.access import verify as verifying
from phlo_sql.cli import host
from phlo_sql.cli.connection import connected
from phlo_sql.cli.output import Report
from phlo_sql.config import trino_catalog
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe import trino

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.model.names import TableName
    from phlo_sql.observe.trino import TrinoSession


def publish(bundle: str | None, rules: str | None, options: Options) -> Report:
    """To the places named, or to all that are set up. Asks PostgreSQL only, so that it works while
    a server that denies everything waits for its policies."""
    settings = config.load(dict(options.flags))
    deed = host.Deed(command="access publish", resource=str(settings.access_schema.value))
    with host.doing(deed) as outcome:
        report = _published(bundle, rules, settings)
        outcome["status"] = report.status
    return report


def _published(bundle: str | None, rules: str | None, settings: Settings) -> Report:
    everywhere = bundle is None and rules is None
    opa = bundles.program()
    places: list[str] = []
    checked = False
    warnings: list[str] = []
    with store.read_alone(settings) as (grants, digest):
        if bundle is not None or (everywhere and settings.access_opa_bundle.value):
            place = _place(bundle, settings.access_opa_bundle.value, "access_opa_bundle")
            publishing.to_opa(settings, grants, digest, place, opa)
            places.append(publishing.shown(place))
            checked = opa is not None
            if opa is None:
                warnings.append("no `opa` on the PATH: it did not check and test the bundle")
        if rules is not None or (everywhere and settings.access_rules_file.value):
            place = _place(rules, settings.access_rules_file.value, "access_rules_file")
            warnings += publishing.to_file(settings, grants, digest, place)
            places.append(place)
    if not places:
        raise PhloSqlError(
            Code.MISSING_SETTING,
            "nothing says where the policies are to be published",
            "add --opa PLACE or --file PATH, or set access_opa_bundle or access_rules_file",
        )

    def human(out: Console) -> None:
        for place in places:
            out.print(f"published {len(grants)} grant(s): {place}", soft_wrap=True)

    return Report(
        status="success",
        data={
            "published": places,
            "grants": len(grants),
            "revision": digest,
            "checked_by_opa": checked,
        },
        warnings=tuple(warnings),
        human=human,
    )


def verify(
    users: tuple[str, ...], tables: tuple[tuple[TableName, str | None], ...], options: Options
) -> Report:
    """One line for each answer that is not what the policies say."""
    with connected(options) as (settings, session):
        grants, _ = store.read(settings)
        chosen = [_physical(settings, table, ref) for table, ref in tables]
        probes = verifying.verify(
            settings, grants, session, lambda user: _as(settings, user), users=users, tables=chosen
        )
    drift = [probe for probe in probes if not probe.agrees]
    unknown = [probe for probe in probes if probe.server == verifying.UNKNOWN]
    counted = Counter(probe.user for probe in probes)

    def human(out: Console) -> None:
        for probe in drift:
            out.print(probe.line, soft_wrap=True)
        out.print(
            f"{len(probes) - len(drift) - len(unknown)} of {len(probes)} answers agree, "
            f"of {len(counted)} user(s)"
        )

    return Report(
        status="error" if drift else ("success" if probes else "noop"),
        data={
            "differences": [probe.document() for probe in drift],
            "checks": [probe.document() for probe in probes],
        },
        errors=tuple(f"drift: {probe.line}" for probe in drift) if options.as_json else (),
        warnings=tuple(f"neither yes nor no: {probe.line}" for probe in unknown)
        if probes
        else ("there is no table to ask about: name one with --table",),
        reason_code="drift" if drift else None,
        exit_code=1 if drift else 0,
        human=human,
    )


def _as(settings: Settings, user: str) -> AbstractContextManager[TrinoSession]:
    return trino.connect(settings, acting_as=user)


def _physical(settings: Settings, table: TableName, ref: str | None) -> TableName:
    return replace(table, catalog=trino_catalog(settings, ref, table.catalog))


def _place(given: str | None, configured: str, name: str) -> str:
    place = given or configured
    if not place:
        raise PhloSqlError(
            Code.MISSING_SETTING,
            f"nothing says where to publish: {name} is not set",
            f"name the place after the option, or set {name}",
        )
    return place
