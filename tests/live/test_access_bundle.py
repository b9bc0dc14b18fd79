"""The bundle under the real OPA: it decides as phlo-sql does, polled from a URL or from S3."""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql.access import bundle, publish
from phlo_sql.access.decide import Identity, decide, rules_of
from phlo_sql.access.grants import Grant, Principal, Role
from phlo_sql.access.resource import Resource, literal
from phlo_sql.config import Settings, load
from phlo_sql.errors import PhloSqlError
from phlo_sql.stack import machine, opa, ports
from tests.live.access_stack import skipping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("opa")]
NOW = datetime.now(UTC)
LOGIN = "ops:a%20p%40ss"
PATTERNS = ("a", "b", "ab", "a*", "*b", "*", "*", "*", "a*b*", "a\\*", "a b", "é*")
NAMES = ("a", "b", "ab", "a*", "axbx", "a b", "c", "éa", "a.b")


@pytest.fixture(scope="module")
def program() -> Path:
    with skipping():
        found = machine.find(s3=False, opa=True)
    return opa.program(found.opa, found.go, lambda _line: None)


def any_grant(chosen: random.Random) -> Grant:
    part = chosen.choice
    return Grant(
        id=chosen.randrange(1000),
        principal=Principal(kind=part(("user", "group")), name=part(("u", "g", "v w@x"))),
        role=part(list(Role)),
        resource=Resource(
            catalog=part(PATTERNS), schema=part(PATTERNS), table=part(PATTERNS), ref=""
        ),
        until=part((None, None, NOW - timedelta(days=1), NOW + timedelta(days=1))),
    )


def test_opa_itself_finds_no_fault(program: Path) -> None:
    grants = [any_grant(random.Random(1)) for _ in range(20)]
    bundle.check(bundle.build(grants, "r", Settings()), str(program))


def test_same_grants_same_bytes() -> None:
    grants = [any_grant(random.Random(number)) for number in range(20)]
    first, second = (bundle.build(grants, "r", Settings()).archive() for _ in range(2))
    assert first == second


