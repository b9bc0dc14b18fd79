"""The page for reviewers: self-contained, whole, and deaf to what a file may hold."""

from __future__ import annotations

import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from saved_runbooks import plan  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import runbook
from phlo_sql.cli.runbook_page import page
from phlo_sql.model.units import Range
from phlo_sql.plan import Plan, Prediction

HOSTILE = '<script>alert(1)</script><img src="http://x/y"> & "quoted" \' </pre></section>'
VOID = {"meta", "rect", "img", "br"}


class Tree(HTMLParser):
    """Every tag opened and closed in order; what is named from elsewhere; the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.elsewhere: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.elsewhere += [str(value) for name, value in attrs if name in ("src", "href", "action")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(made: Plan) -> Tree:
    tree = Tree()
    tree.feed(page(runbook.outline(runbook.write(made).text), ()))
    tree.close()
    assert tree.open == []
    return tree


def test_whole_and_self_contained() -> None:
    predicts = Prediction(
        rewritten_data_files=1200,
        rewritten_bytes=2**30,
        added_data_files=Range(2, 4),
        added_bytes=Range(2**29, 2**30),
    )
    tree = read(replace(plan(), predicts=predicts))
    assert tree.elsewhere == []
    assert "script" not in tree.tags
    assert tree.tags.count("svg") == 2
    for told in ("Step 2 of 2", "optimize", "rollback_to_snapshot", "1,200", "by nobody yet"):
        assert told in tree.text


def test_what_the_file_says_is_text() -> None:
    step = replace(plan(1).steps[0], summary=HOSTILE, why=HOSTILE, destructive=True)
    made = replace(
        plan(1),
        does=(HOSTILE,),
        warnings=(HOSTILE,),
        risk=HOSTILE,
        planned_by=HOSTILE,
        steps=(step,),
    )
    tree = read(made)
    assert not {"script", "img"} & set(tree.tags)
    assert tree.text.count("<script>") >= 5
    assert "data, in step 1" in tree.text
