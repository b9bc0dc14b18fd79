"""`access`: who may do what."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.access_log import audit_log, collect
from phlo_sql.cli.options import TABLE, Options, policies, policing

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.access.grants import Principal
    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName


def _principal(command: Callable[..., Any]) -> Callable[..., Any]:
    user = click.option("--user", "user_name", metavar="USER", help="A user of Trino.")
    group = click.option("--group", "group_name", metavar="GROUP", help="A group of users.")
    return user(group(command))


def _one(user: str | None, group: str | None) -> Principal:
    from phlo_sql.access.grants import Principal

    if (user is None) == (group is None):
        raise click.UsageError("name one of --user and --group")
    if user is not None:
        return Principal(kind="user", name=user)
    return Principal(kind="group", name=str(group))


def _line(*words: str | None) -> str:
    """The command that was given, as it can be given again."""
    return shlex.join(["phlo-sql", "access", *(word for word in words if word is not None)])


@click.group()
def access() -> None:
    """Who may do what."""


@access.command()
@click.option("--admin", metavar="USER", help="The first admin of everything.")
@click.option(
    "--database-role",
    metavar="ROLE",
    help="PostgreSQL role that runs phlo-sql: may read policies, and change them by CALL only.",
)
@policies
def init(admin: str | None, database_role: str | None, options: Options) -> Report:
    """Make or upgrade the schema for policies in PostgreSQL; safe to run again.

    \b
    Examples:
      phlo-sql access init --admin ann
      phlo-sql access init --database-role phlo_app
    """
    from phlo_sql.cli.access_policies import initialise

    return initialise(admin, database_role, options)


@access.command()
@_principal
@click.option("--role", required=True, metavar="ROLE", help="read, write or admin.")
@click.option("--until", metavar="TIME", help="When it ends: 30d, 2026-12-31 (UTC) or a moment.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the grant.")
@click.argument("resource")
@policing
def grant(
    user_name: str | None,
    group_name: str | None,
    role: str,
    until: str | None,
    reason: str,
    resource: str,
    options: Options,
) -> Report:
    """Grant a role on a catalog, schema, table or branch.

    \b
    RESOURCE is catalog, catalog.schema or catalog.schema.table; * stands for any
    run of characters inside a part, @ref for a branch.

    \b
    Examples:
      phlo-sql access grant --user ann --role read iceberg.sales
      phlo-sql access grant --group analysts --role write 'iceberg.sales.ord*'
      phlo-sql access grant --user bob --role admin iceberg.sales@dev --until 30d --reason "on call"
    """
    from phlo_sql.access.grants import Grant, role_of
    from phlo_sql.access.resource import parse_resource
    from phlo_sql.cli.access_policies import grant as run

    principal = _one(user_name, group_name)
    wanted = Grant(
        principal=principal,
        role=role_of(role),
        resource=parse_resource(resource),
        reason=reason.strip(),
    )
    ends = ["--until", until] if until else []
    why = ["--reason", reason] if reason else []
    line = _line("grant", f"--{principal.kind}", principal.name, "--role", role, *ends, *why)
    return run(wanted, until, f"{line} {shlex.quote(resource)}", options)


@access.command()
@_principal
@click.option("--role", metavar="ROLE", help="Only this role; every one without it.")
@click.argument("resource")
@policing
def revoke(
    user_name: str | None,
    group_name: str | None,
    role: str | None,
    resource: str,
    options: Options,
) -> Report:
    """Take away what was granted on exactly this resource.

    \b
    Examples:
      phlo-sql access revoke --user ann iceberg.sales
      phlo-sql access revoke --group analysts --role write 'iceberg.sales.ord*'
    """
    from phlo_sql.access.grants import role_of
    from phlo_sql.access.resource import parse_resource
    from phlo_sql.cli.access_policies import revoke as run

    principal = _one(user_name, group_name)
    roles = ["--role", role] if role else []
    line = _line("revoke", f"--{principal.kind}", principal.name, *roles, resource)
    chosen = role_of(role) if role is not None else None
    return run(principal, chosen, parse_resource(resource), line, options)


@access.command("list")
@_principal
@click.option("--resource", metavar="PATTERN", help="Grants on it, within it or around it.")
@click.option(
    "--effective", is_flag=True, help="Only what is in force and no wider grant makes needless."
)
@policies
def list_grants(
    user_name: str | None,
    group_name: str | None,
    resource: str | None,
    effective: bool,
    options: Options,
) -> Report:
    """Show who may do what. A user and --group name what that user has as its member.

    \b
    Examples:
      phlo-sql access list
      phlo-sql access list --resource 'iceberg.sales.*'
      phlo-sql access list --user ann --group analysts --effective
    """
    from phlo_sql.access.resource import parse_resource
    from phlo_sql.cli.access_reading import list_grants as run

    pattern = None if resource is None else parse_resource(resource)
    return run(user_name, group_name, pattern, effective, options)


@access.command()
@click.option("--user", "user_name", required=True, metavar="USER", help="A user of Trino.")
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="A group of the user.")
@click.option("--action", required=True, metavar="ACTION", help="select, insert, optimize, drop, …")
@click.argument("resource")
@policies
def explain(
    user_name: str, groups: tuple[str, ...], action: str, resource: str, options: Options
) -> Report:
    """Which grant decides whether a user may do something, and why.

    \b
    What nobody granted is refused; of the grants that cover the resource and are
    in force, the highest role holds; nothing takes a grant away but its end or revoke.

    \b
    Examples:
      phlo-sql access explain --user ann --action select iceberg.sales.orders
      phlo-sql access explain --user ann --group analysts --action optimize iceberg.sales.orders@dev
    """
    from phlo_sql.access.decide import Identity
    from phlo_sql.access.grants import need_of
    from phlo_sql.access.resource import parse_resource
    from phlo_sql.cli.access_reading import explain as run

    need_of(action)
    return run(Identity(user=user_name, groups=groups), action, parse_resource(resource), options)


@access.command()
@policies
def export(options: Options) -> Report:
    """Print every grant as YAML, for `access apply`.

    \b
    Example:
      phlo-sql access export > policies.yaml
    """
    from phlo_sql.cli.access_reading import export as run

    return run(options)


@access.command()
@click.argument("file")
@click.option("--prune", is_flag=True, help="Take away what the file does not have.")
@click.option(
    "--exit-code", is_flag=True, help="Only compare, also what is surplus; exit 1 on a difference."
)
@policing
def apply(file: str, prune: bool, exit_code: bool, options: Options) -> Report:
    """Make the policies what a file says.

    \b
    Examples:
      phlo-sql access apply policies.yaml --dry-run
      phlo-sql access apply policies.yaml --prune --yes
      phlo-sql access apply policies.yaml --exit-code
    """
    from phlo_sql.cli.access_policies import apply_file

    line = _line("apply", file, "--prune" if prune else None)
    return apply_file(file, prune=prune, exit_code=exit_code, command_line=line, options=options)


@access.command()
@click.option(
    "--opa",
    "bundle",
    is_flag=False,
    flag_value="",
    metavar="[PLACE]",
    help="OPA's bundle, to the place that access_opa_bundle names, or to this file, s3:// or URL.",
)
@click.option(
    "--file",
    "rules",
    is_flag=False,
    flag_value="",
    metavar="[PATH]",
    help="Trino's rules file, to the path that access_rules_file names, or to this one.",
)
@policies
def publish(bundle: str | None, rules: str | None, options: Options) -> Report:
    """Hand the policies to whoever enforces them in Trino; everywhere that is set up without
    an option. grant, revoke and apply do it by themselves.

    \b
    Examples:
      phlo-sql access publish
      phlo-sql access publish --opa s3://policies/trino/bundle.tar.gz
      phlo-sql access publish --file /etc/trino/rules.json
    """
    from phlo_sql.cli.access_enforcing import publish as run

    return run(bundle, rules, options)


@access.command()
@click.option("--user", "users", multiple=True, metavar="USER", help="Only this user; repeatable.")
@click.option(
    "--table", "tables", multiple=True, type=TABLE, metavar="TABLE", help="Only this table."
)
@policies
def verify(
    users: tuple[str, ...], tables: tuple[tuple[TableName, str | None], ...], options: Options
) -> Report:
    """Compare what the policies say with what the server answers each user; exit 1 on drift.

    \b
    Statements are only explained, as each user: that needs an admin of everything.

    \b
    Examples:
      phlo-sql access verify
      phlo-sql access verify --user ann --table iceberg.sales.orders
    """
    from phlo_sql.cli.access_enforcing import verify as run

    return run(users, tables, options)


access.add_command(audit_log)
access.add_command(collect)
