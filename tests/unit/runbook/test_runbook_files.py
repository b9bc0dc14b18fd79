"""Files as they arrive from editors, mail and git: accepted, or refused with nothing run."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from saved_runbooks import long_text, plan, text_of  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import runbook
from phlo_sql.cli import cli
from phlo_sql.cli.plan_document import outline_document, plan_document
from phlo_sql.cli.run import run

BOTTOM = (
    "\n-- == Approved by alice ==\n-- -----BEGIN SSH SIGNATURE-----\n-- AAAA\n"
    "-- -----END SSH SIGNATURE-----\n"
)


def shown(
    text: str | bytes, folder: Path, capsys: pytest.CaptureFixture[str], *argv: str
) -> tuple[int, dict[str, object]]:
    path = folder / "plan.sql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    capsys.readouterr()
    command = list(argv) or ["show"]
    code = run(cli, ["runbook", *command, str(path), "--json"])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, answer


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of this machine, and no server: nothing here may need one."""
    monkeypatch.chdir(tmp_path)
    for name in ("TRINO_HOST", "PHLO_SQL_ALLOWED_SIGNERS", "PHLO_SQL_REQUIRE_APPROVAL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text + BOTTOM,
        lambda text: (text + BOTTOM).replace("\n", "\r\n"),
    ],
)
def test_accepted(change: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = shown(change(text_of()), tmp_path, capsys)  # type: ignore[operator]
    assert (code, answer["status"]) == (0, "planned")


TWO = text_of(2)
STEP_2 = TWO.index("\n-- == Step 2 of 2")
STEP_1 = TWO.index("\n-- == Step 1 of 2")
RECOUNTED = TWO[:STEP_1] + TWO[STEP_2:] + TWO[STEP_1:STEP_2]


def resealed(text: str) -> str:
    """As somebody would who edits the file and its digest."""
    old = TWO.split("sha256:", 1)[1][:64]
    return text.replace(old, runbook.digest(text))


REFUSED = [
    ("truncated in a statement", TWO[: TWO.rindex("\nALTER") + 20], "runbook_altered"),
    ("truncated in the header", TWO[:200], "runbook_invalid"),
    ("truncated and resealed", resealed(TWO[: TWO.rindex("\nALTER") + 20]), "runbook_invalid"),
    ("a last step cut off and resealed", resealed(TWO[:STEP_2]), "runbook_invalid"),
    ("an edited statement", TWO.replace("100MB", "900MB", 1), "runbook_altered"),
    ("reordered steps", RECOUNTED, "runbook_altered"),
    ("reordered and resealed", resealed(RECOUNTED), "runbook_invalid"),
    ("two files joined", TWO + text_of(1), "runbook_invalid"),
    ("a signed file, edited", TWO.replace("low", "none", 1) + BOTTOM, "runbook_altered"),
    ("text behind an approval", TWO + BOTTOM + "DROP TABLE t;\n", "runbook_altered"),
    ("text before the end", TWO + "DROP TABLE t;\n", "runbook_altered"),
    ("a newer format", TWO.replace("format 1", "format 9", 1), "runbook_invalid"),
    ("a newer kind", resealed(TWO.replace("kind:      procedure", "kind:      dream")),
     "runbook_invalid"),
    ("binary junk", bytes(range(256)) * 40, "runbook_invalid"),
    ("zeros", b"\x00" * 4096, "runbook_invalid"),
    ("nothing", b"", "runbook_invalid"),
    ("UTF-16", TWO.encode("utf-16"), "runbook_invalid"),
]  # fmt: skip


@pytest.mark.parametrize("command", ["show", "apply"])
@pytest.mark.parametrize(("what", "text", "reason"), REFUSED, ids=[what for what, _, _ in REFUSED])
def test_refused_in_one_line(
    what: str, text: str | bytes, reason: str, command: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    code, answer = shown(text, tmp_path, capsys, command)
    assert (code, answer["reason_code"]) == (3, reason)
    assert all("\n" not in line for line in answer["errors"])  # type: ignore[attr-defined]


def test_sql_in_a_comment_stays_a_comment() -> None:
    text = TWO.replace("they are small", "they are small; DROP TABLE x;", 1)
    book = runbook.read(resealed(text))
    assert len(book.plan.steps) == 2
    assert book.plan.steps[0].why == "they are small; DROP TABLE x;"


def test_an_approval_does_not_change_what_is_approved() -> None:
    book = runbook.read(TWO)
    made = runbook.Approval(
        by="bob@example.org -- ==\n", signature=BOTTOM.split("==\n")[1].replace("-- ", "")
    )
    twice = runbook.approved(runbook.approved(TWO, made), made)
    back = runbook.read(twice)
    assert (back.digest, back.plan, len(back.approvals)) == (book.digest, book.plan, 2)
    assert back.approvals[0] == made
    assert back.body == TWO


def test_the_outline_says_what_the_plan_says() -> None:
    text = text_of(3)
    told, parsed = outline_document(runbook.outline(text)), plan_document(runbook.read(text))
    assert told.keys() == parsed.keys()
    for one, other in zip(told["steps"], parsed["steps"], strict=True):
        assert one.keys() == other.keys()
    assert {k: v for k, v in told.items() if k != "steps"} == {
        k: v for k, v in parsed.items() if k != "steps"
    }


@pytest.mark.parametrize("argv", [("show", "--json"), ("show",), ("lint", "--offline")])
def test_ten_thousand_steps_cost_no_more_than_five_times_two_thousand(
    argv: tuple[str, ...], tmp_path: Path
) -> None:
    """In processor time, all in: work that grows faster than a file's length costs far more."""
    path = tmp_path / "plan.sql"
    program = [sys.executable, "-c", "from phlo_sql.cli import main; main()", "runbook"]

    def cost(steps: int) -> float:
        path.write_text(long_text(steps))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        ran = subprocess.run(
            [*program, *argv, str(path)], check=True, capture_output=True, text=True
        )
        assert steps < 10_000 or "2017-05-19" in ran.stdout or "nothing found" in ran.stdout
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    few = cost(2_000)
    assert cost(10_000) < 5 * few


def test_same_plan_same_bytes_whoever_writes_it() -> None:
    assert runbook.write(plan()).text == TWO
