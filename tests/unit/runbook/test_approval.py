"""Signatures of real SSH keys: whose counts, for which text; nothing else lets a run pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from saved_runbooks import text_of  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import approval, config, runbook
from phlo_sql.cli import cli
from phlo_sql.cli.run import run
from phlo_sql.errors import Code, PhloSqlError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys of alice and bob, both allowed, and of mallory; settings that ask for an approval."""
    for name in ("alice", "bob", "mallory"):
        subprocess.run(
            [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                f"{name}@example.org",
                "-f",
                name,
            ],
            cwd=tmp_path,
            check=True,
        )
    lines = [
        f"{name}@example.org {' '.join((tmp_path / f'{name}.pub').read_text().split()[:2])}\n"
        for name in ("alice", "bob")
    ]
    (tmp_path / "signers").write_text("".join(lines))
    (tmp_path / "phlo-sql.toml").write_text(
        'require_approval = true\nallowed_signers = "signers"\n'
    )
    (tmp_path / "plan.sql").write_text(text_of(author="alice"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRINO_HOST", raising=False)
    return tmp_path


def approve(key: str, *more: str) -> int:
    return run(cli, ["runbook", "approve", "plan.sql", "--key", key, "--json", *more])


def required(folder: Path, runner: str = "service") -> tuple[str, ...]:
    book = runbook.read((folder / "plan.sql").read_text())
    settings = config.load(environ={"TRINO_USER": runner}, cwd=folder)
    return approval.require(book, book.plan.planned_by, settings)


def refused(folder: Path) -> str:
    with pytest.raises(PhloSqlError) as error:
        required(folder)
    assert error.value.code is Code.APPROVAL_REQUIRED
    return error.value.problem


def test_unsigned_is_refused(project: Path) -> None:
    assert "nobody" in refused(project)


def test_an_allowed_signer_lets_it_run(project: Path) -> None:
    assert approve("bob") == 0
    assert required(project) == ("bob@example.org",)


def test_a_key_that_is_not_allowed_signs_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (project / "plan.sql").read_bytes()
    assert approve("mallory") == 1
    assert json.loads(capsys.readouterr().out)["reason_code"] == "signing_failed"
    assert (project / "plan.sql").read_bytes() == before


def test_a_signature_of_another_runbook_does_not_count(project: Path) -> None:
    assert approve("bob") == 0
    signed = runbook.read((project / "plan.sql").read_text())
    other = runbook.write(runbook.read(text_of(3)).plan)
    (project / "plan.sql").write_text(runbook.approved(other.text, signed.approvals[0]))
    assert "not a signature of this runbook" in refused(project)


def test_an_edited_file_with_a_new_digest_does_not_count(project: Path) -> None:
    assert approve("bob") == 0
    text = (project / "plan.sql").read_text()
    old = runbook.outline(text).digest
    edited = text.replace("100MB", "900MB")
    (project / "plan.sql").write_text(edited.replace(old, runbook.digest(edited)))
    assert "not a signature of this runbook" in refused(project)


def test_a_signature_made_for_something_else_does_not_count(project: Path) -> None:
    book = runbook.read((project / "plan.sql").read_text())
    (project / "digest").write_bytes(approval.message(book.digest))
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", "bob", "digest"],
        cwd=project,
        check=True,
        capture_output=True,
    )
    forged = runbook.Approval(by="bob@example.org", signature=(project / "digest.sig").read_text())
    (project / "plan.sql").write_text(runbook.approved(book.text, forged))
    assert "do not count" in refused(project)


def test_a_name_in_the_file_proves_nothing(project: Path) -> None:
    book = runbook.read((project / "plan.sql").read_text())
    signature = approval.sign(book.digest, project / "mallory", ask=False)
    forged = runbook.Approval(by="bob@example.org", signature=signature)
    (project / "plan.sql").write_text(runbook.approved(book.text, forged))
    assert "not among those" in refused(project)


def test_four_eyes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve("alice") == 0
    (project / "phlo-sql.toml").write_text('four_eyes = true\nallowed_signers = "signers"\n')
    assert "author" in refused(project)
    capsys.readouterr()
    (project / "plan.sql").write_text(text_of(author="alice"))
    assert approve("alice") == 3
    assert json.loads(capsys.readouterr().out)["reason_code"] == "approval_required"
    assert approve("bob") == 0
    assert required(project) == ("bob@example.org",)


def test_a_pattern_names_nobody_who_could_be_another_than_the_author() -> None:
    assert approval.own(("*@example.org",), "alice")
    assert approval.own(("alice@example.org",), "ALICE")
    assert not approval.own(("bob@example.org",), "alice")


def test_two_approvals_and_once_only(project: Path) -> None:
    assert approve("alice") == approve("bob") == approve("bob") == 0
    assert required(project) == ("alice@example.org", "bob@example.org")
    assert (project / "plan.sql").read_text().count("BEGIN SSH SIGNATURE") == 2


def test_without_allowed_signers_no_key_counts(project: Path) -> None:
    (project / "phlo-sql.toml").write_text("require_approval = true\n")
    assert approve("bob") == 0
    assert "nobody's key is known" in refused(project)


def test_no_allowed_signers_file_is_said_so(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "signers").unlink()
    assert approve("bob") == 2
    assert json.loads(capsys.readouterr().out)["reason_code"] == "bad_setting"


def test_a_key_with_a_passphrase_does_not_hang_where_nobody_can_be_asked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", "secret words", "-P", "", "-f", "bob"],
        cwd=project,
        check=True,
    )
    assert approve("bob") == 1
    assert json.loads(capsys.readouterr().out)["reason_code"] == "signing_failed"


def test_ssh_keygen_by_hand_agrees(project: Path) -> None:
    """The page for reviewers says how to check a file without phlo-sql."""
    assert approve("bob") == 0
    book = runbook.read((project / "plan.sql").read_text())
    (project / "sig").write_text(book.approvals[0].signature)
    verified = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "bob@example.org", "-n", "phlo-sql",
         "-s", "sig"],
        input=f"sha256:{book.digest}\n".encode(),
        cwd=project,
        check=True,
        capture_output=True,
    )  # fmt: skip
    assert b"Good" in verified.stdout


def test_an_author_who_names_somebody_else_in_the_header_still_needs_another(
    project: Path,
) -> None:
    (project / "phlo-sql.toml").write_text('four_eyes = true\nallowed_signers = "signers"\n')
    (project / "plan.sql").write_text(text_of(author="bob"))  # written by alice
    assert approve("alice") == 0
    with pytest.raises(PhloSqlError, match="alone, who is about to run it") as error:
        required(project, runner="alice")
    assert error.value.code is Code.APPROVAL_REQUIRED
    assert required(project) == ("alice@example.org",)
