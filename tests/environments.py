"""Python environments beside our own, each made once from a lock file and kept in the cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from phlo_sql.stack import cache

ROOT = Path(__file__).parent.parent


def made(folder: str, name: str, lock: Path, python: str, *, with_us: bool = False) -> Path:
    """The environment with what the lock names (hashes, like ours) and, with `with_us`, this
    checkout, editable, so that it is what runs."""
    about = lock.read_bytes() + str(ROOT if with_us else python).encode()
    home = cache.cache_home().parent / folder / f"{name}-{hashlib.sha256(about).hexdigest()[:12]}"
    with cache.locked(home.with_name(f"{home.name}.lock")):
        if (home / ".complete").exists():
            return home
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        pip += ["install", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
        if with_us:
            subprocess.run([*pip, "-e", str(ROOT)], check=True)
        (home / ".complete").touch()
    return home
