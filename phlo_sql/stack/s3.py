"""S3 by SeaweedFS, with one bucket and one key."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from phlo_sql.stack.launch import Launch
from phlo_sql.stack.layout import BUCKET, REGION, USER, Layout, write_private
from phlo_sql.stack.ports import HOST

if TYPE_CHECKING:
    from phlo_sql.stack.machine import Machine

# Each part has an HTTP and a gRPC port; named explicitly, for weed's own (8080, 9333, …) collide.
PARTS = ("master", "volume", "filer")
PORTS = ("s3", "s3.grpc", *PARTS, *(f"{part}.grpc" for part in PARTS))


def launch(layout: Layout, machine: Machine) -> Launch:
    folder = layout.folder("s3")
    config = folder / "s3.json"
    write_private(config, json.dumps(_identities(layout)))
    words = [f"-{name}.port={layout.ports[name]}" for name in ("s3", *PARTS)]
    words += [f"-{name}.port.grpc={layout.ports[f'{name}.grpc']}" for name in ("s3", *PARTS)]
    return Launch(
        name="s3",
        command=[
            str(machine.weed),
            "server",
            f"-dir={layout.folder('s3', 'data')}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            "-filer",
            "-s3",
            f"-s3.config={config}",
            "-volume.max=0",
            "-master.volumeSizeLimitMB=1024",
            "-master.telemetry=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *words,
        ],
        cwd=folder,
        log=layout.log("s3"),
        port=layout.ports["s3"],
        ready=lambda: _make_bucket(layout),
    )


def _identities(layout: Layout) -> object:
    key = {"accessKey": USER, "secretKey": layout.passwords["s3"]}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": USER, "credentials": [key], "actions": actions}]}


def _make_bucket(layout: Layout) -> bool:
    """True once the bucket is there: then all four parts work together."""
    from pyarrow import fs

    try:
        urllib.request.urlopen(layout.url("s3"), timeout=2).close()  # noqa: S310 - our own address
    except urllib.error.HTTPError as refusal:
        refusal.close()  # it answers: without a key, with a refusal
    except OSError:
        return False
    try:
        store = fs.S3FileSystem(
            endpoint_override=layout.url("s3"),
            access_key=USER,
            secret_key=layout.passwords["s3"],
            region=REGION,
            allow_bucket_creation=True,
            connect_timeout=5,
            request_timeout=20,
        )
        store.create_dir(BUCKET)
        with store.open_output_stream(f"{BUCKET}/.ready") as stream:
            stream.write(b"ready\n")
    except OSError:
        return False
    return True
