"""Ports, what is kept, the environment, the machine, and what is refused before any start."""

from __future__ import annotations

import socket
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from phlo_sql import stack
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import kept, machine, maven, ports, trino
from phlo_sql.stack.clients import catalog_properties
from phlo_sql.stack.environment import environment, for_catalog, write_pyiceberg_file
from phlo_sql.stack.info import Service, StackRequest
from phlo_sql.stack.kept import Kept
from phlo_sql.stack.layout import Layout, properties, write_private
from phlo_sql.stack.maven import Artifact

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("trino", "postgres", "nessie", "s3", "hive", "glue")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(
        name="x",
        home=tmp_path,
        trino_version=483,
        extras=frozenset({"nessie"}),
        ports={name: 1000 + number for number, name in enumerate(NAMES)},
        passwords={"postgres": "pg-secret", "s3": "s3-secret"},
    )


class TestPorts:
    def test_free_ones_differ(self) -> None:
        chosen = ports.choose(("a", "b", "c"), {}, {})
        assert len(set(chosen.values())) == 3

    def test_a_named_port_is_taken_or_refused(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
            with pytest.raises(PhloSqlError) as caught:
                ports.choose(("trino",), {"trino": port}, {})
            assert caught.value.code is Code.STACK_FAILED
            assert str(port) in caught.value.problem
            assert ports.choose(("trino",), {}, {"trino": port})["trino"] != port
        assert ports.choose(("trino",), {"trino": port}, {}) == {"trino": port}
        assert ports.choose(("trino",), {}, {"trino": port}) == {"trino": port}

    def test_who_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
            assert ports.answers(port)
        assert not ports.answers(port)


class TestKept:
    def test_it_comes_back_as_it_was_and_is_private(self, tmp_path: Path) -> None:
        service = Service(
            name="trino", pid=7, birth="b:1", port=8080, log=tmp_path / "log", ready=False
        )
        before = kept.with_passwords(
            Kept(
                trino_version=476,
                extras=frozenset({"nessie"}),
                ports={"trino": 8080},
                services=(service,),
                env={"TRINO_HOST": "127.0.0.1"},
            )
        )
        kept.save(tmp_path, before)
        assert kept.load(tmp_path) == before
        (file,) = tmp_path.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert kept.with_passwords(before) == before

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 0}', '{"format": 1}'])
    def test_what_cannot_be_read_is_no_stack(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "stack.json").write_text(text)
        assert kept.load(tmp_path) is None

    def test_private_from_the_first_byte(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        path.write_text("old, and open to all")
        path.chmod(0o644)
        write_private(path, "new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == "new"


class TestEnvironment:
    def test_with_and_without_nessie(self, layout: Layout) -> None:
        full = environment(layout)
        plain = environment(replace(layout, extras=frozenset()))
        assert full["TRINO_CATALOG"] == plain["TRINO_CATALOG"] == "iceberg"
        assert full["NESSIE_URI"] == "http://127.0.0.1:1002/iceberg"
        assert full["PYICEBERG_CATALOG__NESSIE_DEV__URI"] == "http://127.0.0.1:1002/iceberg/dev"
        assert full["PYICEBERG_CATALOG__ICEBERG_S3__S3__ENDPOINT"] == "http://127.0.0.1:1003"
        assert not [name for name in plain if "NESSIE" in name or "S3" in name or "AWS" in name]
        assert plain.items() <= full.items()

    def test_each_source_has_its_address_and_all_have_s3(self, layout: Layout) -> None:
        hive = environment(replace(layout, extras=frozenset({"hive"})))
        glue = environment(replace(layout, extras=frozenset({"glue"})))
        assert hive["HIVE_METASTORE_URI"] == "thrift://127.0.0.1:1004"
        assert glue["GLUE_ENDPOINT_URL"] == glue["AWS_ENDPOINT_URL_GLUE"] == "http://127.0.0.1:1005"
        assert hive["ICEBERG_S3_ENDPOINT"] == glue["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1003"
        assert "NESSIE_URI" not in hive | glue
        assert "GLUE_ENDPOINT_URL" not in hive

    @pytest.mark.parametrize("extras", [(), ("nessie",), ("hive",), ("glue",), ("hive", "glue")])
    def test_every_iceberg_catalog_of_trino_is_one_of_pyiceberg(
        self, layout: Layout, extras: tuple[str, ...]
    ) -> None:
        layout = replace(layout, extras=frozenset(extras))
        served = {
            name
            for name, settings in trino._catalogs(layout).items()
            if settings["connector.name"] == "iceberg"
        }
        assert served == set(catalog_properties(environment(layout)))

    def test_another_catalog_as_the_default(self, layout: Layout) -> None:
        env = environment(layout)
        nessie = for_catalog(env, "nessie")
        assert nessie["TRINO_CATALOG"] == "nessie"
        assert nessie["ICEBERG_CATALOG_URI"] == env["NESSIE_URI"]  # phlo adds the ref
        assert nessie["ICEBERG_WAREHOUSE_PATH"] == "warehouse"
        assert for_catalog(env, "iceberg") == env
        with pytest.raises(PhloSqlError, match="hive") as caught:
            for_catalog(env, "hive")
        assert "nessie" in caught.value.hint

    def test_pyicebergs_file_is_private(self, layout: Layout) -> None:
        write_pyiceberg_file(layout.home, environment(layout))
        (file,) = layout.home.iterdir()
        assert file.name == ".pyiceberg.yaml"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert '  nessie_dev:\n    type: "rest"\n' in file.read_text()

    def test_the_local_file_switch_follows_the_version(self, layout: Layout) -> None:
        old = trino._catalogs(replace(layout, trino_version=476))["iceberg"]
        assert "fs.native-local.enabled" in old
        assert "fs.local.enabled" in trino._catalogs(layout)["iceberg"]

    def test_a_properties_file_keeps_a_backslash(self) -> None:
        assert properties({"a": "b\\c", "d": 1}) == "a=b\\\\c\nd=1\n"


class TestMachine:
    def test_everything_that_is_missing_stands_in_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setattr(machine, "_JDK_FOLDERS", (str(tmp_path / "none"),))
        monkeypatch.setattr(machine, "_POSTGRES_FOLDERS", tmp_path)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        with pytest.raises(PhloSqlError) as caught:
            machine.find(s3=True)
        assert caught.value.code is Code.MACHINE_INCOMPLETE
        for name in ("openjdk-25-jdk-headless", "(maven)", "(postgresql)", "weed"):
            assert name in caught.value.problem
        assert "\n" not in caught.value.problem

    def test_a_java_that_is_too_new_is_none_for_hive(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(machine, "_JDK_FOLDERS", (str(tmp_path),))
        for version in ("8", "17.0.1", "25.0.1"):
            home = tmp_path / version
            (home / "bin").mkdir(parents=True)
            (home / "bin" / "java").write_text("")
            (home / "release").write_text(f'JAVA_VERSION="{version}"\n')
        assert machine._hive_jdk() == tmp_path / "17.0.1"

    @pytest.mark.parametrize(
        ("release", "fits"),
        [
            ('JAVA_VERSION="25.0.1"\nMODULES="java.base jdk.incubator.vector"\n', True),
            ('JAVA_VERSION="26"\n', True),
            ('JAVA_VERSION="25.0.1"\nMODULES="java.base"\n', False),
            ('JAVA_VERSION="17.0.15"\n', False),
            ("", False),
        ],
    )
    def test_a_jdk_is_known_by_its_release_file(
        self, tmp_path: Path, release: str, *, fits: bool
    ) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "javac").write_text("")
        (tmp_path / "release").write_text(release)
        assert (machine._jdk_version(tmp_path) >= machine.JAVA) is fits


class TestPlugins:
    def test_a_plugin_that_a_stack_no_longer_has_is_gone_from_trino(self, layout: Layout) -> None:
        """Else its Trino would ask an OPA for ever that is not started any more."""
        full = replace(
            layout,
            trino_version=476,
            extras=frozenset({"opa", "events"}),
            ports={**layout.ports, "opa": 1, "events": 2},
            passwords={**layout.passwords, "events": "events-secret"},
        )
        programs = machine.Machine(jdk=layout.home, maven=layout.home, postgres=layout.home)
        etc = layout.home / "trino" / "etc"
        trino.launch(full, programs, layout.home, {})
        listener = etc / "event-listener.properties"
        assert "connect-http-headers=Authorization:Bearer events-secret" in listener.read_text()
        assert stat.S_IMODE(listener.stat().st_mode) == 0o600
        assert (etc / "access-control.properties").exists()
        trino.launch(replace(full, extras=frozenset()), programs, layout.home, {})
        assert sorted(path.name for path in etc.glob("*-*.properties")) == []


class TestMaven:
    def test_poms_name_no_host(self, tmp_path: Path) -> None:
        whole = Artifact(group="io.trino", name="trino-main", version="1", without=("a:b", "c:*"))
        alone = Artifact(group="g", name="n", version="2", type="tar.gz", alone=True)
        maven._write_poms(tmp_path, {"lib": whole, "server": alone})
        text = "".join(path.read_text() for path in sorted(tmp_path.rglob("pom.xml")))
        assert "://" not in text
        assert "<module>lib</module><module>server</module>" in text
        assert "<groupId>c</groupId><artifactId>*</artifactId>" in text
        assert "<groupId>*</groupId><artifactId>*</artifactId>" in text

    def test_a_recipe_tells_changes(self) -> None:
        one = Artifact(group="g", name="n", version="1")
        assert maven.recipe({"a": one}) != maven.recipe({"a": replace(one, beside=(one,))})
        assert maven.recipe({"a": one}) != maven.recipe({"a": replace(one, version="2")})


class TestRefused:
    @pytest.mark.parametrize(
        ("request_", "named"),
        [
            (StackRequest(trino=400), "Trino 400"),
            (StackRequest(services=frozenset({"kafka"})), "service named kafka"),
            (StackRequest(ports={"mongo": 1}), "port named mongo"),
            (StackRequest(services=frozenset({"opa"})), "no OPA plugin for Trino 483"),
            (StackRequest(services=frozenset({"events"})), "no event listener for Trino 483"),
        ],
    )
    def test_before_anything_is_made(
        self, request_: StackRequest, named: str, tmp_path: Path
    ) -> None:
        home = tmp_path / "x"
        with pytest.raises(PhloSqlError, match=named) as caught:
            stack.up(replace(request_, directory=home))
        assert caught.value.code is Code.BAD_SETTING
        assert not home.exists()

    def test_nothing_runs_and_nothing_is_stopped(self, tmp_path: Path) -> None:
        assert stack.status("x", tmp_path / "x") is None
        assert stack.down(StackRequest(name="x", directory=tmp_path / "x"), purge=True) is None
        assert list(tmp_path.iterdir()) == []
