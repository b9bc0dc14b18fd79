"""Where a setting comes from, what it may be, and that a secret never shows."""

from __future__ import annotations

import base64
import json
import pickle
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from phlo_sql.config import DEFINITIONS, Secret, Settings, load, redact, redact_environment
from phlo_sql.config.layers import read_dotenv
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from pathlib import Path


def settings(
    cwd: Path, *, flags: dict[str, str] | None = None, environ: dict[str, str] | None = None
) -> Settings:
    return load(flags, environ=environ or {}, cwd=cwd)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def refusal(cwd: Path, **layers: dict[str, str]) -> PhloSqlError:
    with pytest.raises(PhloSqlError) as caught:
        settings(cwd, **layers)
    assert caught.value.code is Code.BAD_SETTING
    return caught.value


class TestLayers:
    def test_the_first_layer_that_names_a_setting_wins(self, tmp_path: Path) -> None:
        files = {
            ".phlo/.env": "TRINO_USER=one",
            ".phlo/.env.local": "TRINO_USER=two",
            ".phlo/overrides/.env": "TRINO_USER=three",
            ".phlo/secrets/.env": "TRINO_USER=four",
            "phlo-sql.toml": "trino_user = 'five'",
        }
        assert settings(tmp_path).trino_user.is_default
        for name, line in files.items():
            write(tmp_path / name, f"{line}\n")
            found = settings(tmp_path).trino_user
            assert found.source == name
            assert found.value in line
        environ = {"TRINO_USER": "six"}
        assert settings(tmp_path, environ=environ).trino_user.value == "six"
        assert settings(tmp_path, environ=environ).trino_user.source == "environment"
        found = settings(tmp_path, environ=environ, flags={"trino_user": "seven"}).trino_user
        assert (found.value, found.source) == ("seven", "flag")

    def test_an_empty_text_hides_what_lies_below(self, tmp_path: Path) -> None:
        write(tmp_path / "phlo-sql.toml", "trino_password = 'below'\ntrino_port = 9999\n")
        found = settings(tmp_path, environ={"TRINO_PASSWORD": "", "TRINO_PORT": ""})
        assert found.trino_password.value == Secret("")
        assert found.trino_password.source == "environment"
        assert (found.trino_port.value, found.trino_port.source) == (None, "environment")

    def test_of_several_variables_the_first_listed_wins(self, tmp_path: Path) -> None:
        environ = {"AWS_REGION": "aws", "ICEBERG_S3_REGION": "phlo"}
        assert settings(tmp_path, environ=environ).s3_region.value == "phlo"
        environ["PHLO_ICEBERG_S3_REGION"] = "aliased"
        assert settings(tmp_path, environ=environ).s3_region.value == "aliased"

    def test_the_file_is_found_upwards_and_may_have_a_section(self, tmp_path: Path) -> None:
        write(tmp_path / "phlo-sql.toml", "[phlo-sql]\ntrino-host = 'h'\n[refs]\ndev = 'lab'\n")
        deep = tmp_path / "a" / "b"
        deep.mkdir(parents=True)
        found = settings(deep)
        assert found.trino_host.value == "h"
        assert found.refs == {"dev": "lab"}
        assert found.file == tmp_path / "phlo-sql.toml"

    def test_a_named_file_is_used_instead(self, tmp_path: Path) -> None:
        write(tmp_path / "phlo-sql.toml", "trino_host = 'here'\n")
        write(tmp_path / "other.toml", "trino_host = 'there'\n")
        found = settings(tmp_path, flags={"config": "other.toml"})
        assert (found.trino_host.value, found.trino_host.source) == ("there", "other.toml")
        found = settings(tmp_path, environ={"PHLO_SQL_CONFIG": "other.toml"})
        assert found.trino_host.value == "there"
        assert "nowhere.toml" in refusal(tmp_path, flags={"config": "nowhere.toml"}).problem

    def test_an_unknown_key_is_refused_with_a_near_name(self, tmp_path: Path) -> None:
        write(tmp_path / "phlo-sql.toml", "trino_hots = 'h'\n")
        error = refusal(tmp_path)
        assert error.problem == "phlo-sql.toml: unknown setting 'trino_hots'"
        assert error.hint == "did you mean trino_host?"

    def test_a_file_that_is_no_toml_is_refused_in_one_line(self, tmp_path: Path) -> None:
        write(tmp_path / "phlo-sql.toml", "trino_host = \n")
        assert "\n" not in refusal(tmp_path).problem

    def test_dotted_keys_and_lists_of_the_file_become_text(self, tmp_path: Path) -> None:
        write(
            tmp_path / "phlo-sql.toml",
            "trino_client_tags = ['a', 'b']\n"
            "[trino_session_properties]\n"
            "query_max_run_time = '5m'\niceberg.target_max_file_size = '64MB'\n"
            "[catalogs.lake]\nuri = 'sqlite:///x'\ns3.region = 'r'\n's3.endpoint' = 'e'\n",
        )
        found = settings(tmp_path)
        assert found.trino_client_tags.value == ("a", "b")
        assert found.trino_session_properties.value == {
            "query_max_run_time": "5m",
            "iceberg.target_max_file_size": "64MB",
        }
        assert found.catalogs["lake"] == {
            "uri": "sqlite:///x",
            "s3.region": "r",
            "s3.endpoint": "e",
        }

    def test_phlos_project_may_lie_elsewhere(self, tmp_path: Path) -> None:
        write(tmp_path / "project" / ".phlo/.env", "trino_host=h\n")
        environ = {"PHLO_PROJECT_PATH": str(tmp_path / "project")}
        assert settings(tmp_path, environ=environ).trino_host.value == "h"
        assert settings(tmp_path).trino_host.value == ""


