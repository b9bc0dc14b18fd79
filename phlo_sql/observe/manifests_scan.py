"""Many manifests, a few at a time: fetch, take apart, decode, several batches side by side."""

from __future__ import annotations

from collections import defaultdict, deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from phlo_sql.observe.manifests import Manifest, is_local, read_bytes, unreadable
from phlo_sql.observe.manifests_avro import Container, Layout, NotAvroError, column, flatten
from phlo_sql.observe.manifests_read import UnreadableManifestError, read_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.io import FileIO

_BATCH_FILES = 2
"""More per query is not faster, and takes more: at a million files four 12 MB, eight 32 MB."""
_BATCH_BYTES = 32 << 20
"""Compressed bytes per query: four manifests of Iceberg's default 8 MB."""
_READERS = 2
_FETCHERS = 8
"""Requests in flight to an object store; local files are read where they lie."""

Entry = tuple[int, Manifest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of some manifests that share spec, content and layout. `table` has column INDEX."""

    table: pa.Table
    layout: Layout
    spec_id: int
    content: int


def scan(
    io: FileIO,
    manifests: Sequence[Entry],
    fields: Callable[[int], Sequence[int]],
    *,
    engine: str | None = None,
) -> Iterator[Part]:
    """Read `fields(content)` of the manifests, in order within each spec and content.

    Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    with ThreadPoolExecutor(_FETCHERS) as fetchers, ThreadPoolExecutor(_READERS) as readers:
        read = partial(_read_batch, io, fetchers, fields, engine)
        running: deque[Future[list[Part]]] = deque()
        try:
            for batch in _batches(manifests):
                running.append(readers.submit(read, batch))
                if len(running) > _READERS:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def _batches(manifests: Sequence[Entry]) -> Iterator[list[Entry]]:
    def kind(entry: Entry) -> tuple[int, int]:
        return entry[1].content, entry[1].spec_id

    for _, group in groupby(sorted(manifests, key=kind), key=kind):
        batch: list[Entry] = []
        size = 0
        for entry in group:
            if batch and (len(batch) == _BATCH_FILES or size + entry[1].length > _BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(entry)
            size += entry[1].length
        yield batch


def _read_batch(
    io: FileIO,
    fetchers: Executor,
    fields: Callable[[int], Sequence[int]],
    engine: str | None,
    batch: list[Entry],
) -> list[Part]:
    fetch = partial(_open, io)
    if all(is_local(manifest.path) for _, manifest in batch):
        containers = [fetch(manifest) for _, manifest in batch]
    else:
        containers = list(fetchers.map(fetch, [manifest for _, manifest in batch]))
    layouts: dict[Layout, list[tuple[int, Container]]] = defaultdict(list)
    for (index, _), container in zip(batch, containers, strict=True):
        layouts[container.layout].append((index, container))
    paths = {index: manifest.path for index, manifest in batch}
    first = batch[0][1]
    wanted = [column(field) for field in fields(first.content)]
    return [
        Part(
            table=_decode(same, wanted, engine, paths),
            layout=layout,
            spec_id=first.spec_id,
            content=first.content,
        )
        for layout, same in layouts.items()
    ]


def _open(io: FileIO, manifest: Manifest) -> Container:
    data = read_bytes(io, manifest.path)
    try:
        return flatten(data)
    except NotAvroError as error:
        raise unreadable("manifest", manifest.path, str(error)) from error


def _decode(
    containers: list[tuple[int, Container]],
    wanted: Sequence[str],
    engine: str | None,
    paths: dict[int, str],
) -> pa.Table:
    partition = [described.column for described in containers[0][1].layout.partition]
    try:
        return read_columns(containers, [*wanted, *partition], engine=engine)
    except UnreadableManifestError as error:
        raise unreadable("manifest", paths[error.index], error.cause) from error
