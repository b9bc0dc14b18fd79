"""Files to migrate, the command line in this process, and all that a migration could leave."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
from pyarrow import fs

from phlo_sql.cli import cli
from phlo_sql.cli.run import run
from phlo_sql.execute import steps
from tests.live.access_desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from phlo_sql.observe.trino import Outcome
    from phlo_sql.plan import Step
    from phlo_sql.stack.clients import Clients

US = dt.datetime(2023, 11, 14, 22, 13, 20, 123456)  # noqa: DTZ001 - a timestamp without a zone
FIRST, LAST = US.replace(year=1900), US.replace(year=9999)


def everything(*, zoned: bool = True) -> pa.Table:
    """Each type at its edges: NULL, empty, NaN, -0.0, the ends of time, full precision, nested."""
    rows: dict[str, pa.Array] = {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "small": pa.array([-(2**31), 2**31 - 1, 0, None], pa.int32()),
        "ok": pa.array([True, False, None, True]),
        "f": pa.array([float("nan"), -0.0, float("inf"), None], pa.float32()),
        "d": pa.array([float("nan"), -0.0, 5e-324, None], pa.float64()),
        "price": pa.array(
            [Decimal("9" * 38), Decimal("-" + "9" * 38), Decimal(0), None], pa.decimal128(38, 0)
        ),
        "rate": pa.array([Decimal("0.01"), Decimal("-9.99"), None, None], pa.decimal128(5, 2)),
        "text": pa.array(["", "ünï ✓ 𝄞", "it's \"q\"", None]),
        "raw": pa.array([b"", b"\x00\xff", None, b"x"], pa.binary()),
        "day": pa.array([dt.date(1900, 1, 1), dt.date(9999, 12, 31), None, dt.date(1970, 1, 1)]),
        "ts": pa.array([US, FIRST, LAST, None], pa.timestamp("us")),
        "tags": pa.array([["a", None], [], None, ["b"]], pa.list_(pa.string())),
        "place": pa.array([{"x": 1, "y": "a"}, {"x": None, "y": None}, None, {"x": 2, "y": ""}],
                          pa.struct([("x", pa.int32()), ("y", pa.string())])),
    }  # fmt: skip
    if zoned:
        rows["at"] = pa.array([US, US, None, US], pa.timestamp("us", "UTC"))
        rows["pairs"] = pa.array(
            [[("k", 1)], [], None, [("l", None)]], pa.map_(pa.string(), pa.int64())
        )
    return pa.table(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The command line over one stack; `folder` is a new one of the test's own on S3."""

    stack: Clients
    state: Path
    folder: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def store(self) -> fs.S3FileSystem:
        env = self.stack.env
        return fs.S3FileSystem(
            endpoint_override=env["ICEBERG_S3_ENDPOINT"],
            access_key=env["ICEBERG_S3_ACCESS_KEY"],
            secret_key=env["ICEBERG_S3_SECRET_KEY"],
            region=env["ICEBERG_S3_REGION"],
        )

    def put(self, name: str, table: pa.Table | bytes, **options: Any) -> str:
        """Write one file below the folder, by its ending; the address of it."""
        path = f"{self.folder.removeprefix('s3://')}/{name}"
        with self.store.open_output_stream(path) as stream:
            if isinstance(table, bytes):
                stream.write(table)
            elif name.endswith(".orc"):
                orc.write_table(table, stream)
            else:
                pq.write_table(table, stream, **options)
        return f"s3://{path}"

    def put_avro(self, name: str, schema: Mapping[str, Any], rows: list[Any]) -> None:
        path = f"{self.folder.removeprefix('s3://')}/{name}"
        with self.store.open_output_stream(path) as stream:
            fastavro.writer(stream, fastavro.parse_schema(dict(schema)), rows)

    def files(self, *folders: str) -> dict[str, int]:
        """Every file below the folders, with its size."""
        found: dict[str, int] = {}
        for folder in folders:
            root = folder.removeprefix("s3://").rstrip("/")
            selector = fs.FileSelector(root, recursive=True, allow_not_found=True)
            found |= {
                each.path: each.size for each in self.store.get_file_info(selector) if each.is_file
            }
        return found

    @property
    def environ(self) -> dict[str, str]:
        return {**self.stack.env, "XDG_STATE_HOME": str(self.state)}

    def __call__(self, *argv: str, expect: int = 0) -> dict[str, Any]:
        """The JSON document of a command, which must end with this exit code."""
        return self.other("migrate", *argv, expect=expect)

    def other(self, *argv: str, expect: int = 0) -> dict[str, Any]:
        """The same of any group of commands."""
        for name, value in self.environ.items():
            self.monkeypatch.setenv(name, value)
        self.capsys.readouterr()
        code = run(cli, [*argv, "--json", "--quiet"])
        document: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        assert code == expect, document
        return document

    def convert(self, path: str, table: str, *argv: str, expect: int = 0) -> dict[str, Any]:
        form = () if "--format" in argv else ("--format", "parquet")
        return self("convert", path, "--table", table, *form, *argv, "--yes", expect=expect)

    def planned(self, path: str, table: str, *argv: str, expect: int = 0) -> dict[str, Any]:
        form = () if "--format" in argv else ("--format", "parquet")
        return self("convert", path, "--table", table, *form, *argv, "--dry-run", expect=expect)

    def killed(self, step: int, *argv: str) -> bool:
        """The same, but all ends as by SIGKILL when the server did step `step` and before the
        journal says so: nothing is caught, put back or written any more. False: it has no such
        step to do."""
        sent = steps.Run._sent

        def until(of: steps.Run, each: Step, session: steps.Session) -> Outcome:
            outcome = sent(of, each, session)
            if each.id == step:
                raise Killed
            return outcome

        with self.monkeypatch.context() as patch:
            patch.setattr(steps.Run, "_sent", until)
            try:
                self(*argv, "--yes")
            except Killed:
                return True
        return False

    def runs(self) -> set[str]:
        """The tokens of all runs so far, which everything that they make is named after."""
        found: set[str] = set()
        for each in (self.state / "phlo-sql" / "runbooks").glob("*.sql"):
            found.update(_TOKEN.findall(each.read_text()))
        return found

    def left_catalogs(self) -> set[str]:
        """Those of this bench's runs: other tests have theirs at the same time."""
        runs = self.runs()
        names = (str(row[0]) for row in self.stack.rows("SHOW CATALOGS"))
        return {name for name in names if any(token in name for token in runs)}


@contextmanager
def policies(bench: Bench) -> Iterator[None]:
    """Policies of the test's own, with the stack's user as their admin."""
    desk = Desk(
        stack=bench.stack,
        schema=f"a{uuid.uuid4().hex[:12]}",
        folder=bench.state,
        monkeypatch=bench.monkeypatch,
        capsys=bench.capsys,
    )
    bench.monkeypatch.setenv("PHLO_SQL_ACCESS_SCHEMA", desk.schema)
    bench.monkeypatch.setenv("PHLO_SQL_AUDIT_SCHEMA", f"{desk.schema}_audit")
    bench.other("access", "init", "--admin", bench.stack.env["TRINO_USER"])
    yield
    desk.clear()


class Killed(BaseException):
    """What no handler catches: the process is gone."""


_TOKEN = re.compile(r'CATALOG "phlo_sql_([0-9a-f]{12})_')


def new_folder() -> str:
    return f"s3://lake/sources/m{uuid.uuid4().hex[:12]}"