class TestDotenv:
    @pytest.mark.parametrize(
        ("line", "value"),
        [
            ("A=b", "b"),
            ("export A = b", "b"),
            ("A='b # c'", "b # c"),
            ('A="b \\" c" # d', 'b " c'),
            ("A=b # c", "b"),
            ("A=b#c", "b#c"),
            ("A=", ""),
            ("a=b", "b"),
            ("A=${HOME}/x", "/home/x"),
            ("A=${NONE:-y}", "y"),
            ("A='one'\nA=two", "two"),
        ],
    )
    def test_a_line_is_read_as_phlo_reads_it(self, line: str, value: str) -> None:
        assert read_dotenv(line, {"HOME": "/home"}) == {"A": value}

    def test_what_is_no_assignment_is_skipped(self) -> None:
        assert read_dotenv("# A=b\n\nnonsense\n", {}) == {}


class TestAddress:
    def test_an_address_names_scheme_host_and_port(self, tmp_path: Path) -> None:
        environ = {"TRINO_HOST": "other", "TRINO_PORT": "1", "TRINO_USER": "u"}
        found = settings(tmp_path, flags={"server": "https://t.example:8443"}, environ=environ)
        assert found.trino_host.value == "t.example"
        assert found.trino_port.value == 8443
        assert found.trino_http_scheme.value == "https"
        assert found.trino_user.value == "u"

    def test_the_port_of_another_layer_never_joins_an_address(self, tmp_path: Path) -> None:
        environ = {"TRINO_PORT": "10005"}
        found = settings(tmp_path, flags={"server": "http://t.example"}, environ=environ)
        assert found.trino_port.value == 8080
        found = settings(tmp_path, environ={"TRINO_HOST": "https://t.example", "TRINO_PORT": "9"})
        assert found.trino_port.value == 443

    def test_host_and_port_alone_leave_the_scheme(self, tmp_path: Path) -> None:
        found = settings(tmp_path, flags={"server": "t:8080"}, environ={})
        assert (found.trino_host.value, found.trino_port.value) == ("t", 8080)
        assert found.trino_http_scheme.is_default

    @pytest.mark.parametrize("address", ["ftp://t", "http://", "http://u:hunter2@t", "http://t:x"])
    def test_an_address_that_cannot_be_is_refused(self, tmp_path: Path, address: str) -> None:
        error = refusal(tmp_path, flags={"server": address})
        assert "hunter2" not in error.problem + error.hint


