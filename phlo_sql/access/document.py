"""Policies as a YAML file: the desired state, written by `export` and read by `apply`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from phlo_sql.access.grants import Grant, Principal, role_of
from phlo_sql.access.resource import parse_resource
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = {"user", "group", "role", "resource", "until", "reason"}


def write_document(grants: Iterable[Grant]) -> str:
    """Every grant, in an order of its own, so that two exports differ by their grants only."""
    import yaml

    ordered = sorted(grants, key=lambda grant: (str(grant.principal), grant.resource, grant.role))
    entries = []
    for grant in ordered:
        entry: dict[str, Any] = {
            grant.principal.kind: grant.principal.name,
            "role": str(grant.role),
            "resource": str(grant.resource),
        }
        if grant.until:
            entry["until"] = grant.until.astimezone(UTC).isoformat()
        if grant.reason:
            entry["reason"] = grant.reason
        entries.append(entry)
    text: str = yaml.safe_dump({"grants": entries}, sort_keys=False, allow_unicode=True)
    return text


def read_document(text: str, name: str) -> tuple[Grant, ...]:
    """Raises PhloSqlError(BAD_POLICY, BAD_RESOURCE) that names the entry."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(text, Loader=loader)  # noqa: S506 - the safe loader, in C where it is
    except yaml.YAMLError as error:
        _bad(name, " ".join(str(error).split()))
    if not isinstance(content, dict) or set(content) != {"grants"}:
        _bad(name, "it does not hold `grants:` and nothing else")
    entries = content["grants"]
    if not isinstance(entries, list | None):
        _bad(name, "`grants` is not a list")
    found: dict[object, Grant] = {}
    for number, entry in enumerate(entries or (), start=1):
        grant = _grant(entry, f"{name}, grant {number}")
        if grant.key in found:
            _bad(f"{name}, grant {number}", f"{grant} stands there twice")
        found[grant.key] = grant
    return tuple(found.values())


def parse_until(text: str, now: datetime) -> datetime:
    """`30d` from now, `2026-12-31` (to the end of that day, UTC), or an ISO moment.

    Raises PhloSqlError(BAD_POLICY) also for what is past.
    """
    found = _moment(text, now)
    if found <= now:
        raise PhloSqlError(
            Code.BAD_POLICY, f"--until {text} is past", "name a moment that is still to come"
        )
    return found


def _moment(text: str, now: datetime) -> datetime:
    try:
        if len(text.strip()) == len("2026-12-31"):
            day = date.fromisoformat(text.strip())
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return (now + parse_duration(text)).replace(microsecond=0)
    except (PhloSqlError, OverflowError) as error:
        raise PhloSqlError(
            Code.BAD_POLICY,
            f"until {text!r} is no moment",
            "write 2026-12-31, 2026-12-31T18:00Z or 30d",
        ) from error


def _grant(entry: Any, where: str) -> Grant:
    if not isinstance(entry, dict):
        _bad(where, "it is not a mapping of user or group, role and resource")
    if unknown := sorted(map(str, set(entry) - _FIELDS)):
        _bad(where, f"{unknown[0]!r} is not a field of a grant")
    kinds = [kind for kind in ("user", "group") if kind in entry]
    if len(kinds) != 1:
        _bad(where, "it names neither a user nor a group" if not kinds else "it names both")
    for field in (*kinds, "role", "resource"):
        if not isinstance(entry.get(field), str):
            _bad(where, f"{field} is missing, or not text (quote it)")
    return Grant(
        principal=Principal(kind="group" if kinds == ["group"] else "user", name=entry[kinds[0]]),
        role=role_of(entry["role"]),
        resource=parse_resource(entry["resource"]),
        until=_until(entry.get("until"), where),
        reason=str(entry.get("reason") or ""),
    )


def _until(value: Any, where: str) -> datetime | None:
    """In a file only a moment or a day: a duration would move with each reading."""
    match value:
        case None:
            return None
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        case date():
            return datetime(value.year, value.month, value.day, tzinfo=UTC) + timedelta(days=1)
        case str() if not value.strip().isdigit() and "-" in value:
            return _moment(value, datetime.min.replace(tzinfo=UTC))
        case _:
            return _bad(where, f"until {value!r} is no moment")


def _bad(where: str, why: str) -> NoReturn:
    raise PhloSqlError(
        Code.BAD_POLICY,
        f"{where}: {why}",
        "see `phlo-sql access export` for how a file of policies looks",
    )
