"""`alchemesh server`: where it may listen, and the reasons for which it does not start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.server import serve
from tests.identity.issuing import Issuer
from tests.server.conftest import HERE, platform_file


@pytest.fixture
def started(issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of a server of an environment with an identity provider."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    file = platform_file(tmp_path, tmp_path / "home", issuer)
    return ["server", "-e", HERE, "--platform", str(file)]


def test_a_server_without_an_identity_provider_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert invoke(["server"]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        "error: environment local has no identity provider, so the server cannot identify its callers\n\n"
        "hint: set identity.provider: oidc in the platform file, with issuer and audience\n"
    )


def test_tokens_never_cross_the_network_in_clear(started: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*started, "--host", "0.0.0.0"]) == ExitCode.USAGE  # noqa: S104 - it is refused
    printed = capsys.readouterr().err
    assert "0.0.0.0 can be reached by other machines, and tokens would cross the network in clear" in printed
    assert "--behind-proxy if a proxy speaks TLS with the clients" in printed


def test_a_certificate_needs_its_key(started: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.pem").write_text("")
    assert invoke([*started, "--tls-certificate", str(tmp_path / "server.pem")]) == ExitCode.USAGE
    assert "a TLS certificate needs its private key" in capsys.readouterr().err
    both = ["--tls-certificate", str(tmp_path / "server.pem"), "--tls-key", str(tmp_path / "server.key")]
    assert invoke([*started, *both]) == ExitCode.USAGE
    assert f"there is no file {tmp_path / 'server.key'}" in capsys.readouterr().err


def test_a_port_in_use_is_reported_with_the_remedy(started: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert invoke([*started, "--port", str(port)]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n\n"
        "hint: choose another port with --port, or 0 for a free one\n"
    )


def test_a_missing_library_is_named_with_the_command(
    started: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "missing_extras", tuple)
    assert invoke(started) == ExitCode.USAGE
    assert "pip install 'alchemesh-platform[server]'" in capsys.readouterr().err
