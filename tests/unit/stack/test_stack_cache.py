"""The cache: whole or made again, one maker at a time."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest

from phlo_sql.stack import cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def maker(calls: list[str]) -> Callable[[Path], None]:
    def make(target: Path) -> None:
        calls.append("made")
        (target / "lib").mkdir()
        (target / "lib" / "a.jar").write_bytes(b"abc")

    return make


class TestFolder:
    def test_it_is_made_once(self) -> None:
        calls: list[str] = []
        first = cache.folder("x", "recipe", maker(calls))
        assert cache.folder("x", "recipe", maker(calls)) == first
        assert (first / "lib" / "a.jar").read_bytes() == b"abc"
        assert calls == ["made"]

    @pytest.mark.parametrize("damage", ["truncated", "deleted", "unmarked", "added", "garbled"])
    def test_damage_is_noticed_and_made_good(self, damage: str) -> None:
        calls: list[str] = []
        folder = cache.folder("x", "recipe", maker(calls))
        jar, marker = folder / "lib" / "a.jar", folder / ".complete"
        match damage:
            case "truncated":
                jar.write_bytes(b"ab")
            case "deleted":
                jar.unlink()
            case "unmarked":
                marker.unlink()
            case "added":
                (folder / "lib" / "stray.jar").write_bytes(b"")
            case _:
                marker.write_text("{")
        again = cache.folder("x", "recipe", maker(calls))
        assert (again / "lib" / "a.jar").read_bytes() == b"abc"
        assert not (again / "lib" / "stray.jar").exists()
        assert len(calls) == 2

    def test_another_recipe_is_another_folder(self) -> None:
        calls: list[str] = []
        cache.folder("x", "one", maker(calls))
        cache.folder("x", "two", maker(calls))
        assert len(calls) == 2

    def test_a_failed_making_leaves_nothing(self) -> None:
        def fail(target: Path) -> None:
            (target / "half").write_bytes(b"")
            raise OSError("no space")

        with pytest.raises(OSError, match="no space"):
            cache.folder("x", "recipe", fail)
        assert [path.name for path in cache.cache_home().iterdir()] == ["x.lock"]

    def test_makers_wait_for_each_other(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=make_slowly, args=(log,)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        assert log.read_text() == "made\n"


def make_slowly(log: Path) -> None:
    def make(target: Path) -> None:
        with log.open("a") as handle:
            handle.write("made\n")
        (target / "a").write_bytes(b"a")

    assert cache.folder("slow", "recipe", make).is_dir()


class TestLink:
    def test_a_link_is_never_written_through(self, tmp_path: Path) -> None:
        source, other, target = tmp_path / "source", tmp_path / "other", tmp_path / "target"
        source.write_text("source")
        other.write_text("other")
        cache.link(source, target)
        assert target.samefile(source)
        with pytest.raises(FileExistsError):
            cache.link(other, target)
        assert source.read_text() == "source"
