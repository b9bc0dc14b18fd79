"""The statements of `corpus.sql`, with what is known of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_HEAD = re.compile(r"-- (\S+) \| ([\d ]+|none) \| (known|unknown)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    name: str
    sql: str
    versions: frozenset[int]
    """The Trino versions whose grammar accepts it, of 476 and 484."""
    known: bool
    """Whether it is in phlo-sql's closed set."""


def _read() -> tuple[Sample, ...]:
    samples = []
    text = Path(__file__).with_name("corpus.sql").read_text(encoding="utf-8")
    for block in text.strip().split("\n\n")[1:]:
        head, sql = block.split("\n")
        found = _HEAD.match(head)
        assert found, head
        name, versions, known = found.groups()
        accepted = frozenset(int(word) for word in versions.split() if word != "none")
        samples.append(Sample(name=name, sql=sql, versions=accepted, known=known == "known"))
    return tuple(samples)


CORPUS = _read()
KNOWN = tuple(sample for sample in CORPUS if sample.known)
