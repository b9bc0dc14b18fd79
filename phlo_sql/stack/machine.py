"""The programs that the local stack needs here, and one line for all that are missing."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from phlo_sql.errors import Code, PhloSqlError

JAVA = 25
# Hadoop asks the security manager for its user, which a JDK has until 23.
HIVE_JAVA = range(11, 24)
_JDK_FOLDERS = ("/usr/lib/jvm", "/opt", "/usr/local")
_POSTGRES_FOLDERS = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the programs are."""

    jdk: Path
    maven: Path
    postgres: Path
    """The folder that holds `initdb` and `postgres`."""
    hive_jdk: Path | None = None
    weed: Path | None = None
    moto: Path | None = None
    opa: Path | None = None
    go: Path | None = None


def find(*, s3: bool, opa: bool = False, hive: bool = False, glue: bool = False) -> Machine:
    """Every program, or one error that names all that are missing and how Debian calls them."""
    jdk, maven, postgres = _jdk(), shutil.which("mvn"), _postgres()
    hive_jdk = _hive_jdk() if hive else None
    weed = _beside("weed") if s3 else None
    moto = _beside("moto_server") if glue else None
    opa_program, go = (_on_path("opa"), _on_path("go")) if opa else (None, None)
    missing = []
    if jdk is None:
        missing.append(f"a full JDK {JAVA} (openjdk-{JAVA}-jdk-headless or temurin-{JAVA}-jdk)")
    if maven is None:
        missing.append("Maven (maven)")
    if postgres is None:
        missing.append("PostgreSQL's initdb and postgres (postgresql)")
    if hive and hive_jdk is None:
        missing.append("a Java 17 for the Hive metastore (openjdk-17-jre-headless)")
    if s3 and weed is None:
        missing.append("the S3 server weed (Python: phlo-sql[stack])")
    if glue and moto is None:
        missing.append("the Glue server moto_server (Python: phlo-sql[stack])")
    if opa and opa_program is None and go is None:
        missing.append("OPA (opa), or Go to build it (golang-go)")
    if jdk is None or maven is None or postgres is None or missing:
        raise PhloSqlError(
            Code.MACHINE_INCOMPLETE,
            f"the local stack needs what this machine lacks: {', '.join(missing)}",
            "install what stands in brackets: Debian packages with apt-get install",
        )
    return Machine(
        jdk=jdk,
        maven=Path(maven),
        postgres=postgres,
        hive_jdk=hive_jdk,
        weed=weed,
        moto=moto,
        opa=opa_program,
        go=go,
    )


def _jdk() -> Path | None:
    fitting = {home: version for home in _homes() if (version := _jdk_version(home)) >= JAVA}
    return min(fitting, key=lambda home: fitting[home]) if fitting else None


def _hive_jdk() -> Path | None:
    """The newest that Hadoop runs on; it needs neither a compiler nor the vector module."""
    fitting = {home: _release(home)[0] for home in _homes() if (home / "bin" / "java").is_file()}
    fitting = {home: version for home, version in fitting.items() if version in HIVE_JAVA}
    return max(fitting, key=lambda home: fitting[home]) if fitting else None


def _homes() -> list[Path]:
    homes: list[Path] = []
    if named := os.environ.get("JAVA_HOME"):
        homes.append(Path(named))
    if java := shutil.which("java"):
        homes.append(Path(java).resolve().parent.parent)
    for folder in map(Path, _JDK_FOLDERS):
        if folder.is_dir():
            homes += sorted(folder.iterdir(), reverse=True)
    return homes


def _jdk_version(home: Path) -> int:
    """Trino needs the incubator's vector module, which small JDKs lack; javac our launcher."""
    version, modules = _release(home)
    if not (home / "bin" / "javac").is_file():
        return 0
    if modules and "jdk.incubator.vector" not in modules.split():
        return 0
    return version


def _release(home: Path) -> tuple[int, str]:
    """A JDK's version and modules, by its own file; 0 where it says none."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return 0, ""
    version = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    modules = re.search(r'^MODULES="(.*)"', release, re.MULTILINE)
    return int(version[1]) if version else 0, modules[1] if modules else ""


def _postgres() -> Path | None:
    """Debian keeps the server's programs off the PATH, one folder per version."""
    folders = sorted(
        _POSTGRES_FOLDERS.glob("*/bin"),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
        reverse=True,
    )
    if initdb := shutil.which("initdb"):
        folders.append(Path(initdb).resolve().parent)
    complete = (f for f in folders if (f / "initdb").is_file() and (f / "postgres").is_file())
    return next(complete, None)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _beside(name: str) -> Path | None:
    """A program that a Python package brought, or one of this machine."""
    beside = Path(sys.executable).parent / name
    return beside if beside.is_file() else _on_path(name)
