"""Who approved a runbook: OpenSSH signatures over its digest, and whether they let it run.

`ssh-keygen -Y` signs and verifies (OpenSSH 8.1, sshsig format); keys never enter this process. An
allowed-signers file (`man ssh-keygen`, ALLOWED SIGNERS) says whose key counts, under which name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from phlo_sql.config import user_of
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.config import Settings
    from phlo_sql.runbook import Approval

NAMESPACE = "phlo-sql"
"""Of the signature, so that one made for anything else (a commit, a mail) is not an approval."""


class Signed(Protocol):
    """What of a runbook or outline matters here."""

    @property
    def digest(self) -> str: ...
    @property
    def approvals(self) -> tuple[Approval, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One signature, checked. `names` are empty where it does not count, and `why` says so."""

    claimed: str
    names: tuple[str, ...] = ()
    key: str = ""
    why: str = ""

    @property
    def by(self) -> str:
        return self.names[0] if self.names else self.claimed

    def document(self) -> dict[str, Any]:
        return {
            "by": self.by,
            "valid": bool(self.names),
            "key": self.key or None,
            "why": self.why or None,
        }


def message(digest: str) -> bytes:
    """What is signed. By hand: printf 'sha256:…\\n' | ssh-keygen -Y verify -n phlo-sql …"""
    return f"sha256:{digest}\n".encode()


def allowed_signers(settings: Settings) -> Path | None:
    """The allowed-signers file; a relative path in phlo-sql.toml is relative to that file."""
    setting = settings.allowed_signers
    if not setting.value:
        return None
    path = Path(setting.value).expanduser()
    if settings.file is not None and setting.source == settings.file.name:
        path = settings.file.parent / path
    if not path.is_file():
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"allowed_signers from {setting.source}: {path} is not a file",
            "name a file of lines 'name ssh-ed25519 AAAA…', as ssh-keygen reads it",
        )
    return path


def sign(digest: str, key: Path, *, ask: bool) -> str:
    """A signature over a digest, in OpenSSH's armour. `key` is a private key, or a public one whose
    private half the SSH agent holds. `ask`: a passphrase may be asked for on the terminal.

    Raises PhloSqlError(SIGNING_FAILED).
    """
    with tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
        text = Path(folder, "digest")
        text.write_bytes(message(digest))
        ran = _ssh_keygen("sign", "-n", NAMESPACE, "-f", str(key), str(text), ask=ask)
        signature = Path(folder, "digest.sig")
        if ran.returncode or not signature.exists():
            said = " ".join(ran.stderr.split()) or "no signature was made"
            raise PhloSqlError(
                Code.SIGNING_FAILED,
                f"ssh-keygen could not sign with {key}: {said}",
                "name your private key, or a public one whose private half ssh-agent holds",
            )
        return signature.read_text(encoding="ascii")


def verified(book: Signed, settings: Settings) -> tuple[Verified, ...]:
    """Every approval of the file, each checked against its body and the allowed signers."""
    signers = allowed_signers(settings)
    if signers is None:
        why = "no allowed_signers file is set, so nobody's key is known"
        return tuple(Verified(claimed=each.by, why=why) for each in book.approvals)
    return tuple(check(each, book.digest, signers) for each in book.approvals)


def check(approval: Approval, digest: str, signers: Path) -> Verified:
    """Whether a key of the allowed signers made this signature over this digest."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
        signature = Path(folder, "sig")
        signature.write_text(approval.signature, encoding="ascii")
        files = ("-f", str(signers), "-s", str(signature))
        found = _ssh_keygen("find-principals", *files)
        if found.returncode or not found.stdout.strip():
            why = f"its key is not among those of {signers.name}"
            return Verified(claimed=approval.by, why=why)
        for line in found.stdout.splitlines():
            names = tuple(name.strip() for name in line.split(",") if name.strip())
            for name in names:
                ran = _ssh_keygen(
                    "verify", *files, "-n", NAMESPACE, "-I", name, given=message(digest)
                )
                if ran.returncode == 0:
                    key = ran.stdout.rsplit(" key ", 1)[-1].strip()
                    return Verified(claimed=approval.by, names=names, key=key)
    return Verified(claimed=approval.by, why="it is not a signature of this runbook's digest")


def require(book: Signed, author: str, settings: Settings) -> tuple[str, ...]:
    """The names of those who approved. Raises PhloSqlError(APPROVAL_REQUIRED) where the settings
    ask for an approval and the runbook has none that counts."""
    found = verified(book, settings) if book.approvals else ()
    counting = [each for each in found if each.names]
    if not settings.require_approval.value and not settings.four_eyes.value:
        return tuple(each.by for each in counting)
    if settings.four_eyes.value:
        # The header names an author, but proves none: whoever runs it is held to the same.
        runner = user_of(settings) or author
        others = [each for each in counting if not own(each.names, author)]
        if counting and not others:
            raise _required(f"it is approved by {counting[0].by} alone, who is its author")
        counting = [each for each in others if not own(each.names, runner)]
        if others and not counting:
            raise _required(f"it is approved by {others[0].by} alone, who is about to run it")
    if not counting:
        why = "; ".join(f"{each.claimed}: {each.why}" for each in found)
        raise _required(f"the approvals do not count: {why}" if why else "nobody has approved it")
    return tuple(each.by for each in counting)


def own(names: tuple[str, ...], author: str) -> bool:
    """Whether a signer may be the author: alice, alice@example.org, or a pattern of both."""
    people = set(_people(author))
    return any("*" in name or "?" in name or people & set(_people(name)) for name in names)


def _people(name: str) -> Iterator[str]:
    yield name.casefold()
    yield name.casefold().split("@", 1)[0]


def _required(why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.APPROVAL_REQUIRED,
        f"the settings ask for an approved runbook, and {why}",
        "save it with --out FILE, have it signed with `phlo-sql runbook approve FILE --key KEY`, "
        "then run `phlo-sql runbook apply FILE`",
    )


def _ssh_keygen(
    action: str, *arguments: str, given: bytes = b"", ask: bool = False
) -> subprocess.CompletedProcess[str]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise PhloSqlError(
            Code.MACHINE_INCOMPLETE, "ssh-keygen is not on the PATH", "install openssh-client"
        )
    environment = dict(os.environ) | {"LC_ALL": "C"}
    if not ask:
        environment["SSH_ASKPASS_REQUIRE"] = "never"
    ran = subprocess.run(
        [program, "-Y", action, *arguments],
        input=given,
        capture_output=True,
        check=False,
        env=environment,
        start_new_session=not ask,  # without a terminal there is nobody to ask
    )
    return subprocess.CompletedProcess(
        ran.args,
        ran.returncode,
        ran.stdout.decode(errors="replace"),
        ran.stderr.decode(errors="replace"),
    )
