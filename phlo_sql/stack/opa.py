"""OPA before Trino: it decides by the policies of the stack's own PostgreSQL.

It watches the bundle that `access grant` and `access revoke` write, so a change counts at once.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from phlo_sql import config, postgres
from phlo_sql.access import publish, store
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import cache
from phlo_sql.stack.launch import Launch, get
from phlo_sql.stack.layout import USER, Layout
from phlo_sql.stack.ports import HOST
from phlo_sql.stack.process import telling_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

VERSION = "1.22.2"
_MODULE = "github.com/open-policy-agent/opa"
LAST_TRINO = 476
"""The last Trino whose OPA plugin Maven has."""


def program(found: Path | None, go: Path | None, progress: Callable[[str], None]) -> Path:
    """The `opa` of this machine, or the one that Go builds into the cache, once."""
    if found is not None:
        return found
    module = f"{_MODULE}@v{VERSION}"

    def make(target: Path) -> None:
        progress(f"Go builds OPA {VERSION} (once, some minutes)")
        log = target / "go.log"
        with log.open("wb") as output:
            done = subprocess.run(
                [str(go), "install", module],
                env={**os.environ, "GOBIN": str(target)},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise PhloSqlError(
                Code.STACK_FAILED,
                f"Go could not build OPA: {telling_line(log)}",
                "see that Go reaches its module proxy, or put `opa` on the PATH",
            )

    return cache.folder(f"opa-{VERSION}", module, make) / "opa"


def launch(layout: Layout, opa: Path, env: Mapping[str, str]) -> Launch:
    """Makes the first admin and the first bundle before OPA starts: it would not without one."""
    _publish(env, layout)
    return Launch(
        name="opa",
        command=[
            opa,
            "run",
            "--server",
            f"--addr={HOST}:{layout.ports['opa']}",
            "--watch",
            "--log-level=error",
            "--skip-version-check",
            "--bundle",
            bundle_path(layout),
        ],
        cwd=layout.folder("opa"),
        log=layout.log("opa"),
        port=layout.ports["opa"],
        ready=lambda: get(f"{layout.url('opa')}/v1/data/phlo_sql/access") not in (None, {}),
        deadline=30,
    )


def bundle_path(layout: Layout) -> Path:
    """In a folder of its own, which OPA watches."""
    return layout.folder("opa", "bundle") / publish.BUNDLE_NAME


def access_control(layout: Layout) -> dict[str, object]:
    """Trino's access-control.properties."""
    return {
        "access-control.name": "opa",
        "opa.policy.uri": f"{layout.url('opa')}/v1/data/trino/allow",
        "opa.policy.batched-uri": f"{layout.url('opa')}/v1/data/trino/batch",
    }


def groups(layout: Layout) -> dict[str, object]:
    """Trino's group-provider.properties: lines `group:user,user` in a file."""
    path = layout.folder("trino") / "groups.txt"
    path.touch()
    return {
        "group-provider.name": "file",
        "file.group-file": path,
        "file.refresh-period": "1s",
    }


def _publish(env: Mapping[str, str], layout: Layout) -> None:
    settings = config.load(environ=env, cwd=layout.folder("opa"))
    try:
        store.initialise(settings)
        if not store.read(settings)[0]:
            store.initialise(settings, admin=USER)
        grants, digest = store.read(settings)
    finally:
        postgres.close()
    publish.to_opa(settings, grants, digest, str(bundle_path(layout)))
