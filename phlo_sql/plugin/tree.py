"""Our command tree in phlo's click classes, loaded when it is looked at.

phlo derives `phlo commands`, `--json` detection and its JSON envelope from the click tree; it reads
`group.commands` for that (phlo 0.16 to 0.18, `cli/contract.py`, `cli/commands/commands.py`). At
start it walks `group.commands.values()` to adapt children: the tree must not load for that.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from phlo.cli.contract import PhloCommand, PhloGroup
from phlo.cli.output import user_error

from phlo_sql.cli.root import GROUPS
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_KEPT = ("params", "epilog", "short_help", "options_metavar", "hidden", "deprecated")
_OURS = re.compile(rf"\bphlo-sql (?=(?:{'|'.join(GROUPS)})\b)")


class SqlCommand(PhloCommand):
    """One of our commands; `inner` is the command as phlo-sql itself runs it."""

    def __init__(self, inner: click.Command) -> None:
        super().__init__(
            inner.name,
            callback=inner.callback,
            context_settings=inner.context_settings,
            no_args_is_help=inner.no_args_is_help,
            help=_in_phlo(inner.help or ""),
            **{name: getattr(inner, name) for name in _KEPT},
        )

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Arguments that we refuse become phlo's own usage errors."""
        try:
            return super().make_context(*args, **extra)
        except PhloSqlError as error:
            raise _refusal(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, print its report, exit with its code."""
        from phlo_sql.cli.output import Report, emit, fail
        from phlo_sql.cli.run import unexpected

        _follow_phlo(ctx)
        as_json = bool(ctx.params.get("as_json"))
        try:
            result = super().invoke(ctx)
        except PhloSqlError as error:
            sys.exit(fail(_at_home(error), as_json=as_json))
        except (click.exceptions.Exit, click.Abort, click.ClickException):
            raise
        except KeyboardInterrupt:
            stopped = PhloSqlError(Code.INTERRUPTED, "stopped before anything ran", "run it again")
            sys.exit(fail(stopped, as_json=as_json))
        except Exception as error:  # noqa: BLE001 - phlo would print a traceback, secrets and all
            sys.exit(fail(unexpected(error), as_json=as_json))
        if isinstance(result, Report):
            steps = tuple((_in_phlo(command), when) for command, when in result.next_steps)
            sys.exit(emit(replace(result, next_steps=steps), as_json=as_json))
        sys.exit(int(result or 0))


class SqlGroup(PhloGroup):
    """One of our groups; its commands load when one of them is asked for."""

    def __init__(self, name: str, summary: str, inner: Callable[[], click.Group]) -> None:
        super().__init__(name, help=summary)
        self.commands = _Commands(inner)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


def extend(group: click.Group, inner: Callable[[], click.Group], names: Collection[str]) -> None:
    """Give a group of phlo's those commands of ours whose name is free in it."""
    group.commands = _Commands(inner, names, group.commands)


class _Commands(dict[str, click.Command]):
    """A group's commands by name. `values()` gives those that were loaded, all else loads.

    `only` leaves out all other names; `own` are the group's from before, and win.
    """

    def __init__(
        self,
        inner: Callable[[], click.Group],
        only: Collection[str] = (),
        own: Mapping[str, click.Command] | None = None,
    ) -> None:
        super().__init__(own or {})
        self._inner = inner
        self._only = only
        self._own = tuple(own or ())

    def __missing__(self, name: str) -> click.Command:
        if name not in self:
            raise KeyError(name)
        inner = self._inner()
        found = inner.get_command(click.Context(inner), name)
        if found is None:
            raise KeyError(name)
        self[name] = adapted(found)
        return self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def get(self, name: str, default: Any = None) -> Any:
        if super().__contains__(name):
            return self[name]
        return self[name] if name in self else default  # noqa: SIM401 - this is `get`

    def keys(self) -> Any:
        return dict.fromkeys(self._names()).keys()

    def items(self) -> Any:
        return {name: self[name] for name in self._names()}.items()

    def _names(self) -> list[str]:
        inner = self._inner()
        ours = inner.list_commands(click.Context(inner))
        chosen = [name for name in ours if not self._only or name in self._only]
        return list(dict.fromkeys([*self._own, *chosen, *super().keys()]))


def adapted(command: click.Command) -> click.Command:
    """The command, and all below it, in phlo's classes."""
    if isinstance(command, click.Group):
        return SqlGroup(str(command.name), command.help or "", lambda: command)
    return SqlCommand(command)


def _follow_phlo(ctx: click.Context) -> None:
    """phlo's root options, which it keeps in the context and the environment."""
    if ctx.meta.get("phlo_non_interactive") and "non_interactive" in ctx.params:
        ctx.params["non_interactive"] = True
    if ctx.meta.get("phlo_json") and "as_json" in ctx.params:
        ctx.params["as_json"] = True
    if os.environ.get("PHLO_QUIET") and "quiet" in ctx.params:
        ctx.params["quiet"] = True


def _in_phlo(text: str) -> str:
    """Commands as they are typed here. Outside phlo nothing asks its policies."""
    return _OURS.sub("phlo sql ", text)


def _at_home(error: PhloSqlError) -> PhloSqlError:
    steps = tuple((_in_phlo(command), when) for command, when in error.next_steps)
    hint = _in_phlo(error.hint)
    return PhloSqlError(error.code, error.problem, hint, data=error.data, next_steps=steps)


def _refusal(error: PhloSqlError) -> click.ClickException:
    refused = user_error(error.problem, details=[error.hint], reason_code=error.code.reason)
    refused.exit_code = error.code.exit_code
    return refused
