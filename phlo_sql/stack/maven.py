"""Files by their Maven coordinates, from the local repository or, if need be, from the network.

Which hosts Maven asks is the machine's own settings' business: no POM here names one.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack.process import telling_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Coordinates. Alone it is only its file, otherwise also all that it needs to run."""

    group: str
    name: str
    version: str
    type: str = "jar"
    classifier: str = ""
    alone: bool = False
    without: tuple[str, ...] = ()
    """`group:name` of what it can run without."""
    beside: tuple[Artifact, ...] = field(default=(), repr=False)
    """More artifacts on its class path, of which Maven then chooses one version of each jar."""


def resolve(
    maven: Path, artifacts: Mapping[str, Artifact], progress: Callable[[str], None]
) -> dict[str, tuple[Path, ...]]:
    """The files of each artifact, first without the network, then with it."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-maven-") as folder:
        root = Path(folder)
        _write_poms(root, artifacts)
        log = root / "maven.log"
        if not _run(maven, root, log, offline=True):
            progress(f"Maven downloads {', '.join(sorted({a.name for a in artifacts.values()}))}")
            if not _run(maven, root, log, offline=False):
                raise PhloSqlError(
                    Code.STACK_FAILED,
                    f"Maven could not get the servers: {telling_line(log)}",
                    "see that Maven reaches its repository (once: later starts need no network)",
                )
        return {label: _classpath(root / label) for label in artifacts}


def recipe(artifacts: Mapping[str, Artifact]) -> str:
    """A text that changes when what is to be fetched changes."""
    return "\n".join(
        " beside ".join([f"{label} {artifact!r}", *map(repr, artifact.beside)])
        for label, artifact in sorted(artifacts.items())
    )


def _run(maven: Path, root: Path, log: Path, *, offline: bool) -> bool:
    command = [str(maven), "-B", "-ntp", "dependency:build-classpath", "-DincludeScope=runtime"]
    with log.open("wb") as output:
        done = subprocess.run(
            command + (["-o"] if offline else []),
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.returncode == 0


def _classpath(folder: Path) -> tuple[Path, ...]:
    text = (folder / "classpath.txt").read_text(encoding="utf-8").strip()
    return tuple(Path(entry) for entry in text.split(":") if entry)


def _write_poms(root: Path, artifacts: Mapping[str, Artifact]) -> None:
    modules = "".join(f"<module>{escape(label)}</module>" for label in artifacts)
    (root / "pom.xml").write_text(_project("all", f"<modules>{modules}</modules>"))
    for label, artifact in artifacts.items():
        module = root / label
        module.mkdir()
        (module / "pom.xml").write_text(_project(label, _body(artifact)))


def _body(artifact: Artifact) -> str:
    dependencies = "".join(map(_dependency, (artifact, *artifact.beside)))
    return (
        f"<dependencies>{dependencies}</dependencies>"
        "<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>"
        "<artifactId>maven-dependency-plugin</artifactId><configuration>"
        "<outputFile>${project.basedir}/classpath.txt</outputFile>"
        "</configuration></plugin></plugins></build>"
    )


def _dependency(artifact: Artifact) -> str:
    left_out = ("*:*",) if artifact.alone else artifact.without
    exclusions = "".join(
        "<exclusion>"
        f"<groupId>{escape(group)}</groupId><artifactId>{escape(name)}</artifactId>"
        "</exclusion>"
        for group, _, name in (entry.partition(":") for entry in left_out)
    )
    return (
        "<dependency>"
        f"<groupId>{escape(artifact.group)}</groupId>"
        f"<artifactId>{escape(artifact.name)}</artifactId>"
        f"<version>{escape(artifact.version)}</version>"
        f"<type>{escape(artifact.type)}</type>"
        + (f"<classifier>{escape(artifact.classifier)}</classifier>" if artifact.classifier else "")
        + f"<scope>runtime</scope><exclusions>{exclusions}</exclusions>"
        "</dependency>"
    )


def _project(name: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<project><modelVersion>4.0.0</modelVersion>'
        f"<groupId>phlo-sql.stack</groupId><artifactId>{escape(name)}</artifactId>"
        f"<version>1</version><packaging>pom</packaging>{body}</project>\n"
    )
