"""The same servers from `docker-compose.yml`, through testcontainers, where Docker runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql.stack import ports
from phlo_sql.stack.environment import environment
from phlo_sql.stack.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testcontainers.compose import DockerCompose

    from phlo_sql.stack import StackRequest

_ROOT = Path(__file__).resolve().parents[2]
_PASSWORD = "phlo-local"  # noqa: S105 - fixed in docker-compose.yml, bound to 127.0.0.1
_PORTS = ("trino", "postgres", "nessie", "s3", "hive", "glue")


def engine_answers() -> bool:
    """Whether there is a Docker engine to ask; its client alone is not enough."""
    if shutil.which("docker") is None:
        return False
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except DockerException:
        return False
    finally:
        client.close()


class Compose:
    """One project per stack; its ports are kept beside it for the next that asks."""

    def __init__(self, request: StackRequest) -> None:
        self.name = request.name
        self.version = request.trino
        self.extras = request.services
        self.home = request.home
        self.file = self.home / "compose.env"

    def up(self) -> Mapping[str, str]:
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.file.exists():
            self._write(ports.choose(_PORTS, {}, {}))
        self._compose().start()
        return environment(self._layout())

    def down(self) -> None:
        self._compose().stop(down=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def _compose(self) -> DockerCompose:
        from testcontainers.compose import DockerCompose

        return DockerCompose(context=_ROOT, env_file=str(self.file), wait=True)

    def _layout(self) -> Layout:
        lines = (line.partition("=") for line in self.file.read_text().splitlines())
        found = {key: value for key, _, value in lines}
        return Layout(
            name=self.name,
            home=self.home,
            trino_version=self.version,
            extras=self.extras,
            ports={name: int(found[f"{name.upper()}_PORT"]) for name in _PORTS},
            passwords={"postgres": _PASSWORD, "s3": _PASSWORD},
        )

    def _write(self, chosen: Mapping[str, int]) -> None:
        warehouse = self.home / "warehouse"
        warehouse.mkdir(exist_ok=True)
        settings = {
            "COMPOSE_PROJECT_NAME": f"phlo-sql-{self.name}-{os.getuid()}",
            "TRINO_VERSION": str(self.version),
            "STACK_WAREHOUSE": str(warehouse),
            **{f"{name.upper()}_PORT": str(port) for name, port in chosen.items()},
        }
        self.file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
