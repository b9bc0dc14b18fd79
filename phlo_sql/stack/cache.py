"""Folders that are made once and used by every stack: whole or not at all, one maker at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MARKER = ".complete"


def cache_home() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "phlo-sql" / "servers"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` against other processes; the kernel frees it if we die."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def folder(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills by `recipe`, made again when it is not as it was made.

    It is filled beside its place and moved there when done, with the size of every file in a
    marker: an interrupted download, a full disk or a deleted file is noticed and redone.
    """
    home = cache_home()
    target = home / name
    digest = hashlib.sha256(recipe.encode()).hexdigest()
    with locked(home / f"{name}.lock"):
        if _whole(target, digest):
            return target
        shutil.rmtree(target, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=home))
        try:
            make(work)
            (work / _MARKER).write_text(json.dumps({"recipe": digest, "sizes": _sizes(work)}))
            work.chmod(0o755)
            work.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy where the two are on different file systems."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise  # never copy over a link: that would write into the linked file
    except OSError:
        shutil.copyfile(source, target)


def _whole(target: Path, digest: str) -> bool:
    try:
        marker = json.loads((target / _MARKER).read_text(encoding="utf-8"))
        return bool(marker["recipe"] == digest and marker["sizes"] == _sizes(target))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sizes(root: Path) -> dict[str, int]:
    return {
        str(path.relative_to(root)): path.stat().st_size
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != _MARKER
    }