def test_opa_decides_as_phlo_sql_does(program: Path, tmp_path: Path) -> None:
    """3,000 questions on random grants, in one evaluation."""
    chosen = random.Random(20261124)
    operations = (
        ("SelectFromColumns", Role.READ),
        ("DeleteFromTable", Role.WRITE),
        ("DropTable", Role.ADMIN),
    )
    cases: list[dict[str, Any]] = []
    expected: list[bool] = []
    for world in range(60):
        grants = [any_grant(chosen) for _ in range(chosen.randrange(25))]
        rules = rules_of(grants, Settings())
        access = bundle.data_of(rules)
        for _ in range(50):
            user, groups = chosen.choice((("u", ()), ("v w@x", ("g",)), ("x", ("u", "v w@x"))))
            catalog, schema, table = (chosen.choice(NAMES) for _ in range(3))
            operation, need = chosen.choice(operations)
            named = {"catalogName": catalog, "schemaName": schema, "tableName": table}
            question = {
                "context": {"identity": {"user": user, "groups": list(groups)}},
                "action": {"operation": operation, "resource": {"table": named}},
            }
            cases.append({"world": str(world), "input": question, "access": access})
            target = Resource(
                catalog=literal(catalog), schema=literal(schema), table=literal(table)
            )
            decision = decide(rules, Identity(user=user, groups=groups), need, target, NOW)
            expected.append(decision.allowed)
    assert 300 < sum(expected) < 2500
    (tmp_path / "input.json").write_text(json.dumps({"cases": cases}))
    (tmp_path / "policy.rego").write_text(bundle.policy_text(bundle.POLICY))
    query = (
        "[allowed | some case in input.cases; asked := case.input; access := case.access;"
        " allowed := data.trino.allow with input as asked with data.phlo_sql.access as access]"
    )
    done = subprocess.run(
        [program, "eval", "-d", tmp_path / "policy.rego", "-i", tmp_path / "input.json", query],
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    wrong = [
        (case["input"], answer)
        for case, answer, right in zip(cases, answers, expected, strict=True)
        if answer is not right
    ]
    assert not wrong[:3]


@contextmanager
def polling(program: Path, folder: Path, service: dict[str, Any], resource: str) -> Iterator[int]:
    """An OPA that polls a bundle as its users configure it."""
    port = ports.choose(["opa"], {}, {})["opa"]
    delays = {"min_delay_seconds": 1, "max_delay_seconds": 2}
    settings = {
        "services": {"policies": service},
        "bundles": {"trino": {"service": "policies", "resource": resource, "polling": delays}},
    }
    file = folder / "opa.json"
    file.write_text(json.dumps(settings))
    words = ["run", "--server", f"--addr=127.0.0.1:{port}", "--log-level=error"]
    server = subprocess.Popen(
        [program, *words, "--skip-version-check", f"--config-file={file}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.terminate()
        server.wait(15)


def seconds_until(asked: Callable[[], bool]) -> float:
    begun = time.monotonic()
    while not asked():
        assert time.monotonic() - begun < 10
        time.sleep(0.05)
    return time.monotonic() - begun


def may_query(port: int, user: str) -> bool:
    question = {"context": {"identity": {"user": user}}, "action": {"operation": "ExecuteQuery"}}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/data/trino/allow",
        data=json.dumps({"input": question}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own
            return json.load(answer).get("result") is True
    except OSError:
        return False


def of(user: str) -> list[Grant]:
    return [
        Grant(
            principal=Principal(kind="user", name=user),
            role=Role.READ,
            resource=Resource(catalog="a"),
        )
    ]


class Shelf(BaseHTTPRequestHandler):
    """A store of files over HTTP: PUT and GET, with an ETag."""

    kept: dict[str, bytes]

    def do_PUT(self) -> None:
        if self.headers["Authorization"] != "Basic b3BzOmEgcEBzcw==":  # ops:a p@ss
            self.send_error(401)
            return
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        content = self.kept.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None: ...


def changes_arrive(port: int, settings: Settings, place: str) -> None:
    publish.to_opa(settings, of("first"), "1", place)
    seconds_until(lambda: may_query(port, "first"))
    assert not may_query(port, "second")
    publish.to_opa(settings, of("second"), "2", place)
    assert seconds_until(lambda: may_query(port, "second")) < 5
    assert not may_query(port, "first")


def test_a_change_reaches_an_opa_that_polls_a_url(program: Path, tmp_path: Path) -> None:
    shelf = type("OwnShelf", (Shelf,), {"kept": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), shelf) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            with polling(program, tmp_path, {"url": url}, "/bundle.tar.gz") as port:
                settings = load(environ={}, cwd=tmp_path)
                changes_arrive(port, settings, f"{url}/bundle.tar.gz".replace("//", f"//{LOGIN}@"))
                with pytest.raises(PhloSqlError, match="HTTP 401") as caught:
                    publish.to_opa(settings, [], "3", f"{url}/b?sig=abc".replace("//", "//x:y1@"))
                assert "y1" not in caught.value.problem
                assert "abc" not in caught.value.problem
        finally:
            server.shutdown()


def test_a_change_reaches_an_opa_that_polls_s3(
    program: Path, tmp_path: Path, stack: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = stack.env
    key = f"policies/{tmp_path.name}.tar.gz"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", env["ICEBERG_S3_ACCESS_KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", env["ICEBERG_S3_SECRET_KEY"])
    monkeypatch.setenv("AWS_REGION", env["ICEBERG_S3_REGION"])
    service = {
        "url": f"{env['ICEBERG_S3_ENDPOINT']}/lake",
        "credentials": {"s3_signing": {"environment_credentials": {}}},
    }
    with polling(program, tmp_path, service, key) as port:
        changes_arrive(port, load(environ=env, cwd=tmp_path), f"s3://lake/{key}")


@pytest.mark.parametrize(
    "place", ["/nowhere/at/all.tar.gz", "http://127.0.0.1:1/b", "s3://bucket/b"]
)
def test_a_place_that_cannot_be_reached_is_named(place: str, tmp_path: Path) -> None:
    away = {"S3_ENDPOINT": "http://127.0.0.1:1", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}
    with pytest.raises(PhloSqlError, match="the policies are stored, but could not") as caught:
        publish.to_opa(load(environ=away, cwd=tmp_path), of("u"), "1", place)
    assert place in caught.value.problem
    assert caught.value.code.exit_code == 1
