"""The servers' programs in the cache: which artifacts make a Trino or a Nessie, and how."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import cache, maven
from phlo_sql.stack.maven import Artifact

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.machine import Machine

NESSIE_VERSION = "0.99.0"
# The last version that Maven has whole; later ones are put together from their modules.
_LAST_TARBALL = 476
_PLUGINS = {
    "iceberg": "io.trino.plugin.iceberg.IcebergPlugin",
    "hive": "io.trino.plugin.hive.HivePlugin",
    "tpch": "io.trino.plugin.tpch.TpchPlugin",
    "memory": "io.trino.plugin.memory.MemoryPlugin",
}
# Clouds and catalogs that no local stack talks to: 170 MB of trino-iceberg's 390.
_WITHOUT = (
    "io.trino:trino-filesystem-azure",
    "io.trino:trino-filesystem-gcs",
    "io.trino:trino-filesystem-cache-alluxio",
    "com.azure:*",
    "com.google.cloud:*",
    "com.google.cloud.gcs.analytics:*",
    "io.grpc:*",
    "net.snowflake:*",
)
HIVE_VERSION = "4.0.1"
_HIVE_SCHEMA = "hive-schema-4.0.0.postgres.sql"
_HIVE = Artifact(
    group="org.apache.hive",
    name="hive-standalone-metastore-server",
    version=HIVE_VERSION,
    type="tar.gz",
    classifier="bin",
    alone=True,
)
_AWS_VERSION = "1.12.367"
# S3A with the three parts of AWS's library that it touches: 11 MB, where the bundle has 280.
_HADOOP = Artifact(
    group="org.apache.hadoop",
    name="hadoop-client",
    version="3.3.6",
    beside=(
        Artifact(group="org.apache.hadoop", name="hadoop-hdfs", version="3.3.6"),
        Artifact(
            group="org.apache.hadoop",
            name="hadoop-aws",
            version="3.3.6",
            without=("com.amazonaws:aws-java-sdk-bundle",),
        ),
        *(
            Artifact(group="com.amazonaws", name=f"aws-java-sdk-{part}", version=_AWS_VERSION)
            for part in ("s3", "dynamodb", "sts")
        ),
    ),
)
_LAUNCHER = """\
public class Launcher
{
    public static void main(String[] args)
    {
        new io.trino.server.Server().start(args[0]);
    }
}
"""

Progress = Callable[[str], None]


def trino(version: int, machine: Machine, progress: Progress) -> Path:
    """Trino's programs, as `lib/` and `plugin/` (and `bin/launcher` where there is a tarball)."""
    if version <= _LAST_TARBALL:
        return _trino_tarball(version, machine, progress)
    artifacts = _trino_artifacts(version)

    def make(target: Path) -> None:
        progress(f"puts Trino {version} together (once)")
        files = maven.resolve(machine.maven, artifacts, progress)
        for label, jars in files.items():
            place = target / "lib" if label == "lib" else target / "plugin" / label
            place.mkdir(parents=True)
            for number, jar in enumerate(jars):
                # Two groups may have a jar of one name; and order is part of a class path.
                cache.link(jar, place / f"{number:03}-{jar.name}")
            if label in _PLUGINS:
                _declare_plugin(place / "services.jar", _PLUGINS[label])
        _compile_launcher(target, machine)

    return cache.folder(f"trino-{version}", maven.recipe(artifacts) + _LAUNCHER, make)


def nessie(machine: Machine, progress: Progress) -> Path:
    """Nessie's one jar."""
    artifacts = {
        "nessie": Artifact(
            group="org.projectnessie.nessie",
            name="nessie-quarkus",
            version=NESSIE_VERSION,
            classifier="runner",
            alone=True,
        )
    }

    def make(target: Path) -> None:
        (jar,) = maven.resolve(machine.maven, artifacts, progress)["nessie"]
        cache.link(jar, target / "nessie.jar")

    name = f"nessie-{NESSIE_VERSION}"
    return cache.folder(name, maven.recipe(artifacts), make) / "nessie.jar"


def metastore(machine: Machine, progress: Progress) -> Path:
    """Hive's metastore and what it needs for S3: `lib/` (its class path) and `schema.sql`."""
    artifacts = {"server": _HIVE, "hadoop": _HADOOP}

    def make(target: Path) -> None:
        progress(f"puts the Hive metastore {HIVE_VERSION} together (once)")
        files = maven.resolve(machine.maven, artifacts, progress)
        (archive,) = files["server"]
        lib = target / "lib"
        lib.mkdir()
        with tarfile.open(archive) as packed:
            for member in packed:
                path = PurePosixPath(member.name)
                if path.parts[1:2] == ("lib",) and path.suffix == ".jar":
                    _unpack(packed, member, lib / f"0-{path.name}")
                elif path.name == _HIVE_SCHEMA:
                    _unpack(packed, member, target / "schema.sql")
        for jar in files["hadoop"]:
            cache.link(jar, lib / f"1-{jar.name}")

    return cache.folder(f"metastore-{HIVE_VERSION}", maven.recipe(artifacts), make)


def _unpack(packed: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = packed.extractfile(member)
    assert source is not None  # noqa: S101 - a file of that archive, not a folder
    with source, target.open("wb") as written:
        shutil.copyfileobj(source, written)


def _trino_artifacts(version: int) -> dict[str, Artifact]:
    modules = {"lib": "trino-main"} | {plugin: f"trino-{plugin}" for plugin in _PLUGINS}
    return {
        label: Artifact(group="io.trino", name=name, version=str(version), without=_WITHOUT)
        for label, name in modules.items()
    }


def _trino_tarball(version: int, machine: Machine, progress: Progress) -> Path:
    artifacts = {
        "server": Artifact(
            group="io.trino",
            name="trino-server",
            version=str(version),
            type="tar.gz",
            alone=True,
        )
    }

    def make(target: Path) -> None:
        (archive,) = maven.resolve(machine.maven, artifacts, progress)["server"]
        progress(f"unpacks Trino {version} (once)")
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
        (inner,) = target.iterdir()
        for path in inner.iterdir():
            path.rename(target / path.name)
        inner.rmdir()

    return cache.folder(f"trino-{version}", maven.recipe(artifacts), make)


def _declare_plugin(jar: Path, plugin: str) -> None:
    """Trino finds a plugin by this entry, which only the build of its tarball adds."""
    with zipfile.ZipFile(jar, "w") as packed:
        packed.writestr("META-INF/services/io.trino.spi.Plugin", f"{plugin}\n")


def _compile_launcher(target: Path, machine: Machine) -> None:
    folder = target / "launcher"
    folder.mkdir()
    source = folder / "Launcher.java"
    source.write_text(_LAUNCHER)
    done = subprocess.run(
        [machine.jdk / "bin" / "javac", "-cp", f"{target / 'lib'}/*", "-d", folder, source],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PhloSqlError(
            Code.STACK_FAILED,
            f"Trino's launcher does not compile: {' '.join(done.stderr.split())[:300]}",
            "report it with the JDK's version; the machine's Maven repository may be damaged",
        )
