"""`migrate from-glue`: a whole database, and a Glue that knows who may do what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow as pa
import pytest

from phlo_sql.stack import ports
from tests.live.hive_tables import PARQUET, states, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live.glue_copies import GlueCopies
    from tests.live.migrating import Bench

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]
MOTO = str(Path(sys.executable).with_name("moto_server"))
REGION = "us-east-1"


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


def test_a_database_of_glue_comes_over_and_what_is_none_is_left_alone(
    bench: Bench, source: str, make_schema: Callable[..., str], glue: GlueCopies
) -> None:
    target, uri = make_schema(bench.stack, "nessie"), bench.stack.env["HIVE_METASTORE_URI"]
    for name, rows in (("one", [1]), ("two", [1, 2])):
        bench.put(f"{name}/1.parquet", pa.table({"id": rows}))
        tell(uri, source, name, f"{bench.folder}/{name}")
    for key in ("x", "y"):
        bench.put(f"parted/k={key}/1.parquet", pa.table({"id": [1, 2, 3]}))
    folders = {key: f"{bench.folder}/parted/k={key}" for key in ("x", "y")}
    tell(uri, source, "parted", f"{bench.folder}/parted", keys=["k"], partitions=folders)
    delta: dict[str, Any] = {"spark.sql.sources.provider": "delta"}
    tell(uri, source, "delta", f"{bench.folder}/delta", **delta)
    glue.copy(source)
    where = ("--endpoint", bench.stack.env["GLUE_ENDPOINT_URL"], "--region", REGION)
    words = ("from-glue", *where, "--database", source, "--target", target)

    planned = bench(*words, "--dry-run")
    left = {"one": "planned", "two": "planned", "parted": "planned", "delta": "left alone"}
    assert states(planned) == left
    done = bench(*words, "--mode", "copy", "--parallel", "2", "--yes")
    assert states(done) == {
        name: "success" if state == "planned" else state for name, state in left.items()
    }
    for name, total in (("one", 1), ("two", 2), ("parted", 6)):
        assert bench.stack.rows(f"SELECT count(*) FROM {target}.{name}") == [(total,)]
    again = bench(*words, "--mode", "copy", "--yes")
    assert again["status"] == "noop"


def test_a_table_whose_files_are_not_seen_is_named_and_the_rest_comes_over(
    bench: Bench, source: str, make_schema: Callable[..., str], glue: GlueCopies
) -> None:
    target, uri = make_schema(bench.stack, "nessie"), bench.stack.env["HIVE_METASTORE_URI"]
    for name in ("here", "away"):
        bench.put(f"{name}/1.parquet", pa.table({"id": [1]}))
        tell(uri, source, name, f"{bench.folder}/{name}")
    glue.copy(source)
    table = glue.client.get_table(DatabaseName=source, Name="away")["Table"]
    kept = ("Name", "StorageDescriptor", "TableType", "Parameters", "PartitionKeys")
    moved = {name: table[name] for name in kept if name in table}
    moved["StorageDescriptor"]["Location"] = "hdfs://namenode:8020/warehouse/away"
    glue.client.update_table(DatabaseName=source, TableInput=moved)
    where = ("--endpoint", bench.stack.env["GLUE_ENDPOINT_URL"], "--region", REGION)
    words = ("from-glue", *where, "--database", source, "--target", target)

    assert states(bench(*words, "--dry-run")) == {"here": "planned", "away": "refused"}
    done = bench(*words, "--yes", expect=1)
    assert states(done) == {"here": "success", "away": "failed"}
    assert bench.stack.rows(f"SHOW TABLES FROM {target}") == [("here",)]
    alone = bench(*words, "--table", "away", "--yes", expect=1)
    assert alone["reason_code"] == "storage_unreadable"
    assert "hdfs://namenode:8020/warehouse/away" in alone["errors"][0]


@contextmanager
def guarded_glue(tmp_path: Path, free: int) -> Iterator[str]:
    """A Glue that asks IAM's policies, after so many calls that it lets through."""
    port = ports.choose(("glue",), {}, {})["glue"]
    env = {
        **os.environ,
        "INITIAL_NO_AUTH_ACTION_COUNT": str(free),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with (tmp_path / "glue.log").open("w") as log:
        server = subprocess.Popen(
            [MOTO, "--host=127.0.0.1", f"--port={port}"], env=env, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 60
            while not ports.answers(port):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def test_who_may_not_read_glue_is_told_what_to_ask_for(bench: Bench, tmp_path: Path) -> None:
    with guarded_glue(tmp_path, free=3) as endpoint:
        given: Any = {"endpoint_url": endpoint, "region_name": REGION}
        given |= {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        boto3.client("glue", **given).create_database(DatabaseInput={"Name": "sales"})
        iam = boto3.client("iam", **given)
        iam.create_user(UserName="ann")
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        words = ("from-glue", "--endpoint", endpoint, "--region", REGION, "--database", "sales")
        to = ("--target", "nessie.sales", "--dry-run")
        hers = key["AccessKeyId"], key["SecretAccessKey"]
        for name, secret, code, reason, told in (
            (*hers, 3, "permission_denied", "glue:GetDatabase"),
            ("AKIAUNKNOWN", "x1y2z3", 1, "not_authenticated", "AWS_PROFILE"),
            (hers[0], "x1y2z3", 1, "not_authenticated", "AWS_PROFILE"),
        ):
            env = {**bench.stack.env, "AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret}
            asking = replace(bench, stack=replace(bench.stack, env=env))
            refused = asking(*words, *to, expect=code)
            assert refused["reason_code"] == reason
            assert told in refused["data"]["error"]["hint"]
            assert secret not in json.dumps(refused)


def test_a_table_whose_partitions_may_not_be_read_is_refused_alone(
    bench: Bench, tmp_path: Path, target: str
) -> None:
    with guarded_glue(tmp_path, free=6) as endpoint:
        given: Any = {"endpoint_url": endpoint, "region_name": REGION}
        given |= {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        client, iam = boto3.client("glue", **given), boto3.client("iam", **given)
        client.create_database(DatabaseInput={"Name": "sales"})
        for name, keys in (("flat", []), ("parted", [{"Name": "k", "Type": "string"}])):
            bench.put(f"{name}/1.parquet", pa.table({"id": [1]}))
            storage = {
                "Location": f"{bench.folder}/{name}",
                "InputFormat": PARQUET[0],
                "SerdeInfo": {"SerializationLibrary": PARQUET[1]},
                "Columns": [{"Name": "id", "Type": "bigint"}],
            }
            told = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": keys}
            client.create_table(DatabaseName="sales", TableInput=told)
        iam.create_user(UserName="ann")
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        allowed = {"Effect": "Allow", "Action": ["glue:GetDatabase", "glue:GetTables"]}
        policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": "*"}]}
        iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(policy))

        hers = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        asking = replace(bench, stack=replace(bench.stack, env={**bench.stack.env, **hers}))
        words = ("from-glue", "--endpoint", endpoint, "--region", REGION, "--database", "sales")
        planned = asking(*words, "--target", target, "--dry-run")
    assert states(planned) == {"flat": "planned", "parted": "refused"}
    found = {each["table"]: each for each in planned["data"]["migrations"]}
    assert "sales.parted" in found[f"{target}.parted"]["reason"]
    assert "AccessDenied" in found[f"{target}.parted"]["reason"]
