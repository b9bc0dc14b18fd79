"""A spool on disk: lines that are synced before anybody is told, and read on where one left off.

Lines go into numbered files; one that was read to its end is removed. A crash may leave the last
line of a file cut short: it was never acknowledged, and is passed over.
"""

from __future__ import annotations

import fcntl
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SEGMENT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which byte of which file."""

    segment: int
    offset: int


class Spool:
    """One writer and one reader, of one process."""

    def __init__(self, folder: Path, *, segment_bytes: int = _SEGMENT_BYTES) -> None:
        """Raises PhloSqlError(BAD_SETTING) where another process has it or it cannot be written."""
        self.folder = folder
        self._most = segment_bytes
        self._writing = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise PhloSqlError(
                Code.BAD_SETTING,
                f"another collector writes to {folder}",
                "stop it, or name another folder with --spool",
            ) from error
        except OSError as error:
            raise PhloSqlError(
                Code.BAD_SETTING,
                f"{folder} cannot be written: {error.strerror}",
                "name another folder with --spool",
            ) from error
        self.delivered = self._remembered()
        self._number = max([*self._segments(), self.delivered.segment])
        self._handle = -1
        self._size = 0
        self._begin()

    def append(self, lines: Sequence[bytes]) -> None:
        """Write whole lines and sync them. Raises OSError, and then keeps none of them."""
        with self._writing:
            if self._size >= self._most:
                self._begin()
            data = memoryview(b"".join(lines))
            try:
                written = 0
                while written < len(data):
                    written += os.write(self._handle, data[written:])
                os.fdatasync(self._handle)
            except OSError:
                os.ftruncate(self._handle, self._size)
                raise
            self._size += len(data)

    def read(self, most: int) -> tuple[list[bytes], Place]:
        """The next lines after those delivered, and the place behind them."""
        lines: list[bytes] = []
        place = self.delivered
        for segment in self._segments():
            if segment < place.segment:
                continue
            start = place.offset if segment == place.segment else 0
            place = Place(segment, start)
            for line in self._lines(segment, start):
                lines.append(line)
                place = Place(segment, place.offset + len(line))
                if len(lines) >= most:
                    return lines, place
        return lines, place

    def deliver(self, place: Place) -> None:
        """Everything up to here needs no reading again, after a restart neither."""
        if place == self.delivered:
            return
        beside = self.folder / "delivered.new"
        with beside.open("w", encoding="ascii") as handle:
            handle.write(f"{place.segment} {place.offset}\n")
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(self.folder / "delivered")
        self.delivered = place
        for segment in self._segments():
            if segment < place.segment:
                self._path(segment).unlink(missing_ok=True)

    def pending(self) -> int:
        """Bytes that wait for delivery."""
        sizes = {segment: self._bytes(segment) for segment in self._segments()}
        first = self.delivered
        waiting = sum(size for segment, size in sizes.items() if segment >= first.segment)
        return max(0, waiting - (first.offset if first.segment in sizes else 0))

    def close(self) -> None:
        os.close(self._handle)
        os.close(self._lock)

    def _begin(self) -> None:
        """A new file each time: what a crash cut short is never written on to."""
        fresh = os.open(
            self._path(self._number + 1), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600
        )
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._size, self._number = fresh, 0, self._number + 1
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _lines(self, segment: int, start: int) -> Iterator[bytes]:
        # Up to what was synced: of the file that is written to, not what is being written.
        with self._writing:
            end = self._size if segment == self._number else self._bytes(segment)
        with self._path(segment).open("rb") as handle:
            handle.seek(start)
            while start < end:
                line = handle.readline()
                if not line.endswith(b"\n"):
                    return
                start += len(line)
                yield line

    def _remembered(self) -> Place:
        try:
            first, second = (self.folder / "delivered").read_text("ascii").split()
            return Place(int(first), int(second))
        except (OSError, ValueError):
            return Place(0, 0)

    def _segments(self) -> list[int]:
        found = (path.stem for path in self.folder.glob("*.jsonl"))
        return sorted(int(stem) for stem in found if stem.isdigit())

    def _bytes(self, segment: int) -> int:
        try:
            return self._path(segment).stat().st_size
        except FileNotFoundError:
            return 0

    def _path(self, segment: int) -> Path:
        return self.folder / f"{segment:08}.jsonl"
