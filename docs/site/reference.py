"""Makes the reference pages from the code when the site is built: settings, errors, commands.

An mkdocs hook (`hooks:` in mkdocs.yml).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

from phlo_sql.cli.root import GROUPS
from phlo_sql.config import DEFINITIONS
from phlo_sql.errors import Code

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

_EXITS = {1: "failed", 2: "usage", 3: "refused, nothing sent", 4: "sent, but not verified"}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages; one that stands as a file of the same name is a mistake."""
    for path, text in pages().items():
        if files.get_file_from_path(path) is not None:
            raise ValueError(f"docs/{path} is made from the code: remove the file")
        files.append(File.generated(config, path, content=text))
    return files


def pages() -> dict[str, str]:
    made = {"reference/settings.md": settings(), "reference/errors.md": errors()}
    made |= {f"reference/{name}.md": command(name) for name in GROUPS}
    return made


def settings() -> str:
    rows = [
        (f"`{each.name}`", _code(each.env), each.kind, _default(each), _cell(each.help))
        for each in DEFINITIONS
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Flags, then the environment, then `phlo-sql.toml`, then phlo's `.phlo` layers, then",
            "the default. The name in the first column is the one in `phlo-sql.toml`.",
            "`phlo-sql doctor` prints where each value came from; secrets are never printed.",
            "",
            *_table(("setting", "environment", "kind", "default", "what it does"), rows),
        ]
    )


def errors() -> str:
    rows = [
        (
            f"[`{code.id}`](#{code.id.lower()})",
            f"`{code.reason}`",
            f"{code.exit_code}",
            _cell(code.value.meaning),
        )
        for code in Code
    ]
    exits = [(str(number), text) for number, text in _EXITS.items()]
    return "\n".join(
        [
            "# Errors",
            "",
            "Every error has a code and, with `--json`, its `reason_code`. Both are stable. It is",
            "one line of cause, with the names involved, and one line of what to do.",
            "",
            *_table(("code", "reason_code", "exit code", "when"), rows),
            "",
            "## Exit codes",
            "",
            *_table(("exit code", "meaning"), [("0", "done, planned, or nothing to do"), *exits]),
            "",
            "## What to do",
            "",
            *(line for code in Code for line in _section(code, advice()[code.id])),
        ]
    )


def advice() -> dict[str, str]:
    """By code, as `advice.md` has it."""
    text = (Path(__file__).parent / "advice.md").read_text()
    sections = (part.partition("\n") for part in text.split("\n## ")[1:])
    found = {code: body.strip() for code, _, body in sections}
    if missing := [code.id for code in Code if not found.get(code.id)]:
        raise ValueError(f"docs/site/advice.md says nothing about {', '.join(missing)}")
    if gone := set(found) - {code.id for code in Code}:
        raise ValueError(f"docs/site/advice.md speaks of {min(gone)}, which is no code")
    return found


def _section(code: Code, text: str) -> list[str]:
    exits = _EXITS[code.exit_code]
    head = f"`{code.reason}`, exit code {code.exit_code} ({exits}): {code.value.meaning}."
    return [f"### {code.id} {{#{code.id.lower()}}}", "", head, "", text, ""]


def command(name: str) -> str:
    module, summary = GROUPS[name]
    return "\n".join(
        [
            f"# {name}",
            "",
            summary,
            "",
            "::: mkdocs-click",
            f"    :module: {module}",
            f"    :command: {name}",
            f"    :prog_name: phlo-sql {name}",
            "    :depth: 1",
            "    :style: table",
        ]
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _default(definition: Any) -> str:
    return f"`{definition.default}`" if definition.default not in (None, "", {}, ()) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