class TestValues:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TRINO_PORT", "0"),
            ("TRINO_PORT", "http"),
            ("TRINO_HTTP_SCHEME", "tls"),
            ("TRINO_OAUTH2", "maybe"),
            ("TRINO_REQUEST_TIMEOUT", "12 parsecs"),
            ("TRINO_REQUEST_TIMEOUT", "0s"),
            ("TRINO_SESSION_PROPERTIES", "a"),
        ],
    )
    def test_a_value_that_cannot_be_is_refused(self, tmp_path: Path, name: str, value: str) -> None:
        error = refusal(tmp_path, environ={name: value})
        assert name.lower() in error.problem
        assert "environment" in error.problem

    def test_values_have_their_types(self, tmp_path: Path) -> None:
        found = settings(
            tmp_path,
            environ={
                "TRINO_VERIFY": "false",
                "TRINO_REQUEST_TIMEOUT": "90",
                "TRINO_ROLES": "admin",
                "TRINO_SESSION_PROPERTIES": 'a=1,"b=2,3"',
            },
        )
        assert found.trino_verify.value is False
        assert found.trino_request_timeout.value == timedelta(seconds=90)
        assert found.trino_roles.value == {"system": "admin"}
        assert found.trino_session_properties.value == {"a": "1", "b": "2,3"}
        assert settings(tmp_path, environ={"TRINO_VERIFY": "/ca.pem"}).trino_verify.value == (
            "/ca.pem"
        )

    def test_the_table_is_whole(self) -> None:
        assert len(DEFINITIONS) >= 38
        assert all(definition.env and definition.help for definition in DEFINITIONS)
        variables = [name for definition in DEFINITIONS for name in definition.env]
        assert len(variables) == len(set(variables))
        assert {"TRINO_HOST", "TRINO_DEFAULT_REF", "NESSIE_HOST", "POSTGRES_DB"} <= set(variables)


class TestSecrets:
    SECRETS = (
        "TRINO_PASSWORD",
        "TRINO_JWT",
        "POSTGRES_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "NESSIE_TOKEN",
    )

    def secretive(self, cwd: Path) -> Settings:
        environ = {name: f"hunter2-{name.lower()}" for name in self.SECRETS}
        environ["ICEBERG_CATALOG_URI"] = "postgresql+psycopg://phlo:hunter2-uri@h:5432/phlo"
        write(cwd / "phlo-sql.toml", "[catalogs.x]\n's3.secret-access-key' = 'hunter2-toml'\n")
        return settings(cwd, environ=environ)

    def test_no_secret_is_in_any_form_of_the_settings(self, tmp_path: Path) -> None:
        found = self.secretive(tmp_path)
        shown = redact(f"{found} {found!r} {found.trino_password.value:>10}", found)
        assert "hunter2" not in shown
        password = found.trino_password.value
        assert f"{password}" == str(password) == "***"
        with pytest.raises(TypeError):
            pickle.dumps(password)
        with pytest.raises(TypeError):
            json.dumps(password)

    def test_every_secret_is_taken_out_of_a_text(self, tmp_path: Path) -> None:
        found = self.secretive(tmp_path)
        assert len(found.secrets()) == len(self.SECRETS) + 2
        text = " ".join(found.secrets())
        assert "hunter2" in text
        assert redact(text, found) == " ".join(["***"] * len(found.secrets()))

    @pytest.mark.parametrize("secret", ['a b"c', "p%q&r", "o'clock", "x\\y", "käse"])
    def test_a_secret_is_found_in_other_spellings(self, tmp_path: Path, secret: str) -> None:
        found = settings(tmp_path, environ={"TRINO_PASSWORD": secret, "TRINO_USER": "u"})
        for spelling in (
            secret,
            quote(secret, safe=""),
            json.dumps(secret)[1:-1],
            secret.replace("'", "''"),
            base64.b64encode(f"u:{secret}".encode()).decode(),
        ):
            assert redact(f"<{spelling}>", found) == "<***>"

    def test_a_short_secret_does_not_eat_ordinary_text(self, tmp_path: Path) -> None:
        found = settings(tmp_path, environ={"POSTGRES_PASSWORD": "phlo"})
        text = "phlo-sql in /opt/phlo/x: password=phlo postgresql://phlo:phlo@h"
        assert redact(text, found) == (
            "phlo-sql in /opt/phlo/x: password=*** postgresql://phlo:***@h"
        )

    def test_a_password_in_the_query_of_an_address(self, tmp_path: Path) -> None:
        uri = "postgresql://h/db?user=u&password=hunter2&x=y"
        found = settings(tmp_path, environ={"ICEBERG_CATALOG_URI": uri})
        assert redact(f"{uri} hunter2", found) == ("postgresql://h/db?user=u&password=***&x=y ***")

    def test_the_environment_alone_is_redacted_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRINO_PASSWORD", "hunter2")
        monkeypatch.setenv("SOME_URI", "http://u:letmein@h/x")
        text = redact_environment("hunter2 letmein Bearer abcdefghijkl http://x:y@z")
        assert text == "*** *** Bearer *** http://x:***@z"

    def test_a_bad_secret_is_not_shown_in_the_error(self, tmp_path: Path) -> None:
        error = refusal(tmp_path, flags={"server": "http://u:hunter2@h"})
        assert "hunter2" not in f"{error.problem} {error.hint}"
