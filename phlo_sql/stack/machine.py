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
_JDK_FOLDERS = ("/usr/lib/jvm", "/opt", "/usr/local")
_POSTGRES_FOLDERS = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the programs are."""

    jdk: Path
    maven: Path
    postgres: Path
    """The folder that holds `initdb` and `postgres`."""
    weed: Path | None = None
    opa: Path | None = None
    go: Path | None = None


def find(*, s3: bool, opa: bool = False) -> Machine:
    """Every program, or one error that names all that are missing and how Debian calls them."""
    jdk, maven, postgres = _jdk(), shutil.which("mvn"), _postgres()
    weed = _weed() if s3 else None
    opa_program, go = (_on_path("opa"), _on_path("go")) if opa else (None, None)
    missing = []
    if jdk is None:
        missing.append(f"a full JDK {JAVA} (openjdk-{JAVA}-jdk-headless or temurin-{JAVA}-jdk)")
    if maven is None:
        missing.append("Maven (maven)")
    if postgres is None:
        missing.append("PostgreSQL's initdb and postgres (postgresql)")
    if s3 and weed is None:
        missing.append("the S3 server weed (Python: phlo-sql[stack])")
    if opa and opa_program is None and go is None:
        missing.append("OPA (opa), or Go to build it (golang-go)")
    if jdk is None or maven is None or postgres is None or missing:
        raise PhloSqlError(
            Code.MACHINE_INCOMPLETE,
            f"the local stack needs what this machine lacks: {', '.join(missing)}",
            "install what stands in brackets: Debian packages with apt-get install",
        )
    return Machine(jdk=jdk, maven=Path(maven), postgres=postgres, weed=weed, opa=opa_program, go=go)


def _jdk() -> Path | None:
    homes: list[Path] = []
    if named := os.environ.get("JAVA_HOME"):
        homes.append(Path(named))
    if java := shutil.which("java"):
        homes.append(Path(java).resolve().parent.parent)
    for folder in map(Path, _JDK_FOLDERS):
        if folder.is_dir():
            homes += sorted(folder.iterdir(), reverse=True)
    fitting = {home: version for home in homes if (version := _jdk_version(home)) >= JAVA}
    return min(fitting, key=lambda home: fitting[home]) if fitting else None


def _jdk_version(home: Path) -> int:
    """Trino needs the incubator's vector module, which small JDKs lack; javac our launcher."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return 0
    version = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    modules = re.search(r'^MODULES="(.*)"', release, re.MULTILINE)
    if not version or not (home / "bin" / "javac").is_file():
        return 0
    if modules and "jdk.incubator.vector" not in modules[1].split():
        return 0
    return int(version[1])


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


def _weed() -> Path | None:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    return Path(found) if found else None
