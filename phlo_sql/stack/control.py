"""`up`, `down` and `status`: the servers of one stack together, one command at a time."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import cache, distribution, environment, kept, launch, machine, ports
from phlo_sql.stack import events as events_server
from phlo_sql.stack import glue as glue_server
from phlo_sql.stack import hive as hive_server
from phlo_sql.stack import nessie as nessie_server
from phlo_sql.stack import opa as opa_server
from phlo_sql.stack import postgres as postgres_server
from phlo_sql.stack import s3 as s3_server
from phlo_sql.stack import trino as trino_server
from phlo_sql.stack.info import EXTRAS, VERSIONS, Service, StackInfo, StackRequest
from phlo_sql.stack.kept import Kept
from phlo_sql.stack.layout import ON_S3, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from phlo_sql.stack.launch import Launch

_PORTS = {
    "postgres": ("postgres",),
    "s3": s3_server.PORTS,
    "nessie": nessie_server.PORTS,
    "opa": ("opa",),
    "events": ("events",),
    "hive": ("hive",),
    "glue": ("glue",),
    "trino": ("trino",),
}


def up(request: StackRequest) -> StackInfo:
    """The stack that was asked for: as it runs, or with what is missing started."""
    _check(request)
    with _alone(request.home):
        before = kept.load(request.home) or Kept(trino_version=request.trino)
        before = _living(before)
        _check_fits(request, before)
        extras = request.services | (before.extras if before.services else frozenset())
        if {service.name for service in before.services} == set(_wanted(extras)):
            return _info(request, before)
        return _start(request, before, extras)


def down(request: StackRequest, *, purge: bool = False) -> StackInfo | None:
    """Stop all that runs; what ran, or None. The data stay, except when purged."""
    if not request.home.is_dir():
        return None
    with _alone(request.home):
        before = kept.load(request.home)
        if before is None:
            return None
        before = _living(before)
        stopped = _info(request, before) if before.services else None
        _stop(request, before)
        if purge:
            place = _layout(request, before)
            for folder in (place.postgres_home, request.home):
                shutil.rmtree(folder, ignore_errors=True)
    return stopped


def status(name: str = "default", directory: Path | None = None) -> StackInfo | None:
    """None where no server of that stack runs. One that ended is listed as not ready."""
    request = StackRequest(name=name, directory=directory)
    found = kept.load(request.home)
    if found is None or not _living(found).services:
        return None
    return _info(request, found)


def _start(request: StackRequest, before: Kept, extras: frozenset[str]) -> StackInfo:
    programs = machine.find(
        s3=bool(extras & ON_S3),
        opa="opa" in extras,
        hive="hive" in extras,
        glue="glue" in extras,
    )
    trino_programs = distribution.trino(request.trino, programs, request.progress)
    nessie_jar = distribution.nessie(programs, request.progress) if "nessie" in extras else Path()
    opa = (
        opa_server.program(programs.opa, programs.go, request.progress)
        if "opa" in extras
        else Path()
    )
    metastore = distribution.metastore(programs, request.progress) if "hive" in extras else Path()
    if any(service.name == "trino" for service in before.services):
        before = _stop(request, before, only="trino")  # it reads its catalogs when it starts
    now = kept.with_passwords(
        replace(
            before,
            trino_version=request.trino,
            extras=extras,
            ports=_choose_ports(request, before, extras),
        )
    )
    place = _layout(request, now)
    place.folder("warehouse")
    env = environment.environment(place)
    environment.write_pyiceberg_file(request.home, env)
    makers: dict[str, Callable[[], Launch]] = {
        "postgres": lambda: postgres_server.launch(place, programs),
        "s3": lambda: s3_server.launch(place, programs),
        "nessie": lambda: nessie_server.launch(place, programs, nessie_jar),
        "opa": lambda: opa_server.launch(place, opa, env),
        "events": lambda: events_server.launch(place, env),
        "hive": lambda: hive_server.launch(place, programs, metastore),
        "glue": lambda: glue_server.launch(place, programs),
        "trino": lambda: trino_server.launch(
            place, programs, trino_programs, request.trino_settings, request.trino_heap
        ),
    }
    started = _Start(request, replace(now, env=env))
    running = {service.name for service in before.services}
    with _undone_on_failure(request, started):
        # All others keep their history in PostgreSQL; they come up side by side.
        for batch in (("postgres",), _wanted(extras)[1:]):
            started.bring_up([makers[name] for name in batch if name not in running])
    return _info(request, started.now)


class _Start:
    """One start as it goes: every server is written down before it is waited for."""

    def __init__(self, request: StackRequest, now: Kept) -> None:
        self.request = request
        self.now = now
        self.begun: list[Service] = []

    def bring_up(self, makers: Sequence[Callable[[], Launch]]) -> None:
        waiting = []
        for make in makers:
            one = make()
            self.request.progress(f"starts {one.name} on port {one.port}")
            service = launch.begin(one)
            self.begun.append(service)
            self.now = replace(self.now, services=(*self.now.services, service))
            kept.save(self.request.home, self.now)
            waiting.append((one, service))
        for one, service in waiting:
            launch.await_ready(one, service)
            self.request.progress(f"{one.name} is ready")


@contextmanager
def _undone_on_failure(request: StackRequest, started: _Start) -> Iterator[None]:
    try:
        yield
    except BaseException:
        gone = {service.name for service in started.begun}
        for service in reversed(started.begun):
            launch.stop(service)
        left = tuple(service for service in started.now.services if service.name not in gone)
        kept.save(request.home, replace(started.now, services=left))
        raise


def _stop(request: StackRequest, before: Kept, only: str | None = None) -> Kept:
    """In the order in which they lean on each other: Trino first, PostgreSQL last."""
    stopping = [s for s in reversed(before.services) if only is None or s.name == only]
    for service in stopping:
        request.progress(f"stops {service.name}")
        launch.stop(service)
    left = tuple(service for service in before.services if service not in stopping)
    after = replace(before, services=left)
    kept.save(request.home, after)
    return after


def _check(request: StackRequest) -> None:
    if request.trino not in VERSIONS:
        known = " and ".join(map(str, VERSIONS))
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"the local stack has no Trino {request.trino}",
            f"choose one of {known}",
        )
    known_ports = frozenset().union(*_PORTS.values())
    if "opa" in request.services and request.trino > opa_server.LAST_TRINO:
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"the local stack has no OPA plugin for Trino {request.trino}: it is not published",
            f"add --trino {opa_server.LAST_TRINO}",
        )
    if "events" in request.services and request.trino > events_server.LAST_TRINO:
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"the local stack has no event listener for Trino {request.trino}: it is not published",
            f"add --trino {events_server.LAST_TRINO}",
        )
    for what, named, known_names in (
        ("service", request.services, EXTRAS),
        ("port", frozenset(request.ports), known_ports),
    ):
        if unknown := sorted(named - known_names):
            raise PhloSqlError(
                Code.BAD_SETTING,
                f"the local stack has no {what} named {unknown[0]}",
                f"choose from {', '.join(sorted(known_names))}",
            )


def _check_fits(request: StackRequest, before: Kept) -> None:
    if not before.services:
        return
    if before.trino_version != request.trino:
        raise PhloSqlError(
            Code.STACK_FAILED,
            f"stack {request.name} runs Trino {before.trino_version}, not {request.trino}",
            "stop it first (phlo-sql stack down), or start one under another --name",
        )
    running = {service.name for service in before.services}
    for name, port in request.ports.items():
        if port and _owner(name) in running and before.ports.get(name) != port:
            raise PhloSqlError(
                Code.STACK_FAILED,
                f"stack {request.name} runs {name} on port {before.ports.get(name)}, not {port}",
                "stop it first (phlo-sql stack down), or leave the port out",
            )


def _choose_ports(request: StackRequest, before: Kept, extras: frozenset[str]) -> dict[str, int]:
    running = {service.name for service in before.services}
    names = [
        port for service in _wanted(extras) if service not in running for port in _PORTS[service]
    ]
    return {**before.ports, **ports.choose(names, request.ports, before.ports)}


def _owner(port: str) -> str:
    return next(service for service, names in _PORTS.items() if port in names)


def _wanted(extras: frozenset[str]) -> tuple[str, ...]:
    s3 = ("s3",) if extras & ON_S3 else ()
    return ("postgres", *s3, *sorted(extras), "trino")


def _living(found: Kept) -> Kept:
    alive = tuple(service for service in found.services if launch.running(service))
    return replace(found, services=alive)


def _layout(request: StackRequest, now: Kept) -> Layout:
    return Layout(
        name=request.name,
        home=request.home,
        trino_version=now.trino_version,
        extras=now.extras,
        ports=now.ports,
        passwords=now.passwords,
    )


def _info(request: StackRequest, now: Kept) -> StackInfo:
    return StackInfo(
        name=request.name,
        trino_version=now.trino_version,
        directory=request.home,
        services=tuple(launch.look_again(service) for service in now.services),
        env=now.env,
    )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One command at a time per stack. The lock lies beside it, for purging removes the folder."""
    with cache.locked(home.with_name(f"{home.name}.lock")):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            yield
        finally:
            with suppress(OSError):
                home.rmdir()  # succeeds on an empty one only: nothing ever started here
