"""Ports on 127.0.0.1: the named ones checked, the others free ones that are kept between starts."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOST = "127.0.0.1"


def choose(
    wanted: Iterable[str], named: Mapping[str, int], remembered: Mapping[str, int]
) -> dict[str, int]:
    """A port for each of `wanted`. A named one that is taken is an error, a remembered not."""
    chosen: dict[str, int] = {}
    held: list[socket.socket] = []
    try:
        for name in wanted:
            held.append(_bind(name, named.get(name, 0), remembered.get(name, 0)))
            chosen[name] = held[-1].getsockname()[1]
    finally:
        # All are held until all are chosen, so that no two get the same.
        for one in held:
            one.close()
    return chosen


def answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _bind(name: str, named: int, remembered: int) -> socket.socket:
    if named:
        try:
            return _listen(named)
        except OSError as problem:
            raise PhloSqlError(
                Code.STACK_FAILED,
                f"port {named}, named for {name}, cannot be had on {HOST}: {problem.strerror}",
                "name another port, or none to take a free one",
            ) from problem
    if remembered:
        try:
            return _listen(remembered)
        except OSError:
            pass
    return _listen(0)


def _listen(port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # What servers do too: a port that is only waiting out its last connection is free.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((HOST, port))
        one.listen(1)
    except BaseException:
        one.close()
        raise
    return one
