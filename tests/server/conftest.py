"""A running server of an environment, with the real identity provider of the identity tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from alchemesh_platform.registry.store import Registry
from tests.access.airport import record_airport
from tests.identity.conftest import issuer
from tests.identity.issuing import CLIENT, Issuer

__all__ = ["issuer"]

HERE = "office"


@dataclass(frozen=True)
class Running:
    """A running server.

    Args:
        url: Its address.
        home: The platform's home.
        process: Its process.
    """

    url: str
    home: Path
    process: subprocess.Popen[str]

    def post(self, token: str | None, body: Any, *, raw: bytes | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        content = json.dumps(body).encode() if raw is None else raw
        return httpx.post(
            f"{self.url}/v1/reports",
            content=content,
            headers={**headers, "Content-Type": "application/json"},
            timeout=30,
        )

    def registry(self) -> Registry:
        return Registry.open(registry_of(self.home))


def registry_of(home: Path) -> str:
    return f"sqlite:///{home / 'registry.db'}"


def platform_file(folder: Path, home: Path, issuer: Issuer) -> Path:
    """A platform whose products are reported about by people, and by one mapped pipeline."""
    pipeline = {
        "name": "flights",
        "claims": {"sub": "job:flights"},
        "products": ["aviation/flights"],
        "operations": ["report"],
    }
    identity = {"provider": "oidc", "issuer": issuer.url, "audience": CLIENT, "client": CLIENT, "pipelines": [pipeline]}
    environment = {"extends": "builtin/local", "registry": registry_of(home), "identity": identity}
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump({"kind": "Platform", "name": "acme", "environments": {HERE: environment}}))
    return file


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    home = folder / "home"
    home.mkdir()
    with Registry.open(registry_of(home)) as registry:
        record_airport(registry, HERE)
    file = platform_file(folder, home, issuer)
    command = [sys.executable, "-m", "alchemesh_cli", "server", "-e", HERE, "--platform", file, "--port", "0"]
    environ = {**os.environ, "ALCHEMESH_HOME": str(home), "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ, cwd=folder) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            assert first.endswith(f" serves {HERE}; Ctrl+C stops it\n"), first + process.stderr.read()
            yield Running(first.partition(" ")[0], home, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
