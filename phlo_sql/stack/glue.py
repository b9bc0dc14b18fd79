"""AWS Glue's catalog by moto. It keeps its databases in memory: they go when it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.stack.launch import Launch, get
from phlo_sql.stack.layout import REGION, Layout
from phlo_sql.stack.ports import HOST

if TYPE_CHECKING:
    from phlo_sql.stack.machine import Machine


def launch(layout: Layout, machine: Machine) -> Launch:
    return Launch(
        name="glue",
        command=[
            str(machine.moto),
            f"--host={HOST}",
            f"--port={layout.ports['glue']}",
        ],
        cwd=layout.folder("glue"),
        log=layout.log("glue"),
        port=layout.ports["glue"],
        ready=lambda: get(f"{layout.url('glue')}/moto-api/data.json") is not None,
        # Its own calls stay inside of it: nothing else on this machine is asked for a key.
        env={"AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"},
        deadline=60,
    )
