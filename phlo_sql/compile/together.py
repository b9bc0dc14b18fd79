"""What several slices do together, as one selection and one prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql.compile.outputs import Outputs
from phlo_sql.compile.selection import ROW, Fate, Selection
from phlo_sql.model.state import DATA
from phlo_sql.model.units import Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.slices import Slice


def all_selections(slices: tuple[Slice, ...], whole: Selection) -> Selection:
    files = whole.files
    place = np.full(int(pc.max(files[ROW]).as_py() or 0) + 1, Fate.KEPT, np.int8)
    for each in slices:
        for fate in (Fate.REWRITTEN, Fate.REMOVED):
            place[each.rows(fate)] = fate
    own = pa.array(place[files[ROW].to_numpy()])
    data = pc.equal(files["content"], DATA).combine_chunks()
    kept, outside = (pa.scalar(int(each), pa.int8()) for each in (Fate.KEPT, Fate.OUTSIDE_WHERE))
    skipped = pc.equal(whole.fates, int(Fate.REWRITTEN))
    others = pc.if_else(pc.and_(data, skipped), outside, whole.fates)
    fates = pc.if_else(pc.equal(own, kept), pc.if_else(data, others, kept), own)
    parts = [each.selection for each in slices]
    return Selection(
        files=files,
        fates=fates,
        whole_table=False,
        foreign_specs=any(part.foreign_specs for part in parts),
        rewritten_data_files=sum(part.rewritten_data_files for part in parts),
        rewritten_bytes=sum(part.rewritten_bytes for part in parts),
        rewritten_rows=sum(part.rewritten_rows for part in parts),
        applied_delete_files=sum(part.applied_delete_files for part in parts),
        removed_delete_files=sum(part.removed_delete_files for part in parts),
        by_partition=_summed([part.by_partition for part in parts], whole.by_partition),
    )


def all_outputs(slices: tuple[Slice, ...], whole: Outputs) -> Outputs:
    parts = [each.outputs for each in slices]
    return Outputs(
        added_data_files=sum_ranges([part.added_data_files for part in parts]),
        added_bytes=sum_ranges([part.added_bytes for part in parts]),
        full_file=whole.full_file,
        recut=whole.recut,
        by_partition=_summed([part.by_partition for part in parts], whole.by_partition),
    )


def sum_ranges(ranges: Sequence[Range]) -> Range:
    return Range(sum(each.low for each in ranges), sum(each.high for each in ranges))


def _summed(tables: Sequence[pa.Table], like: pa.Table) -> pa.Table:
    """Rows of the same partition added up. `files` and `bytes` are a partition's own: they come
    from `like`, which has every partition."""
    if not tables:
        return like.slice(0, 0)
    names = [name for name in tables[0].column_names if name != "partition"]
    joined = pa.concat_tables(tables).group_by("partition").aggregate([(n, "sum") for n in names])
    joined = joined.rename_columns([n.removesuffix("_sum") for n in joined.column_names])
    joined = joined.select(["partition", *names]).sort_by("partition")
    if "files" not in names:
        return joined
    at = pc.index_in(joined["partition"], like["partition"].combine_chunks())
    for name in ("files", "bytes"):
        joined = joined.set_column(joined.column_names.index(name), name, like[name].take(at))
    return joined
